"""Whatever is asked for and whatever happens to a token: it opens what was granted, and any other token opens nothing."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.request import Principal
from gateway.errors import IdentityRefused
from gateway.identity.logins import Login, Unproven
from gateway.identity.minting import EFFECTS, Asker, Mint, Wish
from gateway.identity.people import Known, People
from gateway.identity.proofs import Proofs
from gateway.identity.scoped import MAX_SCOPED, SECOND, Grant, TokenKey, TokenKeys
from gateway.identity.tokens import Tokens
from gateway.store.database import open_database
from gateway.store.migrations import upgrade

NAMES = ("orders", "build", "shop")
NOW = 1_800_000_000 * SECOND
WISHES = st.builds(
    Wish,
    st.lists(st.sampled_from((*NAMES, "nowhere")), max_size=5).map(tuple),
    st.floats(allow_nan=True) | st.integers(1, 3_600).map(float),
    st.none() | st.text(max_size=20) | st.just("build-42"),
    st.none() | st.lists(st.sampled_from((*EFFECTS, "unknown")), max_size=4).map(tuple),
    st.booleans(),
    st.none() | st.text(max_size=50),
)


class World:
    """A mint and who believes its tokens, on one store; the clock is a test's."""

    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.database = open_database(f"sqlite:///{folder}/store.db")
        upgrade(self.database)
        keys, self.tokens = TokenKeys([TokenKey.from_seed(secrets.token_bytes(32))]), Tokens(self.database)
        people = People([Known(Principal("ana", groups=("readers",)))], b"k" * 32)
        self.mint = Mint(keys, self.tokens, max_ttl=3_600, exists=NAMES.__contains__, clock=lambda: self.now)
        self.proofs = Proofs(keys=keys, tokens=self.tokens, issuers=[], people=lambda: people, clock=lambda: self.now)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        made = World(Path(folder))
        yield made
        made.database.close()


@given(wish=WISHES, resource=st.sampled_from(NAMES), passed=st.integers(0, 4_000), data=st.data())
def test_a_token_opens_what_was_granted_and_nothing_else(
    world: World, wish: Wish, resource: str, passed: int, data: st.DataObject
) -> None:
    world.now = NOW
    with contextlib.suppress(IdentityRefused):
        check(world, *world.mint.issue(Asker("ana"), wish), wish, resource, passed, data)


def check(world: World, token: str, grant: Grant, wish: Wish, resource: str, passed: int, data: st.DataObject) -> None:
    try:
        assert len(token) < MAX_SCOPED
        world.now = NOW + passed * SECOND
        found = world.proofs.examine(token, "ana", resource)
        is_good = resource in wish.resources and grant.expires_at > world.now
        assert isinstance(found, Login) is is_good
        if isinstance(found, Login):
            assert found.resources == set(wish.resources)
            assert found.effects == (None if wish.effects is None else set(wish.effects))
            assert (found.job, found.once, found.user) == (wish.job, wish.once, "ana")
        at = data.draw(st.integers(0, len(token) - 1))
        other = data.draw(st.characters(codec="ascii").filter(lambda char: char != token[at]))
        changed = token[:at] + other + token[at + 1 :]
        for wrong in (changed, token[:at], token + other):
            assert isinstance(world.proofs.examine(wrong, "ana", resource), Unproven)
    finally:
        world.tokens.revoke([grant.id], NOW)
    world.now = NOW
    assert isinstance(world.proofs.examine(token, None, None), Unproven)
