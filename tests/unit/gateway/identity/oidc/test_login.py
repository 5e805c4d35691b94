"""Only the browser that began a sign-in finishes it, once, with an answer of the issuer that was asked."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from engine.request import Json
from gateway.errors import ConfigInvalid, IdentityRefused
from gateway.identity.oidc.fetching import Fetched
from gateway.identity.oidc.issuer import Issuer
from gateway.identity.oidc.login import (
    LIFE,
    CodeFlow,
    Pending,
    challenge_of,
    is_redirect,
    local_path,
    seal,
    unseal,
)
from gateway.identity.oidc.settings import IssuerSettings
from tests.issuers import NOW, SETTINGS, URL, StandInIssuer, claims, token

BACK = "https://gateway.test/callback"
KEY = b"k" * 32


class World:
    def __init__(self) -> None:
        self.web = StandInIssuer()
        self.now = NOW
        self.flow = CodeFlow(Issuer(SETTINGS, self.web, lambda: 0.0), lambda: self.now)

    def gives(self, said: Mapping[str, Json], status: int = 200) -> None:
        self.web.answers[f"{URL}/token"] = [Fetched(status, {"id_token": token(said), "access_token": "x"})]

    async def refusal(self, pending: Pending, parameters: object) -> str:
        with pytest.raises(IdentityRefused) as caught:
            await self.flow.finish(pending, parameters)  # type: ignore[arg-type]  # some are wrong on purpose
        for secret in (pending.state, pending.nonce, pending.verifier):
            assert secret not in str(caught.value)
        return caught.value.code


@pytest.fixture
def world() -> World:
    return World()


async def test_somebody_signs_in(world: World) -> None:
    url, pending = await world.flow.begin(BACK, "/holds/t-1")
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert url.startswith(f"{URL}/auth?")
    assert query == {
        "response_type": "code",
        "client_id": "sallyport",
        "redirect_uri": BACK,
        "scope": "openid groups email",
        "state": pending.state,
        "nonce": pending.nonce,
        "code_challenge": challenge_of(pending.verifier),
        "code_challenge_method": "S256",
    }
    assert pending.verifier not in url
    world.gives(claims(nonce=pending.nonce))
    who = await world.flow.finish(pending, [("code", "c"), ("state", pending.state)])
    assert (who.principal, pending.return_to) == ("alice", "/holds/t-1")
    _, form = world.web.asked[-1]
    assert form == {
        "grant_type": "authorization_code",
        "code": "c",
        "redirect_uri": BACK,
        "client_id": "sallyport",
        "code_verifier": pending.verifier,
    }


async def test_each_sign_in_has_secrets_of_its_own(world: World) -> None:
    pendings = [(await world.flow.begin(BACK))[1] for _ in range(3)]
    assert len({one for pending in pendings for one in (pending.state, pending.nonce, pending.verifier)}) == 9


async def test_an_answer_to_another_sign_in_is_none(world: World) -> None:
    """Fixation: somebody has a browser finish what they began, and it would be signed in as them."""
    _, mine = await world.flow.begin(BACK)
    _, theirs = await world.flow.begin(BACK)
    world.gives(claims(nonce=theirs.nonce))
    assert await world.refusal(mine, {"code": "c", "state": theirs.state}) == "LOGIN_STATE"
    assert await world.refusal(mine, {"code": "c"}) == "LOGIN_STATE"
    assert await world.refusal(mine, {"code": "c", "state": ""}) == "LOGIN_STATE"
    assert await world.refusal(mine, {"code": "c", "state": "é"}) == "LOGIN_STATE"
    assert world.web.count(f"{URL}/token") == 0
    # A code that was stolen from another sign-in comes with that one's nonce.
    assert await world.refusal(mine, {"code": "c", "state": mine.state}) == "TOKEN_NONCE"


async def test_an_answer_that_is_twofold_late_or_of_another_issuer_is_none(world: World) -> None:
    _, pending = await world.flow.begin(BACK)
    good = [("code", "c"), ("state", pending.state)]
    assert await world.refusal(pending, [*good, ("code", "d")]) == "LOGIN_MALFORMED"
    assert await world.refusal(pending, [("code", "c" * 5_000), ("state", pending.state)]) == "LOGIN_MALFORMED"
    assert await world.refusal(pending, [*good, ("iss", "https://other.test")]) == "LOGIN_ISSUER"
    assert await world.refusal(msgspec.structs.replace(pending, issuer="https://other.test"), good) == "LOGIN_ISSUER"
    assert await world.refusal(pending, {"error": "access_denied", "state": pending.state}) == "LOGIN_REFUSED"
    assert await world.refusal(pending, {"state": pending.state}) == "LOGIN_REFUSED"
    world.now = NOW + LIFE + 1
    assert await world.refusal(pending, good) == "LOGIN_LATE"
    world.now = NOW - 1
    assert await world.refusal(pending, good) == "LOGIN_LATE"


async def test_an_issuer_that_names_itself_must(world: World) -> None:
    world.web.metadata["authorization_response_iss_parameter_supported"] = True
    _, pending = await world.flow.begin(BACK)
    assert await world.refusal(pending, {"code": "c", "state": pending.state}) == "LOGIN_ISSUER"
    world.gives(claims(nonce=pending.nonce))
    assert (await world.flow.finish(pending, {"code": "c", "state": pending.state, "iss": URL})).principal == "alice"


async def test_a_token_for_somebody_else_signs_nobody_in(world: World) -> None:
    _, pending = await world.flow.begin(BACK)
    good = {"code": "c", "state": pending.state}
    world.gives(claims(nonce=pending.nonce, aud="other"))
    assert await world.refusal(pending, good) == "TOKEN_AUDIENCE"
    world.gives(claims(nonce=pending.nonce), status=400)
    assert await world.refusal(pending, good) == "LOGIN_REFUSED"
    world.web.answers[f"{URL}/token"] = [Fetched(200, {"id_token": 7}), Fetched(200, None)]
    assert await world.refusal(pending, good) == "LOGIN_REFUSED"
    assert await world.refusal(pending, good) == "LOGIN_REFUSED"


async def test_only_our_own_safe_address_is_sent_along(world: World) -> None:
    for wrong in (
        "http://gateway.test/callback",
        "https://u@gateway.test/x",
        "https://gateway.test/#x",
        "/callback",
        "https://[x",
    ):
        with pytest.raises(ConfigInvalid):
            await world.flow.begin(wrong)
    assert is_redirect("http://127.0.0.1:9/callback")
    assert is_redirect("http://localhost:9/callback")
    nobody = CodeFlow(Issuer(IssuerSettings("x", URL, audiences=("y",)), world.web, lambda: 0.0), lambda: NOW)
    with pytest.raises(ConfigInvalid):
        await nobody.begin(BACK)
    del world.web.metadata["authorization_endpoint"]
    with pytest.raises(IdentityRefused):
        await CodeFlow(Issuer(SETTINGS, world.web, lambda: 0.0), lambda: NOW).begin(BACK)


async def test_a_sealed_sign_in_is_opened_by_its_key_alone(world: World) -> None:
    _, pending = await world.flow.begin(BACK)
    text = seal(pending, KEY)
    assert unseal(text, KEY) == pending
    assert text != seal(pending, KEY)
    assert pending.state not in text
    assert pending.verifier not in repr(pending)
    assert unseal(text, b"o" * 32) is None
    changed = ("B" if text[0] == "A" else "A") + text[1:]
    for wrong in ("", "x", "AAAA", text[:-2], text + "AA", changed, "é", secrets.token_urlsafe(4_000)):
        assert unseal(wrong, KEY) is None


@pytest.mark.parametrize(
    "wanted",
    [
        *("https://evil.test", "//evil.test", "/\\evil.test", "\\\\evil.test", "///evil.test", "javascript:alert(1)"),
        *("", "evil", "/a b", "/a\nb", "/\tx", "/é", "/<script>", "http:/x", "/" + "x" * 1_001, " /x", "data:,x"),
    ],
)
def test_nobody_is_sent_elsewhere_after_signing_in(wanted: str) -> None:
    assert local_path(wanted) == "/"


def test_a_place_in_our_site_stays() -> None:
    assert local_path("/holds/t-1?state=open&x=%2F") == "/holds/t-1?state=open&x=%2F"
