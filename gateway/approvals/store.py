"""Tickets in the database: made, found, and moved on by compare-and-set.

Every step is computed by `states.step` from what the store said last and written only if nobody else was faster
(`version`). So of many replicas exactly one uses a grant. Called by the gate.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import msgspec
from sqlalchemy import func, insert, select, update

from gateway.approvals.lasting import LastingApprovals, keep_lasting
from gateway.approvals.likeness import Likeness
from gateway.approvals.notify import Bell
from gateway.approvals.states import Approved, Binding, Demand, Refused, Shown, State, Step, Ticket, step, touch
from gateway.errors import ApprovalConflict, StoreUnavailable
from gateway.store.database import Database
from gateway.store.tables import tickets
from gateway.telemetry import logger

AT_ONCE = 500
"""Tickets that one query asks for."""
MAX_OPEN_PER_JOB = 100
"""More open holds than this from one job of a principal (or from what they do without one) are refused: an agent in a loop must
not bury the approvers."""
MAX_OPEN_PER_PRINCIPAL = 1_000
"""The same for all their jobs together, so that one job does not keep the others from asking."""
LOOKERS = 4
"""Threads that look how tickets stand for whoever waits for them in an event loop."""
SILENCE_SECONDS = 60.0
"""How long whoever waits for people goes on waiting while the store answers nothing."""
LOOK_AGAIN_SECONDS = 1.0
"""How soon it is asked again then."""
READ_AT_ONCE = 20
"""Tickets that are read at once where their number is nobody's to choose: each may hold a quarter of a megabyte of text."""
MAX_TRIES = 8
"""Lost races before a step gives up; each loss means that somebody else moved the ticket."""


@dataclass(frozen=True, slots=True)
class NewTicket:
    """What a hold asks for."""

    binding: Binding
    demands: tuple[Demand, ...]
    rules: tuple[str, ...]
    expires_at: int
    shown: Shown
    reason: str = ""
    may_withdraw: bool = True
    remember: int = 0
    likeness: Likeness | None = None


class Approvals:
    """The tickets of this installation. Safe from any thread."""

    def __init__(
        self, database: Database, bell: Bell, also: Callable[[str], frozenset[str]] = lambda name: frozenset()
    ) -> None:
        """`also`: the other names of the human who has one, as they are known now."""
        self._database = database
        self.bell = bell
        self._also = also
        self._has_told = False
        self._dues: dict[tuple[str, int], int | None] = {}
        """When somebody else is to be told of open tickets, by id and version; only of those that are open."""
        self._lookers = ThreadPoolExecutor(LOOKERS, thread_name_prefix="tickets")
        self.lasting = LastingApprovals(database)

    def request(self, new: NewTicket, now: int) -> Ticket:
        """Make a ticket. Raises ApprovalConflict when the principal has too many open ones."""
        ticket = Ticket(
            id=f"h-{secrets.token_hex(8)}",
            binding=new.binding,
            demands=new.demands,
            rules=new.rules,
            requested_at=now,
            expires_at=new.expires_at,
            shown=new.shown,
            reason=new.reason,
            may_withdraw=new.may_withdraw,
            remember=new.remember,
            likeness=new.likeness,
        )
        with self._database.begin() as connection:
            theirs = (
                select(tickets.c.job)
                .where(
                    tickets.c.state == State.REQUESTED.value,
                    tickets.c.principal == new.binding.principal,
                    tickets.c.expires_at > now,
                )
                .limit(MAX_OPEN_PER_PRINCIPAL)
            )
            open_ones = connection.execute(theirs).scalars().all()
            if len(open_ones) >= MAX_OPEN_PER_PRINCIPAL or open_ones.count(new.binding.job) >= MAX_OPEN_PER_JOB:
                raise ApprovalConflict("too many commands of yours wait for approval", code="TOO_MANY_HOLDS")
            connection.execute(insert(tickets).values(**_row(ticket)))
            self._database.tell_replicas(connection, ticket.id)
        self.bell.ring(ticket.id)
        return ticket

    def get(self, ticket_id: str) -> Ticket | None:
        """The ticket as the store knows it. Raises ApprovalConflict (`TICKET_UNREADABLE`) for one that is none."""
        with self._database.read() as connection:
            body = connection.execute(select(tickets.c.body).where(tickets.c.id == ticket_id)).scalar_one_or_none()
        return None if body is None else self._read(body)

    def find(self, binding: Binding, now: int, is_taken: Callable[[str], bool] = lambda ticket: False) -> Ticket | None:
        """The newest ticket for exactly this that is alive: granted and unused before still requested. `is_taken` tells of those that are
        somebody else's."""
        query = (
            select(tickets.c.body)
            .where(
                tickets.c.principal == binding.principal,
                tickets.c.resource == binding.resource,
                tickets.c.digest == binding.digest,
                tickets.c.job.is_not_distinct_from(binding.job),
                tickets.c.state.in_((State.REQUESTED.value, State.GRANTED.value)),
                tickets.c.used_at.is_(None),
                tickets.c.expires_at > now,
            )
            .order_by(tickets.c.created_at.desc())
            .limit(100)
        )
        with self._database.read() as connection:
            found = self._readable(connection.execute(query).scalars())
        same = [ticket for ticket in found if ticket.binding == binding and not is_taken(ticket.id)]
        return next((ticket for ticket in same if ticket.is_usable), next(iter(same), None))

    def recent(self, states: tuple[State, ...], limit: int, principal: str | None = None) -> list[Ticket]:
        """The newest tickets in any of these states; of all when there are none. `principal`: only that one's."""
        query = select(tickets.c.body).order_by(tickets.c.created_at.desc(), tickets.c.id).limit(limit)
        if principal is not None:
            query = query.where(tickets.c.principal == principal)
        if states:
            query = query.where(tickets.c.state.in_([state.value for state in states]))
        with self._database.read() as connection:
            return self._readable(connection.execute(query).scalars())

    def pending(self, now: int, principal: str | None = None, limit: int | None = None) -> list[Ticket]:
        """Every ticket that waits for people, oldest first. `principal`: only that one's; `limit`: so many of them."""
        query = (
            select(tickets.c.body)
            .where(tickets.c.state == State.REQUESTED.value, tickets.c.expires_at > now)
            .order_by(tickets.c.created_at, tickets.c.id)
            .limit(limit)
        )
        if principal is not None:
            query = query.where(tickets.c.principal == principal)
        with self._database.read() as connection:
            return self._readable(connection.execute(query).scalars())

    def count_pending(self, now: int, principal: str | None = None) -> int:
        """How many wait for people."""
        query = (
            select(func.count())
            .select_from(tickets)
            .where(tickets.c.state == State.REQUESTED.value, tickets.c.expires_at > now)
        )
        if principal is not None:
            query = query.where(tickets.c.principal == principal)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def same_command(self, ticket: Ticket, limit: int) -> list[Ticket]:
        """Other tickets of the same command on the same resource by the same principal, newest first."""
        query = (
            select(tickets.c.body)
            .where(
                tickets.c.principal == ticket.principal,
                tickets.c.resource == ticket.resource,
                tickets.c.digest == ticket.digest,
                tickets.c.id != ticket.id,
            )
            .order_by(tickets.c.created_at.desc(), tickets.c.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return self._readable(connection.execute(query).scalars())

    def oldest_pending(self, now: int) -> tuple[int, int | None]:
        """How many wait for people, and since when (UTC nanoseconds) the first of them does."""
        query = select(func.count(), func.min(tickets.c.created_at)).where(
            tickets.c.state == State.REQUESTED.value, tickets.c.expires_at > now
        )
        with self._database.read() as connection:
            count, since = connection.execute(query).one()
        return int(count), None if since is None else int(since)

    def to_escalate(self, now: int) -> list[str]:
        """The open tickets of which somebody else is to be told by now, oldest first. For one thread.

        WHY remembered: it is asked every second, and a ticket's text may be long; what stands in one version of it stays.
        """
        query = (
            select(tickets.c.id, tickets.c.version)
            .where(tickets.c.state == State.REQUESTED.value, tickets.c.expires_at > now)
            .order_by(tickets.c.created_at, tickets.c.id)
        )
        with self._database.read() as connection:
            open_ = [(str(one), int(version)) for one, version in connection.execute(query)]
        new = [one for one in open_ if one not in self._dues]
        found: dict[tuple[str, int], int | None] = {}
        for begin in range(0, len(new), READ_AT_ONCE):
            some = new[begin : begin + READ_AT_ONCE]
            bodies = select(tickets.c.body).where(tickets.c.id.in_([one for one, _ in some]))
            with self._database.read() as connection:
                read = self._readable(connection.execute(bodies).scalars())
            # One that cannot be read is told to nobody.
            found |= dict.fromkeys(some) | {(one.id, one.version): one.next_escalation_at for one in read}
        self._dues = {one: found[one] if one in found else self._dues[one] for one in open_}
        return [one for (one, _), due in self._dues.items() if due is not None and due <= now]

    def overdue(self, now: int) -> list[str]:
        """Tickets alive in the store whose time is over; somebody has to say so."""
        query = select(tickets.c.id).where(
            tickets.c.state.in_((State.REQUESTED.value, State.GRANTED.value)),
            tickets.c.used_at.is_(None),
            tickets.c.expires_at <= now,
        )
        with self._database.read() as connection:
            return [str(one) for one in connection.execute(query).scalars()]

    def advance(
        self,
        ticket_id: str,
        event: Step,
        now: int,
        *,
        before: Callable[[Ticket], None] | None = None,
        lost: Callable[[Ticket], None] | None = None,
    ) -> Ticket:
        """Take a step and return the ticket after it. ApprovalConflict when the ticket does not permit it.

        `before` is called with the ticket-to-be just before it is written (the audit's chance to refuse by raising). Where
        somebody else was faster, `lost` is called with the ticket that never came to be, and `before` again for the step that
        is tried next. After StoreUnavailable it is not known whether it was written.
        """
        if isinstance(event, Approved | Refused):
            # INVARIANT: whoever votes, from wherever, votes as one human: never about what they asked for under another name.
            event = replace(event, person=replace(event.person, also=self._also(event.person.name)))
        for _ in range(MAX_TRIES):
            ticket = self.get(ticket_id)
            if ticket is None:
                raise ApprovalConflict(f"there is no ticket `{ticket_id[:64]}`", code="TICKET_UNKNOWN")
            after = step(ticket, event, now)
            if before is not None:
                before(after)
            if self._replace(ticket, after):
                self.bell.ring(ticket_id)
                return after
            if lost is not None:
                lost(after)
        raise ApprovalConflict(f"ticket `{ticket_id[:64]}` is being changed by others", code="CONTENDED")

    def ring_ended(self) -> None:
        """Wake whoever waits here for a ticket that is over, in case that nobody's word of it was heard. Raises StoreUnavailable."""
        waited = self.bell.waited()
        for begin in range(0, len(waited), AT_ONCE):
            some = waited[begin : begin + AT_ONCE]
            open_ = select(tickets.c.id).where(tickets.c.id.in_(some), tickets.c.state == State.REQUESTED.value)
            with self._database.read() as connection:
                still = set(connection.execute(open_).scalars())
            for ticket in some:
                if ticket not in still:
                    self.bell.ring(ticket)

    def _read(self, body: str) -> Ticket:
        """The ticket of a row. Raises ApprovalConflict for one that cannot be read: nothing can be done with it."""
        try:
            return _DECODER.decode(body)
        except msgspec.MsgspecError as error:
            raise ApprovalConflict("the ticket cannot be read", code="TICKET_UNREADABLE") from error

    def _readable(self, bodies: Iterable[str]) -> list[Ticket]:
        """The tickets of rows; one that cannot be read is passed over, and the others are what they are."""
        found = []
        for body in bodies:
            try:
                found.append(self._read(body))
            except ApprovalConflict:
                # WHY once: lists are looked through every second.
                if not self._has_told:
                    logger("approvals").error("a ticket in the store cannot be read; it is passed over")
                self._has_told = True
        return found

    async def until_over(self, ticket_id: str, clock: Callable[[], int]) -> None:
        """Wait in an event loop until people have decided, or their time is over; `clock` is UTC nanoseconds. Raises StoreUnavailable
        where the store has been silent for a minute.

        WHY the store is asked on threads of its own: one that hangs must hold up neither the loop, nor whoever needs the loop's threads.
        """

        def is_over() -> bool:
            ticket = self.get(ticket_id)
            return ticket is None or ticket.is_over

        loop = asyncio.get_running_loop()
        look, answered = partial(loop.run_in_executor, self._lookers), loop.time()
        while True:
            try:
                ticket = await look(self.get, ticket_id)
                answered = loop.time()
                left = 0.0 if ticket is None or ticket.is_over else (ticket.expires_at - clock()) / 1e9
                if left <= 0:
                    return
                await self.bell.wait(ticket_id, is_over, left, self._lookers)
            except StoreUnavailable:
                # WHY again: nothing runs meanwhile, and that the store is silent for a while is nobody's no.
                if loop.time() - answered > SILENCE_SECONDS:
                    raise
                await asyncio.sleep(LOOK_AGAIN_SECONDS)

    def fence(self, ticket_id: str) -> Ticket | None:
        """The ticket, once every write that began from what it was before has come or can not come any more."""
        for _ in range(MAX_TRIES):
            ticket = self.get(ticket_id)
            # WHY not one that is over: no write goes on from it, and those from before it were overtaken.
            if ticket is None or not ticket.is_alive or self._replace(ticket, touch(ticket)):
                return self.get(ticket_id)
        raise ApprovalConflict(f"ticket `{ticket_id[:64]}` is being changed by others", code="CONTENDED")

    def _replace(self, old: Ticket, new: Ticket) -> bool:
        # INVARIANT: one winner for each version; this condition is what makes a grant single-use across replicas.
        change = update(tickets).where(tickets.c.id == old.id, tickets.c.version == old.version).values(**_row(new))
        with self._database.begin() as connection:
            is_mine = connection.execute(change).rowcount == 1
            if is_mine:
                keep_lasting(connection, old, new)
                self._database.tell_replicas(connection, old.id)
            return is_mine


def _row(ticket: Ticket) -> dict[str, object]:
    return {
        "id": ticket.id,
        "state": ticket.state.value,
        "version": ticket.version,
        "principal": ticket.binding.principal,
        "resource": ticket.binding.resource,
        "digest": ticket.binding.digest,
        "created_at": ticket.requested_at,
        "expires_at": ticket.expires_at,
        "used_at": ticket.used_at,
        "body": _ENCODER.encode(ticket).decode(),
        "job": ticket.binding.job,
    }


_DECODER = msgspec.json.Decoder(Ticket)
_ENCODER = msgspec.json.Encoder()
