"""A whole gateway in front of a real HTTP server, in this process: real sockets, real policies, a real audit.

`Target` is Python's own `http.server`, which remembers every request as it saw it. `nginx_over` puts an nginx in front of it.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from gateway.app.assembly import Gateway
from gateway.approvals.states import Approved, Person, Refused, State, Ticket
from gateway.audit.entry import Entry
from gateway.audit.read import read
from gateway.config import load_config

CARD = "4111 1111 1111 1111"
POLICY = """\
package policies.shop

reads if every op in input.command.operations { op.effect == "read" }

allow contains {"code": "READ", "reason": "reading is open"} if {
	input.command.protocol == "http"
	input.command.complete == true
	reads
}

allow contains {"code": "WRITE", "reason": "notes and echoes may be written"} if {
	input.command.complete == true
	every op in input.command.operations { op.effect in {"read", "write"} }
	startswith(input.command.http.path, ["/echo", "/notes"][_])
}

allow contains {"code": "UPLOAD", "reason": "uploads may be long"} if {
	input.command.http.path == "/upload"
	every op in input.command.operations { op.effect == "write" }
}

deny contains {"code": "OVERRIDE", "reason": "another method is asked for", "hint": "send the method itself"} if {
	"method_override" in input.command.features
}

deny contains {"code": "SECRET_AREA", "reason": "nobody goes there"} if {
	startswith(lower(input.command.http.path), "/admin")
}

hold contains {
	"code": "ORDERS", "reason": "orders are looked at", "approvers": {"groups": ["leads"]}, "expires": "10m",
} if {
	input.command.http.method == "POST"
	input.command.http.path == "/orders"
}

mask contains {"code": "CARDS", "reason": "cards are hidden", "method": "redact", "paths": ["$..card"]} if {
	startswith(input.command.http.path, "/cards")
}

mask contains {
	"code": "MAILS", "reason": "mails are shortened", "method": "partial", "params": {"keep_last": 4}, "paths": ["$..mail"],
} if {
	startswith(input.command.http.path, "/cards")
}
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as the target saw it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Target:
    """Python's `http.server` with some pages; `seen` is what reached it."""

    def __init__(self, port: int = 0) -> None:
        target = self
        self.seen: list[Seen] = []
        self.gate = threading.Event()
        self.broken = threading.Event()

        class Handler(_Pages):
            owner = target

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()

    def paths(self) -> list[str]:
        return [one.path for one in self.seen]


class _Pages(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: ClassVar[Target]

    def _read(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def _do(self) -> None:
        body = self._read()
        self.owner.seen.append(Seen(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        page = getattr(self, "page" + self.path.partition("?")[0].replace("/", "_").replace("-", "_"), None)
        if page is None:
            self._answer(200, "application/json", json.dumps({"path": self.path, "length": len(body)}).encode())
        else:
            page()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_PURGE = _do

    def _answer(self, status: int, content_type: str, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _begin(self, content_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()

    def page_cards(self) -> None:
        document = [{"id": 1, "card": CARD, "mail": "ana@example.org", "n": 1.50}, {"id": 2, "CARD": None}]
        self._answer(200, "application/json", json.dumps(document).encode(), ETag='"x"')

    def page_cards_lines(self) -> None:
        self._begin("application/x-ndjson")
        for number in range(3):
            if number == 2:
                self.owner.gate.wait(20)
            line = json.dumps({"id": number, "card": CARD}).encode() + b"\n"
            self._chunk(line[:20])
            self._chunk(line[20:])
        self._chunk(b"")

    def page_cards_events(self) -> None:
        self._begin("text/event-stream")
        for number in range(3):
            if number == 2:
                self.owner.gate.wait(20)
            event = b"event: order\nid: 4111\ndata: " + json.dumps({"id": number, "card": CARD}).encode() + b"\n\n"
            self._chunk(event[:30])
            self._chunk(event[30:])
        self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def page_cards_table(self) -> None:
        self._begin("text/csv; charset=utf-8")
        table = f'id,card,mail\r\n1,{CARD},ana@example.org\r\n2,"{CARD}",\r\n'.encode()
        for at in range(0, len(table), 11):
            self._chunk(table[at : at + 11])
        self._chunk(b"")

    def page_cards_other_table(self) -> None:
        self._answer(200, "text/csv", f"id;card\r\n1;{CARD}\r\n".encode())

    def page_cards_words(self) -> None:
        self._begin("text/event-stream")
        self._chunk(b'data: {"id": 1}\n\n')
        self.owner.gate.wait(20)
        self._chunk(f"data: card {CARD}\n\n".encode())
        self._chunk(b"")

    def page_cards_page(self) -> None:
        self._answer(200, "text/html", f"<p>{CARD}</p>".encode())

    def page_cards_broken(self) -> None:
        self._answer(200, "application/json", b'{"card": "' + CARD.encode() + b'"')

    def page_cards_twice(self) -> None:
        self._answer(200, "application/json", b'{"card": "1", "card": "' + CARD.encode() + b'"}')

    def page_cards_late(self) -> None:
        rows = [{"id": number, "card": CARD} for number in range(5000)]
        self._answer(200, "application/json", json.dumps(rows).encode()[:-1])

    def page_cards_gzip(self) -> None:
        self._answer(200, "application/json", b"\x1f\x8b" + CARD.encode(), Content_Encoding="gzip")

    def page_headers(self) -> None:
        said = json.dumps({k.lower(): v for k, v in self.headers.items()}).encode()
        self._answer(200, "application/json", said, Set_Cookie="sid=1", X_Seen=self.headers.get("authorization", ""))

    def page_events(self) -> None:
        self._begin("text/event-stream")
        try:
            for number in range(3):
                if number == 2:
                    self.owner.gate.wait(20)
                self._chunk(b"data: %d\n\n" % number)
            self._chunk(b"")
        except OSError:
            self.owner.broken.set()

    def page_endless(self) -> None:
        self._begin("application/octet-stream")
        try:
            while True:
                self._chunk(b"x" * 65536)
        except OSError:
            self.owner.broken.set()
            self.close_connection = True

    def page_moved(self) -> None:
        self._answer(302, "text/plain", b"", Location="http://169.254.169.254/latest")

    def page_missing(self) -> None:
        self._answer(404, "application/json", b"{}")

    def page_large(self) -> None:
        self._answer(200, "application/octet-stream", b"0123456789abcdef" * 65536 * 8)

    def log_message(self, *args: object) -> None:
        pass


@dataclass(slots=True)
class Running:
    """A gateway that listens; `port` is its HTTP listener's."""

    gateway: Gateway
    port: int
    token: str = field(repr=False)
    secret: str = field(repr=False)
    audit: Path = Path()

    def entries(self) -> list[Entry]:
        return list(read(self.audit))

    def decisions(self) -> list[Entry]:
        return [entry for entry in self.entries() if entry.kind.value == "decision"]

    def outcome(self, decision_id: str) -> Entry:
        """What became of a decision, waited for."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for entry in self.entries():
                if entry.kind.value == "outcome" and entry.decision_id == decision_id:
                    return entry
            threading.Event().wait(0.02)
        raise AssertionError("no outcome was recorded")

    def ticket(self) -> Ticket:
        """The one ticket that is open, waited for."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = self.gateway.approvals.recent((State.REQUESTED,), 10, None)
            if found:
                return found[0]
            threading.Event().wait(0.01)
        raise AssertionError("no ticket was opened")

    def approve(self, ticket: Ticket) -> None:
        self.gateway.gate.advance(ticket.id, Approved(Person("lea", ("leads",)), "go"))

    def refuse(self, ticket: Ticket) -> None:
        self.gateway.gate.advance(ticket.id, Refused(Person("lea", ("leads",)), "no"))

    def raw(self, data: bytes, *, seconds: float = 10, is_half_closed: bool = False) -> bytes:
        """Bytes to the listener; everything it answers until it closes, or until nothing comes any more."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            try:
                connection.sendall(data)
                if is_half_closed:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            got = b""
            try:
                while piece := connection.recv(65536):
                    got += piece
            except OSError:
                pass
            return got

    def request(self, line: str, *headers: str, body: bytes = b"") -> bytes:
        """The bytes of a request with the token in it."""
        lines = [f"{line} HTTP/1.1", "Host: shop", f"Authorization: Bearer {self.token}", *headers]
        return "\r\n".join((*lines, "", "")).encode("latin-1") + body


@contextmanager
def gateway_before(
    folder: Path,
    address: str,
    *,
    credential: bool = True,
    listener: str = "",
    resource: str = "",
    policy: str = POLICY,
    protocol: str = "http",
    groups: str = "viewers",
    more: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """A gateway before the target at an address. `more` are further files of policies; ana is in one of the `groups`."""
    token, secret, other = (secrets.token_hex(20) for _ in range(3))
    (folder / "policies").mkdir()
    (folder / "policies" / ("shop.gate" if policy.startswith("policy ") else "shop.rego")).write_text(policy)
    for name, text in (more or {}).items():
        (folder / "policies" / name).write_text(text)
    lines = f"""
[policies]
path = "policies"
watch_seconds = 0
[audit]
low_water_bytes = 1048576
[[resource]]
name = "shop"
protocol = "{protocol}"
address = "{address}"
{'credential = "env:SHOP"' if credential else ""}
{resource or "[resource.tls]" + chr(10) + 'mode = "disable"'}
[[listener]]
protocol = "{protocol}"
bind = "127.0.0.1:0"
resource = "shop"
{listener}
[[identity.principal]]
name = "ana"
kind = "agent"
groups = ["{groups}"]
token = "env:ANA"
[[identity.principal]]
name = "bob"
token = "env:BOB"
"""
    (folder / "sallyport.toml").write_text(lines)
    environment = {"ANA": token, "BOB": other, "SHOP": secret}
    gateway = Gateway(load_config(folder / "sallyport.toml", {}), environment)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    places = asyncio.run_coroutine_threadsafe(gateway.start(listeners=True), loop).result(60)
    try:
        port = int(places[-1].rpartition(":")[2])
        yield Running(gateway, port, token, secret, gateway.config.at(gateway.config.audit.dir))
    finally:
        asyncio.run_coroutine_threadsafe(gateway.stop(1), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        gateway.close()


def _token(running: Running) -> tuple[str, str]:
    return "-H", f"Authorization: Bearer {running.token}"


def curl(running: Running, path: str, *arguments: str, scheme: str = "http", bears: bool = True) -> tuple[int, str]:
    """Real curl with the token; exit code and what it printed."""
    done = subprocess.run(
        [
            *("curl", "-sS", "--path-as-is", "-m", "55", *(_token(running) if bears else ()), *arguments),
            f"{scheme}://127.0.0.1:{running.port}{path}",
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr
