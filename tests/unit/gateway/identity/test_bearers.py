"""Whom the token of a request proves somebody to be, request by request."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.identity.bearers import TokenBearers
from gateway.identity.logins import Unproven
from gateway.identity.minting import Asker, Wish
from gateway.identity.people import Known, People, digest_token
from gateway.store.database import open_database
from gateway.store.migrations import upgrade
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
