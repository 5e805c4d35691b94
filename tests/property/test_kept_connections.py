"""Whatever a target says behind, between and instead of its answers: nobody is shown what was not said to their own request.

A real listener with connections that are kept, a target that does as drawn. Each request names itself in its path; an answer names the
request. What a target says that is no answer to the request it has just read says `stale`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.kept import KEPT, REUSED, KeptConnections
from adapters.core.listening import Address
from adapters.core.ports import Target
from adapters.http.listener import http_listener
from tests.unit.adapters.core.test_relay import Keeper

OPEN = ("end", "none", "long")
"""Framings by which whatever comes belongs to the answer until the connection ends."""
STALE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale"


@dataclass(frozen=True)
class Turn:
    """How a target answers one request: the head's lines besides, the body's framing, what it says behind it and when it ends."""

    lines: bytes = b""
    framing: str = "length"
    behind: bytes = b""
    later: bytes = b""
    ends: str = "stays"
    status: bytes = b"200 OK"
    before: bytes = b""
    pieces: int = 1 << 16


TURNS = st.builds(
    Turn,
    lines=st.sampled_from(
        [b"", b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Keep-Alive: timeout=1\r\n", b"Keep-Alive: timeout=60, max=5\r\n", b"Connection: x, keep-alive\r\n"]
    ),
    framing=st.sampled_from(["length", "chunked", "end", "both", "short", "long", "twice", "old", "trailers", "none"]),
    behind=st.sampled_from([b"", b"", b"", STALE, b"\r\n", b"stale", b"HTTP/1.1 200 OK\r\n"]),
    later=st.sampled_from([b"", b"", b"", STALE, b"stale", STALE + STALE]),
    ends=st.sampled_from(["stays", "stays", "stays", "ends", "resets", "next"]),
    status=st.sampled_from([b"200 OK", b"200 OK", b"204 No Content", b"304 Not Modified", b"404 Not Found"]),
    before=st.sampled_from([b"", b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"]),
    pieces=st.sampled_from([1, 7, 1 << 16]),
)  # fmt: skip


def said(turn: Turn, name: bytes) -> bytes:
    """What the target says to the request for `/name`."""
    body = b"<" + name + b">"
    first = b"HTTP/1.0 " if turn.framing == "old" else b"HTTP/1.1 "
    length, chunks = b"Content-Length: %d\r\n" % len(body), b"%x\r\n%b\r\n0\r\n" % (len(body), body)
    coded = b"Transfer-Encoding: chunked\r\n"
    framed, made = {
        "length": (length, body),
        "old": (length, body),
        "chunked": (coded, chunks + b"\r\n"),
        "trailers": (coded, chunks + b"X: y\r\n\r\n"),
        "end": (b"", body),
        "none": (b"", b""),
        "both": (length + coded, chunks + b"\r\n"),
        "short": (b"Content-Length: 1\r\n", body),
        "long": (b"Content-Length: 400\r\n", body),
        "twice": (length + length, body),
    }[turn.framing]
    behind = b"" if turn.framing in OPEN else turn.behind
    return turn.before + first + turn.status + b"\r\n" + turn.lines + framed + b"\r\n" + made + behind


class Site:
    """The target. `turns` are taken one after the other; `connections` counts those it had."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self.turns = list(turns)
        self.connections = self.speaking = 0
        self.port = 0
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> asyncio.Server:
        def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.tasks.add(asyncio.get_running_loop().create_task(self.answer(reader, writer)))

        server = await asyncio.start_server(come, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        is_over = False
        with suppress(OSError, asyncio.IncompleteReadError):
            while not is_over:
                head = await reader.readuntil(b"\r\n\r\n")
                self.speaking += 1
                turn = self.turns.pop(0) if self.turns else Turn()
                data = said(turn, head.split(b" ")[1].strip(b"/"))
                for at in range(0, len(data), turn.pieces):
                    writer.write(data[at : at + turn.pieces])
                    await asyncio.sleep(0)
                if turn.later and turn.framing not in OPEN:
                    await asyncio.sleep(0)
                    writer.write(turn.later)
                self.speaking -= 1
                is_over = turn.ends in ("ends", "resets") or turn.framing in OPEN
                if turn.ends == "next" and not is_over:
                    # It ends when the next request is on its way, before it says a byte.
                    await reader.read(1)
                    is_over = True
            if turn.ends == "resets":
                writer.transport.abort()
        writer.close()


async def asked(port: int, names: Sequence[bytes], site: Site) -> list[bytes]:
    """The answers to requests, each on a connection of its own, and each when the target has said all that it says to the one before: of what
    comes later nobody can tell whom it is meant for."""
    answers = []
    for name in names:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"GET /%b HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer good\r\nConnection: close\r\n\r\n" % name
        )
        async with asyncio.timeout(60):
            answers.append(await reader.read())
            while site.speaking:
                await asyncio.sleep(0)
        writer.close()
        for _ in range(5):
            await asyncio.sleep(0)
    return answers


async def played(turns: Sequence[Turn]) -> tuple[list[bytes], list[bytes], Site, list[str]]:
    site, told = Site(turns), list[str]()
    server = await site.serve()
    keeper = Keeper(where=Target("127.0.0.1", site.port, "", "secret-of-the-gateway", tls=False))
    listener = http_listener(Address(), keeper, "shop", kept=KeptConnections(told.append))
    await listener.start()
    names = [b"n%d" % number for number in range(len(turns) + 3)]
    try:
        return names, await asked(listener.port, names, site), site, told
    finally:
        await listener.drain(1)
        server.close()
        await asyncio.wait(site.tasks, timeout=5)


@settings(max_examples=150, deadline=None)
@given(st.lists(TURNS, min_size=1, max_size=6))
def test_nobody_is_shown_an_answer_to_somebody_else(turns: list[Turn]) -> None:
    names, answers, _, _ = asyncio.run(played(turns))
    for name, answer in zip(names, answers, strict=True):
        assert b"stale" not in answer, (turns, answer)
        shown = set(re.findall(rb"<(n[0-9]+)>", answer))
        assert shown <= {name}, (turns, answer)
        assert answer.startswith(b"HTTP/1.1 ") or answer == b""
    # The last ones meet a target that behaves again.
    assert all(b"<" + name + b">" in answer for name, answer in zip(names[-2:], answers[-2:], strict=True)), turns


@pytest.mark.parametrize(
    ("turn", "connections"),
    [
        (Turn(), 1),
        (Turn(framing="chunked"), 1),
        (Turn(lines=b"Connection: keep-alive\r\nKeep-Alive: timeout=60\r\n"), 1),
        (Turn(lines=b"Connection: close\r\n"), 2),
        (Turn(lines=b"Keep-Alive: timeout=1\r\n"), 2),
        (Turn(framing="old"), 2),
        (Turn(framing="end"), 2),
        (Turn(framing="twice"), 2),
        (Turn(behind=b"\r\n"), 2),
        (Turn(behind=STALE), 2),
        (Turn(before=b"HTTP/1.1 103 Early Hints\r\n\r\n"), 2),
        (Turn(status=b"304 Not Modified"), 2),
        (Turn(ends="next"), 2),
    ],
)
async def test_a_connection_serves_again_only_when_its_answer_left_no_doubt(turn: Turn, connections: int) -> None:
    _, answers, site, told = await played([turn])
    assert site.connections == connections, told
    assert answers[-1].endswith(b"<n3>")
    assert told.count(REUSED) >= 2
    assert told.count(KEPT) >= 3
