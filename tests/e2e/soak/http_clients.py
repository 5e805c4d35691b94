"""What clients of HTTP do for half an hour: requests, streams, WebSockets and HTTP/2, under marks that the audit and nginx's log have too."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import aiohttp
from aiohttp import ClientSession, WSMsgType

from tests.e2e.behind.http import LARGE, HttpWorld
from tests.e2e.soak.harness import SUPERSEDED, Client, Ended, Gone, Left, Tally, was_ended

STREAM_SECONDS = (1.0, 4.0)


class HttpClient(Client[ClientSession]):
    """One of them."""

    wrong = (aiohttp.ClientError, AssertionError)

    def __init__(self, number: int, world: HttpWorld, tally: Tally, chance: random.Random, pause: float) -> None:
        super().__init__(number, tally, chance, pause)
        self._world = world
        self._at = f"https://127.0.0.1:{world.port}"
        self._headers = {"Authorization": f"Bearer {world.token}"}
        self._context = ssl.create_default_context(cafile=str(world.ca))

    def acts(self) -> Sequence[tuple[int, str, Callable[[ClientSession], Awaitable[None]]]]:
        return [
            (300, "allowed", self._read),
            (150, "allowed, with a body", self._write),
            (20, "a large answer", self._large),
            (20, "a large body", self._upload),
            (30, "over HTTP/2, five streams at once", self._two),
            (120, "masked", self._masked),
            (20, "a stream of events, masked", self._events),
            (12, "a WebSocket, masked", self._socket),
            (120, "denied", self._denied),
            (10, "a WebSocket, denied", self._socket_denied),
            (40, "held, approved", self._approved),
            (10, "held, asked for again", self._asked_again),
            (20, "held, refused", self._refused),
            (6, "held, expired", self._expired),
            (8, "client gone while it runs", self._gone),
            (8, "client gone from a stream", self._gone_stream),
            (6, "client gone while held", self._gone_held),
        ]

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[ClientSession]:
        connector = aiohttp.TCPConnector(ssl=self._context)
        timeout = aiohttp.ClientTimeout(total=120)
        async with ClientSession(self._at, headers=self._headers, connector=connector, timeout=timeout) as session:
            yield session

    def over(self, error: Exception) -> Exception | None:
        if isinstance(error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError):
            return Gone(f"{type(error).__name__} {error}")
        if isinstance(error, aiohttp.WSServerHandshakeError) and error.status == 503:
            return Ended()
        return super().over(error)

    async def _ask(
        self, session: ClientSession, method: str, path: str, mark: str, data: bytes = b"", **headers: str
    ) -> tuple[int, bytes]:
        """One request and the whole answer. Raises Ended where the answer is that the session ended."""
        kind = {"Content-Type": "application/octet-stream"} if data else {}
        async with session.request(method, path, data=data or None, headers={**kind, **headers}) as answer:
            body = await answer.read()
        if answer.status == 503 and was_ended(body):
            raise Ended
        if answer.status == 200:
            self._tally.answered.add(mark)
        return answer.status, body

    # --- what is allowed

    async def _read(self, session: ClientSession) -> None:
        mark = self._mark()
        path = f"/things/{self._chance.randrange(50)}?mark={mark}"
        status, body = await self._ask(session, "GET", path, mark)
        assert status == 200, (status, body)
        assert json.loads(body)["path"] == path

    async def _write(self, session: ClientSession) -> None:
        mark, size = self._mark(), self._chance.randrange(1, 20_000)
        data = json.dumps({"note": "n" * size}).encode()
        headers = {"Content-Type": "application/json"}
        status, body = await self._ask(session, "POST", f"/notes?mark={mark}", mark, data, **headers)
        assert status == 200, (status, body)
        assert json.loads(body)["length"] == len(data)

    async def _large(self, session: ClientSession) -> None:
        mark = self._mark()
        status, body = await self._ask(session, "GET", f"/large?mark={mark}", mark)
        assert (status, len(body)) == (200, LARGE), (status, len(body))

    async def _upload(self, session: ClientSession) -> None:
        mark = self._mark()
        status, body = await self._ask(session, "PUT", f"/files?mark={mark}", mark, b"y" * LARGE)
        assert status == 200, (status, body)
        assert json.loads(body)["length"] == LARGE

    async def _two(self, _: ClientSession) -> None:
        """By curl. What it is told of the end of its session comes as an answer of each stream."""
        marks = [self._mark() for _ in range(5)]
        words = [
            "--http2",
            "--parallel",
            "--cacert",
            str(self._world.ca),
            "-sS",
            "-w",
            "\n%{http_code} %{http_version}\n",
        ]
        header = f"Authorization: Bearer {self._world.token}"
        urls = [f"{self._at}/things/two?mark={mark}" for mark in marks]
        curl = await asyncio.create_subprocess_exec(
            *("curl", *words, "-H", header, *urls), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        said, complained = await curl.communicate()
        if curl.returncode in (18, 52, 56, 92) or was_ended(said):
            raise Ended if was_ended(said) else Gone(complained.decode())
        assert said.count(b"\n200 2\n") == len(marks), (curl.returncode, said, complained)
        self._tally.answered.update(marks)

    # --- what is not, or not as it is

    async def _masked(self, session: ClientSession) -> None:
        mark, number = self._mark(), self._chance.randrange(50)
        status, body = await self._ask(session, "GET", f"/people/{number}?mark={mark}", mark)
        assert status == 200, (status, body)
        assert json.loads(body) == {"id": number, "name": "somebody", "card": "[redacted]"}

    async def _events(self, session: ClientSession) -> None:
        mark, events = self._mark(), self._chance.randrange(20, 80)
        status, body = await self._ask(session, "GET", f"/events?events={events}&mark={mark}", mark)
        assert status == 200, (status, body)
        said = [json.loads(line[6:]) for line in body.split(b"\n\n") if line]
        assert said == [{"n": number, "card": "[redacted]"} for number in range(events)]

    async def _socket(self, session: ClientSession) -> None:
        mark = self._mark()
        until = asyncio.get_running_loop().time() + self._chance.uniform(*STREAM_SECONDS)
        async with session.ws_connect(f"/chat?mark={mark}", compress=0) as socket:
            self._tally.answered.add(mark)
            while asyncio.get_running_loop().time() < until:
                with contextlib.suppress(ConnectionResetError):  # WHY: what ends it comes next
                    await socket.send_str(mark)
                message = await socket.receive(60)
                if message.type is not WSMsgType.TEXT:
                    if was_ended(str(message.extra or "")):
                        raise Ended
                    raise Gone(f"{message.type!r} {message.data} {message.extra}")
                assert json.loads(message.data) == {"said": mark, "card": "[redacted]"}
                await asyncio.sleep(0.1)

    async def _denied(self, session: ClientSession) -> None:
        method = self._chance.choice(["GET", "POST", "DELETE"])
        await self._must_be_refused(session, method, "/things/do-deny", "MARKED")

    async def _socket_denied(self, session: ClientSession) -> None:
        mark = self._mark(never=True)
        try:
            async with session.ws_connect(f"/chat?do-deny&mark={mark}", compress=0):
                raise AssertionError("a WebSocket was opened")
        except aiohttp.WSServerHandshakeError as error:
            if error.status != 403:
                raise

    async def _refused(self, session: ClientSession) -> None:
        await self._must_be_refused(session, "POST", "/orders/do-refuse")

    async def _expired(self, session: ClientSession) -> None:
        await self._must_be_refused(session, "POST", "/orders/do-leave")

    async def _must_be_refused(self, session: ClientSession, method: str, path: str, code: str = "") -> None:
        mark = self._mark(never=True)
        status, body = await self._ask(session, method, f"{path}?mark={mark}", mark)
        assert status == 403, (status, body)
        assert code in json.loads(body)["code"], body
        self._tally.answered.add(mark)

    async def _approved(self, session: ClientSession) -> None:
        mark = self._mark()
        status, body = await self._ask(session, "POST", f"/orders/do-approve?mark={mark}", mark, b"{}")
        if status == 403 and SUPERSEDED.encode() in body:
            self._superseded()
        else:
            assert status == 200, (status, body)

    async def _asked_again(self, session: ClientSession) -> None:
        mark = self._mark()
        async with asyncio.timeout(100):
            while True:
                status, body = await self._ask(
                    session, "POST", f"/orders/do-approve?mark={mark}", mark, b"{}", Prefer="respond-async"
                )
                if status != 202:
                    break
                await asyncio.sleep(0.3)
        if status == 403 and SUPERSEDED.encode() in body:
            self._superseded()
        else:
            assert status == 200, (status, body)

    # --- what does not go to its end

    async def _gone(self, session: ClientSession) -> None:
        await self._leave_during(session, "GET", f"/slow?seconds=1&mark={self._mark()}")

    async def _gone_held(self, session: ClientSession) -> None:
        await self._leave_during(session, "POST", f"/orders/do-leave?mark={self._mark(never=True)}")

    async def _leave_during(self, session: ClientSession, method: str, path: str) -> None:
        running = asyncio.create_task(self._ask(session, method, path, ""))
        await asyncio.wait([running], timeout=self._chance.uniform(0.02, 0.3))
        running.cancel()
        with contextlib.suppress(
            asyncio.CancelledError, aiohttp.ClientError, Ended
        ):  # WHY: it may have been killed by now
            await running
        raise Left

    async def _gone_stream(self, session: ClientSession) -> None:
        async with session.get(f"/events?events=400&mark={self._mark()}") as answer:
            seconds = self._chance.uniform(0.1, 1.0)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await answer.content.read()
        raise Left
