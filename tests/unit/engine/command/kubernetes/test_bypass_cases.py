"""The ways around a guard that a parser of Kubernetes must see (cases 83-94 of the list of them), in several spellings."""

from __future__ import annotations

import json

import pytest

from tests.web_requests import api, codes, kinds, kubectl

POD = "/api/v1/namespaces/a/pods/web"
HOST_POD = {
    "spec": {"volumes": [{"hostPath": {"path": "/"}}], "hostPID": True, "nodeName": "n", "serviceAccountName": "admin"}
}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_83_attach_is_no_reading_whatever_its_method(method: str) -> None:
    assert api(method, f"{POD}/attach?stdin=true").operations[0].effect == "execute"


@pytest.mark.parametrize(
    "headers",
    [
        {"Connection": "Upgrade", "Upgrade": "SPDY/3.1"},
        {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Protocol": "v5.channel.k8s.io"},
        {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Protocol": "base64.channel.k8s.io"},
        {"Connection": "upgrade", "Upgrade": "websocket"},
    ],
)
def test_84_every_handshake_is_the_same_request(headers: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        command = api(method, f"{POD}/exec?command=ls", headers=headers)
        assert kinds(command) == ["exec", "inspect"]
        assert command.kubernetes is None or command.kubernetes.argv == ("ls",)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/api/v1/nodes/n/proxy/exec/a/web/c",
            "/api/v1/nodes/n/proxy/run/a/web/c",
            f"{POD}/proxy/x",
            "/api/v1/nodes/n/proxy",
        ),
        *(
            "/api/v1/namespaces/a/services/https:s:443/proxy",
            "/api/v1/proxy/namespaces/a/pods/web",
            "/api/v1/proxy/nodes/n/run/x",
        ),
    ],
)
def test_85_proxies_run_things(path: str) -> None:
    assert [(one.kind, one.effect) for one in api("GET", path).operations] == [("proxy", "execute")]


@pytest.mark.parametrize("media", ["application/strategic-merge-patch+json", "application/merge-patch+json"])
def test_86_a_container_in_a_running_pod_is_seen_with_what_it_may_do(media: str) -> None:
    body = json.dumps(
        {"spec": {"ephemeralContainers": [{"targetContainerName": "c", "securityContext": {"privileged": True}}]}}
    )
    command = api("PATCH", f"{POD}/ephemeralcontainers", body, {"Content-Type": media})
    assert kinds(command) == ["ephemeral_container"]
    assert command.kubernetes is not None
    assert command.kubernetes.pods is not None
    assert command.kubernetes.pods.privileged


def test_87_every_pod_specification_is_looked_at() -> None:
    for document in (
        HOST_POD,
        {"spec": {"template": HOST_POD}},
        {"spec": {"jobTemplate": {"spec": {"template": HOST_POD}}}},
        {"kind": "List", "items": [{"spec": {"template": HOST_POD}}]},
    ):
        facts = api("POST", "/apis/apps/v1/namespaces/a/deployments", document).operations[0].kubernetes
        assert facts is not None
        assert facts.pods is not None
        assert (facts.pods.host_paths, facts.pods.host_pid, facts.pods.node_names, facts.pods.service_accounts) == (
            ("/",),
            True,
            ("n",),
            ("admin",),
        )
    overrides = json.dumps(HOST_POD)
    facts = kubectl(f"kubectl run x --image=i --overrides='{overrides}'").operations[0].kubernetes
    assert facts is not None
    assert facts.pods is not None
    assert facts.pods.host_pid


@pytest.mark.parametrize(
    "path",
    [
        *(
            "//api/v1//pods",
            "/api/v1/namespaces/a/../b/pods",
            "/api/v1/%2e%2e/pods",
            "/api/v1/namespaces%2Fa/pods",
            "/api/v1/pods;x",
        ),
        *(
            "/api/v1/pods/",
            "/API/v1/pods",
            "/api/v1/PODS",
            "/apis//v1",
            "/api/v1/./pods",
            "/api/v1/namespaces/a/pods/",
            "/api/v1/%70ods",
        ),
    ],
)
def test_88_what_is_not_canonical_is_refused(path: str) -> None:
    command = api("GET", path)
    assert (kinds(command), codes(command), command.complete) == (["unknown"], ["noncanonical_path"], False)


def test_88_the_prefix_of_watches_is_a_watch() -> None:
    assert kinds(api("GET", "/api/v1/watch/secrets")) == ["watch"]


def test_89_every_word_of_a_command_is_read_and_nothing_else_stands_twice() -> None:
    command = api("POST", f"{POD}/exec?command=sh&command=-c&command=rm+-rf+/&stdin=true")
    facts = command.operations[0].kubernetes
    assert facts is not None
    assert facts.argv == ("sh", "-c", "rm -rf /")
    for query in ("container=a&container=b", "stdin=true&stdin=false", "container=&container=x"):
        assert codes(api("POST", f"{POD}/exec?command=ls&{query}")) == ["repeated_parameter"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/v1/secrets", None),
        ("/api/v1/watch/namespaces/a/secrets", None),
        ("/api/v1/namespaces/a/secrets?fieldSelector=metadata.name%3Dx", "x"),
        ("/api/v1/namespaces/a/secrets?watch=1", None),
        ("/api/v1/namespaces/a/secrets/x", "x"),
    ],
)
def test_90_secrets_are_secrets_however_they_are_asked_for(path: str, name: str | None) -> None:
    facts = api("GET", path, headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}).kubernetes
    assert facts is not None
    assert (facts.resource, facts.name) == ("secrets", name)


@pytest.mark.parametrize(
    "headers",
    [{"Impersonate-User": "x"}, {"impersonate-user": "x"}, {"Impersonate-User": "x", "Impersonate-Extra-Scopes": "y"}],
)
def test_91_impersonation_is_an_operation(headers: dict[str, str]) -> None:
    assert kinds(api("GET", "/api/v1/pods", headers=headers)) == ["impersonate", "list"]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Remote-User": "x"},
        {"x_remote_user": "x"},
        {"Impersonate_User": "x"},
        {"Connection": "Impersonate-User"},
        {"Impersonate-Uid": "1"},
    ],
)
def test_91_other_ways_to_be_somebody_else_are_refused(headers: dict[str, str]) -> None:
    assert kinds(api("GET", "/api/v1/pods", headers=headers)) == ["unknown"]


def test_92_copying_is_an_exec() -> None:
    assert kinds(kubectl("kubectl cp web:/etc/shadow ./x")) == ["exec"]


@pytest.mark.parametrize(
    ("body", "media"),
    [
        ('{"spec": {"privileged": false, "privileged": true}}', "application/json"),
        ("spec:\n  privileged: false\n  privileged: true\n", "application/yaml"),
        ("k8s\0", "application/vnd.kubernetes.protobuf"),
        ("\xd9\xd9\xf7", "application/cbor"),
    ],
)
def test_93_bodies_that_are_read_in_two_ways_or_not_at_all_are_refused(body: str, media: str) -> None:
    assert kinds(api("POST", "/api/v1/namespaces/a/pods", body, {"Content-Type": media})) == ["unknown"]


def test_94_a_forwarded_port_is_marked_as_not_seen() -> None:
    assert "opaque_connection" in kubectl("kubectl port-forward node-exporter 10250").features
