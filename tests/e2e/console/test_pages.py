"""The other pages in a real browser: found decisions and why, sessions that come and go, policies that break, the audit's proof."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.e2e.console.house import POLICY, House, new_context, running_house, sign_in
from tests.e2e.console.raw import Raw


def test_a_decision_is_found_and_says_why(house: House, context: BrowserContext) -> None:
    house.run("SELECT name, mail FROM app.people WHERE id = 7")
    house.run("DROP TABLE app.people")
    page = sign_in(context, house, "vera", "/decisions")
    page.get_by_label("Text of the command").fill("app.people")
    page.get_by_label("Verdict").select_option("deny")
    page.get_by_role("button", name="Search").click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("DROP TABLE app.people")
    rows.get_by_role("link").click()
    why = page.locator("section", has=page.get_by_role("heading", name="Why"))
    expect(why.locator("li", has_text="console/NO_DROP")).to_contain_text("matched")
    missed = why.locator("li", has_text="console/READ")
    expect(missed).to_contain_text("not matched")
    expect(missed).to_contain_text("op.effect")
    expect(missed).to_contain_text("delete")
    page.goto(f"{house.url}/decisions?verdict=mask")
    page.locator("tbody a").first.click()
    expect(page.locator("dl").first).to_contain_text("output 2: hash")
    expect(page.locator("section").first).to_contain_text("1 rows")


def test_a_new_decision_and_a_new_session_appear_by_themselves(house: House, context: BrowserContext) -> None:
    page = sign_in(context, house, "vera", "/decisions?text=seen_at_once")
    expect(page.get_by_role("heading", name="Nothing like that")).to_be_visible()
    expect(page.locator("#pulse")).to_have_text("live")
    house.run("SELECT 1 AS seen_at_once")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.goto(f"{house.url}/sessions")
    expect(page.locator("#pulse")).to_have_text("live")
    process = house.psql("SELECT pg_sleep(600)", application_name="sleeper")
    live = page.locator("section", has=page.get_by_role("heading", name="Open now"))
    expect(live.locator("tr", has_text="sleeper")).to_have_count(1)
    process.terminate()
    expect(live.locator("tr", has_text="sleeper")).to_have_count(0)


def test_policies_that_break_are_seen_while_the_last_good_ones_decide(house: House, context: BrowserContext) -> None:
    page = sign_in(context, house, "vera", "/policies")
    expect(page.locator("section").first).to_contain_text("in force")
    good, broken = house.world.folder / "policies" / "world.rego", house.world.folder / "policies" / "worse.rego"
    try:
        broken.write_text('package policies.worse\n\nallow contains {"code": "<b>X</b>"} if {')
        expect(page.get_by_role("alert")).to_contain_text("worse.rego")
        expect(page.locator("section").first).to_contain_text("last good")
        assert house.run("SELECT 41 + 1")[1] == "42\n"
    finally:
        broken.unlink()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert good.exists()


TESTS = """
suite: people
cases:
  - name: readers read
    principal: {name: ana, groups: [readers]}
    resource: {name: orders, protocol: postgres}
    command: {protocol: postgres, text: SELECT 1}
    expect: {verdict: allow}
"""


@pytest.mark.timeout(600)
def test_coverage_and_impact_of_policies_are_measured_with_a_click(browser: Browser) -> None:
    stricter = POLICY.replace('op.effect in {"read", "session"}', 'op.effect in {"session"}')
    with running_house(candidate=stricter) as house:
        (house.world.folder / "policies" / "people_suite.yaml").write_text(TESTS)
        house.run("SELECT name FROM app.people WHERE id = 7")
        context = new_context(browser)
        page = sign_in(context, house, "vera", "/policies")
        page.get_by_role("button", name="Measure").click()
        tests = page.locator("section", has=page.get_by_role("heading", name="What their own tests try"))
        expect(tests).to_contain_text("for vera", timeout=240_000)
        expect(tests).to_contain_text("tests passed")
        expect(tests.get_by_text("never tried").first).to_be_visible()
        page.get_by_role("button", name="Decide again").click()
        changes = page.locator("section", has=page.get_by_role("heading", name="What a candidate would have changed"))
        expect(changes).to_contain_text("for vera", timeout=240_000)
        expect(changes.locator("tr", has_text="deny").first).to_be_visible()
        expect(changes.get_by_role("alert")).to_have_count(0)
        context.close()


def test_the_audit_is_verified_with_a_click(house: House, context: BrowserContext) -> None:
    house.run("SELECT 1")
    page = sign_in(context, house, "vera", "/audit")
    page.get_by_role("button", name="Verify the whole log").click()
    expect(page.locator(".result")).to_contain_text("nothing was changed, taken out or moved")
    expect(page.locator(".result")).to_contain_text("Asked by vera")
    page.get_by_text("The last checkpoint, as it was signed").click()
    expect(page.locator("details pre")).to_contain_text("sallyport.audit/")


def test_a_long_log_is_looked_through_page_by_page_and_not_for_long(house: House) -> None:
    client = Raw(house)
    client.sign_in("vera")
    place, seen = "/decisions", 0
    for _ in range(40):
        began = time.monotonic()
        page = client.get(place).body
        assert time.monotonic() - began < 20
        seen += page.count('<td><a href="/decisions/')
        if 'class="older"' not in page:
            break
        place = "/decisions" + page.split('<a class="button" href="')[1].split('"')[0].replace("&amp;", "&")
    assert seen == sum(1 for entry in house.world.entries() if entry["kind"] == "decision")


def test_health_says_that_it_is_well(house: House, context: BrowserContext) -> None:
    page = sign_in(context, house, "ana", "/health")
    expect(page.get_by_role("heading", name="It decides")).to_be_visible()
    expect(page.locator("nav")).not_to_contain_text("Audit")
