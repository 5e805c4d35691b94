"""What a client of HTTP asks while lines are cut."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator

import aiohttp
from aiohttp import ClientSession, WSMsgType

from tests.e2e.behind.http import LARGE, HttpWorld, http_world
from tests.e2e.cuts.cutting import Cut, End, Step, Talk, cut_lines
from tests.e2e.soak.http_place import POLICY

FAILED = (502, 504)


class HttpTalk(Talk):
    """Requests, a stream, a WebSocket."""

    kept = 1

    def __init__(self, world: HttpWorld) -> None:
        super().__init__(world)
        self._world = world

    def ran(self) -> Iterable[tuple[str, str]]:
        return [(line, line) for line in self._world.requests()]

    def said(self, text: str) -> str:
        return " ".join(text.split(" ")[:2])

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[Iterable[Step]]:
        context = ssl.create_default_context(cafile=str(self._world.ca))
        headers = {"Authorization": f"Bearer {self._world.token}"}
        connector = aiohttp.TCPConnector(ssl=context)
        async with ClientSession(f"https://127.0.0.1:{self.port}", headers=headers, connector=connector) as session:
            yield (
                lambda: self._ask(session, "GET", "/things/1", wanted=b'"length": 0'),
                lambda: self._ask(session, "POST", "/notes", b"n" * 20_000, wanted=b'"length": 20000'),
                lambda: self._ask(session, "GET", "/people/7", wanted=b'"[redacted]"'),
                lambda: self._ask(session, "GET", "/events?events=5", wanted=b'"n":4'),
                lambda: self._ask(session, "GET", "/large", size=LARGE),
                lambda: self._chat(session),
                lambda: self._leave(session),
            )

    async def _ask(
        self, session: ClientSession, method: str, path: str, data: bytes = b"", *, wanted: bytes = b"", size: int = 0
    ) -> End:
        mark = self.mark()
        try:
            way = f"{path}{'&' if '?' in path else '?'}mark={mark}"
            async with session.request(method, way, data=data or None) as answer:
                try:
                    body = await answer.read()
                except aiohttp.ClientPayloadError:
                    return End.CUT
        except aiohttp.ClientConnectionError:
            return End.GONE
        if answer.status in FAILED:
            assert "target" in json.loads(body)["detail"], body
            return End.TOLD
        assert answer.status == 200, (answer.status, body)
        assert wanted in body, body[:300]
        assert not size or len(body) == size
        self.answered.add(mark)
        return End.OK

    async def _leave(self, session: ClientSession) -> End:
        """Go away from a stream that has no end: the target goes on with it for as long as nobody ends it there."""
        try:
            async with session.get(f"/events?events=4000&mark={self.mark()}") as answer:
                if answer.status in FAILED:
                    return End.TOLD
                try:
                    assert b'"n":0' in await answer.content.readuntil(b"\n\n")
                except (aiohttp.ClientPayloadError, asyncio.IncompleteReadError):
                    return End.CUT
        except aiohttp.ClientConnectionError:
            return End.GONE
        return End.OK

    async def _chat(self, session: ClientSession) -> End:
        mark = self.mark()
        try:
            async with session.ws_connect(f"/chat?mark={mark}", compress=0) as socket:
                for _ in range(2):
                    with contextlib.suppress(ConnectionResetError):  # WHY: what ended it is received next
                        await socket.send_str(mark)
                    message = await socket.receive()
                    if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING):
                        return End.TOLD
                    if message.type is not WSMsgType.TEXT:
                        return End.GONE
                    assert json.loads(message.data) == {"said": mark, "card": "[redacted]"}
        except aiohttp.WSServerHandshakeError as error:
            if error.status not in FAILED:
                raise
            return End.TOLD
        except aiohttp.ClientConnectionError:
            return End.GONE
        self.answered.add(mark)
        return End.OK


@contextlib.contextmanager
def prepared() -> Iterator[Cut]:
    with http_world(POLICY) as world, cut_lines(HttpTalk(world), world.nginx.port) as cut:
        yield cut
