"""Signing in from a terminal waits for a person, and believes only what the issuer signed for us."""

from __future__ import annotations

import pytest

from engine.request import Json
from gateway.errors import IdentityRefused
from gateway.identity.oidc.device import GRANT, SLOWER, Begun, DeviceFlow, SignedIn
from gateway.identity.oidc.fetching import Fetched
from gateway.identity.oidc.issuer import Issuer
from gateway.identity.oidc.settings import IssuerSettings
from tests.issuers import NOW, SETTINGS, URL, StandInIssuer, claims, token

GOOD: dict[str, Json] = {
    "device_code": "secret-device-code",
    "user_code": "ABCD-EFGH",
    "verification_uri": f"{URL}/device",
    "verification_uri_complete": f"{URL}/device?user_code=ABCD-EFGH",
    "interval": 2,
    "expires_in": 300,
}


class World:
    def __init__(self, settings: IssuerSettings = SETTINGS) -> None:
        self.web = StandInIssuer()
        self.flow = DeviceFlow(Issuer(settings, self.web, lambda: 0.0), lambda: NOW)

    def begin(self, document: object = None, status: int = 200) -> Begun:
        self.web.answers[f"{URL}/device"] = [Fetched(status, GOOD if document is None else document)]
        return self.flow.begin()

    def look(self, document: object, status: int = 400) -> SignedIn | float:
        begun = self.begin()
        self.web.answers[f"{URL}/token"] = [Fetched(status, document)]
        return self.flow.look(begun)


def test_a_person_is_shown_a_page_and_a_code() -> None:
    world = World()
    begun = world.begin()
    assert (begun.user_code, begun.page, begun.interval, begun.lasts) == ("ABCD-EFGH", f"{URL}/device", 2.0, 300.0)
    assert begun.complete_page == f"{URL}/device?user_code=ABCD-EFGH"
    assert "secret-device-code" not in repr(begun)
    assert world.web.asked[-1] == (f"{URL}/device", {"client_id": "sallyport", "scope": "openid groups email"})


def test_intervals_have_bounds() -> None:
    for interval, expires, expected in ((0, 0, (1.0, 1.0)), (1e6, 1e8, (60.0, 1_800.0)), ("x", True, (5.0, 600.0))):
        begun = World().begin({**GOOD, "interval": interval, "expires_in": expires})
        assert (begun.interval, begun.lasts) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"user_code": None},
        {"user_code": "\x1b[2Jx"},
        {"user_code": "x" * 2_000},
        {"device_code": 7},
        {"verification_uri": "javascript:alert(1)"},
        {"verification_uri": "https://a/\x1b]0;x"},
        {"verification_uri": None},
    ],
)
def test_what_cannot_be_shown_safely_begins_nothing(changes: dict[str, Json]) -> None:
    with pytest.raises(IdentityRefused) as caught:
        World().begin({**GOOD, **changes})
    assert caught.value.code == "LOGIN_REFUSED"


def test_an_issuer_that_refuses_or_cannot_begins_nothing() -> None:
    with pytest.raises(IdentityRefused):
        World().begin(GOOD, 400)
    world = World()
    del world.web.metadata["device_authorization_endpoint"]
    with pytest.raises(IdentityRefused) as caught:
        world.flow.begin()
    assert caught.value.code == "ISSUER_UNUSABLE"
    with pytest.raises(IdentityRefused):
        World(IssuerSettings("x", URL, audiences=("y",))).begin()


def test_nobody_has_signed_in_until_the_issuer_says_so() -> None:
    assert World().look({"error": "authorization_pending"}) == 0.0
    assert World().look({"error": "slow_down"}) == SLOWER
    world = World()
    found = world.look({"id_token": token(claims())}, 200)
    assert isinstance(found, SignedIn)
    assert found.identity.principal == "alice"
    assert found.token not in repr(found)
    form = {"grant_type": GRANT, "client_id": "sallyport", "device_code": "secret-device-code"}
    assert ("https://issuer.test/token", form) in world.web.asked


@pytest.mark.parametrize(
    ("document", "status", "code"),
    [
        ({"error": "access_denied"}, 400, "LOGIN_REFUSED"),
        ({"error": "expired_token"}, 400, "LOGIN_LATE"),
        ({"error": "other"}, 400, "LOGIN_REFUSED"),
        (None, 500, "LOGIN_REFUSED"),
        ({"id_token": 7}, 200, "LOGIN_REFUSED"),
        ({"id_token": token(claims(aud="other"))}, 200, "TOKEN_AUDIENCE"),
        ({"id_token": "ey.ey.ey"}, 200, "TOKEN_MALFORMED"),
    ],
)
def test_every_other_answer_is_the_end_of_it(document: object, status: int, code: str) -> None:
    with pytest.raises(IdentityRefused) as caught:
        World().look(document, status)
    assert caught.value.code == code
