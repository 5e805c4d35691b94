"""A page that changes by itself and a pointer on it: a press ends on the button it began on, and what slides under the pointer is not decided about."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, Page, Request, expect

from tests.e2e.console.house import House, sign_in
from tests.e2e.console.test_holds import card, hold

# From the moment a card is gone time stands still for the page: the click that follows is as quick as can be.
STOP_AT_CHANGE = """(gone) => {
  const real = performance.now.bind(performance);
  window.goOn = () => { performance.now = () => real() + 5000; };
  new MutationObserver((_, observer) => {
    if (document.getElementById(gone)) return;
    const now = real();
    performance.now = () => now;
    observer.disconnect();
  }).observe(document.getElementById("live"), { childList: true });
}"""

# A press holds the page up for three seconds at most, which are few for a psql that a busy machine starts.
HOLD_ON = """() => {
  const real = window.setTimeout;
  window.setTimeout = (work, after, ...more) => real(work, after === 3000 ? 60000 : after, ...more);
}"""


EXPECTED = re.compile("says the planner|no estimate")
"""What stands there once the planner has answered: before that it is being asked, and then the card changes once more."""


def is_look(request: Request) -> bool:
    return "x-sallyport-live" in request.headers


def aim(page: Page, ticket: str, name: str = "Approve") -> None:
    """The pointer on a button."""
    button = page.locator(card(page, ticket)).get_by_role("button", name=name)
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_a_press_during_which_the_page_changes_is_a_click(house: House, context: BrowserContext) -> None:
    page = sign_in(context, house, "dora")
    process, ticket = hold(house, "UPDATE app.orders SET amount = 61 WHERE id = 61")
    # What a planner expects is known a moment later, and is a change too.
    expect(page.locator(card(page, ticket))).to_contain_text(EXPECTED)
    # Somebody was writing: the press takes the focus from there.
    page.locator(f"#{ticket}").get_by_label("Reason").fill("agreed")
    aim(page, ticket)
    page.evaluate(HOLD_ON)
    with page.expect_event("requestfinished", is_look):
        page.mouse.down()
        other, second = hold(house, "UPDATE app.orders SET amount = 62 WHERE id = 62")
    # What came is taken in, or kept, before the next pictures are drawn.
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    expect(page.locator(f"#{second}")).to_have_count(0)
    page.mouse.up()
    assert process.communicate(timeout=90)[0] == "UPDATE 1\n"
    expect(page.locator(f"#{second}")).to_have_count(1)
    other.terminate()


def test_what_slides_under_the_pointer_is_not_approved_by_the_click_for_another(
    house: House, context: BrowserContext
) -> None:
    page = sign_in(context, house, "dora")
    first, gone = hold(house, "UPDATE app.orders SET amount = 63 WHERE id = 63")
    second, next_one = hold(house, "UPDATE app.orders SET amount = 64 WHERE id = 64")
    for ticket in (gone, next_one):
        expect(page.locator(card(page, ticket))).to_contain_text(EXPECTED)
    aim(page, gone)
    page.evaluate(STOP_AT_CHANGE, gone)
    first.terminate()
    expect(page.locator(f"#{gone}")).to_have_count(0)
    page.mouse.down()
    page.mouse.up()
    shown = page.locator(f"#{next_one}")
    expect(shown.get_by_role("alert")).to_contain_text("came under the pointer")
    assert second.poll() is None
    page.evaluate("() => window.goOn()")
    aim(page, next_one)
    page.mouse.down()
    page.mouse.up()
    assert second.communicate(timeout=90)[0] == "UPDATE 1\n"


def test_a_press_that_nobody_ends_holds_the_page_up_for_a_moment_only(house: House, context: BrowserContext) -> None:
    page = sign_in(context, house, "dora")
    page.mouse.move(5, 5)
    page.mouse.down()
    process, ticket = hold(house, "UPDATE app.orders SET amount = 65 WHERE id = 65")
    expect(page.locator(f"#{ticket}")).to_have_count(1, timeout=30_000)
    page.mouse.up()
    process.terminate()
