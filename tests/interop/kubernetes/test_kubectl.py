"""The kubectl that this machine has (in CI Debian's 1.20, which speaks SPDY) through a whole gateway before a small API server.

Each of allow, mask, hold and deny, for requests and for exec. The real API server is met in `test_requests` and `test_streams`.
"""

from __future__ import annotations

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
from tests.interop.kubernetes.small_api import SmallApi

SECRET = "aHVudGVyMi1odW50ZXIy"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, SmallApi]]:
    tool = os.environ.get("SALLYPORT_KUBECTL") or shutil.which("kubectl")
    if tool is None:
        missing("kubectl (apt: kubernetes-client)")
        raise AssertionError
    folder: Path = tmp_path_factory.mktemp("small")
    certify(folder)
    token, credential = secrets.token_hex(20), secrets.token_hex(20)
    api = SmallApi(folder / "gateway.pem", folder / "gateway-key.pem", credential)
    (folder / "policies").mkdir()
    (folder / "policies" / "place.rego").write_text(POLICIES)
    signing_in = 'credential = "env:CREDENTIAL"\n[resource.tls]\nca_file = "people.pem"'
    (folder / "sallyport.toml").write_text(configuration(f"127.0.0.1:{api.port}", signing_in))
    for name, text in (("token", token), ("wrong", token[::-1])):
        (folder / name).write_text(text)
    made = Cluster(folder, tool, {"ANA": token, "CREDENTIAL": credential}, token)
    made.start()
    write_kubeconfigs(made)
    api.objects["secrets", "db"] = {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {"name": "db"},
        "data": {"password": SECRET},
    }
    api.objects["pods", "web"] = {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": "web", "namespace": "t"},
        "spec": {"containers": [{"name": "main", "image": "none"}]},
        "status": {"phase": "Running"},
    }
    yield made, api
    made.stop()
    api.close()


def config_map(name: str) -> bytes:
    return json.dumps(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}}
    ).encode()


def test_requests_go_on_as_who_asks(place: tuple[Cluster, SmallApi]) -> None:
    cluster, api = place
    assert cluster.kubectl("get", "pods", "-o", "name").stdout == b"pod/web\n"
    done = cluster.kubectl("create", "--validate=false", "-f", "-", data=config_map("one"))
    assert (done.returncode, done.stdout) == (0, b"configmap/one created\n"), done.stderr
    assert cluster.kubectl("delete", "cm", "one", "--wait=false").returncode == 0
    assert {(one.user, one.groups) for one in api.seen} == {("ana", ("developers",))}


def test_a_denial_is_printed_and_nothing_arrives(place: tuple[Cluster, SmallApi]) -> None:
    cluster, api = place
    done = cluster.kubectl("get", "cm", "no-go")
    assert done.stderr.startswith(
        b"Error from server (Forbidden): the mark says no [place/MARKED]; leave the mark away"
    ), done.stderr
    assert not any("no-go" in one.path for one in api.seen)
    assert cluster.kubectl("get", "pods", who="eve").returncode == 1


def test_values_of_secrets_are_masked(place: tuple[Cluster, SmallApi]) -> None:
    cluster, _ = place
    for arguments in (
        ("get", "secret", "db", "-o", "yaml"),
        ("get", "secrets", "-o", "json"),
        ("describe", "secret", "db"),
    ):
        done = cluster.kubectl(*arguments)
        assert done.returncode == 0, done.stderr
        assert SECRET.encode() not in done.stdout
    assert cluster.kubectl("get", "secret", "db", "-o", "jsonpath={.data.password}").stdout == b"W3JlZGFjdGVkXQ=="


def test_exec_runs_or_says_why_not(place: tuple[Cluster, SmallApi]) -> None:
    cluster, api = place
    done = cluster.kubectl("exec", "web", "--", "echo", "a b", spdy=True)
    assert (done.returncode, done.stdout) == (0, b'["echo", "a b"]\n'), done.stderr
    done = cluster.kubectl("exec", "web", "--", "sh", "-c", "true; touch x", spdy=True)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"error: nothing is touched in a container [place/TOUCHES]; decision d-")
    assert not any("touch" in one.path for one in api.seen)


@pytest.mark.parametrize("granted", [True, False])
def test_a_held_exec_waits_and_runs_or_not(place: tuple[Cluster, SmallApi], granted: bool) -> None:
    cluster, _ = place
    client = subprocess.Popen(
        cluster.command("exec", "web", "--", "echo", "please-hold"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "HOME": str(cluster.folder), "KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"},
    )
    assert client.stderr is not None
    ticket = cluster.ticket()
    assert f"waiting for an approval, ticket {ticket.id}" in client.stderr.readline().decode()
    (cluster.approve if granted else cluster.refuse)(ticket)
    out, err = client.communicate(timeout=WAIT)
    assert (client.returncode, out) == ((0, b'["echo", "please-hold"]\n') if granted else (1, b"")), err


def test_a_held_request_waits_and_goes_on(place: tuple[Cluster, SmallApi]) -> None:
    cluster, api = place
    approving = threading.Thread(target=lambda: cluster.approve(cluster.ticket()))
    approving.start()
    done = cluster.kubectl("create", "--validate=false", "-f", "-", data=config_map("please-hold"))
    approving.join(WAIT)
    assert done.returncode == 0, done.stderr
    assert b"Warning: this waited for an approval" in done.stderr
    assert ("configmaps", "please-hold") in api.objects


def test_requests_may_come_over_http_2(place: tuple[Cluster, SmallApi]) -> None:
    cluster, api = place
    curl = (
        "curl",
        "-sSk",
        "--http2",
        "-m",
        "30",
        "-H",
        f"Authorization: Bearer {cluster.token}",
        "-w",
        "\n%{http_version} %{http_code}",
    )
    base = f"https://127.0.0.1:{cluster.port}/api/v1/namespaces/t"

    def asked(path: str) -> tuple[dict[str, object], str]:
        done = subprocess.run([*curl, f"{base}/{path}"], capture_output=True, text=True, timeout=WAIT, check=True)
        document, _, told = done.stdout.rpartition("\n")
        return json.loads(document), told

    document, told = asked("pods")
    assert (told, document["kind"]) == ("2 200", "PodList")
    assert api.seen[-1].user == "ana"
    document, told = asked("configmaps/no-go")
    assert (told, document["kind"], document["reason"]) == ("2 403", "Status", "Forbidden")
