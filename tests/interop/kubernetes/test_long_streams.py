"""What client-go's own tests ask of remotecommand, over each of the four transports: 100 MB both ways, a minute of silence, five minutes of a hold.

The transports: WebSocket v5 and SPDY/3.1 as kubectl speaks them, WebSocket v4 as other clients do, and SPDY inside WebSocket as kubectl forwards ports.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest

from gateway.approvals.states import State, Ticket
from gateway.demo.cluster import free_port
from tests.interop.kubernetes.cluster import POD, Cluster

pytestmark = pytest.mark.long

SIZE = 100 * 1024 * 1024
SILENCE = 61
HOLD = 300
SPDY = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false", "KUBECTL_PORT_FORWARD_WEBSOCKETS": "false"}
TRANSPORTS = ("v5", "v4", "spdy", "tunnel")
HELD_POD = "please-hold"
CARD = "4539578763621486"


@pytest.fixture(scope="module")
def piece(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 MB of chance."""
    path = tmp_path_factory.mktemp("piece") / "data"
    path.write_bytes(secrets.token_bytes(SIZE))
    return path


def by_kubectl(cluster: Cluster, *words: str, data: Path | None = None, spdy: bool) -> tuple[int, str, bytes]:
    """An exec by kubectl: its status, the digest of what came, the first of it."""
    digest, first = hashlib.sha256(), b""
    command = cluster.command("exec", *(["-i"] if data is not None else []), "web", "--", *words)
    environment = {**os.environ, **(SPDY if spdy else {})}
    with (
        Path(os.devnull if data is None else data).open("rb") as given,
        subprocess.Popen(
            command, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        ) as client,
    ):
        assert client.stdout is not None
        assert client.stderr is not None
        while got := client.stdout.read(1 << 20):
            digest.update(got)
            first = first or got[:100]
        first = first or client.stderr.read()
    return client.returncode, digest.hexdigest(), first


def by_channels(cluster: Cluster, *words: str, data: Path | None = None) -> tuple[int, str, bytes]:
    """The same by a client of `v4.channel.k8s.io`, which knows no half-close: what runs has to end by itself."""
    return asyncio.run(_by_channels(cluster, words, data))


async def _by_channels(cluster: Cluster, words: tuple[str, ...], data: Path | None) -> tuple[int, str, bytes]:
    context = ssl.create_default_context(cafile=str(cluster.folder / "gateway.pem"))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    query = "&".join(
        [
            *(f"command={quote(word)}" for word in words),
            "stdout=true",
            "stderr=true",
            *(["stdin=true"] if data is not None else []),
        ]
    )
    url = f"https://127.0.0.1:{cluster.port}/api/v1/namespaces/t/pods/web/exec?{query}"
    digest, first, status = hashlib.sha256(), b"", -1
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {cluster.token}"}) as session,
        session.ws_connect(
            url, protocols=("v4.channel.k8s.io",), ssl=context, max_msg_size=0, heartbeat=5, compress=0
        ) as stream,
    ):
        connection = stream._response.connection
        assert connection is not None
        transport = connection.transport

        async def send() -> None:
            assert data is not None
            whole = data.read_bytes()
            for at in range(0, len(whole), 32768):
                await stream.send_bytes(b"\0" + whole[at : at + 32768])

        sending = asyncio.create_task(send()) if data is not None else None
        async for message in stream:
            if message.type is aiohttp.WSMsgType.BINARY and message.data[:1] == b"\1":
                digest.update(message.data[1:])
                first = first or message.data[1:101]
            elif message.type is aiohttp.WSMsgType.BINARY and message.data[:1] == b"\3":
                said = json.loads(message.data[1:])
                status = 0 if said["status"] == "Success" else int(said["details"]["causes"][0]["message"])
                first = first or message.data
        if sending is not None:
            await sending
    # WHY: what TLS has still to say at the end outlives the session, and the loop.
    if transport is not None:
        transport.abort()
        await asyncio.sleep(0)
    return status, digest.hexdigest(), first


@contextmanager
def echoing() -> Iterator[int]:
    """A port of this machine, which is the pod's: it says back whatever it is told."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=echo, args=(connection,), daemon=True).start()

        def echo(connection: socket.socket) -> None:
            with connection:
                while data := connection.recv(1 << 16):
                    connection.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@contextmanager
def forwarded(cluster: Cluster, pod: str, to: int, *, ready: float) -> Iterator[int]:
    """A local port that leads to one of a pod, by kubectl over WebSocket."""
    port = free_port()
    client = subprocess.Popen(
        cluster.command("port-forward", f"--pod-running-timeout={int(ready)}s", pod, f"{port}:{to}"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        assert client.stdout is not None
        line = client.stdout.readline()
        # What waited for an approval is warned of first.
        while line.startswith(b"Warning: "):
            line = client.stdout.readline()
        assert line.startswith(b"Forwarding from"), line
        yield port
    finally:
        client.kill()
        client.communicate()


def through(port: int, data: bytes) -> str:
    """The digest of what comes back of bytes, sent while they come back."""
    digest, left = hashlib.sha256(), len(data)
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        sending = threading.Thread(target=connection.sendall, args=(data,), daemon=True)
        sending.start()
        while left > 0:
            got = connection.recv(1 << 18)
            assert got, f"{left} bytes are missing"
            digest.update(got)
            left -= len(got)
        sending.join()
    return digest.hexdigest()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_100_mb_go_up_and_come_back_whole(cluster: Cluster, piece: Path, transport: str) -> None:
    wanted, began = hashlib.sha256(piece.read_bytes()).hexdigest(), time.monotonic()
    if transport == "tunnel":
        with echoing() as to, forwarded(cluster, "web", to, ready=60) as port:
            assert through(port, piece.read_bytes()) == wanted
    elif transport == "v4":
        status, got, said = by_channels(cluster, "head", "-c", str(SIZE), data=piece)
        assert (status, got) == (0, wanted), said
    else:
        status, got, said = by_kubectl(cluster, "cat", data=piece, spdy=transport == "spdy")
        assert (status, got) == (0, wanted), said
    print(f"{transport}: 100 MB both ways in {time.monotonic() - began:.1f} s")


def test_a_minute_of_silence_ends_nothing(cluster: Cluster) -> None:
    """client-go gives a connection up after 60 s without an answer to its pings."""

    def silent(transport: str) -> bytes:
        if transport == "tunnel":
            with (
                echoing() as to,
                forwarded(cluster, "web", to, ready=60) as port,
                socket.create_connection(("127.0.0.1", port), timeout=120) as connection,
            ):
                connection.sendall(b"one")
                assert connection.recv(10) == b"one"
                threading.Event().wait(SILENCE)
                connection.sendall(b"awake\n")
                return connection.recv(10)
        words = ("sh", "-c", f"sleep {SILENCE}; echo awake")
        by = (
            by_channels(cluster, *words) if transport == "v4" else by_kubectl(cluster, *words, spdy=transport == "spdy")
        )
        return by[2]

    with ThreadPoolExecutor(len(TRANSPORTS)) as pool:
        assert list(pool.map(silent, TRANSPORTS)) == [b"awake\n"] * len(TRANSPORTS)


@pytest.mark.timeout(HOLD + 110)
def test_what_is_held_for_five_minutes_goes_on(cluster: Cluster) -> None:
    held = json.dumps({**POD, "metadata": {"name": HELD_POD}})
    cluster.admin("apply", "-f", "-", data=held.encode())
    cluster.wait_for(lambda: b"Running" in cluster.admin("get", "pod", HELD_POD))

    def waiting(transport: str) -> tuple[int, bytes]:
        if transport == "tunnel":
            with (
                echoing() as to,
                forwarded(cluster, HELD_POD, to, ready=HOLD + 60) as port,
                socket.create_connection(("127.0.0.1", port), timeout=120) as connection,
            ):
                connection.sendall(b"please-hold\n")
                return 5, connection.recv(20)
        words = ("sh", "-c", "echo please-hold; exit 5")
        by = (
            by_channels(cluster, *words) if transport == "v4" else by_kubectl(cluster, *words, spdy=transport == "spdy")
        )
        return by[0], by[2]

    with ThreadPoolExecutor(len(TRANSPORTS)) as pool:
        came = [pool.submit(waiting, transport) for transport in TRANSPORTS]
        cluster.wait_for(lambda: len(open_tickets(cluster)) == len(TRANSPORTS) or None)
        cluster.wait_for(lambda: all_are_carried(cluster))
        threading.Event().wait(HOLD)
        assert [one.done() for one in came] == [False] * len(came), [one.exception() for one in came if one.done()]
        for ticket in open_tickets(cluster):
            cluster.approve(ticket)
        assert [one.result(120) for one in came] == [(5, b"please-hold\n")] * len(came)


def all_are_carried(cluster: Cluster) -> bool:
    """Whether what waits is what is to be carried. kubectl looks at a pod, twice, before it forwards ports of it: with the same mark."""
    waiting = open_tickets(cluster)
    looks = [ticket for ticket in waiting if f"/pods/{HELD_POD} HTTP" in ticket.shown.text]
    for ticket in looks:
        cluster.approve(ticket)
    return not looks and len(waiting) == len(TRANSPORTS)


def open_tickets(cluster: Cluster) -> list[Ticket]:
    assert cluster.gateway is not None
    return list(cluster.gateway.approvals.recent((State.REQUESTED,), 10, None))


@pytest.mark.parametrize("spdy", [False, True], ids=["websocket", "spdy"])
def test_what_a_real_container_says_is_masked(cluster: Cluster, spdy: bool) -> None:
    run: Callable[..., subprocess.CompletedProcess[bytes]] = cluster.kubectl
    script = "echo mask-me; echo write to ann@example.org; echo bob@example.org >&2; exit 3"
    done = run("exec", "web", "--", "sh", "-c", script, spdy=spdy)
    assert (done.returncode, done.stdout) == (3, b"mask-me\nwrite to [redacted]\n"), done.stderr
    assert done.stderr == b"[redacted]\ncommand terminated with exit code 3\n"
    done = run("exec", "-i", "web", "--", "sh", "-c", "cat; : mask-me", data=b"to cy@example.org\n" * 1000, spdy=spdy)
    assert (done.returncode, done.stdout) == (0, b"to [redacted]\n" * 1000), done.stderr
    done = run("exec", "web", "--", "sh", "-c", "printf '\\037\\213\\010\\377\\376'; : mask-me", spdy=spdy)
    assert done.returncode == 1
    assert b"no text" in done.stderr


@pytest.mark.parametrize("spdy", [False, True], ids=["websocket", "spdy"])
def test_logs_and_attach_of_a_real_container_are_masked(cluster: Cluster, spdy: bool) -> None:
    """The node's log is one line with the pod's name in it, which is a number of a card here; its processes say nothing to who attaches."""
    pod = json.dumps({**POD, "metadata": {"name": CARD}})
    cluster.admin("apply", "-f", "-", data=pod.encode())
    cluster.wait_for(lambda: b"Running" in cluster.admin("get", "pod", CARD))
    assert cluster.admin("logs", CARD) == f"log of t/{CARD}\n".encode()
    for words in (("logs", CARD), ("logs", "-f", CARD), ("logs", "--tail=1", CARD)):
        done = cluster.kubectl(*words, spdy=spdy)
        assert (done.returncode, done.stdout) == (0, b"log of t/[redacted]\n"), done.stderr
    done = cluster.kubectl("attach", CARD, spdy=spdy)
    assert done.returncode == 0, done.stderr
    verdicts = {entry.verdict for entry in cluster.decisions() if f"/pods/{CARD}/" in entry.text}
    assert verdicts == {"mask"}
