"""A secret proves its own principal and nobody else; unknown names look like known ones."""

from __future__ import annotations

import secrets

from engine.request import Principal
from gateway.identity.people import Known, People, digest_token
from gateway.identity.scram import decoy, make_verifier

KEY = b"k" * 32
TOKEN = secrets.token_urlsafe(32)
VERIFIER = make_verifier("x", b"s" * 16, 100)
PEOPLE = People(
    [
        Known(Principal("ana", "agent"), VERIFIER, digest_token(TOKEN.encode()), uid=7),
        Known(Principal("bo"), roles=("approver",)),
    ],
    KEY,
)


def test_a_token_proves_its_own_principal_only() -> None:
    assert PEOPLE.is_proven("ana", TOKEN)
    assert not PEOPLE.is_proven("ana", TOKEN + "x")
    assert not PEOPLE.is_proven("bo", TOKEN)
    assert not PEOPLE.is_proven("eve", TOKEN)


def test_a_token_alone_leads_to_its_owner_and_one_of_two_people_to_neither() -> None:
    assert PEOPLE.owner_of(TOKEN) == "ana"
    for other in ("", TOKEN + "x", TOKEN[:-1], "\udcff", "x" * 2_000):
        assert PEOPLE.owner_of(other) is None
    shared = digest_token(TOKEN.encode())
    people = People([Known(Principal("ana"), token=shared), Known(Principal("bo"), token=shared)], KEY)
    assert people.owner_of(TOKEN) is None


def test_a_human_with_several_names_is_found_by_each_of_them() -> None:
    dora, emil = Principal("dora"), Principal("emil")
    people = People([Known(dora, also=frozenset({"corp:dora", "lab:dd"})), Known(emil)], KEY)
    assert people.also("dora") == {"corp:dora", "lab:dd"}
    assert people.also("corp:dora") == {"dora", "lab:dd"}
    assert people.also("lab:dd") == {"dora", "corp:dora"}
    assert people.also("emil") == people.also("corp:emil") == people.also("") == frozenset()


def test_nothing_proves_who_has_no_token_not_even_the_decoy_key() -> None:
    for guess in ("", "\x00", KEY.decode(), "\udcff"):
        assert not PEOPLE.is_proven("bo", guess)
        assert not PEOPLE.is_proven("eve", guess)


def test_an_overlong_token_is_none() -> None:
    long = "x" * 2_000
    people = People([Known(Principal("ana"), token=digest_token(long.encode()))], KEY)
    assert not people.is_proven("ana", long)


def test_unknown_names_and_those_without_a_password_get_decoys() -> None:
    assert PEOPLE.verifier("ana") == VERIFIER
    for name in ("bo", "eve"):
        assert PEOPLE.verifier(name) == decoy(name, KEY, 100)


def test_decoys_have_as_many_rounds_as_most() -> None:
    assert PEOPLE.verifier("eve").iterations == 100
    assert People([], KEY).verifier("eve").iterations == 4096


def test_principals_are_found_by_name_and_uid() -> None:
    assert PEOPLE.find("eve") is None
    assert (ana := PEOPLE.by_uid(7)) is not None
    assert ana.principal.name == "ana"
    assert PEOPLE.by_uid(8) is None


def test_proofs_are_not_printed() -> None:
    assert "stored_key" not in repr(PEOPLE.find("ana"))
    assert "token" not in repr(PEOPLE.find("ana"))


def test_a_key_is_its_owner_s_alone() -> None:
    people = People([Known(Principal("ana"), keys=frozenset({b"k1"})), Known(Principal("bo"))], b"d" * 32)
    assert people.has_key("ana", b"k1")
    assert not people.has_key("ana", b"k2")
    assert not people.has_key("bo", b"k1")
    assert not people.has_key("zoe", b"k1")


def test_authorities_are_those_it_was_made_with() -> None:
    assert People([], KEY, ["ssh-ed25519 AAAA"]).authorities == ("ssh-ed25519 AAAA",)
    assert PEOPLE.authorities == ()


def test_a_password_is_its_own_principals_and_a_name_that_nobody_has_has_none() -> None:
    assert PEOPLE.is_password("ana", "x")
    for name, password in (
        ("ana", ""),
        ("ana", "X"),
        ("ana", "x" * 2_000),
        ("bo", "x"),
        ("bo", ""),
        ("eve", "x"),
        ("eve", ""),
    ):
        assert not PEOPLE.is_password(name, password)
    empty = People([Known(Principal("ana"), make_verifier("", b"s" * 16, 100))], KEY)
    assert not empty.is_password("ana", "")
    assert not empty.is_password("ana", "x" * 2_000), "what is too long is not cut to nothing"
