"""Approve and remember, from end to end: a real psql, a real PostgreSQL, a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, expect

from gateway.audit.read import read
from tests.e2e.console.house import House, first_line, sign_in

PROMPT = "Enter the orders of the day."
INSERT = "INSERT INTO app.orders (id, status, amount) VALUES (%d, '%s', %d)"


def test_the_next_of_the_same_shape_passes_at_once_and_another_shape_is_held_again(
    house: House, context: BrowserContext
) -> None:
    page = sign_in(context, house, "dora")
    job = house.job("enter-7", PROMPT)
    first = house.psql(INSERT % (1001, "open", 10), **job)
    held = re.search(r"h-[0-9a-f]{16}", first_line(first))
    assert held is not None
    shown = page.locator(f"#{held[0]}")
    expect(shown).to_contain_text("with any other literals, and nothing else different")
    shown.get_by_role("button", name="Approve, and remember for 30 min").click()
    assert first.communicate(timeout=90)[0] == "INSERT 0 1\n"

    assert house.run(INSERT % (1002, "paid", 2_000), **job) == (0, "INSERT 0 1\n", "")
    assert house.run(INSERT % (1003, "x'); DROP TABLE app.orders; --".replace("'", "''"), 3), **job)[:2] == (
        0,
        "INSERT 0 1\n",
    )

    for sql, who in (
        (INSERT % (1004, "open", 1) + " RETURNING id", job),
        (INSERT % (1004, "open", 1) + ", (1005, 'open', 1)", job),
        ("DELETE FROM app.orders WHERE id = 1001", job),
        (INSERT % (1004, "open", 1), house.job("enter-8", PROMPT)),
        (INSERT % (1004, "open", 1), house.job("enter-7", PROMPT + " And others.")),
        (INSERT % (1004, "open", 1), {}),
    ):
        other = house.psql(sql, **who)
        assert re.search(r"h-[0-9a-f]{16}", first_line(other)), sql
        other.terminate()
        other.communicate(timeout=90)

    entries = [entry for entry in read(house.world.folder / "audit") if entry.step == "recalled"]
    lasting = held[0].replace("h-", "a-")
    assert [(entry.note, entry.ticket, entry.job) for entry in entries] == [(lasting, held[0], "enter-7")] * 2
    assert entries[0].rules == (("console/PROD_WRITE", "hold"),)
    assert entries[0].approvers == ("dora",)

    page.goto(f"{house.url}/holds")
    row = page.locator("section", has=page.get_by_role("heading", name="Remembered approvals")).locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("enter-7")
    row.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("heading", name="Remembered approvals")).to_have_count(0)
    after = house.psql(INSERT % (1006, "open", 1), **job)
    assert re.search(r"h-[0-9a-f]{16}", first_line(after))
