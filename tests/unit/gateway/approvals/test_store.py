"""Tickets in a real SQLite file: found again, moved once, never used twice whoever races."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.approvals import store as store_module
from gateway.approvals.notify import Bell
from gateway.approvals.states import (
    Approved,
    Binding,
    Demand,
    Escalated,
    Escalation,
    Expired,
    Person,
    Refused,
    Shown,
    State,
    Ticket,
    Used,
    Withdrawn,
)
from gateway.approvals.store import Approvals, NewTicket
from gateway.errors import ApprovalConflict, AuditUnavailable, StoreUnavailable
from gateway.store.database import Database, open_database
from gateway.store.migrations import upgrade

BOUND = Binding("ana", "orders", "postgres", "d" * 64, "", "m", "r1")
NEW = NewTicket(
    BOUND, (Demand(groups=("dba",)),), ("p/R",), 1_000, Shown("DELETE FROM orders", ("delete",), "s-1", "job")
)
BO = Person("bo", ("dba",))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(opened)
    yield opened
    opened.close()


@pytest.fixture
def approvals(database: Database) -> Approvals:
    return Approvals(database, Bell())


def test_a_ticket_is_found_as_it_was_made(approvals: Approvals) -> None:
    made = approvals.request(NEW, 1)
    assert approvals.get(made.id) == made
    assert approvals.pending(2) == [made]
    assert approvals.pending(1_000) == []
    assert approvals.recent((), 10) == approvals.recent((State.REQUESTED,), 10) == [made]
    assert approvals.recent((State.GRANTED,), 10) == []
    assert approvals.recent((), 10, made.principal) == [made]
    assert approvals.recent((), 10, "somebody else") == []


def test_a_step_is_kept_and_rings(approvals: Approvals) -> None:
    made, heard = approvals.request(NEW, 1), list[str]()
    approvals.bell.subscribe_all(heard.append)
    granted = approvals.advance(made.id, Approved(BO), 2)
    assert granted.state is State.GRANTED
    assert approvals.get(made.id) == granted
    assert heard == [made.id]


def test_whoever_votes_votes_as_one_human_as_they_are_known_now(database: Database) -> None:
    humans = [frozenset({"ana", "corp:ana"}), frozenset({"bo", "corp:bo"})]
    approvals = Approvals(
        database, Bell(), lambda name: frozenset().union(*(one - {name} for one in humans if name in one))
    )
    made = approvals.request(replace(NEW, demands=(Demand(groups=("dba",), quorum=2),)), 1)
    for event in (Approved(Person("corp:ana", ("dba",))), Refused(Person("corp:ana", ("dba",)))):
        with pytest.raises(ApprovalConflict) as caught:
            approvals.advance(made.id, event, 2)
        assert caught.value.code == "OWN_REQUEST"
    approvals.advance(made.id, Approved(BO), 2)
    with pytest.raises(ApprovalConflict) as caught:
        approvals.advance(made.id, Approved(Person("corp:bo", ("dba",))), 3)
    assert caught.value.code == "ALREADY_VOTED"
    humans.pop()
    assert approvals.advance(made.id, Approved(Person("corp:bo", ("dba",))), 3).state is State.GRANTED


def test_an_unknown_ticket_is_said_to_be_one(approvals: Approvals) -> None:
    with pytest.raises(ApprovalConflict) as caught:
        approvals.advance("h-none", Approved(BO), 2)
    assert caught.value.code == "TICKET_UNKNOWN"


def test_what_the_audit_refuses_does_not_happen(approvals: Approvals) -> None:
    made = approvals.request(NEW, 1)

    def refuse(_: Ticket) -> None:
        raise AuditUnavailable("full")

    with pytest.raises(AuditUnavailable):
        approvals.advance(made.id, Approved(BO), 2, before=refuse)
    assert approvals.get(made.id) == made


def test_a_grant_is_found_by_what_it_binds_only(approvals: Approvals) -> None:
    made = approvals.request(NEW, 1)
    assert approvals.find(BOUND, 2) == made
    later = approvals.request(NEW, 2)
    granted = approvals.advance(made.id, Approved(BO), 3)
    assert approvals.find(BOUND, 4) == granted
    approvals.advance(made.id, Used(BOUND), 5)
    assert approvals.find(BOUND, 6) == later
    for part in ("principal", "resource", "protocol", "digest", "parameters", "meaning", "revision"):
        assert approvals.find(replace(BOUND, **{part: "other"}), 6) is None
    assert approvals.find(BOUND, 1_000) is None


def test_of_many_who_race_for_a_grant_one_gets_it(database: Database) -> None:
    replicas = [Approvals(database, Bell()) for _ in range(6)]
    made = replicas[0].request(NEW, 1)
    replicas[0].advance(made.id, Approved(BO), 2)
    won, lost = list[Ticket](), list[str]()
    start = threading.Barrier(len(replicas))

    def use(replica: Approvals) -> None:
        start.wait()
        try:
            won.append(replica.advance(made.id, Used(BOUND), 3))
        except ApprovalConflict as error:
            lost.append(error.code)

    threads = [threading.Thread(target=use, args=(replica,)) for replica in replicas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert lost == ["ALREADY_USED"] * 5


def test_a_step_computed_from_an_old_version_is_not_written(approvals: Approvals) -> None:
    made = approvals.request(NEW, 1)

    def interfere(_: Ticket) -> None:
        if (now := approvals.get(made.id)) is not None and now.is_open:
            approvals.advance(made.id, Withdrawn("left"), 2)

    with pytest.raises(ApprovalConflict) as caught:
        approvals.advance(made.id, Approved(BO), 2, before=interfere)
    assert caught.value.code == "TICKET_CLOSED"
    assert (found := approvals.get(made.id)) is not None
    assert found.state is State.WITHDRAWN


def test_endless_contention_gives_up(approvals: Approvals, monkeypatch: pytest.MonkeyPatch) -> None:
    made = approvals.request(NEW, 1)
    monkeypatch.setattr(approvals, "_replace", lambda old, new: False)
    with pytest.raises(ApprovalConflict) as caught:
        approvals.advance(made.id, Approved(BO), 2)
    assert caught.value.code == "CONTENDED"
    with pytest.raises(ApprovalConflict):
        approvals.fence(made.id)


def test_what_is_overdue_is_found_until_somebody_closes_it(approvals: Approvals) -> None:
    made = approvals.request(NEW, 1)
    assert approvals.overdue(999) == []
    assert approvals.overdue(1_000) == [made.id]
    assert approvals.advance(made.id, Expired(), 1_000).closed_at == 1_000
    assert approvals.overdue(1_001) == []
    with pytest.raises(ApprovalConflict):
        approvals.advance(made.id, Expired(), 1_002)


def test_behind_a_fence_nothing_comes_of_what_was_read_before(approvals: Approvals) -> None:
    made = approvals.request(NEW, 1)
    lost = list[Ticket]()
    fenced = list[Ticket | None]()

    def fence(after: Ticket) -> None:
        if not fenced:
            fenced.append(approvals.fence(made.id))

    granted = approvals.advance(made.id, Approved(BO), 2, before=fence, lost=lost.append)
    assert fenced == [replace(made, version=1)]
    assert [(one.state, one.version) for one in (*lost, granted)] == [(State.GRANTED, 1), (State.GRANTED, 2)]
    closed = approvals.advance(made.id, Withdrawn("left"), 3)
    assert approvals.fence(made.id) == closed
    assert approvals.fence("h-none") is None


def test_a_row_that_cannot_be_read_stops_nothing_but_itself(
    approvals: Approvals, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, whole = approvals.request(NEW, 1), approvals.request(NEW, 2)
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE tickets SET body = '{}' WHERE id = ?", (broken.id,))
    assert approvals.pending(3) == approvals.recent((), 10) == [whole]
    assert set(approvals.overdue(1_000)) == {broken.id, whole.id}
    assert approvals.to_escalate(3) == []
    assert approvals.find(BOUND, 3) == whole
    for step in (lambda: approvals.get(broken.id), lambda: approvals.advance(broken.id, Approved(BO), 3)):
        with pytest.raises(ApprovalConflict) as caught:
            step()
        assert caught.value.code == "TICKET_UNREADABLE"


def test_who_waits_is_woken_for_a_ticket_that_ended_elsewhere_without_a_word(
    approvals: Approvals, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "AT_ONCE", 2)
    made = [approvals.request(NEW, 1).id for _ in range(5)]
    woken: list[str] = []
    for ticket in (*made, "h-none"):
        approvals.bell.subscribe(ticket, lambda ticket=ticket: woken.append(ticket))  # type: ignore[misc]
    approvals.ring_ended()
    assert woken == ["h-none"]
    # Another replica, whose bell is not ours.
    Approvals(database, Bell()).advance(made[3], Approved(BO), 2)
    approvals.ring_ended()
    assert woken == ["h-none", made[3], "h-none"]


def test_one_principal_cannot_bury_the_approvers(approvals: Approvals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MAX_OPEN_PER_PRINCIPAL", 3)
    for _ in range(3):
        approvals.request(NEW, 1)
    with pytest.raises(ApprovalConflict) as caught:
        approvals.request(NEW, 1)
    assert caught.value.code == "TOO_MANY_HOLDS"
    approvals.request(replace(NEW, binding=replace(BOUND, principal="someone else")), 1)
    approvals.request(NEW, 1_000)


def test_one_job_does_not_keep_the_others_of_its_principal_from_asking(
    approvals: Approvals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MAX_OPEN_PER_JOB", 2)
    for job in ("build-1", "build-2", None):
        mine = replace(NEW, binding=replace(BOUND, job=job))
        for _ in range(2):
            approvals.request(mine, 1)
        with pytest.raises(ApprovalConflict) as caught:
            approvals.request(mine, 1)
        assert caught.value.code == "TOO_MANY_HOLDS"


def test_a_ticket_is_found_for_its_job_and_prompt_only(approvals: Approvals) -> None:
    bound = replace(BOUND, job="build-1", prompt="5" * 64)
    made = approvals.request(replace(NEW, binding=bound), 1)
    assert approvals.find(bound, 2) == made
    for other in ({"job": "build-2"}, {"job": None}, {"prompt": ""}, {"prompt": "6" * 64}):
        assert approvals.find(replace(bound, **other), 2) is None


def test_those_that_wait_are_counted_and_listed_as_far_as_somebody_wants(approvals: Approvals) -> None:
    made = [approvals.request(replace(NEW, binding=replace(BOUND, principal=who)), 1) for who in ("ana", "bo", "ana")]
    assert approvals.count_pending(2) == 3
    assert approvals.count_pending(2, "ana") == 2
    assert approvals.count_pending(1_000) == 0
    assert approvals.pending(2, "bo") == [made[1]]
    assert len(approvals.pending(2, limit=2)) == 2


def test_of_those_that_wait_the_number_is_told_and_the_oldest(approvals: Approvals) -> None:
    assert approvals.oldest_pending(2) == (0, None)
    for at in (5, 4, 6):
        approvals.request(NEW, at)
    assert approvals.oldest_pending(7) == (3, 4)
    assert approvals.oldest_pending(1_000) == (0, None)


def test_what_waits_is_read_once_for_each_version_and_few_at_once(
    approvals: Approvals, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed = replace(
        NEW, demands=(Demand(groups=("dba",), escalate=(Escalation(1, groups=("oncall",)),)),), expires_at=10**11
    )
    made = [approvals.request(followed, at) for at in range(50)]
    read, readable = [], approvals._readable

    def spied(bodies: Iterable[str]) -> list[Ticket]:
        found = readable(bodies)
        read.append(len(found))
        return found

    monkeypatch.setattr(approvals, "_readable", spied)
    assert approvals.to_escalate(10**9 - 1) == []
    assert read == [20, 20, 10]
    assert approvals.to_escalate(10**9 + 9) == [one.id for one in made[:10]]
    assert read == [20, 20, 10]
    approvals.advance(made[0].id, Escalated(), 10**9 + 9)
    assert approvals.to_escalate(10**9 + 9) == [one.id for one in made[1:10]]
    assert read == [20, 20, 10, 1]
    approvals.advance(made[1].id, Approved(BO), 10**9 + 9)
    assert approvals.to_escalate(10**9 + 9) == [one.id for one in made[2:10]]
    assert len(approvals._dues) == 49, "nothing is known of what waits no more"


def test_the_same_command_of_the_same_principal_is_found_newest_first(approvals: Approvals) -> None:
    first, second, third = (approvals.request(NEW, at) for at in (1, 2, 3))
    for changed in ({"principal": "bo"}, {"resource": "bills"}, {"digest": "e" * 64}):
        approvals.request(replace(NEW, binding=replace(BOUND, **changed)), 4)
    assert approvals.same_command(third, 10) == [second, first]
    assert approvals.same_command(third, 1) == [second]


@pytest.mark.parametrize("silence", [60.0, 0.0])
async def test_who_waits_goes_on_waiting_while_the_store_is_silent_but_not_for_ever(
    approvals: Approvals, monkeypatch: pytest.MonkeyPatch, silence: float
) -> None:
    monkeypatch.setattr(store_module, "LOOK_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(store_module, "SILENCE_SECONDS", silence)
    ticket = approvals.request(NEW, 1)
    looked, get = [], approvals.get

    def silent(ticket_id: str) -> Ticket | None:
        looked.append(ticket_id)
        if len(looked) < 4 or not silence:
            raise StoreUnavailable("the store does not answer")
        approvals.get = get  # type: ignore[method-assign]  # it answers again
        approvals.advance(ticket.id, Withdrawn("enough"), 2)
        return get(ticket_id)

    monkeypatch.setattr(approvals, "get", silent)
    waiting = approvals.until_over(ticket.id, lambda: 2)
    if silence:
        await waiting
        assert len(looked) == 4
    else:
        with pytest.raises(StoreUnavailable):
            await waiting
