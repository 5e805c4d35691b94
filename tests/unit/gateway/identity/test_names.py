"""A name is of the configuration, or of one issuer, or of nobody."""

from __future__ import annotations

from engine.request import Principal
from gateway.identity.names import Names
from gateway.identity.oidc.settings import IssuerSettings
from gateway.identity.people import Known, People
from tests.issuers import SETTINGS

CORP = IssuerSettings("corp", "https://corp.test", prefix="corp:")
EU = IssuerSettings("eu", "https://eu.test", prefix="corp:eu:")
PEOPLE = People([Known(Principal("dora"))], b"k" * 32)


def names(*issuers: IssuerSettings, people: People = PEOPLE) -> Names:
    return Names(lambda: people, issuers)


def test_the_longest_prefix_says_whose_a_name_is_in_whatever_order_they_stand() -> None:
    for order in ((SETTINGS, CORP, EU), (EU, SETTINGS, CORP), (CORP, EU, SETTINGS)):
        found = names(*order)
        assert found.issuer_of("alice") is SETTINGS
        assert found.issuer_of("corp:alice") is CORP
        assert found.issuer_of("corp:eu:alice") is EU
        assert found.issuer_of("corpse") is SETTINGS
        # Each by its name and by its URL, and by no other's.
        assert found.is_of("corp:alice", "corp")
        assert found.is_of("corp:alice", CORP.issuer)
        assert not any(found.is_of("corp:alice", other) for other in ("main", SETTINGS.issuer, "eu", "", None))


def test_a_name_of_the_configuration_is_no_issuers() -> None:
    found = names(SETTINGS)
    assert found.issuer_of("dora") is None
    assert not found.is_of("dora", "main")
    assert names(SETTINGS, people=People([Known(Principal("corp:x"))], b"k" * 32)).issuer_of("corp:x") is None


def test_a_name_with_no_issuers_prefix_is_nobodys() -> None:
    assert names(CORP).issuer_of("alice") is None
    assert names().issuer_of("alice") is None


def test_a_refusal_says_why_and_not_whose() -> None:
    found = names(SETTINGS, CORP)
    assert found.why_not("alice", "main") is None
    taken, others, gone = (
        found.why_not("dora", "main"),
        found.why_not("corp:alice", "main"),
        found.why_not("alice", "gone"),
    )
    assert taken is not None
    assert others is not None
    assert gone is not None
    assert (taken.code, others.code, gone.code) == ("TOKEN_NAME_TAKEN", "TOKEN_NAME_TAKEN", "TOKEN_ISSUER")
    assert not any("corp" in str(one) or "main" in str(one) for one in (taken, others, gone))
