"""The ways around a guard of Kubernetes (83-94), each in several spellings: raw requests, sent by a developer.

`host` is the cluster they are sent to: in `dev` a developer changes workloads and runs programs, in `prod` nothing without somebody
looking. Whatever is listed here must come to nothing there: refused, or it waits for people. `TOKEN` stands for the developer's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

TOKEN = "T" * 40
DEV, PROD = "dev", "prod"
PODS = "/api/v1/namespaces/t/pods"
_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
_WEB = ("Connection: Upgrade", "Upgrade: websocket", f"Sec-WebSocket-Key: {_KEY}", "Sec-WebSocket-Version: 13")
_SPDY = ("Connection: Upgrade", "Upgrade: SPDY/3.1")
_V = "X-Stream-Protocol-Version: "


@dataclass(frozen=True, slots=True)
class Case:
    """One way: its number in the list, what it is, where it is tried, its spellings as bytes on the wire."""

    number: int
    title: str
    host: str
    texts: tuple[bytes, ...]


def _ask(line: str, *headers: str, body: str | bytes | None = None, content_type: str = "application/json") -> bytes:
    sent = b"" if body is None else body.encode() if isinstance(body, str) else body
    lines = [f"{line} HTTP/1.1", "Host: HOST", f"Authorization: Bearer {TOKEN}", *headers]
    lines += [f"Content-Type: {content_type}", f"Content-Length: {len(sent)}"] if body is not None else []
    return "\r\n".join((*lines, "", "")).encode("latin-1") + sent


def _web(target: str, *protocols: str) -> bytes:
    return _ask(f"GET {target}", *_WEB, *(f"Sec-WebSocket-Protocol: {one}" for one in protocols))


def _spdy(target: str, *versions: str) -> bytes:
    return _ask(f"POST {target}", *_SPDY, *(_V + one for one in versions), "Content-Length: 0")


def _pod(**spec: object) -> str:
    body = {"containers": [{"name": "a", "image": "none"}], **spec}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "way"}, "spec": body})


def _within(kind: str, spec: dict[str, object]) -> bytes:
    """A pod's specification inside another kind."""
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "none"}], **spec}}
    group, plural, inside = {
        "Job": ("batch/v1", "jobs", {"template": template}),
        "CronJob": ("batch/v1", "cronjobs", {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}}),
        "Deployment": ("apps/v1", "deployments", {"selector": {"matchLabels": {"a": "b"}}, "template": template}),
        "DaemonSet": ("apps/v1", "daemonsets", {"selector": {"matchLabels": {"a": "b"}}, "template": template}),
    }[kind]
    body = {"apiVersion": group, "kind": kind, "metadata": {"name": "way"}, "spec": inside}
    return _ask(f"POST /apis/{group}/namespaces/t/{plural}", body=json.dumps(body))


def _create(**spec: object) -> bytes:
    return _ask(f"POST {PODS}", body=_pod(**spec))


_HOST_PATH = {"volumes": [{"name": "h", "hostPath": {"path": "/"}}]}
_PRIVILEGED = {"containers": [{"name": "a", "image": "none", "securityContext": {"privileged": True}}]}
_EXEC = f"{PODS}/web/exec"
_RUN = "command=touch&command=way&stdout=true&stderr=true"
_SECRETS = "/api/v1/namespaces/t/secrets"
_DEBUG = json.dumps({"spec": {"ephemeralContainers": [{"name": "d", "image": "none", "targetContainerName": "main"}]}})
_STRONG = json.dumps(
    {"spec": {"ephemeralContainers": [{"name": "d", "image": "none", "securityContext": {"privileged": True}}]}}
)
_MERGE, _STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"
_PROTOBUF, _BINARY = "application/vnd.kubernetes.protobuf", b"k8s\x00\x0a\x09\x0a\x02v1\x12\x03Pod"
"""A Pod's envelope; 96 (0x60) is the tag of hostPID."""
_NAMED = '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"way"},'

CASES: tuple[Case, ...] = (
    Case(83, "attach to a process that may be a shell", DEV, (
        _web(f"{PODS}/web/attach?stdin=true&stdout=true&tty=true", "v5.channel.k8s.io"),
        _web(f"{PODS}/web/attach?stdin=1&stdout=true", "v4.channel.k8s.io"),
        _spdy(f"{PODS}/web/attach?stdin=true&stdout=true", "v4.channel.k8s.io"),
        _spdy(f"{PODS}/web/attach?stdin=yes&stdout=true&container=main", "v5.channel.k8s.io", "v4.channel.k8s.io"),
    )),
    Case(84, "another transport, version or encoding of an exec", PROD, (
        _web(f"{_EXEC}?{_RUN}", "v5.channel.k8s.io"), _web(f"{_EXEC}?{_RUN}", "v4.channel.k8s.io"), _web(f"{_EXEC}?{_RUN}"),
        _web(f"{_EXEC}?{_RUN}", "base64.channel.k8s.io"), _web(f"{_EXEC}?{_RUN}", "v4.base64.channel.k8s.io"),
        _web(f"{_EXEC}?{_RUN}", "channel.k8s.io"), _web(f"{_EXEC}?{_RUN}", "base64.channel.k8s.io", "v4.channel.k8s.io"),
        _spdy(f"{_EXEC}?{_RUN}", "v4.channel.k8s.io"), _spdy(f"{_EXEC}?{_RUN}", "v3.channel.k8s.io"), _spdy(f"{_EXEC}?{_RUN}"),
        _ask(f"GET {_EXEC}?{_RUN}", *_SPDY, _V + "v4.channel.k8s.io"), _ask(f"POST {_EXEC}?{_RUN}", *_WEB, "Content-Length: 0"),
        _ask(f"GET {_EXEC}?{_RUN}"), _ask(f"POST {_EXEC}?{_RUN}", "Content-Length: 0"), _ask(f"PUT {_EXEC}?{_RUN}", "Content-Length: 0"),
    )),
    Case(85, "around the API server: kubelets, pods and services by proxy", DEV, (
        _ask("GET /api/v1/nodes/node1/proxy/pods"), _ask("POST /api/v1/nodes/node1/proxy/run/t/web/main?cmd=id", "Content-Length: 0"),
        _web("/api/v1/nodes/node1/proxy/exec/t/web/main?command=id&output=1", "v4.channel.k8s.io"),
        _ask("GET /api/v1/nodes/node1:10250/proxy/metrics"), _ask("GET /api/v1/proxy/nodes/node1/pods"),
        _ask(f"GET {PODS}/web/proxy/"), _ask(f"GET {PODS}/web:8080/proxy/admin"),
        _ask("GET /api/v1/namespaces/t/services/https:api:443/proxy/"), _ask("DELETE /api/v1/namespaces/t/services/api/proxy/x"),
    )),
    Case(86, "a container put into a running pod", PROD, (
        _ask(f"PATCH {PODS}/web/ephemeralcontainers", body=_DEBUG, content_type=_STRATEGIC),
        _ask(f"PATCH {PODS}/web/ephemeralcontainers", body=_STRONG, content_type=_MERGE),
        _ask(f"PUT {PODS}/web/ephemeralcontainers", body=_DEBUG),
        _ask(f"PATCH {PODS}/web/ephemeralcontainers", content_type="application/json-patch+json",
             body=json.dumps([{"op": "add", "path": "/spec/ephemeralContainers", "value": [{"name": "d", "image": "none"}]}])),
    )),
    Case(87, "a pod that takes its node, whatever carries it", DEV, (
        _create(**_HOST_PATH), _create(hostPID=True), _create(hostNetwork=True), _create(hostIPC=True), _create(**_PRIVILEGED),
        _create(nodeName="node1"), _create(initContainers=_PRIVILEGED["containers"]),
        _create(containers=[{"name": "a", "image": "none", "securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}]),
        _within("Job", {"hostPID": True}), _within("CronJob", _HOST_PATH), _within("Deployment", _PRIVILEGED),
        _within("DaemonSet", {"hostNetwork": True}),
        _ask(f"POST {PODS}", body=json.dumps({"apiVersion": "v1", "kind": "PodList", "items": [json.loads(_pod(hostPID=True))]})),
        _create(nodeSelector={"kubernetes.io/hostname": "node1"}), _create(securityContext={"seLinuxOptions": {"type": "spc_t"}}),
        _ask(f"POST {PODS}/web/binding", body='{"metadata":{"name":"web"},"target":{"name":"node1"}}'),
        *(_ask(f"PATCH {PODS}/web", content_type="application/json-patch+json", body=json.dumps([
            {"op": "add", "path": f"/spec/containers/{at}/securityContext/capabilities/add/{at}", "value": "SYS_ADMIN"}]))
          for at in ("-", "0", "-1", "+0", "-0", "00")),
    )),
    Case(88, "paths that a server cleans, decodes or reads otherwise", DEV, tuple(_ask(f"GET {path}") for path in (
        "//api/v1/secrets", "/api/v1//secrets", "/api/v1/namespaces/t/../t/secrets", "/api/v1/./secrets", "/api/v1/%73ecrets",
        "/api/v1/namespaces/t/pods%2f..%2fsecrets", "/api/v1/secrets/", "/api/v1/secrets;x", "/API/v1/secrets", "/api/v1/Secrets",
        "/api/v1/watch/secrets", "/api/v1/watch/namespaces/t/secrets", "/apis//v1/secrets", "/api/v1/namespaces/t/pods/%2e%2e/secrets",
        "/api/v1/secrets%00", "/api/v1/secrets%20", "/api/v1\\secrets",
    ))),
    Case(89, "an argv said in parts, twice or not at all", PROD, (
        _web(f"{_EXEC}?command=sh&command=-c&command=touch+way&stdout=true", "v5.channel.k8s.io"),
        _web(f"{_EXEC}?command=ls&command=%3B&command=touch&stdout=true&container=main&container=other", "v5.channel.k8s.io"),
        _web(f"{_EXEC}?stdout=true&stdin=true", "v5.channel.k8s.io"), _web(f"{_EXEC}?command=&stdout=true", "v5.channel.k8s.io"),
        _web(f"{_EXEC}?command=sh&stdin=false&stdin=true&stdout=true", "v5.channel.k8s.io"),
        _web(f"{_EXEC}?command=env&command=touch&command=way&stdout=true", "v5.channel.k8s.io"),
        _web(f"{_EXEC}?stdout=true;command=touch", "v5.channel.k8s.io"),
        _web(f"{_EXEC}?c%6fmmand=touch&command=way&stdout=true", "v5.channel.k8s.io"),
    )),
    Case(90, "secrets by another way of asking", DEV, (
        _ask(f"GET {_SECRETS}"), _ask(f"GET {_SECRETS}?watch=1"), _ask(f"GET {_SECRETS}?fieldSelector=metadata.name%3Ddb"),
        _ask(f"GET {_SECRETS}", "Accept: application/json;as=Table;v=v1;g=meta.k8s.io"), _ask("HEAD /api/v1/secrets"),
        _ask(f"GET {_SECRETS}/db", "Accept: application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"),
        _ask("GET /api/v1/secrets?limit=1&continue=x"), _ask(f"GET {_SECRETS}", "Accept: application/vnd.kubernetes.protobuf"),
        _ask("POST /api/v1/namespaces/t/serviceaccounts/default/token",
             body='{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"audiences":["x"]}}'),
        _ask(f"POST {_SECRETS}", body=json.dumps({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
             "metadata": {"name": "way", "annotations": {"kubernetes.io/service-account.name": "default"}}})),
    )),
    Case(91, "somebody else's name in a header", DEV, tuple(_ask(f"GET {PODS}", *headers) for headers in (
        ("Impersonate-User: root",), ("impersonate-user: system:admin", "Impersonate-Group: system:masters"), ("Impersonate-Uid: 0",),
        ("Impersonate-Extra-Scopes: all",), ("X-Remote-User: root",), ("X-Remote-Group: system:masters",), ("Impersonate_User: root",),
        ("X_Remote_User: root",), ("Connection: Impersonate-User", "Impersonate-User: root"), ("Connection: authorization",),
    ))),
    Case(92, "files copied by an exec of tar", PROD, (
        _web(f"{_EXEC}?command=tar&command=-xmf&command=-&command=-C&command=%2F&stdin=true&stdout=true", "v5.channel.k8s.io"),
        _web(f"{_EXEC}?command=tar&command=cf&command=-&command=%2Fetc&stdout=true", "v5.channel.k8s.io"),
        _web(f"{_EXEC}?command=tar&command=-I&command=touch+way&command=-cf&command=-&command=x&stdout=true", "v5.channel.k8s.io"),
        _web(f"{_EXEC}?command=tar&command=--to-command=sh&command=-xf&command=-&stdin=true&stdout=true", "v5.channel.k8s.io"),
        _spdy(f"{_EXEC}?command=tar&command=xf&command=-&command=-C&command=..%2F..&stdin=true&stdout=true", "v4.channel.k8s.io"),
    )),
    Case(93, "bodies that two readers take for different ones", DEV, (
        _ask(f"POST {PODS}", body=_NAMED + '"spec":{"hostPID":false,"hostPID":true,"containers":[{"name":"a","image":"n"}]}}'),
        _ask(f"POST {PODS}", body=_NAMED + '"spec":{"hostP\\u0049D":true,"containers":[{"name":"a","image":"n"}]}}'),
        _ask(f"POST {PODS}", body=_BINARY + b"\x12\x04\x12\x02\x60\x01", content_type=_PROTOBUF),
        _ask(f"POST {PODS}", body=_BINARY + b"\x12\x06\x12\x04\x60\x01\x60\x00", content_type=_PROTOBUF),
        _ask(f"POST {PODS}", body=_BINARY + b"\x12\x05\x12\x03\xe8\x07\x01", content_type=_PROTOBUF),
        _ask(f"POST {PODS}", body=b"\xd9\xd9\xf7\xa1", content_type="application/cbor"),
        _ask(f"POST {PODS}", body="apiVersion: v1\nkind: Pod\nmetadata: {name: way}\nspec: &a {hostPID: true}\nx: *a\n",
             content_type="application/yaml"),
        _ask(f"POST {PODS}", body="kind: Pod\napiVersion: v1\nmetadata: {name: way}\nspec: {hostPID: true, containers: [{name: a, image: n}]}\n",
             content_type="application/yaml"),
        _ask(f"POST {PODS}", "Content-Encoding: gzip", body=b"\x1f\x8b\x08"),
        _ask(f"POST {PODS}", body=_pod(hostPID=True), content_type="text/plain"),
        _ask(f"PATCH {PODS}/web", body=_pod(hostPID=True), content_type="application/apply-patch+yaml"),
        _ask(f"PATCH {PODS}/web", body='[{"op":"copy","from":"/spec/a","path":"/spec/b"}]', content_type="application/json-patch+json"),
    )),
    Case(94, "ports into a pod or around it", PROD, (
        _web(f"{PODS}/web/portforward", "SPDY/3.1+portforward.k8s.io"), _web(f"{PODS}/web/portforward?ports=10250", "v4.channel.k8s.io"),
        _spdy(f"{PODS}/web/portforward", "portforward.k8s.io"), _spdy(f"{PODS}/web/portforward?ports=2379", "portforward.k8s.io"),
        _web(f"{PODS}/web/portforward", "portforward.k8s.io"), _ask(f"POST {PODS}/web/portforward?ports=6443", "Content-Length: 0"),
    )),
)  # fmt: skip
