"""A real Envoy before a real upstream, asking a whole gateway; and what a test sends through it, by chance.

Envoy is the one of the folder of tools: every request is asked about, the first 8 KiB of a body are sent along, and what cannot
be asked about does not go on.
"""

from __future__ import annotations

import http.client
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.demo.cluster import free_port
from tests.interop.http.running import Running, Target, gateway_before

SENT_BODY = 8192
"""Bytes of a body that Envoy sends along (`max_request_bytes` of its configuration)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request of a client."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def text(self, host: str) -> bytes:
        """The request in the words in which it is to be judged: written here, not by what is tested."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"host: {host}", "accept-encoding: identity"]
        lines += [f"{name.lower()}: {value}" for name, value in self.headers]
        if len(self.body) > SENT_BODY:
            return "\r\n".join((*lines, f"sallyport-unread-body: {len(self.body)}", "", "")).encode()
        if self.body or self.method in ("POST", "PUT", "PATCH"):
            lines.append(f"content-length: {len(self.body)}")
        return "\r\n".join((*lines, "", "")).encode() + self.body


@dataclass(frozen=True, slots=True)
class Edge:
    """Envoy, and what stands behind it."""

    running: Running
    target: Target
    port: int
    socket: Path

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def ask(
        self, wanted: Wanted, *, token: str | None = "", connection: http.client.HTTPConnection | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Send it through Envoy: status, headers and body of what comes back."""
        here = self.connection() if connection is None else connection
        headers = dict(wanted.headers)
        if token is not None:
            headers["authorization"] = f"Bearer {token or self.running.token}"
        if wanted.method in ("POST", "PUT", "PATCH") or wanted.body:
            headers["content-length"] = str(len(wanted.body))
        here.request(wanted.method, wanted.path, wanted.body or None, headers)
        answer = here.getresponse()
        found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        if connection is None:
            here.close()
        return found


@contextmanager
def edge(folder: Path, tools: Path) -> Iterator[Edge]:
    """All of it, for as long as the block lasts."""
    scripts, run = tools / "envoy", folder / "run"
    authz, port = free_port(), free_port()
    socket = folder / "asker.sock"
    more = f"""
[rpc]
bind = "127.0.0.1:{authz}"
plaintext = "edge"
ext_authz = "shop"
[[rpc.socket]]
path = "{socket}"
principal = "edge"
[[identity.principal]]
name = "edge"
kind = "service"
roles = ["asker"]
"""
    target = Target()
    try:
        with gateway_before(folder, f"127.0.0.1:{target.port}", credential=False, listener=more) as running:
            started = subprocess.run(
                [str(scripts / "start.sh"), str(run), str(authz), str(target.port), str(port)],
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            assert started.returncode == 0, started.stderr
            try:
                yield Edge(running, target, port, socket)
            finally:
                subprocess.run([str(scripts / "stop.sh"), str(run)], check=True, timeout=60, capture_output=True)
    finally:
        target.close()


_PATHS = (
    *("/a", "/a/b?c=1", "/a?b=1&b=2", "/echo", "/echo/x", "/notes", "/notes/7?x=y%20z", "/orders", "/cards", "/upload"),
    *("/admin", "/Admin/x", "/x/..%2fadmin", "/a;b=c", "/a?q=http%3A%2F%2F169.254.169.254%2F", "/delete/7", "/graphql"),
    *("/show?file=..%2F..%2Fetc%2Fpasswd", "/a?_method=DELETE", "/%61dmin", "/x//y", "/a?token=abc"),
)
_BODIES = (
    *(
        (b"", None),
        (b'{"a": 1}', "application/json"),
        (b'{"a": 1, "a": 2}', "application/json"),
        (b"a=b", "text/plain"),
    ),
    *((b"a=1&_method=DELETE", "application/x-www-form-urlencoded"), (b"<x/>", "application/xml"), (b"\x00\xff", None)),
    *(
        (b'{"query": "mutation { pay }"}', "application/json"),
        (b"x" * 9000, "application/octet-stream"),
        (b"{", "application/json"),
    ),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "pay"}}', "application/json"),
)
_HEADERS = (
    ("x-http-method-override", "DELETE"),
    ("x-forwarded-for", "127.0.0.1"),
    ("accept", "*/*"),
    ("x-own", "a, b"),
)


def by_chance(seed: int, count: int) -> Iterator[Wanted]:
    """Requests, the same for the same seed."""
    chance = random.Random(seed)
    for _ in range(count):
        method = chance.choice(("GET", "GET", "POST", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
        body, kind = chance.choice(_BODIES) if method in ("POST", "PUT", "PATCH") else (b"", None)
        headers = [one for one in _HEADERS if chance.random() < 0.15]
        headers += [] if kind is None else [("content-type", kind)]
        yield Wanted(method, chance.choice(_PATHS), tuple(headers), body)
