"""Keys are kept, renewed and given up at the right moments, and nobody can have us besiege an issuer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.errors import IdentityRefused
from gateway.identity.oidc.issuer import FRESH_SECONDS, KEPT_SECONDS, MAX_AT_ONCE, Issuer
from gateway.identity.signed import Algorithm
from tests.issuers import ED25519, NOW, OTHER_RSA, RSA, SETTINGS, URL, StandInIssuer, claims, jwk, token


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def web() -> StandInIssuer:
    return StandInIssuer()


@pytest.fixture
def issuer(web: StandInIssuer, clock: Clock) -> Issuer:
    return Issuer(SETTINGS, web, clock)


def refusal(issuer: Issuer, text: str) -> str:
    with pytest.raises(IdentityRefused) as caught:
        issuer.verify(text, NOW)
    assert text not in str(caught.value)
    assert text not in caught.value.help
    return caught.value.code


def test_a_good_token_is_somebody_and_the_issuer_is_asked_once(issuer: Issuer, web: StandInIssuer) -> None:
    for _ in range(3):
        assert issuer.verify(token(claims()), NOW).principal == "alice"
    assert [url for url, _ in web.asked] == [URL + "/.well-known/openid-configuration", URL + "/jwks"]


def test_what_is_wrong_is_said_by_its_code(issuer: Issuer) -> None:
    assert refusal(issuer, "not.a.token") == "TOKEN_MALFORMED"
    assert refusal(issuer, token(claims(), header={"typ": "logout+jwt"})) == "TOKEN_KIND"
    assert refusal(issuer, token(claims(iss="https://other.test"))) == "TOKEN_ISSUER"
    assert refusal(issuer, token(claims(), header={"alg": "PS256"})) == "TOKEN_ALGORITHM"
    assert refusal(issuer, token(claims(), OTHER_RSA)) == "TOKEN_SIGNATURE"
    assert refusal(issuer, token(claims(aud="other"))) == "TOKEN_AUDIENCE"


def test_a_rotated_key_is_fetched_when_a_token_names_it(issuer: Issuer, web: StandInIssuer) -> None:
    issuer.verify(token(claims()), NOW)
    web.keys = [jwk(OTHER_RSA, "key-2"), jwk(RSA)]
    assert issuer.verify(token(claims(), OTHER_RSA, {"kid": "key-2"}), NOW).principal == "alice"
    assert issuer.verify(token(claims()), NOW).principal == "alice"


def test_a_key_that_was_taken_back_counts_no_more_after_a_minute(
    issuer: Issuer, web: StandInIssuer, clock: Clock
) -> None:
    issuer.verify(token(claims()), NOW)
    web.keys = [jwk(OTHER_RSA, "key-2")]
    clock.now = FRESH_SECONDS + 1
    assert refusal(issuer, token(claims())) == "TOKEN_SIGNATURE"


def test_made_up_keys_have_the_issuer_asked_now_and_then_only(issuer: Issuer, web: StandInIssuer, clock: Clock) -> None:
    for number in range(200):
        assert refusal(issuer, token(claims(), header={"kid": f"made-up-{number}"})) == "TOKEN_SIGNATURE"
    assert web.count(f"{URL}/jwks") <= 1 + MAX_AT_ONCE
    clock.now = 3
    for number in range(200):
        refusal(issuer, token(claims(), header={"kid": f"made-up-{number}"}))
    assert web.count(f"{URL}/jwks") <= 1 + MAX_AT_ONCE + 3


def test_an_issuer_that_is_down_goes_on_for_an_hour_with_what_is_known(
    issuer: Issuer, web: StandInIssuer, clock: Clock
) -> None:
    issuer.verify(token(claims()), NOW)
    web.is_down = True
    clock.now = KEPT_SECONDS - 1
    assert issuer.verify(token(claims()), NOW).principal == "alice"
    clock.now = KEPT_SECONDS + 10
    assert refusal(issuer, token(claims())) == "ISSUER_UNREACHABLE"


def test_without_a_key_nobody_is_let_in_and_the_issuer_is_asked_again_later(
    issuer: Issuer, web: StandInIssuer, clock: Clock
) -> None:
    web.is_down = True
    for _ in range(20):
        assert refusal(issuer, token(claims())) == "ISSUER_UNREACHABLE"
    assert len(web.asked) == 1
    web.is_down, clock.now = False, 2
    assert issuer.verify(token(claims()), NOW).principal == "alice"


def test_an_issuer_without_usable_keys_vouches_for_nobody(web: StandInIssuer, clock: Clock) -> None:
    web.keys = []
    assert refusal(Issuer(SETTINGS, web, clock), token(claims())) == "ISSUER_UNUSABLE"
    web.metadata["issuer"] = "https://other.test"
    assert refusal(Issuer(SETTINGS, web, clock), token(claims())) == "ISSUER_UNUSABLE"


def test_only_the_algorithms_of_the_configuration_count(web: StandInIssuer, clock: Clock) -> None:
    web.keys = [jwk(ED25519)]
    text = token(claims(), ED25519, {"alg": "EdDSA"})
    assert refusal(Issuer(SETTINGS, web, clock), text) == "TOKEN_ALGORITHM"
    wider = Issuer(replace(SETTINGS, algorithms=(Algorithm.EDDSA,)), web, clock)
    assert wider.verify(text, NOW).principal == "alice"


def test_where_the_doors_are_is_known_or_an_error(issuer: Issuer, web: StandInIssuer, clock: Clock) -> None:
    assert issuer.metadata().token_endpoint == f"{URL}/token"
    web.is_down = True
    with pytest.raises(IdentityRefused):
        Issuer(SETTINGS, web, clock).metadata()
