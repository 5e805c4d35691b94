"""Whom the token of a request proves somebody to be, request by request."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.core.ports import Refusal
from gateway.identity.bearers import Bearer, TokenBearers
from gateway.identity.logins import Unproven
from gateway.identity.minting import Asker, Wish
from gateway.identity.people import Known, People, digest_token
from gateway.store.database import open_database
from gateway.store.migrations import upgrade
from tests.issuers import claims, token
from tests.unit.gateway.identity.test_proofs import ANA, World

SECRET = secrets.token_urlsafe(24)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    database = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(database)
    made = World(database)
    made.people = People([Known(ANA, token=digest_token(SECRET.encode()))], b"k" * 32)
    yield made
    database.close()


def bearers(world: World, *, signed: bool = True) -> TokenBearers:
    return TokenBearers(lambda: world.people, world.proofs if signed else None)


def test_a_plain_secret_is_its_owners(world: World) -> None:
    assert bearers(world).find(SECRET, "orders") == (ANA, None)
    assert bearers(world).find(SECRET + "x", "orders") == Unproven("TOKEN_UNKNOWN")
    assert bearers(world).find("", "orders") == Unproven("TOKEN_UNKNOWN")


def test_a_signed_token_is_for_its_resource_and_job(world: World) -> None:
    text, _ = world.mint.issue(Asker("ana"), Wish(("orders",), 600, "build-42", ("read",)))
    found = bearers(world).find(text, "orders")
    assert not isinstance(found, Unproven)
    assert found[1] is not None
    assert (found[0].name, found[0].groups, found[1].job) == ("ana", ANA.groups, "build-42")
    assert isinstance(bearers(world).find(text, "shop"), Unproven)
    assert isinstance(bearers(world, signed=False).find(text, "orders"), Unproven)
    head, body, signature = text.split(".")
    assert isinstance(bearers(world).find(f"{head}.{body}.{signature[::-1]}", "orders"), Unproven)


def test_a_token_that_is_good_once_is_used_up(world: World) -> None:
    text, _ = world.mint.issue(Asker("ana"), Wish(("orders",), 600, "build-42", ("read",), once=True))
    assert not isinstance(bearers(world).find(text, "orders"), Unproven)
    assert isinstance(bearers(world).find(text, "orders"), Unproven)


def test_who_brings_a_token_is_proved_wherever_they_go(world: World) -> None:
    world.people = People([Known(ANA, token=digest_token(SECRET.encode()), roles=("approver",))], b"k" * 32)
    assert bearers(world).prove(SECRET) == Bearer(ANA, ("approver",))
    assert bearers(world).prove(SECRET + "x") == Unproven("TOKEN_UNKNOWN")
    text, _ = world.mint.issue(Asker("ana"), Wish(("orders",), 600, "build-42", ("read",)))
    found = bearers(world).prove(text)
    assert isinstance(found, Bearer)
    assert found.login is not None
    assert (found.principal.name, found.login.job, found.roles) == ("ana", "build-42", ())
    assert bearers(world, signed=False).prove(text) == Unproven("TOKEN_UNKNOWN")
    assert isinstance(bearers(world).prove(text[:-4]), Unproven)


def test_who_is_of_an_issuer_has_the_roles_it_states(world: World) -> None:
    found = bearers(world).prove(token(claims()))
    assert isinstance(found, Bearer)
    assert (found.principal.name, found.principal.groups, found.roles) == ("alice", ("dba",), ())


def test_a_token_good_once_proves_once(world: World) -> None:
    text, _ = world.mint.issue(Asker("ana"), Wish(("orders",), 600, once=True))
    assert isinstance(bearers(world).prove(text), Bearer)
    assert bearers(world).prove(text) == Unproven("TOKEN_USED", Refusal("28001", "the token was used already"))
