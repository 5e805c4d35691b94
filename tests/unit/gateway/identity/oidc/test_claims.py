"""Claims come to an identity only when each that decides is there, right, and of now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.request import Json
from gateway.errors import IdentityRefused
from gateway.identity.oidc.claims import MAX_GROUPS, identity_of
from gateway.identity.oidc.settings import Identity, IssuerSettings
from tests.issuers import NOW, SECOND, SETTINGS, claims

AT = NOW // SECOND


def found(settings: IssuerSettings = SETTINGS, nonce: str | None = None, **changes: Json) -> Identity:
    return identity_of(claims(**changes), settings, NOW, audiences=("sallyport",), nonce=nonce)


def code(settings: IssuerSettings = SETTINGS, nonce: str | None = None, **changes: Json) -> str:
    with pytest.raises(IdentityRefused) as caught:
        found(settings, nonce, **changes)
    return caught.value.code


def test_a_good_token_is_somebody() -> None:
    who = found(email="alice@example.test", email_verified=True)
    assert (who.principal, who.groups, who.email, who.roles) == ("alice", ("dba",), "alice@example.test", ())
    assert who.expires_at == NOW + (600 + 30) * SECOND


def test_an_address_that_nobody_verified_is_none() -> None:
    assert found(email="alice@example.test").email is None
    assert found(email="alice@example.test", email_verified="true").email is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"iss": "https://other.test"}, "TOKEN_ISSUER"),
        ({"iss": None}, "TOKEN_ISSUER"),
        ({"iss": "https://issuer.test/"}, "TOKEN_ISSUER"),
        ({"aud": "other"}, "TOKEN_AUDIENCE"),
        ({"aud": ["other"]}, "TOKEN_AUDIENCE"),
        ({"aud": None}, "TOKEN_AUDIENCE"),
        ({"aud": {"sallyport": 1}}, "TOKEN_AUDIENCE"),
        ({"aud": "sallyport2"}, "TOKEN_AUDIENCE"),
        ({"exp": AT - 31}, "TOKEN_EXPIRED"),
        ({"exp": None}, "TOKEN_CLAIMS"),
        ({"exp": str(AT + 60)}, "TOKEN_CLAIMS"),
        ({"exp": True}, "TOKEN_CLAIMS"),
        ({"exp": 1e300}, "TOKEN_CLAIMS"),
        ({"exp": -1}, "TOKEN_CLAIMS"),
        ({"iat": None}, "TOKEN_CLAIMS"),
        ({"iat": AT + 31, "exp": AT + 600}, "TOKEN_NOT_YET"),
        ({"nbf": AT + 31}, "TOKEN_NOT_YET"),
        ({"nbf": "soon"}, "TOKEN_CLAIMS"),
        ({"iat": AT - 3_631}, "TOKEN_EXPIRED"),
        ({"sub": None}, "TOKEN_CLAIMS"),
        ({"sub": 7}, "TOKEN_CLAIMS"),
        ({"sub": ""}, "TOKEN_CLAIMS"),
        ({"sub": "a b"}, "TOKEN_CLAIMS"),
        ({"sub": "ana\x00"}, "TOKEN_CLAIMS"),
        ({"sub": "ana\n"}, "TOKEN_CLAIMS"),
        ({"sub": "x" * 129}, "TOKEN_CLAIMS"),
        ({"sub": "ana+orders"}, "TOKEN_CLAIMS"),
        ({"groups": "dba"}, "TOKEN_CLAIMS"),
        ({"groups": ["dba", 7]}, "TOKEN_CLAIMS"),
        ({"groups": ["dba", ""]}, "TOKEN_CLAIMS"),
        ({"groups": [str(one) for one in range(MAX_GROUPS + 1)]}, "TOKEN_CLAIMS"),
        ({"events": {}}, "TOKEN_CLAIMS"),
    ],
)
def test_a_token_with_one_thing_wrong_is_nobody(changes: dict[str, Json], expected: str) -> None:
    assert code(**changes) == expected


def test_clocks_may_differ_by_the_leeway_and_no_more() -> None:
    assert found(exp=AT - 29).principal == "alice"
    assert found(iat=AT + 29, nbf=AT + 29).principal == "alice"
    exact = replace(SETTINGS, leeway=0)
    assert code(exact, exp=AT) == "TOKEN_EXPIRED"
    assert code(exact, nbf=AT + 1) == "TOKEN_NOT_YET"


def test_a_token_lives_no_longer_than_we_let_it() -> None:
    assert found(replace(SETTINGS, max_lifetime=60), exp=AT + 86_400).expires_at == NOW + (60 - 10 + 30) * SECOND


def test_signing_in_wants_its_nonce_and_a_token_for_us_alone() -> None:
    good = claims(nonce="n")
    assert identity_of(good, SETTINGS, NOW, audiences=("sallyport",), nonce="n").principal == "alice"
    for wrong, expected in (
        (claims(nonce="m"), "TOKEN_NONCE"),
        (claims(), "TOKEN_NONCE"),
        (claims(nonce="n", aud=["sallyport", "other"]), "TOKEN_AUDIENCE"),
        (claims(nonce="n", azp="other"), "TOKEN_AUDIENCE"),
    ):
        with pytest.raises(IdentityRefused) as caught:
            identity_of(wrong, SETTINGS, NOW, audiences=("sallyport",), nonce="n")
        assert caught.value.code == expected
    both = claims(nonce="n", aud=["sallyport", "other"], azp="sallyport")
    assert identity_of(both, SETTINGS, NOW, audiences=("sallyport",), nonce="n").principal == "alice"


def test_a_token_of_a_service_may_be_for_several_of_whom_we_are_one() -> None:
    assert found(aud=["account", "sallyport"], azp="build-agent").principal == "alice"


def test_names_come_from_the_claim_that_is_configured_behind_their_prefix() -> None:
    settings = replace(SETTINGS, principal_claim="email", prefix="corp:")
    assert found(settings, email="a@b.test", email_verified=True).principal == "corp:a@b.test"
    assert code(settings, email="a@b.test") == "TOKEN_CLAIMS"
    assert code(replace(SETTINGS, principal_claim="preferred_username")) == "TOKEN_CLAIMS"


def test_groups_give_the_roles_that_the_configuration_gives_them() -> None:
    settings = replace(SETTINGS, approver_groups=frozenset({"dba"}), auditor_groups=frozenset({"audit"}))
    assert found(settings).roles == ("approver",)
    assert found(settings, groups=["audit", "audit"]).roles == ("auditor",)
    assert found(replace(settings, operator_groups=frozenset({"oncall"})), groups=["oncall"]).roles == ("operator",)
    assert found(settings, groups=None).roles == ()
