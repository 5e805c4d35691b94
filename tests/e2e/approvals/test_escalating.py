"""A hold that nobody decides, from end to end: told again on the page and by a hook, and decided by those who may then."""

from __future__ import annotations

import json
import queue
import re
import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from gateway.audit.read import read
from tests.e2e.console.house import POLICY, House, first_line, running_house, sign_in
from tests.receivers import http_receiver

FOLLOWED = POLICY.replace(
    '"approvers": {"groups": ["dba"], "quorum": 1}, "expires": "10m",',
    '"approvers": {"users": ["zoe"]}, "expires": "10m", "escalate": ['
    '{"after": "4s", "groups": ["dba"], "may_approve": true}, {"after": "5m", "groups": ["leads"]}],',
)
HOOK = """
[[notify]]
name = "dba"
kind = "webhook"
url = "env:HOOK"
secret = "env:HOOK_SECRET"
groups = ["dba"]
"""


@pytest.fixture(scope="module")
def posted() -> Iterator[tuple[queue.Queue[dict[str, object]], str]]:
    """What a hook for the group `dba` is told, and its URL."""
    came = queue.Queue[dict[str, object]]()

    def answer(body: bytes) -> tuple[int, bytes]:
        came.put(json.loads(body))
        return 200, b"ok"

    with http_receiver(answer) as receiver:
        yield came, receiver.url


@pytest.fixture(scope="module")
def house(posted: tuple[object, str]) -> Iterator[House]:
    environment = {"HOOK": posted[1], "HOOK_SECRET": secrets.token_urlsafe(24)}
    with running_house(FOLLOWED, more=HOOK, environment=environment) as found:
        yield found


def test_a_hold_that_nobody_decides_is_told_to_the_next_group_who_may_approve_then(
    house: House, context: BrowserContext, posted: tuple[queue.Queue[dict[str, object]], str]
) -> None:
    page = sign_in(context, house, "dora")
    psql = house.psql("UPDATE app.orders SET status = 'paid' WHERE id = 1")
    held = re.search(r"h-[0-9a-f]{16}", first_line(psql))
    assert held is not None
    page.goto(f"{house.url}/holds/{held[0]}")
    facts = page.locator("dl.facts").first
    # The page learns it by itself: who was next is told now, and there are buttons.
    expect(facts).to_contain_text("Told toogroup dba: nobody had decided after 4 s; they may approve")
    expect(facts).to_contain_text("group leads is told, if nobody decides")
    told = posted[0].get(timeout=90)
    assert (told["event"], told["ticket"], told["told"]) == (
        "escalated",
        held[0],
        {"groups": ["dba"], "users": [], "may_approve": True},
    )
    page.get_by_role("button", name="Approve").click()
    assert psql.communicate(timeout=90)[0] == "UPDATE 1\n"
    entries = [entry for entry in read(house.world.folder / "audit") if entry.step == "escalated"]
    assert [(entry.ticket, entry.rows, entry.note) for entry in entries] == [
        (held[0], 1, "nobody decided in 4 s: group dba told, who may approve")
    ]
