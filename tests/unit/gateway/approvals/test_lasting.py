"""Remembered approvals in a real SQLite file: the store says at each use whether one counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.approvals.lasting import LastingApproval
from gateway.approvals.notify import Bell
from gateway.approvals.states import Approved, Binding, Demand, Person, Shown
from gateway.approvals.store import Approvals, NewTicket
from gateway.errors import ApprovalConflict, AuditUnavailable
from gateway.store.database import open_database
from gateway.store.migrations import upgrade
from tests.strategies.lasting import LIKE

BOUND = Binding("ana", "orders", "postgres", "d" * 64, "", "m", "r1", "build-42")
NEW = NewTicket(
    *(BOUND, (Demand(groups=("dba",), quorum=2),), ("p/R",), 1 << 62, Shown("INSERT")), remember=1800, likeness=LIKE
)
BO, CY = Person("bo", ("dba",)), Person("cy", ("dba",))
SECOND = 10**9


@pytest.fixture
def approvals(tmp_path: Path) -> Iterator[Approvals]:
    opened = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(opened)
    yield Approvals(opened, Bell())
    opened.close()


def granted(approvals: Approvals, *seconds: int, at: int = 2) -> str:
    """A ticket that two people granted, and for how long each wants it remembered; the approval's id."""
    made = approvals.request(NEW, 1)
    for person, remember in zip((BO, CY), seconds, strict=True):
        approvals.advance(made.id, Approved(person, "", remember), at)
    return "a-" + made.id.removeprefix("h-")


def accept(_: LastingApproval) -> None:
    return None


def test_what_all_who_approved_want_is_remembered_for_the_shortest_time(approvals: Approvals) -> None:
    lasting = granted(approvals, 1800, 60)
    found = approvals.lasting.find(LIKE, 3)
    assert found is not None
    assert (found.id, found.rules, found.approvers, found.job) == (lasting, ("p/R",), ("bo", "cy"), "build-42")
    assert (found.granted_at, found.expires_at, found.uses) == (2, 2 + 60 * SECOND, 0)
    assert approvals.lasting.alive(3) == approvals.lasting.alive(3, "ana") == [found]
    assert approvals.lasting.alive(3, "bo") == []


@pytest.mark.parametrize("seconds", [(0, 0), (1800, 0), (0, 60)])
def test_what_one_of_them_does_not_want_is_not_remembered(approvals: Approvals, seconds: tuple[int, int]) -> None:
    granted(approvals, *seconds)
    assert approvals.lasting.alive(3) == []


def test_an_approval_that_others_have_still_to_give_is_not_remembered_yet(approvals: Approvals) -> None:
    made = approvals.request(NEW, 1)
    approvals.advance(made.id, Approved(BO, "", 60), 2)
    assert approvals.lasting.alive(3) == []


def test_each_use_is_counted_until_its_time_is_over(approvals: Approvals) -> None:
    lasting = granted(approvals, 60, 60)
    for uses in (1, 2):
        assert approvals.lasting.use(lasting, LIKE, 3, accept).uses == uses
    last = 1 + 60 * SECOND
    assert approvals.lasting.use(lasting, LIKE, last, accept).used_at == last
    for late in (2 + 60 * SECOND, 1 << 62):
        assert approvals.lasting.find(LIKE, late) is None
        with pytest.raises(ApprovalConflict) as caught:
            approvals.lasting.use(lasting, LIKE, late, accept)
        assert caught.value.code == "LASTING_OVER"


@pytest.mark.parametrize("name", ["principal", "resource", "protocol", "job", "prompt", "revision", "shape", "meaning"])
def test_it_is_for_nothing_else(approvals: Approvals, name: str) -> None:
    lasting, other = granted(approvals, 60, 60), replace(LIKE, **{name: "other"})
    assert approvals.lasting.find(other, 3) is None
    with pytest.raises(ApprovalConflict):
        approvals.lasting.use(lasting, other, 3, accept)


def test_a_digest_that_says_the_same_of_something_else_is_not_believed(approvals: Approvals) -> None:
    lasting, other = granted(approvals, 60, 60), replace(LIKE, job="evil-job")
    with approvals._database.begin() as connection:
        connection.exec_driver_sql("UPDATE lasting_approvals SET likeness = ?", (other.key,))
    assert approvals.lasting.find(other, 3) is None
    with pytest.raises(ApprovalConflict):
        approvals.lasting.use(lasting, other, 3, accept)


def test_what_is_taken_back_is_over_at_once(approvals: Approvals) -> None:
    lasting = granted(approvals, 60, 60)
    ended = approvals.lasting.take_back(lasting, 5, accept)
    assert ended.revoked_at == 5
    assert approvals.lasting.get(lasting) == ended
    assert approvals.lasting.find(LIKE, 6) is None
    for step in (
        lambda: approvals.lasting.use(lasting, LIKE, 6, accept),
        lambda: approvals.lasting.take_back(lasting, 6, accept),
    ):
        with pytest.raises(ApprovalConflict):
            step()
    assert approvals.lasting.get("a-none") is None


def refuse(_: LastingApproval) -> None:
    raise AuditUnavailable("full")


def test_what_the_audit_refuses_does_not_happen(approvals: Approvals) -> None:
    lasting = granted(approvals, 60, 60)
    with pytest.raises(AuditUnavailable):
        approvals.lasting.use(lasting, LIKE, 3, refuse)
    with pytest.raises(AuditUnavailable):
        approvals.lasting.take_back(lasting, 3, refuse)
    found = approvals.lasting.find(LIKE, 4)
    assert found is not None
    assert (found.uses, found.revoked_at) == (0, None)
