"""What a relay is given: without more than a doorkeeper it does without the rest."""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.core.ends import End
from adapters.core.events import Side
from adapters.core.ports import Target
from adapters.core.surroundings import Surroundings
from tests.unit.adapters.core.test_kept import Ear
from tests.unit.adapters.core.test_relay import Keeper, Wire

THERE = Target("db", 5432, "gateway")


def test_only_a_doorkeeper_has_to_be_there() -> None:
    found = Surroundings(Keeper())
    assert (found.client_tls, found.interrupt, found.errand, found.refresh, found.kept) == (None,) * 5


async def test_what_is_not_there_is_not_done_and_what_is_is() -> None:
    bare = Surroundings(Keeper())
    await bare.pass_on(b"key")
    await bare.read_again(THERE, True)
    await bare.run_errand(THERE, b"x")
    done: list[object] = []

    async def note(*what: object) -> None:
        done.append(what)

    full = Surroundings(Keeper(), interrupt=note, errand=note, refresh=note)
    await full.pass_on(b"key")
    await full.read_again(THERE, True)
    await full.run_errand(THERE, b"x")
    assert done == [(b"key",), (THERE, True), (THERE, b"x")]


@dataclass
class Shelf:
    """Keeps connections, or pools them."""

    had: list[tuple[object, ...]] = field(default_factory=list)

    def put(self, *what: object) -> None:
        self.had.append(what)

    def put_back(self, *what: object) -> None:
        self.had.append(what)


async def test_connections_are_kept_and_put_back_where_somebody_does_that_and_end_elsewhere() -> None:
    shelf = Shelf()
    for found in (Surroundings(Keeper()), Surroundings(Keeper(), kept=shelf, pool=shelf)):  # type: ignore[arg-type]  # as much as is used
        for act in (lambda end, to=found: to.keep("key", end, 3.0), lambda end, to=found: to.put_back(end, "estate")):
            end = End(Ear(), Side.UPSTREAM)
            end.connection_made(Wire())
            act(end)
            assert end.transport is not None
            assert end.transport.is_closing() is (found.kept is None)
    assert [tuple(type(one) for one in what) for what in shelf.had] == [(str, End, float), (End, str)]


async def test_an_errand_that_does_not_come_through_is_no_error() -> None:
    async def fails(target: Target, data: bytes) -> None:
        raise ConnectionResetError

    await Surroundings(Keeper(), errand=fails).run_errand(THERE, b"x")
