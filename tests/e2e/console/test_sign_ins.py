"""A sign-in is seen and taken back in the browser, and beside the running gateway; the next click is nobody's, and the audit says whose it was."""

from __future__ import annotations

import subprocess
import time

from playwright.sync_api import Browser, BrowserContext, expect

from tests.conftest import ROOT
from tests.e2e.console.house import House, go, new_context, sign_in
from tests.e2e.world import sallyport

OTHERS = "others"


def sign_out(house: House, note: str) -> subprocess.CompletedProcess[str]:
    """End every sign-in of emil, beside the gateway."""
    return subprocess.run(
        [*sallyport(), "console", "sign-out", "--all-of", "emil", "-m", note, "--config", str(house.world.config)],
        cwd=ROOT,
        env=house.world.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )


def killed(house: House, count: int) -> list[dict[str, object]]:
    """What the audit has of sign-ins that somebody ended, but for those of others; the gateway writes what was done beside it soon after."""
    deadline = time.monotonic() + 60
    while True:
        steps = [one for one in house.world.entries() if one.get("step") == "killed"]
        found = [one for one in steps if one.get("note") != OTHERS]
        if len(found) >= count or time.monotonic() > deadline:
            return found


def test_a_sign_in_that_was_ended_is_nobodys_at_the_next_click(
    house: House, browser: Browser, context: BrowserContext
) -> None:
    # Others may have signed in before.
    sign_out(house, OTHERS)
    lost = new_context(browser)
    theirs = sign_in(lost, house, "emil")
    mine = sign_in(context, house, "emil")
    mine.get_by_role("link", name="Sign-ins").click()
    rows = mine.get_by_role("row").filter(has_text="emil")
    expect(rows).to_have_count(2)
    expect(mine.get_by_role("row").filter(has_text="dora")).to_have_count(0)
    rows.filter(has_not_text="this one").get_by_role("button", name="End").click()
    expect(rows).to_have_count(1)
    go(theirs, f"{house.url}/holds")
    expect(theirs).to_have_title("Sign in · Sallyport")
    # And beside the gateway, which has its log locked.
    said = sign_out(house, "gone")
    assert (said.returncode, said.stdout.count(": ended")) == (0, 1), said.stderr
    go(mine, f"{house.url}/holds")
    expect(mine).to_have_title("Sign in · Sallyport")
    first, second = killed(house, 2)
    assert (first["person"], first["principal"]) == ("emil", "emil")
    assert (str(second["person"])[:6], second["principal"], second["note"]) == ("local:", "emil", "gone")
    lost.close()
