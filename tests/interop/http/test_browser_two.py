"""A real Chromium that chose HTTP/2: fetch and server-sent events, allowed, masked, denied and held; WebSocket beside it over HTTP/1.1."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

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


def test_a_websocket_of_the_page_goes_beside_it(page: Page, running: Running) -> None:
    encoded = base64.urlsafe_b64encode(running.token.encode()).decode().rstrip("=")
    got = page.evaluate(
        """offers => new Promise(done => { const socket = new WebSocket(`wss://${location.host}/chat`, offers);
            socket.onmessage = event => { done(event.data); socket.close(); };
            socket.onerror = () => done("error");
            socket.onopen = () => socket.send("from a page"); })""",
        ["sallyport", f"sallyport.bearer.{encoded}", "chat"],
    )
    assert got == "from a page"
