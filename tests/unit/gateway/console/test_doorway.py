"""Coming in and going out, with a secret and over a provider."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from engine.request import Principal
from gateway.console.doorway import Provider
from gateway.identity.oidc.fetching import Fetched
from gateway.identity.oidc.issuer import Issuer
from gateway.identity.oidc.login import CodeFlow
from gateway.identity.oidc.settings import IssuerSettings
from gateway.identity.people import Known, People
from tests.issuers import URL, StandInIssuer, claims, token
from tests.strategies.console import DORA, PASSWORD, Served, token_in
from tests.strategies.gates import Clock


async def test_the_form_signs_in_and_leads_to_where_somebody_wanted_to_go(served: Served) -> None:
    status, _, headers = await served.ask("GET", "/holds/h-0123456789abcdef?x=1")
    assert (status, headers["Location"]) == (303, "/sign-in?next=%2Fholds%2Fh-0123456789abcdef%3Fx%3D1")
    page = (await served.ask("GET", headers["Location"]))[1]
    assert 'name="next" value="/holds/h-0123456789abcdef?x=1"' in page
    form = {"csrf": token_in(page), "name": "dora", "secret": PASSWORD, "next": "/holds/h-0123456789abcdef"}
    status, _, headers = await served.ask("POST", "/sign-in", form)
    assert (status, headers["Location"]) == (303, "/holds/h-0123456789abcdef")
    assert set(served.cookies) == {"sallyport"}
    assert (await served.ask("GET", "/sign-in?next=/audit"))[2]["Location"] == "/audit", "who is in goes on"


async def test_a_wrong_secret_gets_the_form_again_and_no_session(served: Served) -> None:
    status, page, _ = await served.sign_in("wrong")
    assert (status, "do not go together" in page) == (403, True)
    assert "sallyport" not in served.cookies
    assert (await served.sign_in())[0] == 303


async def test_behind_a_proxy_of_ours_who_guesses_locks_out_nobody_beside_them(tmp_path: Path) -> None:
    made = Served(tmp_path, trusted_proxies=("127.0.0.1",))
    await made.server.start()
    try:
        for number in range(60):
            made.cookies.clear()
            await made.sign_in("wrong", f"nobody-{number}", X_Forwarded_For="203.0.113.5")
        made.cookies.clear()
        assert "Too many wrong tries" in (await made.sign_in(X_Forwarded_For="198.51.100.1, 203.0.113.5"))[1]
        made.cookies.clear()
        assert (await made.sign_in(X_Forwarded_For="203.0.113.5, 198.51.100.1"))[0] == 303
        entry = made.house.entries()[-1]
        assert (entry.step, entry.client_address) == ("opened", "198.51.100.1")
    finally:
        await made.server.stop(1)
        made.house.close()


async def test_whom_nobody_trusts_cannot_say_where_they_are(served: Served) -> None:
    await served.sign_in(X_Forwarded_For="203.0.113.5")
    assert served.house.entries()[-1].client_address == "127.0.0.1"


async def test_a_form_belongs_to_the_browser_that_loaded_it(served: Served) -> None:
    page = (await served.ask("GET", "/sign-in"))[1]
    form = {"csrf": token_in(page), "name": "dora", "secret": PASSWORD}
    served.cookies.clear()
    status, page, _ = await served.ask("POST", "/sign-in", form)
    assert (status, "kept no cookie" in page) == (403, True)
    assert (await served.ask("POST", "/sign-in", form))[0] == 403


async def test_signing_in_again_ends_the_first_session_and_out_ends_the_second(served: Served) -> None:
    await served.sign_in()
    first = served.cookies["sallyport"]
    served.cookies["sallyport-form"] = "x" * 20
    form = {"csrf": "x" * 20, "name": "dora", "secret": PASSWORD}
    assert (await served.ask("POST", "/sign-in", form))[0] == 303
    second = served.cookies["sallyport"]
    assert second != first
    assert served.entrance.viewer(first, is_click=True) is None
    assert (await served.ask("POST", "/sign-out", {}))[0] == 403
    token_of_page = token_in((await served.ask("GET", "/holds"))[1])
    assert (await served.ask("POST", "/sign-out", {"csrf": token_of_page}))[2]["Location"] == "/sign-in"
    assert "sallyport" not in served.cookies
    assert served.entrance.viewer(second, is_click=True) is None
    assert (await served.ask("POST", "/sign-out"))[0] == 303


async def test_from_another_site_a_page_of_ours_leads_on(served: Served) -> None:
    status, page, _ = await served.ask("GET", "/holds/h-0123456789abcdef", Sec_Fetch_Site="cross-site")
    assert (status, 'content="0; url=/holds/h-0123456789abcdef"' in page) == (200, True)
    assert (await served.ask("POST", "/holds/h-0123456789abcdef/approve", {}, Sec_Fetch_Site="cross-site"))[0] == 403
    # What is no plain address of ours leads to the first page.
    for query in ("x=;url=//evil.example", "next=//evil.example", "x=a;b"):
        page = (await served.ask("GET", f"/holds?{query}", Sec_Fetch_Site="cross-site"))[1]
        assert 'content="0; url=/holds"' in page, query


# --- over a provider ---------------------------------------------------------------------------------------------------


class ByProvider(Served):
    """A console with a provider that stands in for one."""

    def __init__(self, folder: Path) -> None:
        self.issuer = StandInIssuer()
        settings = IssuerSettings(
            "corp", URL, client_id="sallyport", audiences=("sallyport",), approver_groups=frozenset({"dba"})
        )
        self.flow_clock = Clock()
        flow = CodeFlow(Issuer(settings, self.issuer), self.flow_clock)
        super().__init__(folder, Provider("corp", flow, b"k" * 32), [settings])

    async def begin(self, place: str = "/audit") -> dict[str, str]:
        """To the provider: what it is asked."""
        status, _, headers = await self.ask("GET", f"/sign-in/with?next={place}")
        assert status == 303
        assert headers["Location"].startswith(f"{URL}/auth?")
        asked = parse_qs(urlsplit(headers["Location"]).query)
        # What the provider will answer when the code is brought.
        said = claims(nonce=asked["nonce"][0])
        self.issuer.answers[f"{URL}/token"] = [Fetched(200, {"id_token": token(said)})]
        return {name: values[0] for name, values in asked.items()}


@pytest.fixture
async def corp(tmp_path: Path) -> AsyncIterator[ByProvider]:
    made = ByProvider(tmp_path)
    await made.server.start()
    yield made
    await made.server.stop(1)
    made.house.close()


async def test_a_provider_signs_somebody_in(corp: ByProvider) -> None:
    assert "Sign in with corp" in (await corp.ask("GET", "/sign-in"))[1]
    asked = await corp.begin()
    assert asked["redirect_uri"] == f"{corp.server.origin}/callback"
    assert asked["code_challenge_method"] == "S256"
    before = dict(corp.cookies)
    # The provider's page is another site: a strict cookie would not be there.
    status, _, headers = await corp.ask("GET", f"/callback?state={asked['state']}&code=c", Sec_Fetch_Site="cross-site")
    assert (status, headers["Location"]) == (303, "/audit")
    assert "sallyport-flow" in before
    assert "sallyport-flow" not in corp.cookies
    viewer = corp.entrance.viewer(corp.cookies["sallyport"], is_click=True)
    assert viewer is not None
    assert (viewer.name, viewer.groups, viewer.roles) == ("alice", ("dba",), frozenset({"approver"}))


async def test_who_has_a_name_of_the_configuration_at_the_provider_is_not_signed_in(corp: ByProvider) -> None:
    corp.people = People([DORA, Known(Principal("alice", groups=("admins",)))], b"k" * 32)
    asked = await corp.begin()
    status, page, _ = await corp.ask("GET", f"/callback?state={asked['state']}&code=c", Sec_Fetch_Site="cross-site")
    assert (status, "somebody of the configuration has that name" in page) == (403, True)
    assert "sallyport" not in corp.cookies
    assert [entry.note for entry in corp.house.entries()] == ["provider: TOKEN_NAME_TAKEN"]


async def test_whose_name_the_configuration_takes_meanwhile_is_signed_in_no_more(corp: ByProvider) -> None:
    asked = await corp.begin()
    await corp.ask("GET", f"/callback?state={asked['state']}&code=c", Sec_Fetch_Site="cross-site")
    assert (await corp.ask("GET", "/holds"))[0] == 200
    corp.people = People([DORA, Known(Principal("alice"))], b"k" * 32)
    status, _, headers = await corp.ask("GET", "/holds")
    assert (status, headers["Location"]) == (303, "/sign-in?next=%2Fholds")


async def test_an_answer_to_what_nobody_began_here_signs_nobody_in(corp: ByProvider) -> None:
    asked = await corp.begin()
    for path, cookies in (
        (f"/callback?state={asked['state']}&code=c", {}),
        ("/callback?state=other&code=c", dict(corp.cookies)),
        ("/callback?error=access_denied", dict(corp.cookies)),
        (f"/callback?state={asked['state']}&code=c", {"sallyport-flow": "forged"}),
    ):
        corp.cookies = cookies
        status, page, _ = await corp.ask("GET", path)
        assert (status, "did not prove who you are" in page) == (403, True), path
        assert "sallyport" not in corp.cookies
    assert {entry.step for entry in corp.house.entries()} == {"refused"}


async def test_a_provider_that_is_away_is_said_to_be(corp: ByProvider) -> None:
    corp.issuer.is_down = True
    status, page, _ = await corp.ask("GET", "/sign-in/with")
    assert (status, "cannot be asked at the moment" in page) == (503, True)


async def test_without_a_provider_there_is_no_such_way(served: Served) -> None:
    assert (await served.ask("GET", "/sign-in/with"))[0] == 404
    assert (await served.ask("GET", "/callback?code=x"))[0] == 404


async def test_a_link_asks_for_a_click_and_a_wrong_one_leads_to_the_form(served: Served) -> None:
    status, page, _ = await served.ask("GET", "/sign-in/link?token=%22%3E%3Cb%3Ex")
    assert (status, 'value="&#34;&gt;&lt;b&gt;x"' in page) == (200, True)
    form = {"csrf": token_in(page), "token": "x"}
    status, page, _ = await served.ask("POST", "/sign-in/link", form)
    assert (status, "used already" in page) == (403, True)
    assert "sallyport" not in served.cookies
    served.cookies.clear()
    assert (await served.ask("POST", "/sign-in/link", form))[0] == 403
