"""exec, attach, cp, port-forward and debug with kubectl as it is, over WebSocket and over SPDY, against a real API server and node."""

from __future__ import annotations

import http.server
import os
import socket
import subprocess
import threading
import urllib.request
from pathlib import Path

import pytest

from gateway.demo.cluster import free_port
from tests.interop.kubernetes.cluster import WAIT, Cluster

pytestmark = pytest.mark.parametrize("spdy", [False, True], ids=["websocket", "spdy"])


def test_a_command_runs_with_its_streams_and_status(cluster: Cluster, spdy: bool) -> None:
    done = cluster.kubectl("exec", "web", "--", "sh", "-c", "echo out; echo err >&2; exit 7", spdy=spdy)
    assert (done.returncode, done.stdout) == (7, b"out\n")
    assert done.stderr == b"err\ncommand terminated with exit code 7\n"
    done = cluster.kubectl("exec", "-i", "web", "--", "cat", data=b"x" * 3_000_000, spdy=spdy)
    assert (done.returncode, len(done.stdout)) == (0, 3_000_000)


def test_a_denied_command_says_why_and_runs_nothing(cluster: Cluster, spdy: bool) -> None:
    cluster.container.mkdir(parents=True, exist_ok=True)
    before = len(cluster.decisions())
    for words in (("touch", "canary"), ("sh", "-c", "true; touch canary"), ("env", "touch", "canary")):
        done = cluster.kubectl("exec", "web", "--", *words, spdy=spdy)
        assert done.returncode == 1
        assert done.stderr.startswith(b"error: nothing is touched in a container [place/TOUCHES]; decision d-"), (
            done.stderr
        )
    assert not list(cluster.folder.rglob("canary"))
    asked = [entry for entry in cluster.decisions()[before:] if "/exec?" in entry.text]
    assert [entry.verdict for entry in asked] == ["deny"] * 3, "one entry for what somebody did once"
    assert not [one for one in cluster.requests() if "touch" in str(one["requestURI"])], (
        "nothing reached the API server"
    )


def test_a_shell_that_reads_what_is_typed_is_not_carried(cluster: Cluster, spdy: bool) -> None:
    done = cluster.kubectl("exec", "-i", "web", "--", "sh", data=b"touch canary\n", spdy=spdy)
    assert done.returncode == 1
    assert b"give it the command" in done.stderr
    assert not list(cluster.folder.rglob("canary"))


@pytest.mark.parametrize("granted", [True, False])
def test_a_held_command_says_so_and_runs_once_it_is_approved(cluster: Cluster, spdy: bool, granted: bool) -> None:
    environment = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"} if spdy else {}
    client = subprocess.Popen(
        cluster.command("exec", "-i", "web", "--", "sh", "-c", "cat; echo please-hold"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    assert client.stdin is not None
    client.stdin.write(b"typed ahead\n")
    client.stdin.flush()
    ticket = cluster.ticket()
    assert client.stderr is not None
    said = client.stderr.readline().decode()
    assert said == f"sallyport: somebody looks first; waiting for an approval, ticket {ticket.id}\n"
    (cluster.approve if granted else cluster.refuse)(ticket)
    out, err = client.communicate(timeout=WAIT)
    if granted:
        assert (client.returncode, out, err) == (0, b"typed ahead\nplease-hold\n", b"")
    else:
        assert (client.returncode, out) == (1, b"")
        assert b"the approval was refused" in err


def test_who_leaves_while_held_takes_the_question_back(cluster: Cluster, spdy: bool) -> None:
    environment = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"} if spdy else {}
    client = subprocess.Popen(
        cluster.command("exec", "web", "--", "echo", "please-hold"),
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    ticket = cluster.ticket()
    client.kill()
    client.communicate()
    gateway = cluster.gateway
    assert gateway is not None

    def state() -> str | None:
        found = gateway.approvals.get(ticket.id)
        return found.state.value if found is not None and found.state.value != "requested" else None

    assert cluster.wait_for(state) == "withdrawn"


@pytest.mark.parametrize("script", ["echo up; sleep 60", "echo up; yes"], ids=["silent", "loud"])
def test_who_is_ended_while_a_command_runs_hears_why(cluster: Cluster, spdy: bool, script: str) -> None:
    environment = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"} if spdy else {}
    client = subprocess.Popen(
        cluster.command("exec", "-i", "web", "--", "sh", "-c", script),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    assert client.stdout is not None
    assert client.stdout.readline() == b"up\n"
    gateway = cluster.gateway
    assert gateway is not None
    for one in gateway.ender.live():
        gateway.ender.end(one.session.id, by="lea", comment="not now")
    _, err = client.communicate(timeout=20)
    assert (client.returncode, err) == (1, b"error: an operator ended this session: not now\n")


def test_files_are_copied_both_ways(cluster: Cluster, spdy: bool, tmp_path: Path) -> None:
    data = os.urandom(2_000_000)
    (tmp_path / "up").write_bytes(data)
    there = tmp_path / "there"
    assert cluster.kubectl("cp", str(tmp_path / "up"), f"web:{there}", spdy=spdy).returncode == 0
    assert there.read_bytes() == data
    assert cluster.kubectl("cp", f"web:{there}", str(tmp_path / "down"), spdy=spdy).returncode == 0
    assert (tmp_path / "down").read_bytes() == data


def test_a_forwarded_port_carries_and_a_denied_one_is_not_opened(cluster: Cluster, spdy: bool) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    server.RequestHandlerClass.log_message = lambda *_: None  # type: ignore[method-assign,misc]  # quiet
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = free_port()
    environment = {"KUBECTL_PORT_FORWARD_WEBSOCKETS": "false"} if spdy else {}
    client = subprocess.Popen(
        cluster.command("port-forward", "web", f"{port}:{server.server_address[1]}"),
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    try:
        assert client.stdout is not None
        assert client.stdout.readline().startswith(b"Forwarding from")
        for _ in range(3):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=WAIT) as answer:
                assert answer.status == 200
    finally:
        client.kill()
        client.communicate()
        server.shutdown()
        server.server_close()
    done = cluster.kubectl("port-forward", "no-go", f"{port}:80", spdy=spdy)
    assert (done.returncode, done.stderr[:50]) == (1, b"Error from server (Forbidden): the mark says no [p")
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_what_the_api_server_refuses_comes_as_it_is(cluster: Cluster, spdy: bool) -> None:
    done = cluster.kubectl("exec", "nobody", "--", "ls", spdy=spdy)
    assert done.stderr == b'Error from server (NotFound): pods "nobody" not found\n'


def test_attach_is_a_question_of_its_own(cluster: Cluster, spdy: bool) -> None:
    done = cluster.kubectl("attach", "web", spdy=spdy)
    assert done.returncode == 0, done.stderr
    assert any("/attach?" in entry.text for entry in cluster.decisions())


def test_a_debug_container_is_seen_as_one(cluster: Cluster, spdy: bool) -> None:
    done = cluster.kubectl(
        "debug", "web", "--image=no-go", "--target=main", "-c", f"dbg{int(spdy)}", "--", "ls", spdy=spdy
    )
    assert b"the mark says no" in done.stderr
    assert b"no-go" not in cluster.admin("get", "pod", "web", "-o", "yaml")


@pytest.mark.long
def test_a_hold_outlasts_the_patience_of_the_client(cluster: Cluster, spdy: bool) -> None:
    """kubectl gives a stream of SPDY 30 s to be answered, and a WebSocket 61 s to be alive."""
    environment = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"} if spdy else {}
    client = subprocess.Popen(
        cluster.command("exec", "web", "--", "echo", "please-hold"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    ticket = cluster.ticket()
    threading.Event().wait(70)
    assert client.poll() is None
    cluster.approve(ticket)
    out, err = client.communicate(timeout=WAIT)
    assert (client.returncode, out) == (0, b"please-hold\n"), err
