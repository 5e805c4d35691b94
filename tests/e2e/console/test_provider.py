"""Must-show 1 with the real identity provider: sign in there with a browser, come back, approve what a psql waits for."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.console.house import House, go, running_house
from tests.e2e.console.test_holds import card, hold
from tests.e2e.identity.provider import Provider, running


@pytest.fixture(scope="module")
def provider(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with running(tools, tmp_path_factory.mktemp("provider")) as found:
        yield found


@pytest.fixture(scope="module")
def house(provider: Provider) -> Iterator[House]:
    """WHY `localhost`: the provider is at 127.0.0.1, so that each is another site to the other."""
    more = f"""
[[identity.oidc]]
name = "corp"
issuer = "{provider.issuer}"
client_id = "sallyport"
approver_groups = ["dba"]
auditor_groups = ["oncall"]
"""
    with running_house(is_secure=False, more=more) as found:
        yield found


def sign_in_as(context: BrowserContext, house: House, user: str, place: str = "/") -> Page:
    page = context.new_page()
    page.goto(f"{house.url}{place}")
    page.get_by_role("link", name="Sign in with corp").click()
    page.locator('input[name="login"]').fill(user)
    page.locator('input[name="password"]').fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Sign out").wait_for()
    return page


def test_somebody_of_the_provider_approves_what_a_psql_waits_for(house: House, context: BrowserContext) -> None:
    process, ticket = hold(house, "UPDATE app.orders SET status = 'paid' WHERE id = 51 RETURNING id")
    page = sign_in_as(context, house, "alice", f"/holds/{ticket}")
    assert page.url == f"{house.url}/holds/{ticket}", "where the link led before signing in"
    expect(page.locator(".whoami")).to_contain_text("alice")
    page.get_by_role("button", name="Approve").click()
    assert process.communicate(timeout=90)[0] == "51\nUPDATE 1\n"
    expect(page.locator(".votes").first).to_contain_text("alice")
    cookies = {cookie["name"]: cookie for cookie in context.cookies(house.url)}
    assert (cookies["sallyport"]["sameSite"], cookies["sallyport"]["httpOnly"]) == ("Strict", True)
    assert "sallyport-flow" not in cookies
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in with corp")).to_be_visible()


def test_groups_at_the_provider_say_who_may_do_what(house: House, context: BrowserContext) -> None:
    process, ticket = hold(house, "UPDATE app.orders SET amount = 1 WHERE id = 52")
    page = sign_in_as(context, house, "bob")
    expect(page.locator(".whoami")).to_contain_text("no role")
    expect(page.locator(f"#{ticket}")).to_have_count(0)
    page.goto(f"{house.url}/audit")
    expect(page.locator("h1")).to_have_text("This page is for auditors")
    assert process.poll() is None


def test_a_link_from_another_site_finds_who_is_signed_in(
    house: House, provider: Provider, context: BrowserContext
) -> None:
    _, ticket = hold(house, "UPDATE app.orders SET amount = 1 WHERE id = 53")
    page = sign_in_as(context, house, "carol")
    card(page, ticket)
    other = context.new_page()
    # A page of another site (the provider's) with a link, as a chat's would be.
    other.goto(f"{provider.issuer}/nowhere")
    other.evaluate(
        "place => { const link = document.createElement('a'); link.href = place; link.textContent = 'the hold';"
        " document.body.replaceChildren(link); }",
        f"{house.url}/holds/{ticket}",
    )
    other.get_by_role("link", name="the hold").click()
    expect(other.get_by_role("button", name="Approve")).to_be_visible()
    assert other.url == f"{house.url}/holds/{ticket}"


def test_another_site_can_neither_send_a_form_nor_frame_a_page(
    house: House, provider: Provider, context: BrowserContext
) -> None:
    process, ticket = hold(house, "UPDATE app.orders SET amount = 1 WHERE id = 54")
    sign_in_as(context, house, "carol").close()
    evil = context.new_page()
    evil.goto(f"{provider.issuer}/nowhere")
    evil.evaluate(
        "place => { document.body.innerHTML = ''; const form = document.createElement('form'); form.method = 'post';"
        " form.action = place; document.body.append(form); form.submit(); }",
        f"{house.url}/holds/{ticket}/approve",
    )
    expect(evil.locator("h1")).to_have_text("You are not signed in")
    evil.goto(f"{provider.issuer}/nowhere")
    evil.evaluate(
        "place => { const frame = document.createElement('iframe'); frame.src = place; document.body.append(frame); }",
        f"{house.url}/holds",
    )
    frame = evil.frame_locator("iframe")
    expect(frame.get_by_role("button", name="Approve")).to_have_count(0)
    assert process.poll() is None


def test_an_answer_that_was_not_asked_for_signs_nobody_in(house: House, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{house.url}/callback?code=stolen&state=guessed")
    expect(page.get_by_role("alert")).to_contain_text("did not prove who you are")
    page.goto(f"{house.url}/holds")
    expect(page).to_have_title("Sign in · Sallyport")


def test_who_took_the_name_of_somebody_of_the_configuration_is_not_them(house: House, context: BrowserContext) -> None:
    """The last here: afterwards this gateway knows an `alice` of its own."""
    page = sign_in_as(context, house, "alice")
    with house.world.config.open("a") as file:
        file.write('\n[[identity.principal]]\nname = "alice"\nroles = ["approver"]\npassword = "file:dora.secret"\n')
    assert house.world.process is not None
    house.world.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 30
    while "Sign in" not in page.title():
        assert time.monotonic() < deadline, "somebody of the provider has the name and roles of somebody of the file"
        go(page, f"{house.url}/holds")
    page.get_by_role("link", name="Sign in with corp").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("somebody of the configuration has that name")
    page.goto(f"{house.url}/holds")
    expect(page).to_have_title("Sign in · Sallyport")
    assert "provider: TOKEN_NAME_TAKEN" in [entry.get("note") for entry in house.world.entries()]
