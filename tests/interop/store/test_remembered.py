"""Remembered approvals on two replicas of one PostgreSQL that get in each other's way and crash: never used after their time, after
they were taken back, or for another shape, job, prompt, principal, resource or revision; and no use without its entry.

Between what a replica finds and what it writes the other takes the approval back, or time passes; and a replica dies before it
writes, before it commits, or after that. `make long` plays 10,000 steps, the ordinary run 200.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from gateway.approvals.lasting import LastingApproval, lasting_id
from gateway.approvals.likeness import Likeness
from gateway.approvals.notify import Bell
from gateway.approvals.states import Approved, Binding, Demand, Person, Shown
from gateway.approvals.store import Approvals, NewTicket
from gateway.errors import ApprovalConflict
from gateway.store.database import open_database
from gateway.store.migrations import upgrade
from tests.interop.store.test_two_replicas import Crashed, CrashPoint, Dying

SECOND = 10**9
BOUND = Binding("ana", "orders", "postgres", "d" * 64, "p" * 64, "m", "r1", "build-42", "q" * 64)
LIKE = Likeness("ana", "orders", "postgres", "build-42", "q" * 64, "r1", "5" * 64, "6" * 64)
UNLIKE = tuple(
    replace(LIKE, **{name: "other"})
    for name in ("principal", "resource", "protocol", "job", "prompt", "revision", "shape", "meaning")
)
PEOPLE = (Person("bo", ("dba",)), Person("cy", ("dba",)))
CRASHES = st.sampled_from([None] * 8 + list(CrashPoint))


@dataclass
class Known:
    """What must be true of one ticket's approval. `remember` is what those who said yes wanted, in seconds; times are nanoseconds."""

    id: str
    remember: dict[str, int] = field(default_factory=dict)
    granted_at: int | None = None
    uses: int = 0
    taken_back: bool = False

    @property
    def until(self) -> int:
        """0: it is not remembered."""
        least = min(self.remember.values(), default=0)
        return 0 if self.granted_at is None or least == 0 else self.granted_at + least * SECOND


STEPS_PLAYED = USED = 0


class Remembering(RuleBasedStateMachine):
    """Votes, uses and takings back by either replica, with and without a crash."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.now = SECOND
        self.replicas = [self._start(), self._start()]
        self.tickets = [self._ticket(0)]
        self._approve(self.tickets[0], 0, [60, 60], None)

    def _start(self) -> Approvals:
        return Approvals(Dying(open_database(self.url).engine), Bell())

    def _ticket(self, replica: int) -> Known:
        new = NewTicket(
            *(BOUND, (Demand(groups=("dba",), quorum=2),), ("p/R",), 1 << 62, Shown("INSERT")),
            remember=60,
            likeness=LIKE,
        )
        return Known(self.replicas[replica].request(new, self.now).id)

    def _database(self, replica: int) -> Dying:
        found = self.replicas[replica]._database
        assert isinstance(found, Dying)
        return found

    def _restart(self, replica: int) -> None:
        self._database(replica).close()
        self.replicas[replica] = self._start()

    @rule(replica=st.integers(0, 1), is_granted=st.sampled_from([True, True, False]))
    def ask(self, replica: int, is_granted: bool) -> None:  # drawn by its name
        """A new ticket; often one that is remembered already: chance alone would seldom get there."""
        self.tickets = [*self.tickets[-2:], self._ticket(replica)]
        if is_granted:
            self._approve(self.tickets[-1], replica, [60, 60], None)

    @rule(seconds=st.sampled_from([1, 2, 10, 29]))
    def pass_time(self, seconds: int) -> None:
        self.now += seconds * SECOND

    @rule(
        which=st.integers(0, 2),
        replica=st.integers(0, 1),
        remember=st.lists(st.sampled_from([60, 60, 30, 60, 0, 61]), min_size=2, max_size=2),
        crash=CRASHES,
    )
    def approve(self, which: int, replica: int, remember: list[int], crash: CrashPoint | None) -> None:
        self._approve(self.tickets[which % len(self.tickets)], replica, remember, crash)

    def _approve(self, ticket: Known, replica: int, remember: list[int], crash: CrashPoint | None) -> None:
        for person, seconds in zip(PEOPLE, remember, strict=True):
            self._database(replica).at = crash if person is PEOPLE[1] else None
            try:
                self.replicas[replica].advance(ticket.id, Approved(person, "", seconds), self.now)
            except ApprovalConflict:
                continue
            except Crashed:
                self._restart(replica)
            finally:
                self._database(replica).at = None
            found = self.replicas[replica].get(ticket.id)
            assert found is not None
            if any(vote.approver == person.name for vote in found.votes):
                assert seconds <= 60
                ticket.remember[person.name] = seconds
            ticket.granted_at = found.granted_at

    @rule(
        which=st.integers(0, 2),
        replica=st.integers(0, 1),
        like=st.one_of(*[st.just(LIKE)] * 3, st.sampled_from(UNLIKE)),
        crash=CRASHES,
        between=st.sampled_from(["nothing", "nothing", "take back", "time"]),
    )
    def use(self, which: int, replica: int, like: Likeness, crash: CrashPoint | None, between: str) -> None:
        global STEPS_PLAYED, USED
        STEPS_PLAYED += 1
        ticket = self.tickets[which % len(self.tickets)]
        found = self.replicas[replica].lasting.find(like, self.now)
        assert found is None or like == LIKE, "a remembered approval was found for something else"
        if between == "take back":
            self._take_back(ticket, 1 - replica, None)
        elif between == "time":
            self.now += 30 * SECOND
        told = list[LastingApproval]()
        self._database(replica).at = crash
        try:
            self.replicas[replica].lasting.use(lasting_id(ticket.id), like, self.now, told.append)
        except ApprovalConflict:
            assert not told, "an entry was written for a use that did not happen"
            return
        except Crashed:
            self._restart(replica)
            kept = self.replicas[replica].lasting.get(lasting_id(ticket.id))
            if kept is None or kept.uses == ticket.uses:
                return
        finally:
            self._database(replica).at = None
        assert len(told) == 1, "a use without an entry"
        assert like == LIKE, "a remembered approval was used for something else"
        assert self.now < ticket.until, "a remembered approval was used after its time"
        assert not ticket.taken_back, "a remembered approval was used after it was taken back"
        ticket.uses += 1
        USED += 1

    @rule(which=st.integers(0, 8), replica=st.integers(0, 1), crash=CRASHES)
    def take_back(self, which: int, replica: int, crash: CrashPoint | None) -> None:
        """Of every third draw one, so that there is something left to be used."""
        if which < 3:
            self._take_back(self.tickets[which % len(self.tickets)], replica, crash)

    def _take_back(self, ticket: Known, replica: int, crash: CrashPoint | None) -> None:
        lasting = lasting_id(ticket.id)
        self._database(replica).at = crash
        try:
            self.replicas[replica].lasting.take_back(lasting, self.now, lambda _: None)
        except ApprovalConflict:
            return
        except Crashed:
            self._restart(replica)
            kept = self.replicas[replica].lasting.get(lasting)
            ticket.taken_back = kept is not None and kept.revoked_at is not None
            return
        finally:
            self._database(replica).at = None
        assert not ticket.taken_back, "what was taken back was taken back again"
        ticket.taken_back = True

    @invariant()
    def the_store_says_the_same(self) -> None:
        for ticket in self.tickets:
            kept = self.replicas[1].lasting.get(lasting_id(ticket.id))
            assert (kept is not None) == (ticket.until > 0)
            if kept is not None:
                assert (kept.expires_at, kept.uses) == (ticket.until, ticket.uses)
                assert (kept.revoked_at is not None) == ticket.taken_back

    def teardown(self) -> None:
        with self.replicas[0]._database.begin() as connection:
            connection.exec_driver_sql("DELETE FROM lasting_approvals")
            connection.exec_driver_sql("DELETE FROM tickets")
        for replica in (0, 1):
            self._database(replica).close()


def play(url: str, steps: int) -> int:
    """Play at least so many steps; returns how many."""
    global STEPS_PLAYED, USED
    STEPS_PLAYED = USED = 0
    opened = open_database(url)
    upgrade(opened)
    opened.close()
    while steps > STEPS_PLAYED:
        chosen = settings(
            max_examples=max(5, (steps - STEPS_PLAYED) // 12),
            stateful_step_count=50,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(lambda: Remembering(url), settings=chosen)
    return STEPS_PLAYED


def test_a_remembered_approval_is_used_for_what_it_covers_and_while_it_counts(url: str) -> None:
    assert play(url, 200) >= 200
    assert USED > 0


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_remembered_approval_is_used_for_what_it_covers_in_ten_thousand_steps(url: str) -> None:
    played = play(url, 10_000)
    print(f"\n{played} steps, {USED} uses: none after its time, after it was taken back, or for anything else")
