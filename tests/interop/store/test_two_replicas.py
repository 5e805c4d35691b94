"""Two replicas on one PostgreSQL that get in each other's way and crash: never two releases for one grant, never one of a changed
statement; and what the audits of both say of a ticket is what happened to it, but for what they take back themselves.

A step of one replica is interrupted, between what it read and what it writes, by a step of the other; and a replica dies before
it writes, before it commits, or after that and before it could tell anybody. `make long` plays 10,000 steps, the ordinary run 200.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection

from gateway.approvals.notify import Bell
from gateway.approvals.states import (
    Approved,
    Binding,
    Demand,
    Expired,
    Person,
    Refused,
    Shown,
    Step,
    Superseded,
    Ticket,
    Used,
    Withdrawn,
    may_meet,
)
from gateway.approvals.store import Approvals, NewTicket
from gateway.audit.entry import Entry
from gateway.audit.log import AuditLog
from gateway.audit.read import read
from gateway.errors import ApprovalConflict
from gateway.stepping import Steps
from gateway.store.database import Database, open_database
from gateway.store.migrations import upgrade

LIFETIME = 1_000
TICK = 1_000_000
"""What a second of the test is worth to the clocks of the replicas, which never show the same moment twice."""
BOUND = Binding("ana", "orders", "postgres", "d" * 64, "p" * 64, "m", "r1", "build-42", "q" * 64)
DEMANDS = (Demand(groups=("dba",), quorum=2), Demand(users=("olga",)))
PEOPLE = (Person("ana", ("dba",)), Person("bo", ("dba",)), Person("cy", ("dba",)), Person("olga"), Person("eve"))
CHANGED = tuple(
    replace(BOUND, **{name: "other"})  # type: ignore[arg-type]  # each of its fields is a text
    for name in ("principal", "resource", "protocol", "digest", "parameters", "meaning", "revision", "job", "prompt")
)
STEPS: st.SearchStrategy[Step] = st.one_of(
    *[st.just(Used(BOUND))] * 3,
    *[st.sampled_from(PEOPLE).map(Approved)] * 4,
    st.sampled_from(CHANGED).map(Used),
    st.sampled_from(PEOPLE).map(Refused),
    st.booleans().map(lambda by_choice: Withdrawn("left", by_choice)),
    st.just(Superseded("changed")),
    st.just(Expired()),
)


class CrashPoint(Enum):
    """Where a replica dies."""

    BEFORE_WRITING = "before writing"
    BEFORE_COMMIT = "before the commit"
    AFTER_COMMIT = "after the commit"


class Crashed(BaseException):
    """What a kill is here: nothing of the replica runs any more."""


class Dying(Database):
    """A database whose program dies at one point of its next write, once."""

    at: CrashPoint | None = None

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        at, self.at = self.at, None
        if at is CrashPoint.BEFORE_WRITING:
            raise Crashed
        with super().begin() as connection:
            yield connection
            if at is CrashPoint.BEFORE_COMMIT:
                # Its end of the connection is gone: the server takes back what was not committed.
                connection.invalidate()
                raise Crashed
        if at is CrashPoint.AFTER_COMMIT:
            raise Crashed


class Interrupted(Approvals):
    """The tickets of a replica; `meanwhile` is what happens between what it reads and what it writes."""

    meanwhile: Callable[[], None] | None = None

    def _replace(self, old: Ticket, new: Ticket) -> bool:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return super()._replace(old, new)


@dataclass
class Replica:
    """One of two: the store of both, a log of its own."""

    approvals: Interrupted
    database: Dying
    log: AuditLog
    steps: Steps

    def close(self) -> None:
        self.log.close()
        self.database.close()


@dataclass
class Known:
    """What must be true of one ticket. `yes`: who may have been counted; `uses`: committed ones, told or not."""

    id: str
    yes: set[Person] = field(default_factory=set)
    uses: int = 0
    released: list[Binding] = field(default_factory=list)


STEPS_PLAYED = 0
TAKEN_BACK = 0


class Replicas(RuleBasedStateMachine):
    """Any steps by either replica, with and without the other in the middle, with and without a crash."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.now = 1
        self.moments = itertools.count()
        self.folder = tempfile.TemporaryDirectory(prefix="sallyport-replicas-")
        self.replicas = [self._start(0), self._start(1)]
        self.tickets = [self._ticket(0)]

    def _clock(self) -> int:
        return self.now * TICK + next(self.moments)

    def _start(self, number: int) -> Replica:
        """A replica, after a crash too: its log is what it left."""
        database = Dying(open_database(self.url).engine)
        approvals, directory = Interrupted(database, Bell()), self._log(number)
        log = AuditLog(directory, low_water_bytes=0)
        steps = Steps(log, approvals, self._clock)
        steps.remember(directory)
        return Replica(approvals, database, log, steps)

    def _log(self, number: int) -> Path:
        return Path(self.folder.name) / str(number)

    def _ticket(self, replica: int) -> Known:
        now = self._clock()
        new = NewTicket(BOUND, DEMANDS, ("p/R",), now + LIFETIME * TICK, Shown("DELETE"))
        return Known(self.replicas[replica].approvals.request(new, now).id)

    @rule(replica=st.integers(0, 1))
    def ask(self, replica: int) -> None:
        if len(self.tickets) < 3:
            self.tickets.append(self._ticket(replica))

    @rule(seconds=st.sampled_from([1, 10, LIFETIME]))
    def pass_time(self, seconds: int) -> None:
        self.now += seconds

    @rule(which=st.integers(0, 2), replica=st.integers(0, 1))
    def grant(self, which: int, replica: int) -> None:
        """Everybody says yes, as far as that still counts: chance alone would seldom get there."""
        for person in PEOPLE[1:4]:
            self._advance(self.tickets[which % len(self.tickets)], replica, Approved(person), None)

    @rule(
        which=st.integers(0, 2),
        replica=st.integers(0, 1),
        event=STEPS,
        crash=st.sampled_from([None] * 8 + list(CrashPoint)),
        between=st.none() | STEPS,
    )
    def step(self, which: int, replica: int, event: Step, crash: CrashPoint | None, between: Step | None) -> None:
        global STEPS_PLAYED
        STEPS_PLAYED += 1
        ticket = self.tickets[which % len(self.tickets)]

        def meanwhile() -> None:
            # Once: afterwards the first replica is alone, and wins or is refused.
            if between is not None:
                self._advance(ticket, 1 - replica, between, None)
            # WHY here: the other's step is not what dies.
            self.replicas[replica].database.at = crash

        self._advance(ticket, replica, event, meanwhile)

    @rule(replica=st.integers(0, 1))
    def sweep(self, replica: int) -> None:
        """What a running gateway does every second: ask what became of doubtful steps."""
        self.replicas[replica].steps.resolve()

    def _advance(
        self,
        ticket: Known,
        replica: int,
        event: Step,
        meanwhile: Callable[[], None] | None,
    ) -> None:
        playing = self.replicas[replica]
        playing.approvals.meanwhile = meanwhile
        try:
            playing.steps.advance(ticket.id, event)
        except ApprovalConflict:
            return
        except Crashed:
            playing.close()
            self.replicas[replica] = self._start(replica)
            if self._is_written(ticket, event):
                self._happened(ticket, event, is_told=False)
            return
        finally:
            playing.approvals.meanwhile = playing.database.at = None
        self._happened(ticket, event, is_told=True)

    def _is_written(self, ticket: Known, event: Step) -> bool:
        """Whether a step that nobody was told of is in the store: it may have been committed, or lost a race before that."""
        found = self.replicas[0].approvals.get(ticket.id)
        assert found is not None
        match event:
            case Approved(person):
                return any(vote.granted and vote.approver == person.name for vote in found.votes)
            case Used():
                return found.used_at is not None and not ticket.uses
            case _:
                return False

    def _happened(self, ticket: Known, event: Step, *, is_told: bool) -> None:
        match event:
            case Approved(person):
                ticket.yes.add(person)
            case Used(binding):
                assert binding == BOUND, "a grant was used for something else"
                assert ticket.uses == 0, "a grant was used twice"
                for demand in DEMANDS:
                    assert len({one.name for one in ticket.yes if may_meet(demand, one)}) >= demand.quorum
                assert "ana" not in {person.name for person in ticket.yes}
                ticket.uses += 1
                if is_told:
                    ticket.released.append(binding)

    @invariant()
    def the_store_says_the_same(self) -> None:
        for ticket in self.tickets:
            found = self.replicas[0].approvals.get(ticket.id)
            assert found is not None
            assert (found.used_at is not None) == (ticket.uses == 1)
            assert len(ticket.released) <= ticket.uses <= 1
            assert {vote.approver for vote in found.votes if vote.granted} == {one.name for one in ticket.yes}

    def teardown(self) -> None:
        for replica in self.replicas:
            replica.steps.resolve()
            assert replica.steps.doubtful == 0
        for ticket in self.tickets:
            self._check_audits(ticket)
        with self.replicas[0].database.begin() as connection:
            connection.exec_driver_sql("DELETE FROM tickets")
        for replica in self.replicas:
            replica.close()
        self.folder.cleanup()

    def _check_audits(self, ticket: Known) -> None:
        """What both logs say of a ticket, less what they take back, is what the store says, each step once."""
        global TAKEN_BACK
        told: list[Entry] = []
        for number, replica in enumerate(self.replicas):
            replica.log.flush()
            entries = [one for one in read(self._log(number)) if one.ticket == ticket.id]
            lost = {one.takes_back for one in entries if one.takes_back}
            TAKEN_BACK += len(lost)
            told += [one for one in entries if not one.takes_back and one.seq not in lost]
        found = self.replicas[0].approvals.get(ticket.id)
        assert found is not None
        yes = [vote.approver for vote in found.votes if vote.granted]
        assert sorted(one.person for one in told if one.step == "approved") == sorted(yes)
        assert [one.verdict for one in told if one.step == "approved"].count("granted") == (
            found.granted_at is not None
        )
        assert [one.time for one in told if one.step == "used"] == [found.used_at] * ticket.uses
        ends = [one.step for one in told if one.step in ("refused", "withdrawn", "superseded", "expired")]
        assert ends == ([] if found.is_alive or found.used_at is not None else [found.state.value])


def play(url: str, steps: int) -> int:
    """Play at least so many steps; returns how many."""
    global STEPS_PLAYED
    STEPS_PLAYED = 0
    opened = open_database(url)
    upgrade(opened)
    opened.close()
    while steps > STEPS_PLAYED:
        chosen = settings(
            max_examples=max(5, (steps - STEPS_PLAYED) // 40),
            stateful_step_count=50,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(lambda: Replicas(url), settings=chosen)
    return STEPS_PLAYED


def test_two_replicas_that_crash_never_release_a_grant_twice_and_tell_what_happened(url: str) -> None:
    assert play(url, 200) >= 200
    assert TAKEN_BACK > 0


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_two_replicas_that_crash_never_release_a_grant_twice_in_ten_thousand_steps(url: str) -> None:
    played = play(url, 10_000)
    print(f"\n{played} steps, two replicas on one PostgreSQL: no grant released twice, none for a changed statement;")
    print(f"the audits told what happened, and took {TAKEN_BACK} steps back that did not")
