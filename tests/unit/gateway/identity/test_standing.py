"""A login counts until its end, unless its token is taken back; what cannot be asked does not count."""

from __future__ import annotations

from engine.request import Principal
from gateway.errors import StoreUnavailable
from gateway.identity.logins import Login
from gateway.identity.standing import EXPIRED, MAX_AGE, PATIENCE, REVOKED, UNASKED, Standing

LOGIN = Login(Principal("ana"), 1_000, token="t-1")


class Store:
    def __init__(self) -> None:
        self.gone: frozenset[str] = frozenset()
        self.is_down = False
        self.looks = 0

    def revoked(self, now: int) -> frozenset[str]:
        self.looks += 1
        if self.is_down:
            raise StoreUnavailable("down")
        return self.gone


class World:
    def __init__(self) -> None:
        self.store, self.now, self.seconds = Store(), 0, 0.0
        self.standing = Standing(self.store, lambda: self.now, lambda: self.seconds)  # type: ignore[arg-type]  # the one method it asks


def test_a_login_counts_until_its_end() -> None:
    world = World()
    assert world.standing.trouble(LOGIN) is None
    world.now = 1_000
    assert world.standing.trouble(LOGIN) == EXPIRED


def test_a_revocation_is_known_before_a_second_is_over_whoever_looks() -> None:
    world = World()
    assert world.standing.trouble(LOGIN) is None
    world.store.gone = frozenset({"t-1"})
    world.seconds = MAX_AGE + 0.01
    assert world.standing.trouble(LOGIN) == REVOKED
    assert MAX_AGE < 1


def test_one_look_is_for_all_logins_of_that_moment() -> None:
    world = World()
    for number in range(100):
        world.standing.trouble(Login(Principal("ana"), 1_000, token=f"t-{number}"))
    assert world.store.looks == 1
    world.seconds = 0.25
    world.standing.refresh()
    assert world.store.looks == 2


def test_nobody_looks_for_nobody() -> None:
    world = World()
    world.standing.refresh()
    assert world.standing.trouble(Login(Principal("alice"), 1_000)) is None
    assert world.store.looks == 0
    world.standing.trouble(LOGIN)
    world.seconds = 100
    world.standing.refresh()
    assert world.store.looks == 1


def test_what_cannot_be_asked_does_not_count_and_is_asked_now_and_then() -> None:
    world = World()
    world.store.is_down = True
    for _ in range(50):
        assert world.standing.trouble(LOGIN) == UNASKED
    assert world.store.looks == 1
    world.seconds = PATIENCE
    world.store.is_down = False
    assert world.standing.trouble(LOGIN) is None
    world.store.is_down, world.seconds = True, PATIENCE + MAX_AGE / 2
    world.standing.refresh()
    assert world.standing.trouble(LOGIN) is None
    world.seconds = PATIENCE + MAX_AGE + 0.01
    assert world.standing.trouble(LOGIN) == UNASKED
