"""Kubernetes' own client for Python, unmodified: requests, watches, exec and forwarded ports, each allowed, masked, held and denied."""

from __future__ import annotations

import base64
import http.server
import io
import json
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import pytest

from gateway.cli import main
from tests.interop.built import packaged
from tests.interop.kubernetes.cluster import WAIT, Cluster

SOURCES = Path(__file__).parent / "clients"
CLIENT = "kubernetes==37.0.2"
Done = subprocess.CompletedProcess[str]


def program(cluster: Cluster, *words: str) -> tuple[list[str], dict[str, str]]:
    """The line that does one thing, and its environment."""
    place, folder, printed = packaged(SOURCES / "python", CLIENT), cluster.folder, io.StringIO()
    with redirect_stdout(printed):
        asked = ["--config", str(folder / "sallyport.toml"), "--token-file", str(folder / "token")]
        assert main(["kubeconfig", "prod", *asked, "--ca", str(folder / "people.pem")]) == 0
    (folder / "python.kubeconfig").write_text(printed.getvalue())
    words = (sys.executable, str(place / "client.py"), str(folder / "python.kubeconfig"), *words)
    return list(words), {"PYTHONPATH": str(place / "packages"), "HOME": str(folder)}


def do(cluster: Cluster, *words: str, data: str = "") -> Done:
    line, environment = program(cluster, *words)
    return subprocess.run(
        line, input=data, env=environment, capture_output=True, text=True, timeout=WAIT * 2, check=False
    )


@contextmanager
def answering(cluster: Cluster, *, granted: bool) -> Iterator[None]:
    """The next that is held is granted or refused."""
    answer = cluster.approve if granted else cluster.refuse
    thread = threading.Thread(target=lambda: answer(cluster.ticket()))
    thread.start()
    yield
    thread.join(WAIT)


def test_requests_are_answered(cluster: Cluster) -> None:
    assert "web" in do(cluster, "pods").stdout.split()
    assert do(cluster, "deployments").returncode == 0
    for words, said in (
        (("create", "py-one"), "py-one"),
        (("patch", "py-one"), "2"),
        (("delete", "py-one"), "Success"),
    ):
        done = do(cluster, *words)
        assert (done.returncode, done.stdout.strip()) == (0, said), done.stderr


def test_a_denial_has_its_reason_and_nothing_comes_to_be(cluster: Cluster) -> None:
    done = do(cluster, "create", "py-no-go")
    assert done.returncode == 1
    assert done.stderr.startswith("403 ")
    assert "the mark says no [place/MARKED]; leave the mark away" in done.stderr
    assert "py-no-go" not in cluster.admin("get", "cm", "-o", "name").decode()


def test_values_of_secrets_are_masked(cluster: Cluster) -> None:
    value = secrets.token_hex(12)
    cluster.admin("create", "secret", "generic", "py-db", f"--from-literal=password={value}")
    done = do(cluster, "secret", "py-db")
    assert json.loads(done.stdout) == {"password": base64.b64encode(b"[redacted]").decode()}


@pytest.mark.parametrize("granted", [True, False])
def test_a_held_request_waits_and_goes_on_or_not(cluster: Cluster, granted: bool) -> None:
    name = f"py-{granted}-please-hold".lower()
    with answering(cluster, granted=granted):
        done = do(cluster, "create", name)
    assert done.returncode == (0 if granted else 1)
    assert granted or "the approval was refused" in done.stderr
    assert (name in cluster.admin("get", "cm", "-o", "name").decode()) is granted
    cluster.admin("delete", "cm", name, "--ignore-not-found")


def test_a_watch_hears_of_what_comes(cluster: Cluster) -> None:
    line, environment = program(cluster, "watch", "py-seen")
    with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline().startswith("ADDED")
        cluster.admin("create", "configmap", "py-seen")
        assert "ADDED py-seen\n" in list(client.stdout)
        assert client.wait(WAIT) == 0


def test_a_program_runs_or_says_why_not(cluster: Cluster) -> None:
    done = do(cluster, "exec", "sh", "-c", "head -n 1; echo far >&2; exit 3", data="given\n")
    assert (done.returncode, done.stdout, done.stderr) == (3, "given\n", "far\n")
    masked = do(cluster, "exec", "echo", "mask-me", "ann@example.org")
    assert masked.stdout == "mask-me [redacted]\n"
    denied = do(cluster, "exec", "touch", "canary")
    assert (denied.returncode, denied.stdout) == (1, "")
    assert "nothing is touched in a container" in denied.stderr
    assert not list(cluster.folder.rglob("canary"))


@pytest.mark.parametrize("granted", [True, False])
def test_a_held_program_waits(cluster: Cluster, granted: bool) -> None:
    with answering(cluster, granted=granted):
        done = do(cluster, "exec", "echo", "please-hold")
    assert (done.stdout == "please-hold\n") is granted
    assert "waiting for an approval" in done.stderr


def test_a_forwarded_port_carries_and_a_denied_one_does_not(cluster: Cluster) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    server.RequestHandlerClass.log_message = lambda *_: None  # type: ignore[method-assign,misc]  # quiet
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        done = do(cluster, "fetch", "web", str(server.server_address[1]))
        said = b"".join(base64.b64decode(line) for line in done.stdout.splitlines())
        assert said.startswith(b"HTTP/1.0 200 OK"), done.stderr
        denied = do(cluster, "fetch", "no-go", str(server.server_address[1]))
        assert denied.returncode == 1
        assert "the mark says no" in denied.stderr
    finally:
        server.shutdown()
        server.server_close()
