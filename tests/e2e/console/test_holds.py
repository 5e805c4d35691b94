"""Must-show 1: a held statement of a real psql, decided about in a real browser."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.conftest import ROOT
from tests.e2e.console.house import House, first_line, new_context, sign_in
from tests.e2e.console.raw import Raw

MANY = 200
MOST = 0.100
"""Seconds from the click to the row in psql."""


def hold(house: House, sql: str, user: str = "ana") -> tuple[subprocess.Popen[str], str]:
    """A psql that waits, and its ticket."""
    process = house.psql(sql, user)
    said = first_line(process)
    found = re.search(r"h-[0-9a-f]{16}", said)
    assert found is not None, said
    return process, found[0]


def is_token(entry: dict[str, object]) -> bool:
    return entry["kind"] == "token"


def card(page: Page, ticket: str) -> str:
    """The selector of a held command on the page."""
    page.locator(f"#{ticket}").wait_for()
    return f"#{ticket}"


def test_one_click_releases_a_waiting_psql(house: House, context: BrowserContext) -> None:
    page = sign_in(context, house, "dora")
    process, ticket = hold(house, "UPDATE app.orders SET status = 'paid' WHERE id = 1 RETURNING id, status")
    shown = page.locator(card(page, ticket))
    expect(shown).to_contain_text("UPDATE app.orders SET status = 'paid' WHERE id = 1 RETURNING id, status")
    for fact in ("ana", "world", "PROD_WRITE", "a DBA looks at every change in production", "app.orders", "write"):
        expect(shown).to_contain_text(fact)
    shown.get_by_role("button", name="Approve").click()
    out, _ = process.communicate(timeout=90)
    assert (process.returncode, out) == (0, "1|paid\nUPDATE 1\n")
    expect(page.get_by_role("status")).to_contain_text("ana")
    expect(page.locator(f"#{ticket}")).to_have_count(0)


def test_an_approver_sees_the_job_and_the_prompt_that_set_it_off(house: House, context: BrowserContext) -> None:
    page = sign_in(context, house, "dora")
    prompt = "Settle the open orders of <b>March</b>,\nbut none above 100."
    process = house.psql("UPDATE app.orders SET status = 'paid' WHERE id = 16", **house.job("settle-42", prompt))
    shown = page.locator(".hold", has_text="settle-42")
    expect(shown.locator(".prompt")).to_have_text(prompt)
    expect(shown.locator(".prompt b")).to_have_count(0)
    shown.get_by_role("button", name="Approve").click()
    assert process.communicate(timeout=90)[0] == "UPDATE 1\n"
    # The token was made beside the running gateway, which has its log locked; it is recorded there all the same, within a second.
    deadline = time.monotonic() + 60
    while not (found := [one for one in house.world.entries() if one.get("job") == "settle-42" and is_token(one)]):
        assert time.monotonic() < deadline, "nothing is told of the token"
    (made,) = found
    assert (made["step"], made["principal"], str(made["person"])[:6]) == ("issued", "ana", "local:")


def test_a_refusal_with_its_reason_reaches_psql(house: House, context: BrowserContext) -> None:
    page = sign_in(context, house, "dora")
    process, ticket = hold(house, "DELETE FROM app.orders WHERE id = 2")
    shown = page.locator(card(page, ticket))
    shown.get_by_label("Reason").fill("please batch this")
    shown.get_by_role("button", name="Refuse").click()
    _, errors = process.communicate(timeout=90)
    assert process.returncode == 1
    assert "please batch this" in errors
    assert "dora" in errors
    page.goto(f"{house.url}/holds/{ticket}")
    expect(page.locator("blockquote")).to_have_text("please batch this")


def test_what_nobody_decides_about_in_time_expires_on_the_page_and_in_psql(
    house: House, context: BrowserContext
) -> None:
    page = sign_in(context, house, "dora")
    process, ticket = hold(house, "UPDATE app.orders SET amount = 1 WHERE id = 3 /* soon */")
    page.goto(f"{house.url}/holds/{ticket}")
    _, errors = process.communicate(timeout=90)
    assert process.returncode == 1
    assert "expired" in errors
    # The page that was open learns it by itself.
    expect(page.locator("header .verdict")).to_have_text("expired")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)


def test_nobody_decides_about_their_own_command_though_they_have_every_role(
    house: House, context: BrowserContext
) -> None:
    page = sign_in(context, house, "dora")
    process, ticket = hold(house, "UPDATE app.orders SET amount = 2 WHERE id = 4", user="dora")
    shown = page.locator(card(page, ticket))
    expect(shown).to_contain_text("somebody else decides")
    expect(shown.get_by_role("button")).to_have_count(0)
    forged = Raw(house)
    forged.sign_in("dora")
    token = forged.get("/holds").csrf
    for step in ("approve", "refuse"):
        answer = forged.post(f"/holds/{ticket}/{step}", {"csrf": token, "reason": "mine"})
        assert (answer.status, "about their own command" in answer.body) == (409, True)
    assert process.poll() is None, "it still waits"
    emil = Raw(house)
    emil.sign_in("emil")
    assert emil.post(f"/holds/{ticket}/approve", {"csrf": emil.get("/holds").csrf}).status == 303
    assert process.communicate(timeout=90)[0] == "UPDATE 1\n"


def test_who_is_no_approver_cannot_decide(house: House) -> None:
    process, ticket = hold(house, "UPDATE app.orders SET amount = 3 WHERE id = 5")
    for name in ("vera", "ana"):
        client = Raw(house)
        client.sign_in(name)
        page = client.get(f"/holds/{ticket}")
        assert "formaction" not in page.body
        assert client.post(f"/holds/{ticket}/approve", {"csrf": page.csrf}).status == 403
    assert process.poll() is None


def test_a_command_is_decided_about_once(house: House) -> None:
    process, ticket = hold(house, "UPDATE app.orders SET amount = 4 WHERE id = 6")
    dora, emil = Raw(house), Raw(house)
    for client, name in ((dora, "dora"), (emil, "emil")):
        client.sign_in(name)
    tokens = {"dora": dora.get("/holds").csrf, "emil": emil.get("/holds").csrf}
    assert dora.post(f"/holds/{ticket}/approve", {"csrf": tokens["dora"]}).status == 303
    assert process.communicate(timeout=90)[0] == "UPDATE 1\n"
    late = emil.post(f"/holds/{ticket}/refuse", {"csrf": tokens["emil"]})
    assert (late.status, "approved and has run" in late.body) == (409, True)


def test_everything_works_without_a_script_and_by_keyboard(house: House, browser: Browser) -> None:
    context = new_context(browser, java_script_enabled=False)
    page = sign_in(context, house, "emil")
    process, ticket = hold(house, "UPDATE app.orders SET amount = 5 WHERE id = 7 RETURNING amount")
    page.reload()
    shown = page.locator(card(page, ticket))
    shown.get_by_label("Reason").focus()
    page.keyboard.type("agreed by keyboard")
    # Enter in the reason decides nothing.
    page.keyboard.press("Enter")
    assert process.poll() is None
    for _ in range(2):
        page.keyboard.press("Tab")
    focused = page.locator(":focus")
    expect(focused).to_have_text("Approve")
    page.keyboard.press("Enter")
    assert process.communicate(timeout=90)[0] == "5.00\nUPDATE 1\n"
    # What the form leads to may still be on its way.
    page.wait_for_url(f"{house.url}/holds?said={ticket}")
    page.goto(f"{house.url}/holds/{ticket}")
    expect(page.locator("blockquote")).to_have_text("agreed by keyboard")
    context.close()


def test_what_somebody_writes_stays_while_other_commands_come_and_go(house: House, context: BrowserContext) -> None:
    page = sign_in(context, house, "emil")
    process, ticket = hold(house, "UPDATE app.orders SET amount = 6 WHERE id = 8")
    reason = page.locator(card(page, ticket)).get_by_label("Reason")
    reason.fill("half a sen")
    other, second = hold(house, "UPDATE app.orders SET amount = 7 WHERE id = 9")
    card(page, second)
    expect(page.locator("#waiting")).to_have_text("2")
    expect(reason).to_have_value("half a sen")
    expect(reason).to_be_focused()
    other.terminate()
    expect(page.locator(f"#{second}")).to_have_count(0)
    expect(reason).to_have_value("half a sen")
    page.locator(f"#{ticket}").get_by_role("button", name="Refuse").click()
    assert "half a sen" in process.communicate(timeout=90)[1]


def test_a_long_command_is_decided_about_below_its_last_line(house: House, context: BrowserContext) -> None:
    page = sign_in(context, house, "emil")
    lines = "\n" * 60
    process, ticket = hold(house, f"UPDATE app.orders SET amount = 8 {lines} WHERE id = 10 OR true")
    shown = page.locator(card(page, ticket))
    expect(shown.get_by_role("button")).to_have_count(0)
    shown.get_by_role("link", name="Read all 61 lines and decide").click()
    text, button = page.locator("pre.command"), page.get_by_role("button", name="Refuse")
    expect(text).to_contain_text("OR true")
    end, begin = text.bounding_box(), button.bounding_box()
    assert end is not None
    assert begin is not None
    assert end["y"] + end["height"] < begin["y"]
    button.click()
    process.communicate(timeout=90)


def released(house: House, page: Page, number: int) -> float:
    """Seconds from the click to the moment psql has printed its result."""
    # WHY: what appears under a resting pointer cannot be clicked at once.
    page.mouse.move(0, 0)
    process, ticket = hold(house, f"UPDATE app.orders SET amount = {number} WHERE id = {number} RETURNING id")
    button = page.locator(f"#{ticket}").get_by_role("button", name="Approve")
    button.wait_for()
    # WHY the page's clock: the time between our call and the browser's own click is no part of it.
    page.evaluate("() => addEventListener('click', () => { window.name = String(Date.now()); }, { once: true })")
    assert process.stdout is not None
    patience = threading.Timer(60, process.kill)
    patience.start()
    button.click(no_wait_after=True)
    line, printed = process.stdout.readline(), time.time()
    patience.cancel()
    assert line == f"{number}\n"
    process.communicate(timeout=90)
    page.locator(f"#{ticket}").wait_for(state="detached")
    return printed - float(page.evaluate("() => window.name")) / 1000


def test_the_waiting_psql_prints_at_once(house: House, context: BrowserContext) -> None:
    page = sign_in(context, house, "dora")
    times = [released(house, page, 20 + number) for number in range(3)]
    # WHY so much room: beside other tests the machine stands still now and then. The promise is measured by the long test.
    assert statistics.median(times) < 10 * MOST, times
    # What waited for a look every so often would never be so quick; one that is not is one of a busy moment.
    while min(times) >= 2.5 * MOST and len(times) < 10:
        times.append(released(house, page, 20 + len(times)))
    assert min(times) < 2.5 * MOST, times


def seconds_of_a_sync(folder: Path) -> float:
    """How long the disk takes for what the gate waits for twice on the way (a commit): 4 KiB written and synced."""
    fd = os.open(folder / "sync", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    began = time.perf_counter()
    os.write(fd, b"x" * 4096)
    os.fsync(fd)
    took = time.perf_counter() - began
    os.close(fd)
    return took


def page_of(times: Sequence[float], syncs: Sequence[float]) -> str:
    """What docs/measured/console.md says."""
    rows = [("click to row", sorted(times)), ("one sync of the disk beside it", sorted(syncs))]
    shown = "\n".join(
        f"| {name} | {' | '.join(f'{found[min(int(len(found) * part), len(found) - 1)] * 1000:.1f} ms' for part in (0.5, 0.9, 0.99, 1.0))} |"
        for name, found in rows
    )
    return f"""# From a click to the row

{len(times)} statements of psql held by a policy, each approved with one click in Chromium, through TLS; SQLite store, `process` durability. The time
runs from the browser's click until psql has printed its row. On the way the grant and its use are committed one after the other, each
with a sync of the disk. Two cores. Made by
`make long SELECT=tests/e2e/console/test_holds.py`.

| | p50 | p90 | p99 | worst |
|---|---|---|---|---|
{shown}
"""


@pytest.mark.long
def test_the_waiting_psql_prints_within_a_tenth_of_a_second(house: House, context: BrowserContext) -> None:
    page = sign_in(context, house, "dora")
    times, syncs = [], []
    for number in range(MANY):
        times.append(released(house, page, 100 + number))
        syncs.append(seconds_of_a_sync(house.world.folder))
    (ROOT / "docs" / "measured" / "console.md").write_text(page_of(times, syncs))
    assert sorted(times)[int(MANY * 0.99) - 1] < MOST, sorted(times)[-10:]
