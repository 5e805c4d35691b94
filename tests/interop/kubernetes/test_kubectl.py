"""The kubectl that this machine has, whatever its age, through a gateway of its own that signs in with a token, before the real API server.

Each of allow, mask, hold and deny, for requests and for exec. The kubectl of the API server's own version is met in `test_requests` and
`test_streams`, a gateway that signs in with a certificate too.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.interop.kubernetes.cluster import POLICIES, WAIT, Cluster, certify, configuration, write_kubeconfigs

GATEWAY = "system:serviceaccount:t:gateway"
SIGNING_IN = 'credential = "env:CREDENTIAL"\n[resource.tls]\nca_file = "cluster/ca.crt"'
SECRET = base64.b64encode(secrets.token_bytes(15)).decode()
BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "gateway-by-token"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "impersonator"},
    "subjects": [{"kind": "ServiceAccount", "name": "gateway", "namespace": "t"}],
}


@pytest.fixture(scope="module")
def place(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    tool = os.environ.get("SALLYPORT_KUBECTL") or shutil.which("kubectl")
    if tool is None:
        missing("kubectl (apt: kubernetes-client)")
        raise AssertionError
    folder: Path = tmp_path_factory.mktemp("machine")
    (folder / "cluster").symlink_to(cluster.folder / "cluster")
    certify(folder)
    cluster.admin("create", "serviceaccount", "gateway")
    cluster.admin("apply", "-f", "-", data=json.dumps(BINDING).encode())
    cluster.admin("apply", "-f", "-", data=json.dumps(secret()).encode())
    token, credential = secrets.token_hex(20), cluster.admin("create", "token", "gateway").decode().strip()
    (folder / "policies").mkdir()
    (folder / "policies" / "place.rego").write_text(POLICIES)
    address = (cluster.folder / "cluster" / "address").read_text().strip().removeprefix("https://")
    (folder / "sallyport.toml").write_text(configuration(address, SIGNING_IN))
    for name, text in (("token", token), ("wrong", token[::-1])):
        (folder / name).write_text(text)
    made = Cluster(folder, tool, {"ANA": token, "CREDENTIAL": credential}, token)
    made.start()
    write_kubeconfigs(made)
    yield made
    made.stop()


def secret() -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "machine-db"}, "data": {"password": SECRET}}


def config_map(name: str) -> bytes:
    return json.dumps(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}}
    ).encode()


def arrived(place: Cluster, part: str) -> list[dict[str, object]]:
    """What the API server saw of this gateway with a part of an address."""
    seen = (one for one in place.requests() if one["user"]["username"] == GATEWAY)  # type: ignore[index]
    return [one for one in seen if part in str(one["requestURI"])]


def askers(place: Cluster, part: str) -> list[tuple[str, bool]]:
    """As whom those that were answered went on, and whether as a developer."""
    done = [one for one in arrived(place, part) if one["stage"] == "ResponseComplete"]
    people = [dict(one["impersonatedUser"]) for one in done]  # type: ignore[call-overload]
    return [(person["username"], "developers" in person["groups"]) for person in people]


def test_requests_go_on_as_who_asks(place: Cluster) -> None:
    assert b"pod/web\n" in place.kubectl("get", "pods", "-o", "name").stdout
    done = place.kubectl("create", "-f", "-", data=config_map("machine-one"))
    assert (done.returncode, done.stdout) == (0, b"configmap/machine-one created\n"), done.stderr
    assert place.kubectl("delete", "cm", "machine-one", "--wait=false").returncode == 0
    asking = askers(place, "/namespaces/t/")
    assert len(asking) >= 3
    assert set(asking) == {("ana", True)}


def test_a_denial_is_printed_and_nothing_arrives(place: Cluster) -> None:
    done = place.kubectl("get", "cm", "no-go")
    assert done.stderr.startswith(
        b"Error from server (Forbidden): the mark says no [place/MARKED]; leave the mark away"
    ), done.stderr
    assert not arrived(place, "no-go")
    assert place.kubectl("get", "pods", who="eve").returncode == 1


def test_values_of_secrets_are_masked(place: Cluster) -> None:
    for arguments in (
        ("get", "secret", "machine-db", "-o", "yaml"),
        ("get", "secrets", "-o", "json"),
        ("describe", "secret", "machine-db"),
    ):
        done = place.kubectl(*arguments)
        assert done.returncode == 0, done.stderr
        assert SECRET.encode() not in done.stdout
    shown = place.kubectl("get", "secret", "machine-db", "-o", "jsonpath={.data.password}")
    assert shown.stdout == base64.b64encode(b"[redacted]")
    assert place.admin("get", "secret", "machine-db", "-o", "jsonpath={.data.password}") == SECRET.encode()


@pytest.mark.parametrize("spdy", [False, True], ids=["as it comes", "spdy"])
def test_exec_runs_or_says_why_not(place: Cluster, spdy: bool) -> None:
    done = place.kubectl("exec", "web", "--", "echo", "a b", spdy=spdy)
    assert (done.returncode, done.stdout) == (0, b"a b\n"), done.stderr
    done = place.kubectl("exec", "web", "--", "sh", "-c", "true; touch x", spdy=spdy)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"error: nothing is touched in a container [place/TOUCHES]; decision d-"), done.stderr
    assert not arrived(place, "touch")


@pytest.mark.parametrize("granted", [True, False])
def test_a_held_exec_waits_and_runs_or_not(place: Cluster, granted: bool) -> None:
    client = subprocess.Popen(
        place.command("exec", "web", "--", "echo", "please-hold"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "HOME": str(place.folder), "KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"},
    )
    assert client.stderr is not None
    ticket = place.ticket()
    assert f"waiting for an approval, ticket {ticket.id}" in client.stderr.readline().decode()
    (place.approve if granted else place.refuse)(ticket)
    out, err = client.communicate(timeout=WAIT)
    assert (client.returncode, out) == ((0, b"please-hold\n") if granted else (1, b"")), err


def test_a_held_request_waits_and_goes_on(place: Cluster) -> None:
    approving = threading.Thread(target=lambda: place.approve(place.ticket()))
    approving.start()
    done = place.kubectl("create", "-f", "-", data=config_map("machine-please-hold"))
    approving.join(WAIT)
    assert done.returncode == 0, done.stderr
    assert b"Warning: this waited for an approval" in done.stderr
    assert place.admin("get", "cm", "machine-please-hold", "-o", "name") == b"configmap/machine-please-hold\n"


def test_requests_may_come_over_http_2(place: Cluster) -> None:
    curl = (
        "curl",
        "-sSk",
        "--http2",
        "-m",
        "30",
        "-H",
        f"Authorization: Bearer {place.token}",
        "-w",
        "\n%{http_version} %{http_code}",
    )
    base = f"https://127.0.0.1:{place.port}/api/v1/namespaces/t"

    def asked(path: str) -> tuple[dict[str, object], str]:
        done = subprocess.run([*curl, f"{base}/{path}"], capture_output=True, text=True, timeout=WAIT, check=True)
        document, _, told = done.stdout.rpartition("\n")
        return json.loads(document), told

    document, told = asked("pods?limit=7")
    assert (told, document["kind"]) == ("2 200", "PodList")
    assert askers(place, "limit=7") == [("ana", True)]
    document, told = asked("configmaps/no-go")
    assert (told, document["kind"], document["reason"]) == ("2 403", "Status", "Forbidden")
