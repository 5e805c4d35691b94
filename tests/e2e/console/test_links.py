"""A link from the command line signs its person in to the console, once, and is good for nothing else."""

from __future__ import annotations

import subprocess

from playwright.sync_api import BrowserContext, expect

from tests.conftest import ROOT
from tests.e2e.console.house import House, go
from tests.e2e.console.raw import COOKIE, Raw, field_of
from tests.e2e.world import sallyport


def link(house: House, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*sallyport(), "console", "link", *words, "--config", str(house.world.config)],
        cwd=ROOT,
        env=house.world.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )


def made(house: House, name: str = "dora") -> str:
    said = link(house, "--as", name)
    assert said.returncode == 0, said.stderr
    place = said.stdout.strip()
    assert place.startswith(f"{house.url}/sign-in/link?token=")
    return place.removeprefix(house.url)


def test_a_link_signs_in_with_one_click_and_never_again(house: House, context: BrowserContext) -> None:
    place = made(house)
    page = context.new_page()
    for _ in range(2):  # looking at it does not use it up
        page.goto(f"{house.url}{place}")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()
    expect(page.locator(".whoami")).to_contain_text("dora")
    context.clear_cookies()
    go(page, f"{house.url}{place}")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("used already")
    entries = [
        (one["step"], one.get("principal", ""), one["note"])
        for one in house.world.entries()
        if one.get("note") == "link"
    ]
    assert entries[-2:] == [("opened", "dora", "link"), ("refused", "", "link")]


def test_it_is_taken_from_our_own_page_and_from_nowhere_else(house: House) -> None:
    place = made(house)
    token = place.partition("token=")[2]
    client = Raw(house)
    page = client.get(place)
    assert field_of(page.body, "token") == token
    form = {"csrf": page.csrf, "token": token}
    assert client.post("/sign-in/link", form, Origin="https://evil.example").status == 403
    assert Raw(house).post("/sign-in/link", form).status == 403
    assert client.post("/sign-in/link", {**form, "csrf": "x"}).status == 403
    assert COOKIE not in client.cookies
    assert client.post("/sign-in/link", form).status == 303
    assert COOKIE in client.cookies
    # Not a resource's door, where it would be somebody's password, and not a link that nobody made.
    other = made(house, "ana").partition("token=")[2]
    assert house.run("SELECT 1", port=str(house.token_port), password=other)[0] == 2
    for wrong in ("", "x", token, other[:-4] + "AAAA", house.job("x", "y")["password"]):
        client = Raw(house)
        page = client.get("/sign-in/link?token=x")
        answer = client.post("/sign-in/link", {"csrf": page.csrf, "token": wrong})
        assert (answer.status, COOKIE in client.cookies) == (403, False), wrong


def test_nobody_gets_one_who_is_not_known(house: House) -> None:
    assert "no [[identity.principal]]" in link(house, "--as", "nobody").stderr
    too_long = link(house, "--as", "dora", "--ttl", "2h")
    assert (too_long.stdout, "between a second and 3600 seconds" in too_long.stderr) == ("", True)
