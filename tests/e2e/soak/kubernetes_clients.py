"""What clients of Kubernetes do for half an hour: objects, watches, commands, shells, under marks that the audit and the API server's log have too."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import random
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import aiohttp
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from tests.e2e.behind.kubernetes import KubernetesWorld
from tests.e2e.soak.harness import SUPERSEDED, Client, Ended, Gone, Left, Tally, was_ended

SPACE = "/api/v1/namespaces/t"
POD = f"{SPACE}/pods/web"
STREAM_SECONDS = (1.0, 4.0)
WAIT = 90.0
LARGE = 1 << 20
PROMPT = re.compile(rb"\x1b\[\?2004l\r\n(?s:.*?)guarded:[^\r\n]*\$ ")
FIRST_PROMPT = re.compile(rb"guarded:[^\r\n]*\$ ")
STDIN, STDOUT, STDERR, ERROR = 0, 1, 2, 3


@dataclass
class Exec:
    """A command in a container, over WebSocket, as client-go speaks it."""

    socket: ClientWebSocketResponse
    output: bytes = b""
    complaints: bytes = b""
    status: dict[str, object] | None = None

    async def more(self) -> None:
        """Take what comes next. Raises Ended or Gone when nothing comes any more and no status came."""
        message = await self.socket.receive(WAIT)
        if message.type is not WSMsgType.BINARY:
            said = f"{message.type!r} {message.data} {message.extra} {self.complaints!r}"
            raise Ended if was_ended(said) else Gone(said)
        channel, data = message.data[0], message.data[1:]
        if channel == STDOUT:
            self.output += data
        elif channel == STDERR:
            self.complaints += data
        elif channel == ERROR:
            self.status = json.loads(data)

    async def end(self) -> int:
        """Its exit status, waited for; -1 where it did not run. Raises Ended and Gone."""
        while self.status is None:
            await self.more()
        if self.status["status"] == "Success":
            return 0
        if was_ended(f"{self.status.get('message')} {self.output!r} {self.complaints!r}"):
            raise Ended
        details = self.status.get("details")
        causes = details.get("causes", []) if isinstance(details, dict) else []
        found = [int(cause["message"]) for cause in causes if cause.get("reason") == "ExitCode"]
        return found[0] if found else -1

    async def until(self, pattern: re.Pattern[bytes]) -> bytes:
        """What was shown up to a pattern; it is taken away."""
        while (found := pattern.search(self.output)) is None:
            await self.more()
            if self.status is not None:
                raise Ended if was_ended(self.output + self.complaints) else Gone(str(self.status))
        said, self.output = self.output[: found.end()], self.output[found.end() :]
        return said

    async def send(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionResetError):  # WHY: what ended it is read next
            await self.socket.send_bytes(bytes([STDIN]) + data)


class KubernetesClient(Client[ClientSession]):
    """One of them."""

    wrong = (aiohttp.ClientError, AssertionError, TimeoutError)

    def __init__(self, number: int, world: KubernetesWorld, tally: Tally, chance: random.Random, pause: float) -> None:
        super().__init__(number, tally, chance, pause)
        self._world = world
        self._headers = {"Authorization": f"Bearer {world.cluster.token}", "Accept": "application/json"}
        self._context = ssl.create_default_context(cafile=str(world.folder / "gateway.pem"))
        self._context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN

    def acts(self) -> Sequence[tuple[int, str, Callable[[ClientSession], Awaitable[None]]]]:
        return [
            (200, "allowed", self._list),
            (60, "objects made, changed and removed", self._objects),
            (60, "masked", self._masked),
            (100, "denied", self._denied),
            (20, "a watch", self._watch),
            (10, "logs, followed", self._logs),
            (100, "exec", self._exec),
            (20, "exec, with a status", self._status),
            (15, "exec, a large output", self._large),
            (30, "exec, masked", self._exec_masked),
            (40, "exec, denied", self._exec_denied),
            (12, "exec, a stream both ways", self._stream),
            (15, "a guarded shell", self._shell),
            (6, "kubectl exec", self._kubectl),
            (30, "held, approved", self._approved),
            (15, "held, refused", self._refused),
            (5, "held, expired", self._expired),
            (20, "exec, held, approved", self._exec_approved),
            (10, "exec, held, refused", self._exec_refused),
            (8, "client gone while it runs", self._gone),
            (6, "client gone from a watch", self._gone_watch),
            (6, "client gone while held", self._gone_held),
            (6, "client gone while its exec is held", self._gone_held_exec),
        ]

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[ClientSession]:
        connector = aiohttp.TCPConnector(ssl=self._context)
        timeout = aiohttp.ClientTimeout(total=WAIT)
        at = f"https://127.0.0.1:{self._world.port}"
        async with ClientSession(at, headers=self._headers, connector=connector, timeout=timeout) as session:
            yield session

    def over(self, error: Exception) -> Exception | None:
        if isinstance(error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError):
            return Gone(f"{type(error).__name__} {error}")
        if isinstance(error, aiohttp.WSServerHandshakeError) and error.status == 503:
            return Ended()
        return super().over(error)

    async def _ask(
        self,
        session: ClientSession,
        method: str,
        path: str,
        mark: str,
        body: object = None,
        kind: str = "application/json",
    ) -> tuple[int, dict[str, object]]:
        """One request and the object it is answered with. Raises Ended where that says that the session ended."""
        data = None if body is None else json.dumps(body).encode()
        headers = {} if data is None else {"Content-Type": kind}
        async with session.request(method, path, data=data, headers=headers) as answer:
            said = await answer.read()
        if answer.status == 503 and was_ended(said):
            raise Ended
        if answer.status < 300:
            self._tally.answered.add(mark)
        return answer.status, json.loads(said)

    @contextlib.asynccontextmanager
    async def _running(
        self, session: ClientSession, *words: str, terminal: bool = False, stdin: bool = False
    ) -> AsyncIterator[Exec]:
        query = [f"command={quote(word, safe='')}" for word in words] + ["stdout=true"]
        query += ["stderr=true"] if not terminal else ["tty=true"]
        query += ["stdin=true"] if stdin or terminal else []
        async with session.ws_connect(
            f"{POD}/exec?{'&'.join(query)}", protocols=("v5.channel.k8s.io",), compress=0, max_msg_size=0
        ) as socket:
            yield Exec(socket)

    # --- objects

    def _selected(self, mark: str) -> str:
        return quote(f"app=soak,mark!={mark}", safe="")

    async def _list(self, session: ClientSession) -> None:
        mark = self._mark()
        status, said = await self._ask(session, "GET", f"{SPACE}/pods?labelSelector={self._selected(mark)}", mark)
        assert (status, said.get("kind")) == (200, "PodList"), said

    async def _objects(self, session: ClientSession) -> None:
        name = self._mark()
        made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "1"}}
        maps, way = f"{SPACE}/configmaps", "application/merge-patch+json"
        for method, path, body, kind in (
            ("POST", f"{maps}?fieldManager={name}", made, "application/json"),
            ("PATCH", f"{maps}/{name}?fieldManager={name}", {"data": {"a": "2"}}, way),
            ("GET", f"{maps}/{name}", None, way),
            ("DELETE", f"{maps}/{name}", None, way),
        ):
            status, said = await self._ask(session, method, path, name, body, kind)
            assert status in (200, 201), said
            assert method in ("POST", "DELETE") or said["data"] == {"a": "2"}, said

    async def _masked(self, session: ClientSession) -> None:
        mark = self._mark()
        path = f"{SPACE}/secrets?labelSelector={self._selected(mark)}"
        status, said = await self._ask(session, "GET", path, mark)
        assert status == 200, said
        items = said["items"]
        assert isinstance(items, list)
        (found,) = items
        assert set(found["data"]) == {"word"}
        assert base64.b64decode(found["data"]["word"]) != b"swordfish"

    async def _denied(self, session: ClientSession) -> None:
        await self._must_be_refused(session, "do-deny")

    async def _refused(self, session: ClientSession) -> None:
        await self._must_be_refused(session, "do-refuse")

    async def _expired(self, session: ClientSession) -> None:
        await self._must_be_refused(session, "do-leave")

    async def _must_be_refused(self, session: ClientSession, word: str) -> None:
        mark = self._mark(never=True)
        status, said = await self._ask(session, "DELETE", f"{SPACE}/configmaps/{word}-{mark}", mark)
        assert (status, said.get("reason")) == (403, "Forbidden"), said
        self._tally.answered.add(mark)

    async def _approved(self, session: ClientSession) -> None:
        mark = self._mark()
        path = f"{SPACE}/pods?labelSelector={quote(f'app=do-approve,mark!={mark}', safe='')}"
        status, said = await self._ask(session, "GET", path, mark)
        if status == 403 and SUPERSEDED in str(said):
            self._superseded()
        else:
            assert (status, said.get("kind")) == (200, "PodList"), said

    async def _watch(self, session: ClientSession) -> None:
        mark = self._mark()
        path = f"{SPACE}/configmaps?watch=true&timeoutSeconds=3&labelSelector=" + quote(f"mark!={mark}", safe="")
        async with session.get(path) as answer:
            self._tally.answered.add(mark)
            if answer.status == 503 and was_ended(await answer.text()):
                raise Ended
            assert answer.status == 200, await answer.text()
            async for line in answer.content:
                if was_ended(line):
                    raise Ended
                assert json.loads(line)["object"]["kind"] == "ConfigMap", line

    async def _logs(self, session: ClientSession) -> None:
        lines = self._chance.randrange(1, 100)
        async with session.get(f"{POD}/log?follow=true&tailLines={lines}") as answer:
            said = await answer.read()
        if answer.status == 503 and was_ended(said):
            raise Ended
        assert (answer.status, said) == (200, b"log of t/web\n"), (answer.status, said)

    # --- what runs in containers

    async def _exec(self, session: ClientSession) -> None:
        mark = self._mark()
        async with self._running(session, "echo", mark) as running:
            assert (await running.end(), running.output) == (0, f"{mark}\n".encode()), running
        self._tally.answered.add(mark)

    async def _status(self, session: ClientSession) -> None:
        mark = self._mark()
        async with self._running(session, "sh", "-c", f"echo {mark} >&2; exit 7") as running:
            assert (await running.end(), running.complaints) == (7, f"{mark}\n".encode()), running
        self._tally.answered.add(mark)

    async def _large(self, session: ClientSession) -> None:
        mark = self._mark()
        async with self._running(session, "sh", "-c", f"head -c {LARGE} /dev/zero | tr '\\0' x # {mark}") as running:
            assert (await running.end(), len(running.output)) == (0, LARGE), running.status
        self._tally.answered.add(mark)

    async def _exec_masked(self, session: ClientSession) -> None:
        mark = self._mark()
        script = f"echo write to person{self._number}@example.org; : mask-me {mark}"
        async with self._running(session, "sh", "-c", script) as running:
            assert (await running.end(), running.output) == (0, b"write to [redacted]\n"), running
        self._tally.answered.add(mark)

    async def _exec_denied(self, session: ClientSession) -> None:
        await self._must_not_run(session, "do-deny")

    async def _exec_refused(self, session: ClientSession) -> None:
        await self._must_not_run(session, "do-refuse")

    async def _must_not_run(self, session: ClientSession, word: str) -> None:
        mark = self._mark(never=True)
        async with self._running(session, "echo", word, mark) as running:
            assert (await running.end(), running.output) == (-1, b""), running
        assert running.status is not None
        assert running.status["reason"] == "Forbidden", running
        self._tally.answered.add(mark)

    async def _exec_approved(self, session: ClientSession) -> None:
        mark = self._mark()
        async with self._running(session, "echo", "do-approve", mark) as running:
            status = await running.end()
        if status == -1 and SUPERSEDED in str(running.status):
            self._superseded()
            return
        assert (status, running.output) == (0, f"do-approve {mark}\n".encode()), running
        self._tally.answered.add(mark)

    async def _stream(self, session: ClientSession) -> None:
        mark = self._mark()
        line = f"{mark}\n".encode()
        until = asyncio.get_running_loop().time() + self._chance.uniform(*STREAM_SECONDS)
        script = f'while read -r line && [ "$line" != end ]; do echo "$line"; done # {mark}'
        async with self._running(session, "sh", "-c", script, stdin=True) as running:
            while asyncio.get_running_loop().time() < until:
                await running.send(line)
                assert await running.until(re.compile(rb"\n")) == line
                await asyncio.sleep(0.1)
            await running.send(b"end\n")
            assert await running.end() == 0, running
        self._tally.answered.add(mark)

    async def _shell(self, session: ClientSession) -> None:
        mark, never = self._mark(), self._mark(never=True)
        async with self._running(session, "bash", terminal=True) as running:
            await running.until(FIRST_PROMPT)
            for text, wanted in (
                (f"x=4; echo {mark} $((40 + 2))", b"42"),
                (f"echo do-deny {never}", b"denied: the mark says no"),
                ("echo $x$x", b"44"),
            ):
                await running.send(f"{text}\r".encode())
                said = await running.until(PROMPT)
                assert wanted in said, said
            await running.send(b"exit 3\r")
            assert await running.end() == 3, running
        self._tally.answered.update((mark, never))

    async def _kubectl(self, _: ClientSession) -> None:
        mark = self._mark()
        pipe = asyncio.subprocess.PIPE
        spdy = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"} if self._chance.randrange(2) else {}
        client = await asyncio.create_subprocess_exec(
            *self._world.cluster.command("exec", "web", "--", "echo", mark),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            env={"PATH": os.environ["PATH"], "HOME": str(self._world.folder), **spdy},
        )
        said, complained = await client.communicate()
        if was_ended(complained):
            raise Ended
        # WHY the last: what client-go says, after half a minute, of a connection that was lost while it opened a stream over SPDY.
        if any(word in complained for word in (b"EOF", b"connection", b"closed", b"Timeout occurred")):
            raise Gone(complained.decode())
        assert (client.returncode, said) == (0, f"{mark}\n".encode()), (client.returncode, said, complained)
        self._tally.answered.add(mark)

    # --- what does not go to its end

    async def _gone(self, session: ClientSession) -> None:
        await self._leave_exec(session, "sleep", "1", self._mark())

    async def _gone_held_exec(self, session: ClientSession) -> None:
        await self._leave_exec(session, "echo", "do-leave", self._mark(never=True))

    async def _leave_exec(self, session: ClientSession, *words: str) -> None:
        with contextlib.suppress(aiohttp.ClientError):  # WHY: it may have been killed by now
            async with self._running(session, "sh", "-c", " ".join(words)):
                await asyncio.sleep(self._chance.uniform(0.02, 0.3))
        raise Left

    async def _gone_watch(self, session: ClientSession) -> None:
        mark = self._mark()
        path = f"{SPACE}/configmaps?watch=true&labelSelector=" + quote(f"mark!={mark}", safe="")
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.get(path) as answer, asyncio.timeout(self._chance.uniform(0.1, 1.0)):
                await answer.content.read()
        raise Left

    async def _gone_held(self, session: ClientSession) -> None:
        mark = self._mark(never=True)
        asking = self._ask(session, "DELETE", f"{SPACE}/configmaps/do-leave-{mark}", "")
        running = asyncio.create_task(asking)
        await asyncio.wait([running], timeout=self._chance.uniform(0.02, 0.3))
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError, aiohttp.ClientError, Ended):
            await running
        raise Left
