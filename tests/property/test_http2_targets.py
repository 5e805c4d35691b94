"""Whatever a target of HTTP/2 says, and wherever it breaks off: nobody is shown what was not said to their own request, nothing runs twice, nobody
waits for ever, and what became of each request is told.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.core.kept import KeptConnections
from adapters.core.listening import Address
from adapters.core.ports import Target
from adapters.core.shared import SharedConnections
from adapters.http.listener import http_listener
from adapters.web.http2.offer import TO_TARGETS
from adapters.web.responses import AnswerData, AnswerReader
from tests.two_site import TURNS, UNRUN, WELL, Site
from tests.unit.adapters.core.test_relay import Keeper

SECONDS = 60


async def asked(port: int, name: bytes, method: bytes) -> bytes:
    """The answer to one request on a connection of its own: status line, body, and whether it is whole."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = b"Content-Length: 3\r\n\r\nabc" if method == b"POST" else b"\r\n"
    writer.write(
        b"%b /%b HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer good\r\nConnection: close\r\n%b" % (method, name, body)
    )
    try:
        async with asyncio.timeout(SECONDS):
            said = await reader.read()
    finally:
        writer.close()
    answer = AnswerReader("GET")
    parts = answer.feed(said)
    body = b"".join(part.data for part in parts if isinstance(part, AnswerData))
    return said.partition(b"\r\n")[0] + b"\n" + body + (b"\nwhole" if answer.is_done else b"\ncut")


async def played(site: Site, methods: Sequence[bytes], *, together: int = 1) -> tuple[list[bytes], list[bytes], Keeper]:
    """Requests, so many at a time; their names, their answers, and who was asked about them."""
    server = await site.serve()
    keeper = Keeper(where=Target("127.0.0.1", site.port, "", "secret-of-the-gateway", tls=False, http2="always"))
    listener = http_listener(Address(), keeper, "shop", kept=KeptConnections(), shared=SharedConnections(TO_TARGETS))
    await listener.start()
    names = [b"n%d" % number for number in range(len(methods))]
    answers: list[bytes] = []
    try:
        for at in range(0, len(names), together):
            both = zip(names[at : at + together], methods[at : at + together], strict=True)
            answers += await asyncio.gather(*(asked(listener.port, name, method) for name, method in both))
        return names, answers, keeper
    finally:
        await listener.drain(1)
        server.close()
        await asyncio.wait(site.tasks, timeout=60)


def check(site: Site, names: list[bytes], answers: list[bytes], keeper: Keeper) -> None:
    for name, answer in zip(names, answers, strict=True):
        assert b"stale" not in answer, (name, answer)
        assert b"a=b" not in answer, (name, answer)
        assert set(re.findall(rb"<(n[0-9]+)>", answer)) <= {name}, (name, answer)
        assert answer.startswith(b"HTTP/1.1 "), (name, answer)
        assert site.runs.count(name) <= 1, "nothing runs twice"
        if answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"\nwhole"):
            assert answer.split(b"\n")[1] in (b"<" + name + b">", b""), "a part is never said to be the whole"
    assert site.mistakes == []
    calls = keeper.gate.calls
    assert calls.count("decide") == len(names)
    assert calls.count("finished d-1") == len(names), "what became of each is told once"


LIES = {"others", "goodbye back"}
"""Turns that say something untrue about other requests of the same connection."""
METHODS = st.sampled_from([b"GET", b"POST"])


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(TURNS)), min_size=1, max_size=5), st.lists(METHODS, min_size=2, max_size=8), st.integers(1, 4)
)  # fmt: skip
@example(["others"], [b"GET", b"GET"], 2)
@example(["again"], [b"GET", b"GET"], 2)
@example(["goodbye back"], [b"GET", b"GET"], 2)
def test_nobody_is_shown_an_answer_to_somebody_else(turns: list[str], methods: list[bytes], together: int) -> None:
    site = Site(turns)
    # WHY alone then: what a target says of another request that is open, or will not run and runs, is its word on that one.
    together = 1 if LIES & {*turns} else together
    names, answers, keeper = asyncio.run(played(site, [*methods, b"GET"], together=together))
    check(site, names, answers, keeper)


@pytest.mark.parametrize("turn", sorted(TURNS))
@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_each_turn_of_a_target_ends_as_it_should(turn: str, method: bytes) -> None:
    site = Site([turn])
    names, answers, keeper = asyncio.run(played(site, [method, b"GET"]))
    check(site, names, answers, keeper)
    is_well = answers[0].startswith(b"HTTP/1.1 200 ") and b"<n0>" in answers[0]
    if turn in (*WELL, *UNRUN):
        assert is_well, answers[0]
        assert site.runs == [b"n0", b"n1"]
    elif turn in ("head alone", "empty"):
        assert answers[0].startswith((b"HTTP/1.1 204 ", b"HTTP/1.1 200 "))
    elif not is_well:
        assert answers[0].startswith(b"HTTP/1.1 502 ") or answers[0].endswith(b"\ncut"), answers[0]
    assert b"<n1>" in answers[1], "the next one meets a connection that is in order"


@pytest.mark.parametrize("is_reset", [False, True])
@pytest.mark.parametrize("frames_left", range(14))
@pytest.mark.parametrize("turn", ["ok", "slices", "trailers", "goodbye"])
def test_a_target_that_is_gone_at_any_frame_runs_nothing_twice(turn: str, frames_left: int, is_reset: bool) -> None:
    site = Site([turn] * 4, frames_left=frames_left, is_reset=is_reset)
    names, answers, keeper = asyncio.run(played(site, [b"POST", b"GET"] * 4, together=2))
    check(site, names, answers, keeper)
    assert b"<n7>" in answers[7]
