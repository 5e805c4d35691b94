"""A real target that speaks WebSocket and has a page for browsers: aiohttp, on a loop of its own."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

CARD = "4111 1111 1111 1111"
POLICY = """\
package policies.shop

paths := {"/echo", "/feed", "/notes", "/bytes", "/chat", "/whoami", "/quiet"}

allow contains {"code": "SOCKETS", "reason": "these may be opened"} if {
	some op in input.command.operations
	op.kind == "upgrade"
	op.targets[0].name == "websocket"
	input.command.http.path in paths
}

allow contains {"code": "PAGES", "reason": "pages may be read"} if {
	every op in input.command.operations { op.effect == "read" }
}

hold contains {
	"code": "HELD", "reason": "somebody looks at this", "approvers": {"groups": ["leads"]}, "expires": "10m",
} if {
	input.command.http.path == "/held"
}

mask contains {"code": "CARDS", "reason": "cards are hidden", "method": "redact", "paths": ["$..card"]} if {
	input.command.http.path in {"/feed", "/bytes", "/cards", "/events"}
}

mask contains {"code": "VALUES", "reason": "cards are hidden", "method": "redact", "values": ["pii.credit_card"]} if {
	input.command.http.path == "/notes"
}
"""
PAGE = """<!doctype html><title>shop</title><script>
const told = [];
function open(path, protocols) {
  return new Promise(done => {
    const said = {messages: [], protocol: null, code: null, reason: null};
    const socket = new WebSocket(`ws://${location.host}${path}`, protocols);
    socket.onopen = () => { said.protocol = socket.protocol; socket.send("hello"); };
    socket.onmessage = event => { said.messages.push(event.data); if (said.messages.length === 2) socket.close(4001, "enough"); };
    socket.onclose = event => { said.code = event.code; said.reason = event.reason; done(said); };
  });
}
function events(path) {
  return new Promise(done => {
    const got = [];
    const source = new EventSource(path);
    source.onmessage = event => { got.push(event.data); if (got.length === 3) { source.close(); done(got); } };
    source.onerror = () => { source.close(); done(got.concat("error")); };
  });
}
</script>"""


@dataclass
class WebTarget:
    """`heard` is what clients said, `closed` the last words of connections, `ended` their paths; `handshakes` the headers of each."""

    heard: list[str | bytes] = field(default_factory=list)
    closed: list[int | None] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    handshakes: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(20)

    async def _start(self) -> None:
        app = web.Application()
        sockets: dict[str, Callable[[web.WebSocketResponse, web.Request], Awaitable[None]]] = {
            "/echo": self._echo,
            "/held": self._echo,
            "/feed": self._feed,
            "/notes": self._notes,
            "/bytes": self._bytes,
            "/chat": self._echo,
            "/whoami": self._whoami,
            "/quiet": self._echo,
        }
        for path, speak in sockets.items():
            app.router.add_get(path, self._socket(speak))
        app.router.add_get("/", self._page)
        app.router.add_get("/cards", self._cards)
        app.router.add_get("/events", self._events)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        assert self._runner.addresses
        self.port = self._runner.addresses[0][1]

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _socket(
        self, speak: Callable[[web.WebSocketResponse, web.Request], Awaitable[None]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            self.handshakes.append({name.lower(): value for name, value in request.headers.items()})
            socket = web.WebSocketResponse(
                protocols=("chat",), timeout=5, heartbeat=None if request.path == "/quiet" else 0.5
            )
            if not socket.can_prepare(request).ok:
                return web.json_response({"card": CARD}, status=426)
            await socket.prepare(request)
            await speak(socket, request)
            self.closed.append(socket.close_code)
            self.ended.append(request.path)
            return socket

        return handle

    async def _echo(self, socket: web.WebSocketResponse, _: web.Request) -> None:
        async for message in socket:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                self.heard.append(message.data)
                send = socket.send_str if message.type is WSMsgType.TEXT else socket.send_bytes
                if message.data == "bye":
                    await socket.close(code=4002, message=b"as you wish")
                    return
                await send(message.data)

    async def _feed(self, socket: web.WebSocketResponse, _: web.Request) -> None:
        for number in range(2):
            await socket.send_str(json.dumps({"id": number, "card": CARD, "list": ["x" * 100] * 1000 * number}))
        await socket.send_str(f"a card: {CARD}")
        await socket.receive()

    async def _notes(self, socket: web.WebSocketResponse, _: web.Request) -> None:
        await socket.send_str(f"a card: {CARD}")
        await socket.send_str(json.dumps({"note": CARD}))
        async for message in socket:
            self.heard.append(message.data)

    async def _bytes(self, socket: web.WebSocketResponse, _: web.Request) -> None:
        await socket.send_bytes(CARD.encode())
        await socket.receive()

    async def _whoami(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        await socket.send_str(f"you are {request.headers.get('authorization')}")
        await socket.close()

    async def _page(self, _: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def _cards(self, _: web.Request) -> web.Response:
        return web.json_response([{"id": 1, "card": CARD}])

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number in range(3):
            await response.write(f"data: {json.dumps({'id': number, 'card': CARD})}\n\n".encode())
        return response
