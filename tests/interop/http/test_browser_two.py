"""A real Chromium that chose HTTP/2: fetch, server-sent events and WebSocket on one connection, allowed, masked, denied and held."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from adapters.web.http2.heads import Fields
from adapters.web.http2.inward import Inward
from tests.e2e.console.house import new_context, running_browser
from tests.interop.http.running import Running
from tests.interop.http.two import secured_gateway
from tests.interop.http.web_sockets import POLICY, WebTarget


@pytest.fixture(scope="module")
def web_target() -> Iterator[WebTarget]:
    made = WebTarget()
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(web_target: WebTarget, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("browser")
    with secured_gateway(folder, f"127.0.0.1:{web_target.port}", policy=POLICY) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as found:
        yield found


@pytest.fixture
def page(browser: Browser, running: Running) -> Iterator[Page]:
    context = new_context(browser, extra_http_headers={"Authorization": f"Bearer {running.token}"})
    made = context.new_page()
    made.goto(f"https://127.0.0.1:{running.port}/")
    yield made
    context.close()


def test_a_page_speaks_http_2_and_reads_what_is_masked_and_why_something_is_not(page: Page) -> None:
    assert page.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol") == "h2"
    assert page.evaluate("fetch('/cards').then(got => got.json())") == [{"id": 1, "card": "[redacted]"}]
    said = page.evaluate("fetch('/cards', {method: 'DELETE'}).then(async got => [got.status, await got.json()])")
    assert said[0] == 403
    assert said[1]["code"]


def test_events_come_masked_while_a_request_is_held(page: Page, running: Running) -> None:
    page.evaluate("() => { window.waiting = fetch('/held').then(got => got.status); }")
    ticket = running.ticket()
    assert [json.loads(one) for one in page.evaluate("events('/events')")] == [
        {"id": number, "card": "[redacted]"} for number in range(3)
    ]
    running.approve(ticket)
    assert page.evaluate("window.waiting") == 426, "as the target answers who asks for no WebSocket there"


def offers(running: Running, *more: str) -> list[str]:
    encoded = base64.urlsafe_b64encode(running.token.encode()).decode().rstrip("=")
    return ["sallyport", f"sallyport.bearer.{encoded}", *more]


SPEAK = """([path, offers, word]) => new Promise(done => { const socket = new WebSocket(`wss://${location.host}${path}`, offers);
    const said = {messages: [], protocol: null, code: null};
    socket.onopen = () => { said.protocol = socket.protocol; if (word) socket.send(word); };
    socket.onmessage = event => { said.messages.push(event.data); if (said.messages.length === 2 || word) socket.close(4001); };
    socket.onclose = event => { said.code = event.code; done(said); }; })"""

WAIT = f"asked => {{ window.held = ({SPEAK})(asked); }}"


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[Inward]:
    """Those of HTTP/2 that began meanwhile."""
    made: list[Inward] = []
    begin = Inward.begin

    def kept(self: Inward, now: float) -> None:
        made.append(self)
        begin(self, now)

    monkeypatch.setattr(Inward, "begin", kept)
    return made


def test_a_websocket_of_the_page_is_a_stream_of_the_same_connection(
    connections: list[Inward], page: Page, running: Running, web_target: WebTarget
) -> None:
    tunnels: list[bool] = []
    for one in connections:
        hear = one._request

        def seen(number: int, fields: Fields, *, is_ended: bool, hear: Callable[..., None] = hear) -> None:
            tunnels.append((b":protocol", b"websocket") in fields)
            hear(number, fields, is_ended=is_ended)

        setattr(one, "_request", seen)  # noqa: B010
    before = len(connections)
    said = page.evaluate(SPEAK, ["/chat", offers(running, "chat"), "from a page"])
    assert said == {"messages": ["from a page"], "protocol": "chat", "code": 1000}, "as the target ends it"
    assert web_target.closed[-1] == 4001
    assert (tunnels, len(connections)) == ([True], before), "no other connection was made for it"
    assert web_target.handshakes[-1].get("authorization") == f"Bearer {running.secret}"
    assert running.token not in str(web_target.handshakes[-1])
    decision = running.decisions()[-1]
    assert decision.verdict == "allow"
    assert running.outcome(decision.decision_id or "").error is None


def test_messages_on_a_stream_are_masked_denied_and_held_as_on_a_connection(page: Page, running: Running) -> None:
    said = page.evaluate(SPEAK, ["/feed", offers(running), ""])
    assert len(said["messages"]) == 2
    assert all("4111" not in one for one in said["messages"])
    assert any("[redacted]" in one for one in said["messages"])
    assert page.evaluate(SPEAK, ["/bytes", offers(running), ""])["code"] == 1008, "bytes cannot be masked"
    assert page.evaluate(SPEAK, ["/nowhere", offers(running), ""])["code"] == 1006, "denied"
    page.evaluate(WAIT, ["/held", offers(running), "a"])
    running.approve(running.ticket())
    assert page.evaluate("window.held")["messages"] == ["a"]
    page.evaluate(WAIT, ["/held", offers(running), "a"])
    running.refuse(running.ticket())
    assert page.evaluate("window.held")["code"] == 1006
