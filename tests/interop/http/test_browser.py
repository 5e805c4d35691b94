"""A real Chromium on a page behind the gateway: fetch, server-sent events and WebSocket, each allowed, masked, held and denied."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.console.house import new_context, running_browser
from tests.interop.http.running import Running, gateway_before
from tests.interop.http.web_sockets import CARD, POLICY, WebTarget


@pytest.fixture(scope="module")
def web_target() -> Iterator[WebTarget]:
    made = WebTarget()
    yield made
    made.close()


@pytest.fixture(scope="module")
def sockets(web_target: WebTarget, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("browser")
    with gateway_before(folder, f"127.0.0.1:{web_target.port}", policy=POLICY) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as found:
        yield found


@pytest.fixture
def page(browser: Browser, sockets: Running) -> Iterator[Page]:
    context = new_context(browser, extra_http_headers={"Authorization": f"Bearer {sockets.token}"})
    made = context.new_page()
    made.goto(f"http://127.0.0.1:{sockets.port}/")
    yield made
    context.close()


def offers(running: Running) -> list[str]:
    encoded = base64.urlsafe_b64encode(running.token.encode()).decode().rstrip("=")
    return ["sallyport", f"sallyport.bearer.{encoded}"]


def socket(page: Page, running: Running, path: str) -> Any:
    return page.evaluate("([path, offers]) => open(path, offers)", [path, offers(running)])


def test_fetch_reads_what_is_masked_and_why_something_is_not(page: Page) -> None:
    assert page.evaluate("fetch('/cards').then(got => got.json())") == [{"id": 1, "card": "[redacted]"}]
    said = page.evaluate("fetch('/cards', {method: 'DELETE'}).then(async got => [got.status, await got.json()])")
    assert said[0] == 403
    assert said[1]["code"]


def test_fetch_waits_for_an_approval(page: Page, sockets: Running) -> None:
    page.evaluate("() => { window.waiting = fetch('/held').then(got => got.status); }")
    sockets.approve(sockets.ticket())
    assert page.evaluate("window.waiting") == 426, "as the target answers who asks for no WebSocket there"


def test_events_come_masked(page: Page) -> None:
    assert [json.loads(one) for one in page.evaluate("events('/events')")] == [
        {"id": number, "card": "[redacted]"} for number in range(3)
    ]
    assert page.evaluate("events('/held-not')") == ["error"]


def test_a_websocket_is_opened_with_a_token_of_the_page(page: Page, sockets: Running, web_target: WebTarget) -> None:
    web_target.heard.clear()
    page.evaluate(
        """([path, offers]) => { window.held = new WebSocket(`ws://${location.host}${path}`, offers);
            window.got = new Promise(done => { window.held.onmessage = event => done([window.held.protocol, event.data]); });
            window.held.onopen = () => window.held.send("from a page"); }""",
        ["/chat", [*offers(sockets), "chat"]],
    )
    assert page.evaluate("window.got") == ["chat", "from a page"]
    assert web_target.heard == ["from a page"]
    page.evaluate("window.held.close(4001, 'enough')")
    page.wait_for_function("window.held.readyState === 3")


def test_messages_are_masked_and_the_page_hears_why_it_ends(page: Page, sockets: Running) -> None:
    said = socket(page, sockets, "/bytes")
    assert (said["code"], said["messages"]) == (1008, [])
    assert said["reason"]
    said = socket(page, sockets, "/notes")
    assert said["messages"][0] == "a card: [redacted]"
    assert json.loads(said["messages"][1]) == {"note": "[redacted]"}
    assert CARD not in json.dumps(said)


def test_a_denied_websocket_is_none(page: Page, sockets: Running, web_target: WebTarget) -> None:
    before = len(web_target.handshakes)
    said = socket(page, sockets, "/secret")
    assert (said["code"], said["messages"]) == (1006, [])
    assert len(web_target.handshakes) == before


def test_a_held_websocket_opens_when_it_is_approved(page: Page, sockets: Running) -> None:
    page.evaluate(
        """([path, offers]) => { window.held = new WebSocket(`ws://${location.host}${path}`, offers);
            window.opened = new Promise(done => { window.held.onopen = () => done(window.held.protocol); }); }""",
        ["/held", offers(sockets)],
    )
    ticket = sockets.ticket()
    assert page.evaluate("window.held.readyState") == 0
    sockets.approve(ticket)
    assert page.evaluate("window.opened") == "sallyport"
    page.evaluate("window.held.close()")
