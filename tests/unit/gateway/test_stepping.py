"""A step in the audit that nothing takes back is one that happened, whoever races and whatever fails in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.approvals.notify import Bell
from gateway.approvals.states import (
    Approved,
    Binding,
    Demand,
    Expired,
    Person,
    Refused,
    Shown,
    State,
    Superseded,
    Ticket,
    Used,
    Withdrawn,
)
from gateway.approvals.store import Approvals, NewTicket
from gateway.audit.entry import Entry, Kind
from gateway.audit.log import AuditLog
from gateway.audit.read import read
from gateway.errors import ApprovalConflict, AuditUnavailable, StoreUnavailable
from gateway.stepping import Steps, is_so
from gateway.store.database import Database, open_database
from gateway.store.migrations import upgrade
from tests.strategies.gates import Clock

BOUND = Binding("ana", "orders", "postgres", "d" * 64, "", "m", "r1")
BO, CY = Person("bo", ("dba",)), Person("cy", ("dba",))


class Racing(Approvals):
    """Tickets whose next write is preceded by what somebody else does, or goes wrong."""

    before: Callable[[], None] | None = None
    after: Callable[[], None] | None = None

    def _replace(self, old: Ticket, new: Ticket) -> bool:
        before, self.before = self.before, None
        if before is not None:
            before()
        done = super()._replace(old, new)
        after, self.after = self.after, None
        if after is not None:
            after()
        return done


class Replica:
    """One replica: its own log, the store of all."""

    def __init__(self, folder: Path, database: Database, clock: Clock) -> None:
        self.folder, self.clock = folder, clock
        self.approvals = Racing(database, Bell())
        self.log = AuditLog(folder, low_water_bytes=0)
        self.steps = Steps(self.log, self.approvals, clock)

    def told(self) -> list[tuple[str, str, int]]:
        self.log.flush()
        return [(one.step, one.person, one.takes_back) for one in read(self.folder) if one.kind is Kind.APPROVAL]

    def restart(self) -> Replica:
        self.log.close()
        self.log = AuditLog(self.folder, low_water_bytes=0)
        self.steps = Steps(self.log, self.approvals, self.clock)
        self.steps.remember(self.folder)
        return self


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[tuple[Replica, Replica]]:
    database, clock = open_database(f"sqlite:///{tmp_path}/store.db"), Clock()
    upgrade(database)
    one, two = (Replica(tmp_path / name, database, clock) for name in ("one", "two"))
    yield one, two
    for replica in (one, two):
        replica.log.close()
    database.close()


def held(replica: Replica, seconds: float = 600) -> str:
    now = replica.clock()
    new = NewTicket(BOUND, (Demand(groups=("dba",)),), ("p/R",), now + int(seconds * 1e9), Shown("DELETE FROM orders"))
    return replica.approvals.request(new, now).id


def away() -> None:
    raise StoreUnavailable("the store refused")


def test_a_yes_that_lost_to_a_no_is_taken_back(replicas: tuple[Replica, Replica]) -> None:
    one, two = replicas
    ticket = held(one)
    one.approvals.before = lambda: two.steps.advance(ticket, Refused(BO, "no")) and None
    with pytest.raises(ApprovalConflict):
        one.steps.advance(ticket, Approved(CY))
    assert one.told() == [("approved", "cy", 0), ("lost", "cy", 1)]
    assert two.told() == [("refused", "bo", 0)]


def test_a_step_that_wins_at_its_second_try_stands_once(replicas: tuple[Replica, Replica]) -> None:
    one, two = replicas
    now = one.clock()
    new = NewTicket(BOUND, (Demand(groups=("dba",), quorum=2),), (), now + 10**12, Shown("DELETE"))
    ticket = one.approvals.request(new, now).id
    one.approvals.before = lambda: two.steps.advance(ticket, Approved(BO)) and None
    assert one.steps.advance(ticket, Approved(CY)).state is State.GRANTED
    assert one.told() == [("approved", "cy", 0), ("lost", "cy", 1), ("approved", "cy", 0)]


@pytest.mark.parametrize("step", [Used(BOUND), Expired(), Superseded("changed"), Withdrawn("left")])
def test_what_two_replicas_do_at_once_happened_in_one_of_them(
    replicas: tuple[Replica, Replica], step: Used | Expired
) -> None:
    one, two = replicas
    ticket = held(one)
    one.steps.advance(ticket, Approved(BO))
    if isinstance(step, Expired):
        one.clock.pass_seconds(601)
    one.approvals.before = lambda: two.steps.advance(ticket, step) and None
    with pytest.raises(ApprovalConflict):
        one.steps.advance(ticket, step)
    name = two.told()[0][0]
    assert one.told() == [("approved", "bo", 0), (name, "", 0), ("lost", "", 2)]
    assert two.told() == [(name, "", 0)]


def test_what_is_overdue_is_closed_once_by_whoever_is_faster(replicas: tuple[Replica, Replica]) -> None:
    one, two = replicas
    ticket = held(one)
    one.steps.expire_overdue()
    assert one.told() == []
    one.clock.pass_seconds(601)
    one.approvals.before = two.steps.expire_overdue
    one.steps.expire_overdue()
    assert [name for name, _, _ in one.told()] == ["expired", "lost"]
    assert [name for name, _, _ in two.told()] == ["expired"]
    found = one.approvals.get(ticket)
    assert found is not None
    assert found.state is State.EXPIRED


@pytest.mark.parametrize("was_written", [False, True])
def test_a_step_that_the_store_failed_at_is_taken_back_when_the_store_says_it_never_came(
    replicas: tuple[Replica, Replica], was_written: bool
) -> None:
    one, _ = replicas
    ticket = held(one)
    if was_written:
        one.approvals.after = away
    else:
        one.approvals.before = away
    with pytest.raises(StoreUnavailable):
        one.steps.advance(ticket, Approved(BO))
    assert one.steps.doubtful == 1
    if not was_written:
        one.approvals.before = away
        one.steps.resolve()
        assert one.steps.doubtful == 1
    one.steps.resolve()
    assert one.steps.doubtful == 0
    assert one.told() == [("approved", "bo", 0)] + ([] if was_written else [("lost", "bo", 1)])
    # What was on its way can not come any more, and the ticket goes on.
    assert (found := one.approvals.get(ticket)) is not None
    assert found.state is (State.GRANTED if was_written else State.REQUESTED)


@pytest.mark.parametrize("was_written", [False, True])
def test_what_a_killed_process_left_is_taken_back_by_its_next_life(
    replicas: tuple[Replica, Replica], was_written: bool
) -> None:
    one, _ = replicas
    ticket = held(one)
    one.steps.advance(ticket, Approved(BO))

    def die() -> None:
        raise KeyboardInterrupt

    if was_written:
        one.approvals.after = die
    else:
        one.approvals.before = die
    with pytest.raises(KeyboardInterrupt):
        one.steps.advance(ticket, Used(BOUND))
    again = one.restart()
    again.steps.resolve()
    expected = [("approved", "bo", 0), ("used", "", 0)] + ([] if was_written else [("lost", "", 2)])
    assert again.told() == expected
    again.restart().steps.resolve()
    assert again.told() == expected


def test_a_step_that_lost_is_taken_back_later_where_it_cannot_be_written_now(
    replicas: tuple[Replica, Replica], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = replicas
    ticket, real = held(one), one.log.append

    def full(entry: Entry | bytes, *, promised: bool = False) -> int:
        if promised:
            raise AuditUnavailable("the disk is full")
        return real(entry)

    one.approvals.before = lambda: two.steps.advance(ticket, Refused(BO)) and None
    monkeypatch.setattr(one.log, "append", full)
    with pytest.raises(ApprovalConflict):
        one.steps.advance(ticket, Approved(CY))
    one.steps.resolve()
    assert one.steps.doubtful == 1
    monkeypatch.setattr(one.log, "append", real)
    one.steps.resolve()
    assert one.told() == [("approved", "cy", 0), ("lost", "cy", 1)]


def test_what_cannot_be_recorded_does_not_happen(
    replicas: tuple[Replica, Replica], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = replicas
    ticket = held(one)

    def full(entry: Entry | bytes, *, promised: bool = False) -> int:
        raise AuditUnavailable("the disk is full")

    monkeypatch.setattr(one.log, "append", full)
    with pytest.raises(AuditUnavailable):
        one.steps.advance(ticket, Approved(BO))
    assert one.steps.doubtful == 0
    found = one.approvals.get(ticket)
    assert found is not None
    assert found.is_open


def test_a_log_that_cannot_be_read_stops_no_start_and_a_forgotten_ticket_is_believed(
    replicas: tuple[Replica, Replica],
) -> None:
    one, two = replicas
    ticket = held(one)
    one.steps.advance(ticket, Approved(BO))
    with one.approvals._database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM tickets")
    one.restart().steps.resolve()
    assert one.told() == [("approved", "bo", 0)]
    (two.folder / "00000000000000000001.jsonl").write_bytes(b"garbage\nmore\n")
    steps = Steps(two.log, two.approvals, two.clock)
    steps.remember(two.folder)
    assert steps.doubtful == 0


def test_a_step_is_that_very_one_and_not_anothers_like_it(replicas: tuple[Replica, Replica]) -> None:
    one, _ = replicas
    ticket = held(one)
    after = one.steps.advance(ticket, Refused(BO))
    entry = next(iter(read(one.folder)))
    assert is_so(after, entry)
    for changed in ({"person": "cy"}, {"time": entry.time + 1}, {"step": "approved"}, {"step": "expired"}):
        fields = {"kind": entry.kind, "time": entry.time, "step": entry.step, "person": entry.person, **changed}
        assert not is_so(after, Entry(**fields))  # type: ignore[arg-type]  # fields of a test
    expired = replace(after, state=State.EXPIRED, closed_at=7)
    assert is_so(expired, Entry(kind=Kind.APPROVAL, time=7, step="expired"))
    assert not is_so(expired, Entry(kind=Kind.APPROVAL, time=8, step="expired"))
    assert is_so(replace(expired, closed_at=None), Entry(kind=Kind.APPROVAL, time=8, step="expired"))
    assert is_so(after, Entry(kind=Kind.APPROVAL, time=8, step="estimated"))
    told = replace(after, told_at=(7, 9))
    for rows, time in ((1, 7), (2, 9)):
        assert is_so(told, Entry(kind=Kind.APPROVAL, time=time, step="escalated", rows=rows))
    for rows, time in ((1, 8), (2, 7), (3, 9), (0, 9), (-1, 7), (None, 9)):
        assert not is_so(told, Entry(kind=Kind.APPROVAL, time=time, step="escalated", rows=rows))
