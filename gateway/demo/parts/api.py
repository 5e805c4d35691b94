"""An HTTP API with the sample data: orders and cards as JSON, in a thread of this process, on loopback."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import threading
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from engine.decision import Verdict
from gateway.demo.cluster import free_port
from gateway.demo.parts.part import Absent, Act, Found, Ground, Part
from gateway.demo.sample import Rows, sample_rows
from gateway.demo.scenes import DEVELOPER, READER, Scene, held_order

NAME = "An HTTP API"
MAX_BODY = 64 * 1024


class Shop:
    """The data, as it is by now."""

    def __init__(self) -> None:
        _, orders, cards = sample_rows()
        self.orders = {int(str(row["id"])): row for row in _rows(orders)}
        self.cards = _rows(cards)

    def answer(self, method: str, target: str, body: bytes) -> tuple[HTTPStatus, object]:
        """What a request is answered, and done."""
        parts = urlsplit(target)
        if method == "GET" and parts.path == "/cards":
            return HTTPStatus.OK, self.cards[:3]
        if method == "GET" and parts.path == "/orders":
            wanted = parse_qs(parts.query).get("status", [""])[0]
            return HTTPStatus.OK, [row for row in self.orders.values() if wanted in ("", row["status"])]
        head, _, number = parts.path.rpartition("/")
        order = self.orders.get(int(number)) if head == "/orders" and number.isdecimal() else None
        if order is None:
            return HTTPStatus.NOT_FOUND, {"error": "there is no such thing"}
        if method == "PATCH":
            order |= json.loads(body)
        elif method == "DELETE":
            del self.orders[int(number)]
        return HTTPStatus.OK, order


def api(stack: ExitStack, ground: Ground) -> Found:
    """Start it, if there is a curl to ask it with."""
    if shutil.which("curl", path=ground.environment.get("PATH", os.defpath)) is None:
        return Absent(NAME, "no `curl` found (Debian: apt-get install curl)")
    shop = Shop()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(shop))
    threading.Thread(target=server.serve_forever, daemon=True, name="sample-api").start()
    stack.callback(server.server_close)
    stack.callback(server.shutdown)
    listening = free_port()
    for who, token in ground.tokens.items():
        header = ground.folder / f"{who}.header"
        header.touch(mode=0o600)
        header.write_text(f"Authorization: Bearer {token.read_text()}\n")
    configuration = _configuration(ground, int(server.server_address[1]), listening)
    return Part(NAME, configuration, {}, _acts(ground.folder, ground.authority, listening, shop))


def _rows(rows: Rows) -> list[dict[str, object]]:
    return [dict(zip(rows.columns, row, strict=True)) for row in rows.rows]


def _handler(shop: Shop) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        """One connection."""

        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MAX_BODY))
            status, said = shop.answer(self.command, self.path, body)
            text = json.dumps(said).encode() + b"\n"
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_PATCH = do_DELETE = _any  # names of the library's

        def log_message(self, *_: object) -> None:
            """Nothing: the audit has it."""

    return Handler


def _configuration(ground: Ground, port: int, listening: int) -> str:
    return f"""
[[resource]]
name = "api"
protocol = "http"
address = "127.0.0.1:{port}"
labels = {{ environment = "demo" }}
tls = {{ mode = "disable" }}

[[listener]]
protocol = "http"
bind = "127.0.0.1:{listening}"
resource = "api"

[listener.tls]
certificate = "{ground.authority}"
key = "{ground.key}"
"""


def _acts(folder: Path, authority: Path, port: int, shop: Shop) -> tuple[Act, ...]:
    def line(who: str, path: str, *more: str) -> tuple[str, ...]:
        base = ("curl", "-sS", "--cacert", str(authority), "-H", f"@{folder / f'{who}.header'}")
        return (*base, *more, f"https://127.0.0.1:{port}{path}")

    _, orders, cards = sample_rows()
    held = held_order(orders)
    numbers = [str(row[2]) for row in cards.rows[:3]]
    paid = ("-X", "PATCH", "-H", "Content-Type: application/json", "-d", '{"status": "paid"}')
    return (
        Act(
            Scene(
                Verdict.ALLOW,
                READER,
                "",
                "orders as JSON",
                0,
                (r'"status": "open"',),
                argv=line(READER, "/orders?status=open"),
            )
        ),
        Act(
            Scene(
                *(Verdict.MASK, READER, "", "card numbers with their last four digits only", 0),
                stdout=tuple(rf"\*{{12}}{number[-4:]}" for number in numbers),
                forbidden=(r"\d{12,}",),
                argv=line(READER, "/cards"),
            )
        ),
        Act(
            Scene(
                *(Verdict.DENY, READER, "", "a problem that names the rule; the order still there", 0, (r"DELETES",)),
                argv=line(READER, f"/orders/{held}", "-X", "DELETE"),
            ),
            lambda: held not in shop.orders,
        ),
        Act(
            Scene(
                *(
                    Verdict.HOLD,
                    DEVELOPER,
                    "",
                    "nothing until it is approved, then the order",
                    0,
                    (r'"status": "paid"',),
                ),
                argv=line(DEVELOPER, f"/orders/{held}", *paid),
            ),
            lambda: shop.orders[held]["status"] == "paid",
        ),
    )
