"""Bytes that no client would send, at a real listener before a real target: it answers or closes, and goes on serving."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Iterator

import pytest

from tests.interop.http.running import Running, Target, gateway_before

SEED = 20260728
SHORT = 150
LONG = 20_000
PIECES = (
    *(b"GET ", b"POST ", b"/x", b"/echo", b" HTTP/1.1", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b": ", b"Host: shop\r\n", b"\x00", b"\xff\xfe"),
    *(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n", b"Expect: 100-continue\r\n", b"chunked"),
    *(b"Connection: close\r\n", b"%2e%2e/", b"Upgrade: h2c\r\n", b"PRI * HTTP/2.0\r\n\r\n", b"\x16\x03\x01\x02\x00", b"A" * 5000, b" ", b"\t"),
)  # fmt: skip


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    made = Target()
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with gateway_before(tmp_path_factory.mktemp("fuzz"), f"127.0.0.1:{target.port}") as made:
        yield made


def garbage(chance: random.Random, token: str) -> bytes:
    pieces = [*PIECES, f"Authorization: Bearer {token}\r\n".encode(), chance.randbytes(chance.randrange(40))]
    made = b"".join(chance.choices(pieces, k=chance.randrange(1, 20)))
    if chance.random() < 0.5:
        whole = bytearray(
            f"POST /echo HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {token}\r\nContent-Length: 5\r\n\r\nhello".encode()
        )
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(whole))
            whole[at : at + chance.randrange(3)] = chance.choice(
                (b"", b"\r\n", b"\n", b" ", b"\x00", chance.randbytes(2))
            )
        made = bytes(whole)
    return made


def play(running: Running, target: Target, count: int) -> None:
    chance = random.Random(SEED)
    for _ in range(count):
        data = garbage(chance, running.token)
        with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
            try:
                at = 0
                while at < len(data):
                    size = chance.randrange(1, 400)
                    connection.sendall(data[at : at + size])
                    at += size
                with contextlib.suppress(OSError):  # WHY: the listener may have had enough of it before
                    connection.shutdown(socket.SHUT_WR)
                got = b""
                while piece := connection.recv(65536):
                    got += piece
            except ConnectionError:
                continue
        assert got == b"" or got.startswith(b"HTTP/1.1 "), data
    target.seen.clear()
    assert running.raw(running.request("GET /after", "Connection: close")).startswith(b"HTTP/1.1 200 ")
    assert target.paths() == ["/after"]


def test_garbage_leaves_the_listener_as_it_was(running: Running, target: Target) -> None:
    play(running, target, SHORT)


@pytest.mark.long
def test_much_garbage_leaves_the_listener_as_it_was(running: Running, target: Target) -> None:
    play(running, target, LONG)
