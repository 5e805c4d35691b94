"""Recordings and sessions played in a real browser: in time, by keyboard, hostile output as text, and who plays is in the audit."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from adapters.core.ports import Outcome, Part, Screen
from gateway.recording.exchanges import Asked, asked_lines, done_line, shown_lines
from gateway.recording.recorder import About
from tests.e2e.console.house import House, sign_in
from tests.e2e.console.raw import Raw
from tests.e2e.console.stage import Stage, staged

MARKUP = "<img src=x onerror=hacked(1)><script>hacked(2)</script>"
HOSTILE = (
    f"{MARKUP}\r\n"
    "\x1b]0;other title\x07\x1b]8;;https://evil.example/\x1b\\click\x1b]8;;\x1b\\\r\n"
    "\x1b]52;c;aGFja2Vk\x07\x1bP+q544e\x1b\\\x1b_hidden\x1b\\\x1b[6n\x1b[c\x1b[?1000h\x1b[21t\r\n"
    "\x9b31mC1\x9d0;x\x9c \u202edrow\u202c \u200bzero\r\n"
    "\x1b[999999999C\x1b[999999999B\x1b[9D\x1b[38;2;1;2\x1b[38;5;999mend\x1b[0m\x1b[H"
)


@pytest.fixture
def stage(house: House) -> Iterator[Stage]:
    with staged(house) as made:
        yield made


def opened(context: BrowserContext, house: House, place: str) -> Page:
    page = sign_in(context, house, "vera", place)
    expect(page.locator("#player")).to_have_attribute("data-state", "whole")
    return page


def screen(page: Page) -> str:
    return page.locator("[data-screen]").inner_text()


def test_a_terminal_is_played_in_time_by_keyboard_and_to_any_place(
    house: House, context: BrowserContext, stage: Stage
) -> None:
    one = stage.begin(Screen(40, 5, "xterm"))
    one.told({"decision": "d-1", "verdict": "allow", "text": "shell raw"})
    for number in range(12):
        stage.at(one, max(0.0, number * 10 - 0.4))
        one.output(f"line {number}\r\n".encode())
    stage.at(one, 119.6)
    one.resized(60, 8)
    one.output(b"\x1b[2J\x1b[H\x1b[1;31mred\x1b[0m \xe4\xbd\xa0 \x1b(0q\x1b(B\x1b[?1049hother\x1b[?1049l")
    stage.at(one, 125.2)
    one.end(0)
    page = opened(context, house, f"/recordings/{one.id}")
    bar, play = page.get_by_label("Place in the recording"), page.locator("[data-play]")
    expect(page.locator("[data-clock]")).to_have_text("00:00 / 02:05")
    # Nothing is wrong with it, so no place is left for what would be.
    expect(page.locator("[data-said]")).to_be_hidden()
    page.locator("h1").click()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(page.locator("[data-clock]")).to_have_text("00:20 / 02:05")
    assert "line 2" in screen(page)
    assert "line 3" not in screen(page)
    page.keyboard.press("End")
    assert screen(page).splitlines()[0].rstrip() == "red 你 ─"
    expect(page.locator(".screen .fg1.bold")).to_have_text("red")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert [line.rstrip() for line in screen(page).splitlines()[:4]] == ["line 8", "line 9", "line 10", "line 11"]
    page.keyboard.press("Home")
    assert "line 1" not in screen(page)
    bar.fill("35000")
    assert "line 3" in screen(page)
    page.keyboard.press("Home")
    page.get_by_label("Speed").select_option("8")
    play.click()
    expect(page.locator("[data-screen]")).to_contain_text("line 2")
    page.locator("h1").click()
    page.keyboard.press(" ")
    expect(play).to_have_text("Play")
    page.locator("#decisions button").first.click()
    expect(page.locator("#decisions")).to_contain_text("allow: shell raw")
    expect(page.locator("[data-clock]")).to_have_text("00:00 / 02:05")


def test_hostile_output_is_text_and_nothing_else(house: House, context: BrowserContext, stage: Stage) -> None:
    one = stage.begin(Screen(80, 24, "xterm"))
    one.output(HOSTILE.encode())
    one.output(b"\x1b[20;1H\x1b[31")
    one.output(b"mcut\x1b[0m\x1b]52;c;")
    one.output(b"aGFja2Vk\x07 after")
    one.told({"verdict": "deny", "text": f"{MARKUP}\x1b]52;c;x\x07"})
    stage.at(one, 1.0)
    one.end(None)
    command = stage.begin()
    command.output(f"{MARKUP}\n\x1b]8;;https://evil.example/\x07x\n".encode())
    command.output(b"plain\nnext\n", is_error=True)
    command.end(1)
    calls: list[str] = []
    errors: list[str] = []
    context.expose_function("hacked", lambda which: calls.append(str(which)))
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = sign_in(context, house, "vera")
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("dialog", lambda dialog: calls.append(dialog.message))
    page.evaluate("() => navigator.clipboard.writeText('mine')")
    for recording in (one, command):
        page.goto(f"{house.url}/recordings/{recording.id}")
        expect(page.locator("#player")).to_have_attribute("data-state", "whole")
        title = page.title()
        page.locator("h1").click()
        page.keyboard.press("End")
        shown = screen(page)
        assert MARKUP in shown
        for gone in ("evil.example", "aGFja2Vk", "other title", "hidden", "[6n", "544e", "\u202e", "\u200b"):
            assert gone not in shown, gone
        assert page.locator("#player img, #player a, #player script, #decisions img").count() == 0
        assert page.title() == title
    assert shown.splitlines()[2:4] == ["plain", "next"]
    page.goto(f"{house.url}/recordings/{one.id}")
    expect(page.locator("#decisions")).to_contain_text(MARKUP)
    page.keyboard.press("End")
    expect(page.locator(".screen .fg1")).to_have_text("cut")
    assert page.evaluate("() => navigator.clipboard.readText()") == "mine"
    assert (calls, errors) == ([], [])


def test_a_recording_of_statements_is_a_table_that_grows_and_shrinks_with_the_time(
    house: House, context: BrowserContext, stage: Stage
) -> None:
    one = stage.recordings.begin_exchanges(About("s-played", "ana", "orders", "d-1"), lambda: None)
    evil = f"{MARKUP}\x1b]0;other title\x07\u202e"

    def told(seconds: float, line: bytes) -> None:
        stage.at(one, seconds)
        one.write(lambda at: [line.replace(b'"at":0', b'"at":%d' % at)])

    first = Asked(at=0, id="d-1", protocol="postgres", text="SELECT name FROM people", verdict="mask", rules=("p/R",))
    told(1, b"".join(asked_lines(first)))
    told(2, b"".join(shown_lines(0, "d-1", Part(("na<b>me",), ((evil,), (None,)), is_cut=True))))
    told(3, done_line(0, "d-1", Outcome(2, 40, 0.5)))
    told(
        20, b"".join(asked_lines(Asked(at=0, id="d-2", protocol="postgres", text=evil, verdict="deny", rules=(evil,))))
    )
    told(
        40, b"".join(asked_lines(Asked(at=0, id="d-3", protocol="http", text="GET /" + "x" * 40_000, verdict="allow")))
    )
    told(41, b"".join(shown_lines(0, "d-3", Part(data=b"a body"))))
    told(42, done_line(0, "d-3", Outcome(0, 6, 0.1, "404")))
    stage.at(one, 45)
    one.end(None)
    calls: list[str] = []
    errors: list[str] = []
    context.expose_function("hacked", lambda which: calls.append(str(which)))
    page = sign_in(context, house, "vera")
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(f"{house.url}/recordings/{one.id}")
    expect(page.locator("#player")).to_have_attribute("data-state", "whole")
    rows = page.locator("[data-table] > tr")
    expect(rows).to_have_count(0)
    page.locator("h1").click()
    page.keyboard.press("End")
    expect(rows).to_have_count(3)
    assert MARKUP in screen(page)
    assert "other title" not in screen(page)
    assert "\u202e" not in screen(page)
    assert page.locator("#player img, #player script, #player b, #decisions img").count() == 0
    expect(rows.nth(0)).to_contain_text("2 rows, 40 bytes, 500.0 ms")
    expect(rows.nth(0)).to_contain_text("The rest was not recorded.")
    expect(rows.nth(0).locator("th")).to_have_text("na<b>me")
    expect(rows.nth(2)).to_contain_text("404")
    assert len(rows.nth(2).locator("pre").first.inner_text()) == 40_005
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-clock]")).to_have_text("00:25 / 00:45")
    expect(rows).to_have_count(2)
    page.keyboard.press("Home")
    expect(rows).to_have_count(0)
    page.locator("#decisions button").nth(1).click()
    expect(rows).to_have_count(2)
    expect(page.locator("#decisions li")).to_have_count(3)
    assert (calls, errors) == ([], [])


def test_a_session_of_psql_is_played_from_the_audit(house: House, context: BrowserContext) -> None:
    code, _, errors = house.run("SELECT status, count(*) FROM app.orders GROUP BY 1; DROP TABLE app.orders", user="ana")
    assert code == 1
    assert "NO_DROP" in errors
    house.run('SELECT 1 AS "<b>bold</b>"', user="ana")
    entries = [one for one in house.world.entries() if one.get("kind") == "decision"]
    last = next(one for one in reversed(entries) if "<b>bold" in str(one["text"]))
    session, deadline = str(last["session"]), time.monotonic() + 60
    # What became of a statement is written a moment after its answer, and a page shows what there is when it is opened.
    while not any(
        one["kind"] == "outcome" and one["decision_id"] == last["decision_id"] for one in house.world.entries()
    ):
        assert time.monotonic() < deadline, "nothing is told of what became of it"
    page = opened(context, house, f"/sessions/{session}")
    page.locator("h1").click()
    page.keyboard.press("End")
    shown = screen(page)
    assert 'world=> SELECT 1 AS "<b>bold</b>"' in shown
    assert "-- allow by policies.console/READ" in shown or "-- allow by console/READ" in shown
    assert re.search(r"-- 1 row, \d+ bytes", shown)
    assert "session opened: ana on world" in shown
    assert page.locator("main b").count() == 0
    page.goto(f"{house.url}/sessions")
    expect(page.locator(f"a[href='/sessions/{session}']").first).to_be_visible()


def test_who_plays_is_in_the_audit_before_anything_is_shown(house: House, stage: Stage) -> None:
    one = stage.begin()
    one.output(b"what was shown\n")
    one.end(0)
    ana, dora = Raw(house), Raw(house)
    for place in (
        f"/recordings/{one.id}",
        f"/recordings/{one.id}/events",
        "/recordings",
        "/sessions/s-1",
        "/sessions/s-1/events",
    ):
        answer = ana.get(place)
        assert answer.status == 303, place
        assert "what was shown" not in answer.body
    ana.sign_in("ana")
    for place in (f"/recordings/{one.id}", f"/recordings/{one.id}/events", "/recordings"):
        assert ana.get(place).status == 403
    dora.sign_in("dora")
    assert dora.get(f"/recordings/{one.id}").status == 200
    assert played(house, one.id) == []
    # Not the first piece: it is recorded all the same, and the next are the same showing.
    dora.get(f"/recordings/{one.id}/events?chunk=7&at=9")
    answer = dora.get(f"/recordings/{one.id}/events")
    assert answer.header("content-type") == "application/json"
    assert "nosniff" in answer.header("x-content-type-options")
    assert "what was shown" in answer.body
    assert played(house, one.id) == [("dora", "ana", "box", "build-42")]
    again = Raw(house)
    again.sign_in("dora")
    again.get(f"/recordings/{one.id}/events")
    assert len(played(house, one.id)) == 2
    for place in (
        "/recordings/r-0000000000000000",
        "/recordings/..%2f..%2fetc",
        f"/recordings/{one.id}/events?chunk=x",
        "/sessions/s-none",
    ):
        assert dora.get(place).status == 404, place


def played(house: House, name: str) -> list[tuple[object, ...]]:
    found = [one for one in house.world.entries() if one.get("step") == "played" and one.get("note") == name]
    return [(one["person"], one["principal"], one["resource"], one["job"]) for one in found]
