"""Answers of a hostile target through a whole gateway: nothing masked is seen, nothing inside is reached, no cache before us keeps anything."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import shutil
import socket
import socketserver
import subprocess
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.demo.cluster import free_port
from tests.conftest import missing
from tests.e2e.bypass.http import test_proxy
from tests.e2e.bypass.http.answer_cases import (
    ANSWERS,
    AUTHORITIES,
    CACHED,
    CANARY,
    ELSEWHERE,
    PAGE,
    REDIRECTS,
    TAGS,
    Case,
    Spelling,
    answer,
)
from tests.e2e.bypass.http.test_bypass import statuses
from tests.interop.http.running import POLICY, Running, gateway_before
from tests.interop.ssh.place import until_it_listens

LEAST_SPELLINGS = 4
SOCKETS = """
allow contains {"code": "SOCKETS", "reason": "these may be opened"} if {
	some op in input.command.operations
	op.kind == "upgrade"
}
"""
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
HANDSHAKE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
NGINX = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/b; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; proxy_temp_path {folder}/p;
    proxy_cache_path {folder}/cache keys_zone=all:1m;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{gateway};
            proxy_set_header Host shop;
            proxy_cache all;
            proxy_cache_valid any 10m;
            add_header X-Cache $upstream_cache_status always;
        }}
    }}
}}
"""


class Hostile:
    """Says what it was told to say (`says`) whoever asks; `heads` are the requests it saw."""

    def __init__(self) -> None:
        hostile = self
        self.says: tuple[bytes, ...] = ()
        self.heads: list[bytes] = []

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                got = b""
                while b"\r\n\r\n" not in got:
                    piece = self.request.recv(65536)
                    if not piece:
                        return
                    got += piece
                hostile.heads.append(got)
                self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for one in hostile.answers(got):
                    self.request.sendall(one)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port: int = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answers(self, head: bytes) -> tuple[bytes, ...]:
        tag = hashlib.sha256(PAGE).hexdigest().encode()
        if self.says == (b"tags",):
            if tag in head:
                return (
                    answer(
                        b"", "ETag: x", status="412 Precondition Failed" if b"if-match" in head else "304 Not Modified"
                    ),
                )
            return (answer(PAGE),)
        return self.says

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def target() -> Iterator[Hostile]:
    made = Hostile()
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(target: Hostile, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with gateway_before(
        tmp_path_factory.mktemp("answers"), f"127.0.0.1:{target.port}", policy=POLICY + SOCKETS
    ) as made:
        yield made


def is_shown(got: bytes) -> bool:
    """Whether a piece of the value is in it, packed or not."""
    body = got.partition(b"\r\n\r\n")[2]
    texts = [got, body.replace(b"\r\n", b""), got.replace(b"\0", b"")]
    for pack in (gzip.decompress, zlib.decompress, lambda raw: zlib.decompress(raw, -15)):
        with contextlib.suppress(OSError, EOFError, zlib.error):
            texts.append(pack(body))
    pieces = [CANARY[at : at + 5].encode() for at in range(len(CANARY) - 4)]
    return any(piece in text for piece in pieces for text in texts)


def told(running: Running, target: Hostile, spelling: Spelling) -> bytes:
    is_socket = spelling.asks == ("websocket",)
    switch = f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
    target.says = (switch.encode(), *spelling.answers) if is_socket else spelling.answers
    asks = HANDSHAKE if is_socket else (*spelling.asks, "Connection: close")
    return running.raw(running.request(f"{spelling.method} /cards", *asks), seconds=1)


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.number} {case.title}") for case in ANSWERS])
def test_102_nothing_masked_is_seen(case: Case, running: Running, target: Hostile) -> None:
    shown = []
    for spelling in case.spellings:
        got = told(running, target, spelling)
        if is_shown(got):
            shown.append((spelling, got))
        assert b"range" not in target.heads[-1].lower()
        assert b"\r\naccept-encoding: identity\r\n" in target.heads[-1]
    assert shown == []


@pytest.mark.parametrize("asks", TAGS, ids=lambda asks: asks[0])
def test_102_whether_a_guess_of_a_document_is_right_is_not_told(
    running: Running, target: Hostile, asks: tuple[str, ...]
) -> None:
    target.says = (b"tags",)
    seen = []
    for method in ("GET", "HEAD", "PUT"):
        for page in (PAGE, b"another"):
            tag = hashlib.sha256(page).hexdigest()
            got = running.raw(
                running.request(f"{method} /cards", *(ask.format(tag) for ask in asks), "Connection: close")
            )
            seen.append((method, statuses(got), len(got.partition(b"\r\n\r\n")[2]), b"content-length" in got))
        assert seen[-1] == seen[-2]
    assert seen[0][1] == [200]


def test_102_a_plain_answer_is_shown_but_for_what_is_masked(running: Running, target: Hostile) -> None:
    got = told(running, target, Spelling((answer(PAGE),)))
    assert statuses(got) == [200]
    assert b'"note":"plain"' in got


def test_103_nobody_is_led_elsewhere(running: Running, target: Hostile) -> None:
    inside = Hostile()
    inside.says = (answer(b"{}"),)
    names = {"inside": str(inside.port), "secret": running.secret}
    to = ELSEWHERE.format(**names)
    for status, *lines in REDIRECTS:
        target.says = (
            answer(running.secret.encode(), *(line.format(to=to, **names) for line in lines), status=status),
        )
        got = running.raw(running.request("GET /x", "Connection: close"))
        assert statuses(got) == [int(status[:3])], lines
        assert running.secret.encode() not in got, lines
        assert b"alt-svc" not in got.lower()
    for line, host in AUTHORITIES:
        head = f"{line} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {running.token}\r\nConnection: close\r\n\r\n".format(
            **names
        )
        got = running.raw(head.encode())
        assert got == b"" or len(statuses(got)) == 1, line
    assert inside.heads == []
    inside.close()


def test_104_no_cache_before_us_shows_somebody_what_another_asked_for(
    running: Running, target: Hostile, tmp_path: Path
) -> None:
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        missing("nginx")
    folder, port = tmp_path, free_port()
    (folder / "nginx.conf").write_text(
        NGINX.format(folder=folder, port=port, gateway=running.port, user="user root;" if os.geteuid() == 0 else "")
    )
    log = folder / "error.log"
    log.touch()
    process = subprocess.Popen(
        [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(log)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until_it_listens(port, process, log)
        cache = Running(running.gateway, port, running.token, running.secret)
        for number, lines in enumerate(CACHED):
            for page in ("cards", "x"):
                target.says = (answer(PAGE, *lines),)
                path = f"/{page}/{number}"
                came = len(target.heads)
                first = cache.raw(cache.request(f"GET {path}", "Connection: close"))
                assert statuses(first) == [200], first
                again = cache.raw(f"GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n".encode())
                assert statuses(again) == [401], (lines, again)
                cache.raw(cache.request(f"GET {path}", "Connection: close"))
                assert len(target.heads) == came + 2, (lines, "asked again")
                assert b"X-Cache: HIT" not in again
    finally:
        process.terminate()
        process.wait(20)


def test_each_case_has_enough_spellings() -> None:
    assert [case.title for case in ANSWERS if len({repr(one) for one in case.spellings}) < LEAST_SPELLINGS] == []
    assert {case.number for case in ANSWERS} == {102}
    for spellings in (TAGS, REDIRECTS, AUTHORITIES, CACHED):
        assert len(set(spellings)) >= LEAST_SPELLINGS
    assert hasattr(test_proxy, "test_no_name_leads_inside"), "names that lead inside are tried there (103)"
