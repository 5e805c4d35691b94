"""One login for all streams of a connection: who comes with the same token is the same session, once in the audit and the limits.

Between the relays of streams and the program's doorkeeper (`ports.Doorkeeper`); made by `carrying`. A room stays as long as
somebody is in it, and behind them until another login comes: as on a connection that carries one request after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from adapters.core.ports import (
    Again,
    Answer,
    Cause,
    Connection,
    Doorkeeper,
    GateSession,
    Lines,
    Outcome,
    Part,
    Pending,
    Proof,
    Question,
    Recording,
    Refusal,
    ScramVerifier,
    Screen,
    Target,
)
from adapters.core.watching import Stoppable, Watched
from engine._native import Leave

MAX_ROOMS = 16
"""Logins at once on one connection."""
TOO_MANY = Refusal("53300", "too many logins at once on one connection")


class Room:
    """One login, and the streams that are in it. Satisfies `watching.Stoppable`."""

    def __init__(self, session: GateSession, over: Callable[[str], None]) -> None:
        self.session = session
        self._over = over
        self._guests: dict[Guest, Stoppable] = {}
        self._was_heard = True
        self.is_over = False

    @property
    def is_empty(self) -> bool:
        return not self._guests

    def enter(self, stream: Stoppable) -> Guest:
        """The session as one stream has it."""
        guest = Guest(self)
        self._guests[guest] = stream
        self._was_heard = True
        return guest

    def leave(self, guest: Guest) -> None:
        """A stream is over."""
        self._guests.pop(guest, None)

    @property
    def heard(self) -> bool:
        """Whether one of them said something since somebody last looked."""
        return self._was_heard or any(stream.heard for stream in self._guests.values())

    @heard.setter
    def heard(self, heard: bool) -> None:
        self._was_heard = heard
        for stream in self._guests.values():
            stream.heard = heard

    @property
    def is_waiting(self) -> bool:
        """Whether nothing runs for any of them, and nothing is held."""
        return all(stream.is_waiting for stream in self._guests.values())

    def stop(self, reason: str, cause: Cause) -> None:
        """Ask all of them to end; nobody comes in any more, and the connection takes no new streams."""
        if cause is Cause.IDLE and not self.is_waiting:
            return
        self.is_over = True
        for stream in list(self._guests.values()):
            stream.stop(reason, cause)
        self._over(reason)

    def cut(self, reason: str) -> None:
        """End all of them now."""
        for stream in list(self._guests.values()):
            stream.cut(reason)


class Guest:
    """A session of the gate as one stream has it. Satisfies `ports.GateSession`; that it closes ends no login."""

    def __init__(self, room: Room) -> None:
        self._room = room

    @property
    def id(self) -> str:
        return self._room.session.id

    def watch(self, connection: Connection) -> None:
        """Nothing: the room is watched, with all that are in it."""

    def decide(self, question: Question) -> Answer | Pending:
        return self._room.session.decide(question)

    def refuse(self, question: Question, reason: str) -> Answer:
        return self._room.session.refuse(question, reason)

    async def fate(self, ticket: str) -> Answer:
        return await self._room.session.fate(ticket)

    def withdraw(self, ticket: str, reason: str) -> None:
        self._room.session.withdraw(ticket, reason)

    def finished(self, decision_id: str, outcome: Outcome) -> None:
        self._room.session.finished(decision_id, outcome)

    def give_again(self, again: Again, lines: Lines) -> bool:
        return self._room.session.give_again(again, lines)

    def leave(self, again: Again) -> Leave | None:
        return self._room.session.leave(again)

    def finished_again(self, lines: Lines) -> None:
        self._room.session.finished_again(lines)

    def show(self, decision_id: str, part: Part) -> None:
        self._room.session.show(decision_id, part)

    def record(self, decision_id: str, screen: Screen | None, failed: Callable[[], None]) -> Recording:
        return self._room.session.record(decision_id, screen, failed)

    @property
    def records_commands(self) -> bool:
        return self._room.session.records_commands

    def reached_over(self, connection: str) -> None:
        self._room.session.reached_over(connection)

    def close(self, reason: str) -> None:
        self._room.leave(self)


class Lodging:
    """The rooms of one connection."""

    def __init__(self, doorkeeper: Doorkeeper, loop: asyncio.AbstractEventLoop, over: Callable[[str], None]) -> None:
        """`over` is told when a login has ended that was not ended by its client."""
        self.doorkeeper = doorkeeper
        self._loop = loop
        self._over = over
        self._rooms: list[tuple[tuple[str, str, str, Proof | None], Room]] = []

    def door(self) -> StreamDoor:
        """A doorkeeper for one stream."""
        return StreamDoor(self)

    @property
    def latest(self) -> GateSession | None:
        """The login that came last: whose mistake it is when a request cannot be read."""
        return self._rooms[-1][1].session if self._rooms else None

    def room(self, key: tuple[str, str, str, Proof | None]) -> Room | None:
        """The room of a login that is there already."""
        return next((room for known, room in self._rooms if known == key and not room.is_over), None)

    def let(self, key: tuple[str, str, str, Proof | None], session: GateSession) -> Room:
        """A room for another login; those that nobody is in are closed."""
        for one in [one for one in self._rooms if one[1].is_empty]:
            self._rooms.remove(one)
            one[1].session.close("another login on the same connection")
        room = Room(session, self._over)
        session.watch(Watched(room, self._loop))
        self._rooms.append((key, room))
        return room

    @property
    def is_full(self) -> bool:
        return sum(not room.is_empty for _, room in self._rooms) >= MAX_ROOMS

    def close(self, reason: str) -> None:
        """The connection has ended."""
        for _, room in self._rooms:
            room.session.close(reason)
        self._rooms.clear()


class StreamDoor:
    """The program's doorkeeper as one stream has it. Satisfies `ports.Doorkeeper`. `stream` is whoever is driven on it."""

    def __init__(self, lodging: Lodging) -> None:
        self._lodging = lodging
        self._keeper = lodging.doorkeeper
        self.stream: Stoppable | None = None

    def admit(
        self,
        *,
        user: str,
        resource: str,
        protocol: str,
        proven: bool,
        client_address: str | None,
        application: str | None,
        database: str | None = None,
        proof: Proof | None = None,
    ) -> GateSession | Refusal:
        """The login that is there already, or a new one."""
        if self.stream is None:
            raise RuntimeError("somebody is let in for whom nothing is driven")
        key = (user, resource, protocol, proof)
        room = self._lodging.room(key) if proven else None
        if room is None:
            if self._lodging.is_full:
                return TOO_MANY
            admitted = self._keeper.admit(
                user=user,
                resource=resource,
                protocol=protocol,
                proven=proven,
                client_address=client_address,
                application=application,
                database=database,
                proof=proof,
            )
            if isinstance(admitted, Refusal):
                return admitted
            room = self._lodging.let(key, admitted)
        return room.enter(self.stream)

    def scram_verifier(self, user: str) -> ScramVerifier:
        return self._keeper.scram_verifier(user)

    def check_token(self, user: str, token: str, resource: str) -> bool:
        return self._keeper.check_token(user, token, resource)

    @property
    def takes_tokens(self) -> bool:
        return self._keeper.takes_tokens

    def is_signed(self, token: str) -> bool:
        return self._keeper.is_signed(token)

    async def examine(self, token: str, user: str | None, resource: str) -> Proof:
        return await self._keeper.examine(token, user, resource)

    def key_authorities(self) -> Sequence[str]:
        return self._keeper.key_authorities()

    def is_key_of(self, user: str, key: bytes) -> bool:
        return self._keeper.is_key_of(user, key)

    def owner_of(self, token: str) -> str | None:
        return self._keeper.owner_of(token)

    def groups_of(self, user: str) -> Sequence[str]:
        return self._keeper.groups_of(user)

    def target(self, resource: str) -> Target | None:
        return self._keeper.target(resource)

    def is_ready(self, resource: str) -> bool:
        return self._keeper.is_ready(resource)

    async def make_ready(self, resource: str) -> None:
        await self._keeper.make_ready(resource)

    def reached(self, session: str, seconds: float, is_reached: bool) -> None:
        self._keeper.reached(session, seconds, is_reached)
