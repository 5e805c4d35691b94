"""Approve and remember, through a whole gate: the next of the same shape passes, with an entry, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as changed
from sqlalchemy import Connection

from engine.decision import Hold, Verdict
from engine.request import Approval
from gateway.approvals.states import Approved, Person
from gateway.asked import Asked
from gateway.audit.entry import Entry, Kind
from gateway.errors import ApprovalConflict, AuditUnavailable, StoreUnavailable
from gateway.identity.logins import Login
from gateway.identity.speaking import JOB, PROMPT, STATED
from tests.strategies.gates import ALLOW, ANA, DENY, ORDERS, SESSION, House, asked, parse
from tests.strategies.lasting import REMEMBERED, with_real_trees

BO = Person("bo", ("dba",))
FIRST = "INSERT INTO public.orders (id, status) VALUES (7, 'open')"
NEXT = "INSERT INTO public.orders (id, status) VALUES (8, 'paid')"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    built = with_real_trees(House(tmp_path))
    yield built
    built.close()


def remember(house: House, what: Asked | None = None, seconds: int = 1800) -> str:
    """The first command, held, approved and remembered, and run; the approval's id."""
    ticket = house.gate.decide(what or asked(FIRST)).ticket
    assert ticket is not None
    house.gate.advance(ticket, Approved(BO, "", seconds))
    assert house.gate.settle(ticket).decision.is_granted
    return ticket.replace("h-", "a-")


def test_the_next_of_the_same_shape_passes_and_is_recorded_with_the_approval_and_its_rule(house: House) -> None:
    lasting = remember(house)
    answer = house.gate.decide(changed(asked(NEXT), session=replace(SESSION, id="s-2")))
    assert answer.decision.is_granted
    ticket = lasting.replace("a-", "h-")
    *_, use, decision = house.entries()
    assert (use.kind, use.step, use.note, use.ticket) == (Kind.APPROVAL, "recalled", lasting, ticket)
    assert (use.rules, use.approvers, use.session, use.job) == ((("p/WRITE", "hold"),), ("bo",), "s-2", "build-42")
    assert (decision.kind, decision.verdict, decision.text, decision.ticket) == (Kind.DECISION, "allow", NEXT, ticket)
    assert (decision.approvers, decision.granted, decision.session) == (("bo",), ("p/WRITE",), "s-2")
    (given, again) = house.policies.approvals
    assert again == given == Approval(ticket, ("bo",), ("p/WRITE",), given.granted_at)
    kept = house.approvals.lasting.get(lasting)
    assert kept is not None
    assert kept.uses == 1
    approved = next(entry for entry in house.entries() if entry.step == "approved")
    assert approved.duration == 1800.0


def test_bound_values_may_differ_as_literals_do(house: House) -> None:
    text = "INSERT INTO public.orders (id, status) VALUES ($1, $2)"
    remember(house, asked(text, parameters=("7", "open")))
    assert house.gate.decide(asked(text, parameters=("8", "paid"))).decision.is_granted


@pytest.mark.parametrize(
    "other",
    [
        asked("INSERT INTO public.orders (id, status) VALUES (8, 'paid') RETURNING id"),
        asked("DELETE FROM public.orders WHERE id = 8"),
        changed(asked(NEXT), session=replace(SESSION, job="evil-job")),
        changed(asked(NEXT), session=replace(SESSION, job=None)),
        changed(asked(NEXT), session=replace(SESSION, state={"search_path": ["evil"]})),
        changed(asked(NEXT), principal=replace(ANA, name="eve")),
        changed(asked(NEXT), resource=replace(ORDERS, name="other")),
        changed(asked(NEXT), resource=replace(ORDERS, database="other")),
        changed(asked(NEXT), login=Login(ANA, 1 << 62, job="build-42", prompt="do as you please")),
        changed(asked(NEXT), question=parse(NEXT.encode())),
    ],
)
def test_whatever_else_differs_is_held(house: House, other: Asked) -> None:
    lasting = remember(house)
    assert house.gate.decide(other).decision.verdict is Verdict.HOLD
    kept = house.approvals.lasting.get(lasting)
    assert kept is not None
    assert kept.uses == 0


def test_it_is_over_after_its_time(house: House) -> None:
    remember(house, seconds=60)
    house.clock.pass_seconds(59)
    assert house.gate.decide(asked(NEXT)).decision.is_granted
    house.clock.pass_seconds(2)
    assert house.gate.decide(asked(NEXT)).decision.verdict is Verdict.HOLD


def test_it_is_over_at_once_when_somebody_takes_it_back_also_for_other_replicas(house: House) -> None:
    lasting, other = remember(house), house.build()
    assert other.decide(asked(NEXT)).decision.is_granted
    heard = list[str]()
    house.approvals.bell.subscribe_all(heard.append)
    house.gate.recalling.take_back(lasting, BO)
    assert heard == [lasting.replace("a-", "h-")]
    ended = house.entries()[-1]
    assert (ended.step, ended.person, ended.note, ended.principal) == ("taken_back", "bo", lasting, "ana")
    for gate in (house.gate, other):
        assert gate.decide(asked(NEXT)).decision.verdict is Verdict.HOLD
    with pytest.raises(ApprovalConflict):
        house.gate.recalling.take_back(lasting, BO)


def test_other_policies_ask_anew(house: House) -> None:
    remember(house)
    house.policies.revision = "r2"
    assert house.gate.decide(asked(NEXT)).decision.verdict is Verdict.HOLD


def test_a_policy_that_denies_with_the_approval_denies(house: House) -> None:
    lasting = remember(house)
    house.policies.judging = lambda asked, now, approval: REMEMBERED if approval is None else DENY
    assert house.gate.decide(asked(NEXT)).decision.verdict is Verdict.DENY
    assert house.entries()[-1].ticket == lasting.replace("a-", "h-")
    kept = house.approvals.lasting.get(lasting)
    assert kept is not None
    assert kept.uses == 0


def test_other_rules_that_hold_now_ask_people(house: House) -> None:
    remember(house)
    house.policies.judging = lambda asked, now, approval: REMEMBERED
    assert house.gate.decide(asked(NEXT)).decision.verdict is Verdict.HOLD
    forgetful = replace(REMEMBERED, hold=Hold(({"groups": ["dba"]},), 600, ("p/WRITE", "q/MORE")))
    house.policies.judging = lambda asked, now, approval: forgetful if approval is None else ALLOW
    assert house.gate.decide(asked(NEXT)).decision.verdict is Verdict.HOLD


def test_a_command_that_means_something_else_with_the_approval_is_held(house: House) -> None:
    remember(house)
    house.policies.judging = lambda asked, now, approval: REMEMBERED if approval is None else _renewed(house)
    assert house.gate.decide(asked(NEXT)).decision.verdict is Verdict.HOLD


def _renewed(house: House) -> object:
    """Other policies begin to decide in between."""
    house.policies.revision = "r2"
    return replace(REMEMBERED, verdict=Verdict.ALLOW, hold=None)


def test_what_cannot_be_recorded_is_not_used(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    lasting = remember(house)
    monkeypatch.setattr(house.log, "append", _full)
    assert house.gate.decide(asked(NEXT)).decision.verdict is Verdict.DENY
    kept = house.approvals.lasting.get(lasting)
    assert kept is not None
    assert kept.uses == 0


def _full(*what: object, **how: object) -> int:
    raise AuditUnavailable("the disk is full")


def test_without_its_ticket_it_counts_for_nothing(house: House) -> None:
    remember(house)
    with house.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM tickets")
    assert house.gate.decide(asked(NEXT)).decision.verdict is Verdict.HOLD


def test_what_a_policy_does_not_let_be_remembered_is_approved_by_itself(house: House) -> None:
    house.policies.decision = replace(REMEMBERED, hold=Hold(({"groups": ["dba"]},), 600, ("p/WRITE",)))
    ticket = house.gate.decide(asked(FIRST)).ticket
    assert ticket is not None
    for seconds in (1, 1800, -1):
        with pytest.raises(ApprovalConflict) as caught:
            house.gate.advance(ticket, Approved(BO, "", seconds))
        assert caught.value.code == "REMEMBER_FORBIDDEN"
    house.gate.advance(ticket, Approved(BO))
    assert house.gate.settle(ticket).decision.is_granted
    assert house.gate.decide(asked(NEXT)).decision.verdict is Verdict.HOLD


@pytest.mark.parametrize("word", [JOB, PROMPT])
def test_a_job_of_which_nobody_knows_but_by_its_own_word_is_no_job_of_an_approval(house: House, word: str) -> None:
    remember(house)
    liar = changed(asked(NEXT), principal=replace(ANA, attributes={STATED: [word]}))
    answer = house.gate.decide(liar)
    assert answer.decision.verdict is Verdict.HOLD
    assert answer.ticket is not None
    with pytest.raises(ApprovalConflict) as caught:
        house.gate.advance(answer.ticket, Approved(BO, "", 60))
    assert caught.value.code == "REMEMBER_FORBIDDEN"


@pytest.mark.parametrize("what", ["DO $$ BEGIN DELETE FROM orders; END $$", "SELECT nobody_knows(1)"])
def test_what_was_not_seen_to_the_bottom_cannot_be_remembered(house: House, what: str) -> None:
    ticket = house.gate.decide(asked(what)).ticket
    assert ticket is not None
    with pytest.raises(ApprovalConflict) as caught:
        house.gate.advance(ticket, Approved(BO, "", 60))
    assert caught.value.code == "REMEMBER_FORBIDDEN"


# --- what the audit says where the store or the audit fails in the middle


@contextmanager
def failing_commits(house: House) -> Iterator[None]:
    """A store whose commits fail: what was done in a transaction is gone."""
    begin = house.database.begin

    @contextmanager
    def begins() -> Iterator[Connection]:
        with begin() as connection:
            yield connection
            raise StoreUnavailable("the store refused")

    house.database.begin = begins  # type: ignore[method-assign]  # a test's
    try:
        yield
    finally:
        house.database.begin = begin  # type: ignore[method-assign]  # a test's


def steps(house: House) -> list[tuple[str, int]]:
    return [(one.step, one.takes_back) for one in house.entries() if one.step in ("recalled", "taken_back", "lost")]


def test_a_use_whose_store_fails_is_taken_back_in_the_audit(house: House) -> None:
    lasting = remember(house)
    with failing_commits(house):
        assert house.gate.decide(asked(NEXT)).decision.verdict is Verdict.DENY
    (use,) = [one for one in house.entries() if one.step == "recalled"]
    assert steps(house) == [("recalled", 0), ("lost", use.seq)]
    assert house.gate.steps.doubtful == 0
    kept = house.approvals.lasting.get(lasting)
    assert kept is not None
    assert kept.uses == 0
    assert house.gate.decide(asked(NEXT)).decision.is_granted
    assert steps(house) == [("recalled", 0), ("lost", use.seq), ("recalled", 0)]


def test_a_use_whose_decision_cannot_be_recorded_is_taken_back_as_soon_as_it_can(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember(house)
    append = house.log.append

    def full_behind_it(entry: Entry, *, promised: bool = False) -> int:
        if entry.step == "recalled":
            monkeypatch.setattr(house.log, "append", _full)
        return append(entry, promised=promised)

    monkeypatch.setattr(house.log, "append", full_behind_it)
    assert house.gate.decide(asked(NEXT)).decision.verdict is Verdict.DENY
    assert steps(house) == [("recalled", 0)]
    monkeypatch.setattr(house.log, "append", append)
    house.gate.steps.resolve()
    (use,) = [one for one in house.entries() if one.step == "recalled"]
    assert steps(house) == [("recalled", 0), ("lost", use.seq)]


@pytest.mark.parametrize("was_written", [False, True])
def test_taking_one_back_that_the_store_failed_at_is_as_the_store_says(house: House, was_written: bool) -> None:
    lasting = remember(house)
    if was_written:
        house.approvals.lasting.take_back = _fails_behind(house.approvals.lasting.take_back)  # type: ignore[method-assign]  # a test's
        with pytest.raises(StoreUnavailable):
            house.gate.recalling.take_back(lasting, BO)
    else:
        with failing_commits(house), pytest.raises(StoreUnavailable):
            house.gate.recalling.take_back(lasting, BO)
    assert house.gate.steps.doubtful == 1
    house.gate.steps.resolve()
    assert house.gate.steps.doubtful == 0
    (told,) = [one for one in house.entries() if one.step == "taken_back"]
    assert steps(house) == [("taken_back", 0)] + ([] if was_written else [("lost", told.seq)])
    expected = Verdict.HOLD if was_written else Verdict.ALLOW
    assert house.gate.decide(asked(NEXT)).decision.verdict is expected


def _fails_behind(call: Callable[..., object]) -> Callable[..., object]:
    def done(*what: object) -> object:
        call(*what)
        raise StoreUnavailable("no answer")

    return done


def test_what_an_earlier_life_used_and_decided_nothing_with_is_taken_back_after_the_start(house: House) -> None:
    remember(house)
    for session in ("s-1", "s-2"):
        assert house.gate.decide(changed(asked(NEXT), session=replace(SESSION, id=session))).decision.is_granted
    record = house.gate.record

    def die(*what: object) -> object:
        raise KeyboardInterrupt

    house.gate.record = die  # type: ignore[method-assign,assignment]  # a test's
    with pytest.raises(KeyboardInterrupt):
        house.gate.decide(asked(NEXT))
    house.gate.record = record  # type: ignore[method-assign]  # a test's
    uses = [one.seq for one in house.entries() if one.step == "recalled"]
    for _ in range(2):
        again = house.build()
        again.steps.remember(house.folder / "audit")
        again.steps.resolve()
        assert steps(house) == [("recalled", 0)] * 3 + [("lost", uses[-1])]
