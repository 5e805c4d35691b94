"""kubectl as it is, against a real API server: what is allowed works, what is not says why, and who asks is who they are."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.interop.kubernetes.cluster import WAIT, Cluster


def config_map(name: str, **data: str) -> bytes:
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}).encode()


def whoami(cluster: Cluster, who: str = "ana") -> dict[str, object]:
    review = b'{"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}'
    done = cluster.kubectl("create", "-o", "json", "-f", "-", data=review, who=who)
    assert done.returncode == 0, done.stderr
    said: dict[str, object] = json.loads(done.stdout)["status"]["userInfo"]
    return said


def deployment(name: str) -> bytes:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "none"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return json.dumps(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
    ).encode()


def test_get_in_every_form(cluster: Cluster) -> None:
    done = cluster.kubectl("get", "pods")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:5] == [b"NAME", b"READY", b"STATUS", b"RESTARTS", b"AGE"]
    assert b"web" in done.stdout.split()
    assert json.loads(cluster.kubectl("get", "pod", "web", "-o", "json").stdout)["metadata"]["name"] == "web"
    assert b"Name:" in cluster.kubectl("describe", "pod", "web").stdout
    assert cluster.kubectl("get", "pod", "web", "-o", "yaml").stdout == cluster.admin("get", "pod", "web", "-o", "yaml")


def test_discovery_and_explanations(cluster: Cluster) -> None:
    assert b"deployments" in cluster.kubectl("api-resources").stdout
    assert b"apps/v1" in cluster.kubectl("api-versions").stdout
    assert b"FIELDS" in cluster.kubectl("explain", "pod.spec").stdout
    assert b"Server Version" in cluster.kubectl("version").stdout


def test_apply_patch_label_scale_and_delete(cluster: Cluster) -> None:
    assert cluster.kubectl("apply", "-f", "-", data=config_map("one", a="1")).returncode == 0
    assert cluster.kubectl("apply", "--server-side", "-f", "-", data=config_map("two", a="1")).returncode == 0
    done = cluster.kubectl("apply", "-f", "-", data=config_map("one", a="2"))
    assert b"configured" in done.stdout, done.stderr
    assert cluster.kubectl("patch", "cm", "one", "-p", '{"data":{"b":"3"}}').returncode == 0
    assert cluster.kubectl("label", "cm", "one", "x=y").returncode == 0
    assert cluster.kubectl("apply", "-f", "-", data=deployment("shop")).returncode == 0
    assert cluster.kubectl("scale", "deployment", "shop", "--replicas=3").returncode == 0
    assert json.loads(cluster.admin("get", "cm", "one", "-o", "json"))["data"] == {"a": "2", "b": "3"}
    assert json.loads(cluster.admin("get", "deployment", "shop", "-o", "json"))["spec"]["replicas"] == 3
    done = cluster.kubectl("delete", "cm/one", "cm/two", "deployment/shop")
    assert done.returncode == 0, done.stderr
    assert b"one" not in cluster.admin("get", "cm")


def test_what_kubectl_sends_in_protobuf_is_read(cluster: Cluster) -> None:
    assert b"yes" in cluster.kubectl("auth", "can-i", "get", "pods").stdout
    assert json.loads(cluster.kubectl("auth", "whoami", "-o", "json").stdout)["status"]["userInfo"]["username"] == "ana"
    for arguments in (
        ("create", "configmap", "typed", "--from-literal=a=b"),
        ("create", "deployment", "typed", "--image=none", "--replicas=2"),
        ("create", "secret", "generic", "typed", "--from-literal=k=v"),
        ("create", "job", "typed", "--image=none", "--", "sh", "-c", "true"),
        ("create", "role", "typed", "--verb=get", "--resource=pods"),
        ("create", "service", "clusterip", "typed", "--tcp=80:8080"),
        ("expose", "deployment", "typed", "--port=80", "--name=shown"),
        ("autoscale", "deployment", "typed", "--max=3"),
        ("run", "typed", "--image=none", "--overrides", '{"spec":{"nodeName":"node1"}}'),
    ):
        done = cluster.kubectl(*arguments)
        if arguments[1] != "role":
            assert done.returncode == 0, done.stderr
    same = json.loads(cluster.admin("get", "deployment", "typed", "-o", "json"))["spec"]
    assert (same["replicas"], same["template"]["spec"]["containers"][0]["image"]) == (2, "none")
    assert any('"replicas": 2' in entry.text for entry in cluster.decisions()), "it is judged as it is read"
    cluster.admin("delete", "cm,deployment,secret,job,service,hpa,pod", "typed", "--ignore-not-found", "--wait=false")
    cluster.admin("delete", "service", "shown")
    done = cluster.kubectl("create", "configmap", "no-go")
    assert b"the mark says no [place/MARKED]" in done.stderr


def test_who_asks_is_who_they_are_to_the_api_server(cluster: Cluster) -> None:
    said = whoami(cluster)
    assert said["username"] == "ana"
    assert set(said["groups"]) == {"developers", "system:authenticated"}
    cluster.kubectl("get", "pods", "--selector=who=asks")
    told = [one for one in cluster.requests() if "who%3Dasks" in str(one["requestURI"])]
    assert {one["user"]["username"] for one in told} == {"sallyport-gateway"}  # type: ignore[index]  # the API server's own audit
    assert told[-1]["impersonatedUser"]["username"] == "ana"  # type: ignore[index]


def test_a_client_certificate_proves_who_somebody_is(cluster: Cluster) -> None:
    assert whoami(cluster, who="cert")["username"] == "ana"


def test_without_a_proof_nobody_comes_in(cluster: Cluster) -> None:
    before = len(cluster.requests())
    done = cluster.kubectl("get", "pods", who="eve")
    assert done.returncode == 1
    assert b"You must be logged in to the server (Unauthorized" in done.stderr
    assert not [one for one in cluster.requests()[before:] if "impersonatedUser" in one], done.stderr


def test_a_denied_request_says_why_in_kubectl_and_reaches_nothing(cluster: Cluster) -> None:
    done = cluster.kubectl("create", "-f", "-", data=config_map("no-go"))
    assert done.returncode == 1
    assert (
        b'(Forbidden): error when creating "STDIN": the mark says no [place/MARKED]; leave the mark away' in done.stderr
    )
    assert b"no-go" not in cluster.admin("get", "cm")
    done = cluster.kubectl("get", "cm", "no-go")
    assert done.stderr.startswith(b"Error from server (Forbidden): the mark says no [place/MARKED]"), done.stderr
    entry = cluster.decisions()[-1]
    assert (entry.verdict, entry.principal, entry.protocol) == ("deny", "ana", "kubernetes")
    assert not [one for one in cluster.requests() if "configmaps/no-go" in str(one["requestURI"])][1:]


@pytest.mark.parametrize("granted", [True, False])
def test_a_held_request_waits_and_goes_on_or_not(cluster: Cluster, granted: bool) -> None:
    name = f"please-hold-{granted}".lower()
    manifest = cluster.folder / "held.json"
    manifest.write_bytes(config_map(name))
    client = subprocess.Popen(
        cluster.command("create", "-f", str(manifest)), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    ticket = cluster.ticket()
    assert name.encode() not in cluster.admin("get", "cm")
    (cluster.approve if granted else cluster.refuse)(ticket)
    out, err = client.communicate(timeout=WAIT)
    assert client.returncode == (0 if granted else 1), err
    assert (name.encode() in cluster.admin("get", "cm")) is granted
    if granted:
        assert f"Warning: this waited for an approval: ticket {ticket.id}" in err.decode()
        assert b"created" in out
    else:
        assert b"the approval was refused" in err


def test_nobody_acts_as_somebody_else(cluster: Cluster) -> None:
    done = cluster.kubectl("get", "pods", "--as", "system:admin")
    assert done.returncode == 1
    assert b"who you are is the gateway's to say" in done.stderr
    assert not [one for one in cluster.requests() if "system:admin" in json.dumps(one.get("impersonatedUser", {}))]


def test_a_watch_streams_as_things_happen(cluster: Cluster) -> None:
    client = subprocess.Popen(
        cluster.command("get", "cm", "-w", "-o", "name"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert client.stdout is not None
        cluster.wait_for(lambda: any("watch=true" in entry.text for entry in cluster.decisions()))
        cluster.admin("create", "cm", "seen")
        for line in client.stdout:
            if line == b"configmap/seen\n":
                break
        else:
            raise AssertionError("the watch ended")
        cluster.admin("delete", "cm", "seen")
    finally:
        client.kill()
        client.communicate()


def test_logs_and_a_large_list_come_whole(cluster: Cluster) -> None:
    assert cluster.kubectl("logs", "web").stdout == cluster.admin("logs", "web")
    objects = [json.loads(config_map(f"many-{number}", x="y" * 2000)) for number in range(700)]
    cluster.admin("create", "-f", "-", data=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).encode())
    assert cluster.kubectl("get", "cm", "-o", "name").stdout == cluster.admin("get", "cm", "-o", "name")
    through = cluster.kubectl("get", "cm", "-o", "json", "--chunk-size=0").stdout
    assert len(json.loads(through)["items"]) >= 700
    assert through == cluster.admin("get", "cm", "-o", "json", "--chunk-size=0")
    cluster.admin("delete", "--raw", "/api/v1/namespaces/t/configmaps")


def test_a_path_that_is_not_canonical_reaches_nothing(cluster: Cluster) -> None:
    for path in ("/api/v1/namespaces/t/../t/pods", "/api/v1//pods", "/api/v1/namespaces/t/%70ods"):
        assert cluster.ask(f"GET {path}").startswith(b"HTTP/1.1 400 "), path


def test_masked_secrets_in_every_form(cluster: Cluster) -> None:
    cluster.admin("create", "secret", "generic", "db", "--from-literal=password=hunter2-hunter2")
    value = "aHVudGVyMi1odW50ZXIy"
    assert value.encode() in cluster.admin("get", "secret", "db", "-o", "yaml")
    for arguments in (
        ("get", "secret", "db", "-o", "yaml"),
        ("get", "secrets", "-o", "yaml"),
        ("get", "secrets"),
        ("get", "secrets", "-o", "json"),
        ("describe", "secret", "db"),
        ("get", "secret", "db", "-o", "jsonpath={.data.password}"),
        ("get", "--raw", "/api/v1/namespaces/t/secrets/db"),
        ("label", "secret", "db", "a=b", "--overwrite", "-o", "yaml"),
    ):
        done = cluster.kubectl(*arguments)
        assert done.returncode == 0, done.stderr
        assert value.encode() not in done.stdout, arguments
        assert b"hunter2" not in done.stdout, arguments
    shown = cluster.kubectl("get", "secret", "db", "-o", "go-template={{.data.password | base64decode}}").stdout
    assert shown == b"***" or b"redacted" in shown, "a masked value is still Base64"
    cluster.admin("delete", "secret", "db")


def test_the_copy_that_apply_leaves_is_masked_too(cluster: Cluster) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "copied"},
        "data": {"k": "aHVudGVyMi1odW50ZXIy"},
    }
    cluster.admin("apply", "-f", "-", data=json.dumps(secret).encode())
    assert b"aHVudGVy" in cluster.admin("get", "secret", "copied", "-o", "jsonpath={.metadata.annotations}")
    for arguments in (
        ("get", "secret", "copied", "-o", "yaml"),
        ("get", "--raw", "/api/v1/namespaces/t/secrets"),
        ("get", "--raw", "/api/v1/secrets?watch=true&timeoutSeconds=1"),
    ):
        done = cluster.kubectl(*arguments)
        assert done.returncode == 0, done.stderr
        assert b"copied" in done.stdout
        assert b"aHVudGVy" not in done.stdout
    cluster.admin("delete", "secret", "copied")
