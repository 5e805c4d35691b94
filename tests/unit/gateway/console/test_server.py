"""The server on a real socket: routes, errors, streams, files, and what every answer says."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from gateway.console.server import read_static
from gateway.identity.rates import Rates
from tests.strategies.console import Served, requested, token_in


async def test_a_page_is_shown_to_who_is_signed_in(served: Served) -> None:
    await served.sign_in()
    status, page, headers = await served.ask("GET", "/holds")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "<title>(7) Holds" in page
    assert (await served.ask("GET", "/"))[2]["Location"] == "/holds"


async def test_a_form_changes_something_and_leads_on(served: Served) -> None:
    await served.sign_in()
    ticket = requested(served.house)
    token = token_in((await served.ask("GET", "/holds"))[1])
    for form in ({}, {"csrf": token + "x"}):
        assert (await served.ask("POST", f"/holds/{ticket}/approve", form))[0] == 403
    status, _, headers = await served.ask("POST", f"/holds/{ticket}/approve", {"csrf": token, "reason": "ok"})
    assert (status, headers["Location"]) == (303, f"/holds?said={ticket}")
    after = served.house.approvals.get(ticket)
    assert after is not None
    assert after.votes[0].comment == "ok"


async def test_every_answer_has_the_headers_errors_too(served: Served) -> None:
    for path in ("/holds", "/nowhere", "/sign-in", "/static/console.js", "/static/x", "/events"):
        _, _, headers = await served.ask("GET", path)
        assert headers["X-Frame-Options"] == "DENY", path
        assert headers["Server"] == "sallyport"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "Strict-Transport-Security" not in headers, "there is no TLS here"


async def test_errors_are_pages_that_say_what_to_do(served: Served) -> None:
    await served.sign_in()
    status, page, _ = await served.ask("GET", "/broken")
    assert (status, "the store refused (Test)" in page) == (503, True)
    assert (await served.ask("GET", "/nowhere"))[0] == 404
    status, _, headers = await served.ask("GET", "/holds/h-0/approve")
    assert (status, headers["Allow"]) == (405, "POST")
    token = token_in((await served.ask("GET", "/holds"))[1])
    too_much = {"csrf": token, "reason": "x" * 70_000}
    assert (await served.ask("POST", "/holds/h-0/approve", too_much))[0] == 413


async def test_who_asks_too_often_gets_a_page_that_says_when_to_come_again(served: Served) -> None:
    await served.sign_in()
    served.server._rates = Rates(0.01, 2, lambda: 0.0)
    answers = [await served.ask("GET", "/holds") for _ in range(3)]
    assert [status for status, _, _ in answers] == [200, 200, 429]
    assert answers[-1][2]["Retry-After"] == "100"
    assert "Wait 100 s" in answers[-1][1]
    assert (await served.ask("GET", "/static/console.css"))[0] == 200


async def test_files_are_kept_by_their_version_and_none_else_is_there(served: Served) -> None:
    files = read_static()
    assert set(files.named) == {"console.css", "console.js", "icon.svg", "player.js", "table.js"}
    _, body, headers = await served.ask("GET", f"/static/console.css?v={files.version}")
    assert "immutable" in headers["Cache-Control"]
    assert body.encode() == files.named["console.css"][0]
    assert (await served.ask("GET", "/static/console.css?v=old"))[2]["Cache-Control"] == "no-cache"
    for path in ("..%2fserver.py", "%2e%2e/server.py", "server.py", "console.css%00"):
        assert (await served.ask("GET", f"/static/{path}"))[0] == 404


async def test_a_change_of_a_ticket_is_streamed_at_once(served: Served) -> None:
    assert (await served.ask("GET", "/events?topic=holds"))[0] == 403
    await served.sign_in()
    assert (await served.ask("GET", "/events?topic=weather"))[0] == 404
    cookie = "; ".join(f"{name}={value}" for name, value in served.cookies.items())
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"{served.server.origin}/events?topic=holds", headers={"Cookie": cookie}) as answer,
    ):
        assert answer.content_type == "text/event-stream"
        assert await answer.content.readuntil(b"\n\n") == b"retry: 2000\n\n"
        assert b"begun" in await answer.content.readuntil(b"\n\n")
        await asyncio.to_thread(requested, served.house)
        said = await asyncio.wait_for(answer.content.readuntil(b"\n\n"), 5)
        assert said == b"event: change\ndata: changed\n\n"
        served.watchers.end()
        assert await asyncio.wait_for(answer.content.read(), 5) == b""


async def test_a_stream_ends_with_the_session(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    await served.sign_in()
    found = served.entrance.viewer(served.cookies["sallyport"], is_click=False)
    assert found is not None
    stream_of = served.watchers.open

    def quick(*arguments: object) -> object:
        stream = stream_of(*arguments)  # type: ignore[arg-type]  # passed on
        following = stream.next
        stream.next = lambda: following(pulse=0.05)  # type: ignore[method-assign]  # a pulse that tests can wait for
        return stream

    monkeypatch.setattr(served.watchers, "open", quick)
    cookie = f"sallyport={served.cookies['sallyport']}"
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"{served.server.origin}/events?topic=holds", headers={"Cookie": cookie}) as answer,
    ):
        for _ in range(3):
            last = await asyncio.wait_for(answer.content.readuntil(b"\n\n"), 5)
        assert last == b": still here\n\n"
        served.entrance.end(found.session)
        assert b"event" not in await asyncio.wait_for(answer.content.read(), 5)


async def test_too_many_streams_are_refused(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.console.live.MAX_STREAMS", 0)
    await served.sign_in()
    assert (await served.ask("GET", "/events?topic=log"))[0] == 429
