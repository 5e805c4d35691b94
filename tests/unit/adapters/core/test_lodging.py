"""Streams with one token share one login; what ends it ends them all."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from adapters.core.lodging import MAX_ROOMS, Guest, Lodging, StreamDoor
from adapters.core.ports import Cause, Ending, Outcome, Refusal
from tests.unit.adapters.core.test_relay import QUESTION, Gate, Keeper, Proven


@dataclass(eq=False)
class Driven:
    """What runs on a stream."""

    heard: bool = False
    is_waiting: bool = True
    calls: list[str] = field(default_factory=list)

    def stop(self, reason: str, cause: Cause) -> None:
        self.calls.append(f"stop {cause}")

    def cut(self, reason: str) -> None:
        self.calls.append("cut")


class Gates(Keeper):
    """A keeper whose every login is a session of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.sessions: list[Gate] = []

    def admit(self, **who: object) -> Gate | Refusal:
        super().admit(**who)
        self.sessions.append(Gate(id=f"s-{len(self.sessions)}"))
        return self.refusal or self.sessions[-1]


class World:
    def __init__(self) -> None:
        self.keeper = Gates()
        self.over: list[str] = []
        self.lodging = Lodging(self.keeper, asyncio.get_running_loop(), self.over.append)

    def stream(self) -> tuple[StreamDoor, Driven]:
        door, driven = self.lodging.door(), Driven()
        door.stream = driven
        return door, driven

    def enter(self, user: str = "ann", resource: str = "shop", proof: Proven | None = None) -> tuple[Guest, Driven]:
        door, driven = self.stream()
        guest = come(door, user, resource, proof)
        assert isinstance(guest, Guest)
        return guest, driven


def come(
    door: StreamDoor, user: str, resource: str = "shop", proof: Proven | None = None, *, proven: bool = True
) -> object:
    return door.admit(
        user=user,
        resource=resource,
        protocol="http",
        proven=proven,
        client_address=None,
        application=None,
        proof=proof,
    )


async def test_the_same_login_is_one_session() -> None:
    world = World()
    first, second = world.enter()[0], world.enter()[0]
    assert first.id == second.id == "s-0"
    assert len(world.keeper.admitted) == 1
    first.close("the stream is over")
    assert world.keeper.sessions[0].calls == []
    assert second.decide(QUESTION).decision_id == "d-1"
    second.finished("d-1", Outcome())
    second.withdraw("t-1", "gone")
    assert world.keeper.sessions[0].calls == ["decide", "finished d-1", "withdraw t-1"]


@pytest.mark.parametrize("other", [("bob", "shop", None), ("ann", "till", None), ("ann", "shop", Proven("ann"))])
async def test_another_user_resource_or_token_is_another_session(other: tuple[str, str, Proven | None]) -> None:
    world = World()
    world.enter()
    assert world.enter(*other)[0].id == "s-1"
    assert world.lodging.latest is world.keeper.sessions[1]


async def test_who_is_not_proven_is_refused_by_the_keeper_each_time() -> None:
    world = World()
    world.enter()
    world.keeper.refusal = Refusal("28P01", "no")
    door, _ = world.stream()
    assert come(door, "ann", proven=False) == Refusal("28P01", "no")
    assert len(world.keeper.admitted) == 2


async def test_a_login_that_nobody_uses_ends_when_another_comes() -> None:
    world = World()
    guest, _ = world.enter()
    guest.close("")
    assert world.enter()[0].id == "s-0", "until then it stays"
    for guest_of_ann in (guest, *world.lodging._rooms[0][1]._guests):
        guest_of_ann.close("")
    world.enter("bob")
    assert world.keeper.sessions[0].calls == ["close"]
    world.lodging.close("the connection is over")
    assert world.keeper.sessions[1].calls == ["close"]
    assert world.lodging.latest is None


async def test_there_are_not_very_many_logins_at_once() -> None:
    world = World()
    for number in range(MAX_ROOMS):
        world.enter(f"user-{number}")
    door, _ = world.stream()
    refused = come(door, "one-more")
    assert isinstance(refused, Refusal)
    assert refused.code == "53300"
    assert isinstance(come(world.stream()[0], "user-0"), Guest)


async def test_whoever_ends_the_session_ends_all_streams_and_the_connection() -> None:
    world = World()
    first, second, other = world.enter(), world.enter(), world.enter("bob")
    world.keeper.sessions[0].connection.end(Ending(Cause.REVOKED, "taken back"))
    assert first[1].calls == second[1].calls == ["stop revoked"]
    assert other[1].calls == []
    assert world.over == ["taken back"]
    assert world.enter()[0].id != "s-0", "who comes now is looked at anew"


async def test_an_idle_session_ends_only_when_nothing_runs_in_it() -> None:
    world = World()
    _, driven = world.enter()
    connection = world.keeper.sessions[0].connection
    assert connection.was_active()
    assert not connection.was_active()
    driven.heard = True
    assert connection.was_active()
    assert not driven.heard
    driven.is_waiting = False
    assert connection.was_active()
    connection.end(Ending(Cause.IDLE, "idle"))
    assert (driven.calls, world.over) == ([], [])
    driven.is_waiting = True
    connection.end(Ending(Cause.IDLE, "idle"))
    assert driven.calls == ["stop idle"]
    world.lodging._rooms[0][1].cut("now")
    assert driven.calls == ["stop idle", "cut"]


async def test_everything_else_is_the_keepers_to_say() -> None:
    world = World()
    door, _ = world.stream()
    assert door.owner_of("good") == "ann"
    assert door.check_token("ann", "good", "shop")
    assert door.is_signed("ey good")
    assert door.takes_tokens
    assert (await door.examine("ey good", None, "orders")).user == "ann"
    assert door.target("shop") == world.keeper.where
    assert door.groups_of("ann") == ()
    assert door.scram_verifier("ann").iterations == 4096
    with pytest.raises(RuntimeError):
        come(world.lodging.door(), "ann")
