"""The path of a command, with a real store and a real log: what comes out was recorded, and a grant comes out once."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from weakref import ref

import pytest
from msgspec.structs import replace as changed

from adapters.core.ports import Outcome
from engine.command.tree import ParsedCommand
from engine.decision import Decision, DenyKind, Hold, MaskItem, Verdict
from engine.evaluator.cache import Judgement
from engine.request import Approval
from gateway.approvals.estimate import PENDING, Estimate, no_estimate
from gateway.approvals.notify import Bell
from gateway.approvals.states import Approved, Person, Refused, State, Step, Ticket, Withdrawn
from gateway.approvals.store import Approvals
from gateway.asked import Asked
from gateway.audit.entry import Kind
from gateway.config.model import SecretsInText
from gateway.errors import ApprovalConflict, AuditUnavailable, StoreUnavailable
from gateway.identity.logins import Login
from gateway.remembering import Memory
from tests.strategies.gates import (
    ALLOW,
    ANA,
    DENY,
    HOLD,
    MASK,
    ORDERS,
    SESSION,
    House,
    Policies,
    asked,
    parse,
    question,
    told,
)

TOKEN = "gh" + "p_" + "Zk3vN9qLx2TbW8yRm4Jp7Hs1Dc6Fg5Ae0UoB"
BO = Person("bo", ("dba",))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    built = House(tmp_path)
    yield built
    built.close()


def ticket_of(house: House, text: str = "DELETE FROM orders") -> str:
    house.policies.decision = HOLD
    ticket = house.gate.decide(asked(text)).ticket
    assert ticket is not None
    return ticket


def why(decision: Decision) -> str:
    return decision.reasons[0].reason


# --- deciding ---------------------------------------------------------------------------------------------------------


def test_an_allowed_command_is_recorded_before_it_is_answered(house: House) -> None:
    answer = house.gate.decide(asked("SELECT 1"))
    assert answer.decision.verdict is Verdict.ALLOW
    assert answer.command is not None
    (entry,) = house.entries()
    assert (entry.decision_id, entry.verdict, entry.text, entry.rules) == (
        answer.decision_id,
        "allow",
        "SELECT 1",
        (("p/READ", "allow"),),
    )
    assert (entry.principal, entry.job, entry.resource, entry.revision) == ("ana", "build-42", "orders", "r1")


def test_a_denied_command_is_recorded_with_its_rule(house: House) -> None:
    house.policies.decision = DENY
    answer = house.gate.decide(asked("DROP TABLE x"))
    assert answer.decision.reasons[0].hint == "ask"
    assert (house.entries()[0].verdict, house.entries()[0].deny_kind) == ("deny", "RULE")


def test_a_verdict_given_again_is_recorded_and_watched_like_a_fresh_one(house: House) -> None:
    seen: list[str] = []
    house.gate._watcher = lambda asked, decision, decision_id, now: seen.append(decision_id)
    house.policies.decision = replace(ALLOW, cacheable=True)
    again = changed(asked("SELECT 1"), memory=Memory(lambda protocol, text: None))
    answers = [house.gate.decide(again) for _ in range(2)]
    house.policies.judging = pytest.fail
    answers.append(house.gate.decide(again))
    first, *others = house.entries()
    assert [answer.decision_id for answer in answers] == seen == [entry.decision_id for entry in (first, *others)]
    for entry in others:
        blank = changed(entry, seq=first.seq, time=first.time, decision_id=first.decision_id)
        assert blank == first


def test_a_repeated_verdict_that_cannot_be_recorded_is_a_denial(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.policies.decision = replace(ALLOW, cacheable=True)
    again = changed(asked("SELECT 1"), memory=Memory(lambda protocol, text: None))
    assert house.gate.decide(again).decision.is_granted
    monkeypatch.setattr(house.log, "append", _full)
    assert house.gate.decide(again).decision.deny_kind is DenyKind.AUDIT_UNAVAILABLE


def _full(*what: object, **how: object) -> int:
    raise AuditUnavailable("the disk is full")


def test_without_policies_everything_is_denied(house: House) -> None:
    house.policies.revision = ""
    answer = house.gate.decide(asked())
    assert answer.decision.deny_kind is DenyKind.STALE_POLICY
    assert house.entries()[0].verdict == "deny"


def test_what_cannot_be_recorded_is_not_allowed(house: House) -> None:
    house.log.close()
    answer = house.gate.decide(asked())
    assert answer.decision.deny_kind is DenyKind.AUDIT_UNAVAILABLE
    assert not answer.decision.is_granted


def test_a_mask_comes_with_its_keys_and_an_unknown_key_denies(house: House) -> None:
    house.policies.decision = MASK
    assert house.gate.decide(asked()).mask_keys == {"k1": b"secret"}
    house.policies.decision = replace(MASK, mask_plan=(MaskItem(0, (), "hash", {"key": "k9"}),))
    answer = house.gate.decide(asked())
    assert answer.decision.deny_kind is DenyKind.OBLIGATION_UNKNOWN
    assert answer.mask_keys == {}
    assert [entry.verdict for entry in house.entries()] == ["mask", "deny"]
    assert "secret" not in (house.folder / "audit" / "0000000000000001.jsonl").read_text().replace("secret_literal", "")


def test_a_mask_without_a_key_needs_none(house: House) -> None:
    house.policies.decision = replace(MASK, mask_plan=(MaskItem(0, (), "redact"),))
    assert house.gate.decide(asked()).decision.verdict is Verdict.MASK


def test_a_ready_made_tree_is_judged_as_it_is(house: House) -> None:
    answer = house.gate.decide(Asked(parse(b"SELECT 7"), ANA, SESSION, ORDERS, caller="envoy"))
    assert answer.decision.is_granted
    assert (house.entries()[0].text, house.entries()[0].caller) == ("SELECT 7", "envoy")


def test_a_secret_in_the_text_is_hidden_in_the_log_also_when_the_verdict_is_given_again(house: House) -> None:
    memory = Memory(lambda protocol, text: b"SELECT")
    house.policies.is_exact = False
    for text in ("SELECT 1", f"SELECT '{TOKEN}'", "SELECT 2"):
        assert house.gate.decide(changed(asked(text), memory=memory)).decision.verdict is Verdict.ALLOW
    kept = [(entry.text, entry.redacted) for entry in house.entries()]
    assert kept == [("SELECT 1", False), ("SELECT '[redacted]'", True), ("SELECT 2", False)]


class Store:
    """Policies that are replaced as a whole."""

    def __init__(self) -> None:
        self.program = Policies(replace(ALLOW, cacheable=True))


def test_a_session_that_stays_keeps_no_policies_that_were_replaced(house: House) -> None:
    store = Store()
    house.policies = store  # type: ignore[assignment]  # as the gate asks it
    gate, memory = house.build(), Memory(lambda protocol, text: None)
    gate.decide(changed(asked("SELECT 1"), memory=memory))
    assert gate.again(memory, question("SELECT 1"), ANA, SESSION, ORDERS) is not None
    before, store.program = ref(store.program), Policies()
    gc.collect()
    assert before() is None
    assert gate.again(memory, question("SELECT 1"), ANA, SESSION, ORDERS) is None


def test_a_command_with_a_secret_is_refused_where_the_configuration_says_so(house: House) -> None:
    gate = house.build(SecretsInText.REFUSE)
    memory = Memory(lambda protocol, text: b"SELECT")
    house.policies.is_exact = False
    assert gate.decide(changed(asked("SELECT 1"), memory=memory)).decision.verdict is Verdict.ALLOW
    denied = gate.decide(changed(asked(f"SELECT '{TOKEN}'"), memory=memory)).decision
    assert (denied.verdict, denied.deny_kind) == (Verdict.DENY, DenyKind.AUDIT_UNAVAILABLE)
    assert denied.reasons[0].code == "SECRET_IN_TEXT"
    assert gate.again(memory, question(f"SELECT '{TOKEN}'"), ANA, SESSION, ORDERS) is None
    assert all(TOKEN not in entry.text for entry in house.entries())


def test_secrets_are_kept_where_the_configuration_says_so(house: House) -> None:
    house.build(SecretsInText.KEEP).decide(asked(f"SELECT '{TOKEN}'"))
    assert house.entries()[0].text == f"SELECT '{TOKEN}'"


def test_a_failing_program_denies_and_is_recorded(house: House) -> None:
    def fail(asked: Asked, now: int, approval: Approval | None) -> Decision:
        raise ZeroDivisionError

    house.policies.judging = fail
    answer = house.gate.decide(asked("SELECT 'x'"))
    assert answer.decision.deny_kind is DenyKind.INTERNAL
    (entry,) = house.entries()
    assert (entry.deny_kind, entry.text) == ("INTERNAL", "SELECT '***'")


# --- holding ----------------------------------------------------------------------------------------------------------


def test_a_hold_opens_a_ticket_that_people_see(house: House) -> None:
    house.policies.decision = HOLD
    answer = house.gate.decide(asked("DELETE FROM orders", parameters=("7", None)))
    assert answer.decision.verdict is Verdict.HOLD
    (ticket,) = house.approvals.pending(house.clock())
    assert (answer.ticket, answer.link) == (ticket.id, f"https://gate/holds/{ticket.id}")
    assert (ticket.text, ticket.reason, ticket.job) == ("DELETE FROM orders", "a DBA looks at it", "build-42")
    assert ticket.shown.operations == ("select (read): public.orders",)
    assert (house.entries()[0].verdict, house.entries()[0].ticket) == ("hold", ticket.id)


async def test_a_grant_releases_the_waiting_command_at_once(house: House) -> None:
    ticket = ticket_of(house)
    waiting = asyncio.create_task(house.gate.fate(ticket))
    while not house.approvals.bell.waiters(ticket):
        await asyncio.sleep(0)
    house.gate.advance(ticket, Approved(BO, "fine"))
    answer = await asyncio.wait_for(waiting, 60)
    assert answer.decision.is_granted
    assert answer.ticket == ticket
    (approval,) = house.policies.approvals
    assert (approval.ticket, approval.approvers, approval.rules) == (ticket, ("bo",), ("p/WRITE",))
    told = [(entry.kind, entry.verdict, entry.step, entry.person) for entry in house.entries()]
    assert told == [
        (Kind.DECISION, "hold", "", ""),
        (Kind.APPROVAL, "granted", "approved", "bo"),
        (Kind.APPROVAL, "granted", "used", ""),
        (Kind.DECISION, "allow", "", ""),
    ]
    assert house.entries()[-1].approvers == ("bo",)


async def test_a_refusal_says_why_to_the_requester(house: House) -> None:
    ticket = ticket_of(house)
    house.gate.advance(ticket, Refused(BO, "use the archive"))
    answer = await house.gate.fate(ticket)
    assert answer.decision.deny_kind is DenyKind.APPROVAL_REFUSED
    assert why(answer.decision) == "the approval was refused by bo: use the archive"
    assert house.entries()[-1].verdict == "deny"


async def test_nobody_in_time_is_a_deny(house: House) -> None:
    ticket = ticket_of(house)
    house.clock.pass_seconds(601)
    answer = await house.gate.fate(ticket)
    assert why(answer.decision) == "the approval was expired: nobody decided in time"
    assert (found := house.approvals.get(ticket)) is not None
    assert found.state is State.EXPIRED


async def test_that_nobody_can_tell_what_became_of_a_hold_is_a_deny_and_recorded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(ticket_id: str, clock: Callable[[], int]) -> None:
        raise StoreUnavailable("the store does not answer")

    ticket = ticket_of(house)
    monkeypatch.setattr(house.approvals, "until_over", silent)
    answer = await house.gate.fate(ticket)
    assert answer.decision.verdict is Verdict.DENY
    assert house.entries()[-1].verdict == "deny"
    assert answer.decision_id


async def test_a_grant_comes_out_once_however_often_it_is_asked_for(house: House) -> None:
    ticket = ticket_of(house)
    house.gate.advance(ticket, Approved(BO))
    answers = await asyncio.gather(*(house.gate.fate(ticket) for _ in range(5)))
    assert [answer.decision.is_granted for answer in answers].count(True) == 1
    assert house.gate.settle(ticket).decision.deny_kind is DenyKind.APPROVAL_REFUSED


async def test_a_changed_policy_supersedes(house: House) -> None:
    ticket = ticket_of(house)
    house.gate.advance(ticket, Approved(BO))
    house.policies.revision = "r2"
    answer = await house.gate.fate(ticket)
    assert why(answer.decision) == "the policy changed while this waited"
    assert (found := house.approvals.get(ticket)) is not None
    assert found.state is State.SUPERSEDED


async def test_a_policy_that_denies_now_denies(house: House) -> None:
    ticket = ticket_of(house)
    house.gate.advance(ticket, Approved(BO))
    house.policies.decision = DENY
    answer = await house.gate.fate(ticket)
    assert answer.decision.deny_kind is DenyKind.RULE
    assert answer.command is not None
    again = house.gate.settle(ticket)
    assert (again.decision, again.decision_id, again.command) == (answer.decision, answer.decision_id, None)


async def test_a_command_that_means_something_else_now_is_not_released(house: House) -> None:
    ticket = ticket_of(house)
    house.gate.advance(ticket, Approved(BO))
    changing = iter([parse(b"DELETE FROM orders", "2")])
    house.policies.judge = lambda asked, now, approval: Judgement(replace(ALLOW, revision="r1"), next(changing))  # type: ignore[method-assign]  # a test's
    answer = await house.gate.fate(ticket)
    assert why(answer.decision) == "the command changed while this waited"


async def test_other_rules_that_hold_now_are_not_covered_by_the_grant(house: House) -> None:
    ticket = ticket_of(house)
    house.gate.advance(ticket, Approved(BO))
    house.policies.judging = lambda asked, now, approval: HOLD
    answer = await house.gate.fate(ticket)
    assert why(answer.decision) == "other rules hold this now"


def test_a_retry_after_the_grant_runs_and_a_second_one_is_held_anew(house: House) -> None:
    ticket = ticket_of(house)
    house.gate.advance(ticket, Approved(BO))
    later = house.build()
    assert later.decide(asked("DELETE FROM orders")).decision.is_granted
    again = later.decide(asked("DELETE FROM orders"))
    assert again.decision.verdict is Verdict.HOLD
    assert again.ticket != ticket


def test_a_retry_before_the_grant_joins_its_ticket_unless_somebody_waits_there(house: House) -> None:
    ticket = ticket_of(house)
    assert ticket_of(house) == ticket
    leave = house.approvals.bell.subscribe(ticket, lambda: None)
    assert ticket_of(house) != ticket
    leave()


async def test_a_grant_is_not_taken_from_who_waits_for_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket, over = ticket_of(house), asyncio.Event()

    async def until_over(waited: str, clock: object) -> None:
        await over.wait()

    monkeypatch.setattr(house.approvals, "until_over", until_over)
    waiting = asyncio.create_task(house.gate.fate(ticket))
    await asyncio.sleep(0)
    house.gate.advance(ticket, Approved(BO))
    other = await told(house.gate.decide_here(asked("DELETE FROM orders")))
    assert other.decision.verdict is Verdict.HOLD
    assert other.ticket != ticket
    over.set()
    assert (await waiting).decision.is_granted


async def test_a_grant_that_nobody_waits_for_any_more_is_for_who_asks_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = ticket_of(house)
    waiting = asyncio.create_task(house.gate.fate(ticket))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    house.gate.advance(ticket, Approved(BO))
    assert (await told(house.gate.decide_here(asked("DELETE FROM orders")))).decision.is_granted


@pytest.mark.parametrize(
    "other",
    [
        asked("DELETE FROM orders "),
        asked("DELETE FROM orders", parameters=("1",)),
        asked("DELETE FROM orders", catalog="other"),
        changed(asked("DELETE FROM orders"), principal=replace(ANA, name="eve")),
        changed(asked("DELETE FROM orders"), resource=replace(ORDERS, name="other")),
        changed(asked("DELETE FROM orders"), resource=replace(ORDERS, database="other")),
        changed(asked("DELETE FROM orders"), session=replace(SESSION, state={"role": "admin"})),
    ],
)
def test_a_grant_is_for_nothing_else(house: House, other: Asked) -> None:
    house.gate.advance(ticket_of(house), Approved(BO))
    assert house.gate.decide(other).decision.verdict is Verdict.HOLD


EVIL = replace(SESSION, id="s-evil", job="evil-job")


def of_prompt(prompt: str | None, job: str = "build-42", session: str = "s-1") -> Asked:
    """The deletion, asked for by a job that a prompt set off."""
    login = Login(ANA, 1 << 62, job=job, prompt=prompt)
    return changed(asked("DELETE FROM orders"), login=login, session=replace(SESSION, id=session, job=job))


@pytest.mark.parametrize(
    "other",
    [
        changed(asked("DELETE FROM orders"), session=EVIL),
        changed(asked("DELETE FROM orders"), session=replace(SESSION, job=None)),
        of_prompt("delete them"),
    ],
    ids=["another job", "no job", "a prompt"],
)
def test_a_grant_is_for_the_job_and_the_prompt_that_asked(house: House, other: Asked) -> None:
    ticket = ticket_of(house)
    house.gate.advance(ticket, Approved(BO))
    for gate in (house.gate, house.build()):
        answer = gate.decide(other)
        assert answer.decision.verdict is Verdict.HOLD
        assert answer.ticket != ticket


def test_a_grant_is_for_one_prompt_of_a_job(house: House) -> None:
    house.policies.decision = HOLD
    ticket = house.gate.decide(of_prompt("settle the orders of March")).ticket
    assert ticket is not None
    house.gate.advance(ticket, Approved(BO))
    assert house.gate.decide(of_prompt("settle all orders")).decision.verdict is Verdict.HOLD
    assert house.gate.decide(of_prompt(None)).decision.verdict is Verdict.HOLD
    assert house.build().decide(of_prompt("settle the orders of March", session="s-2")).decision.is_granted


@pytest.mark.parametrize("elsewhere", [False, True])
def test_another_job_that_asks_the_same_has_a_ticket_of_its_own(house: House, *, elsewhere: bool) -> None:
    ticket = ticket_of(house)
    gate = house.build() if elsewhere else house.gate
    other = gate.decide(changed(asked("DELETE FROM orders"), session=EVIL)).ticket
    assert other is not None
    assert other != ticket
    shown = [house.approvals.get(one) for one in (ticket, other)]
    assert [one.job for one in shown if one is not None] == ["build-42", "evil-job"]
    house.gate.advance(ticket, Approved(BO))
    assert house.gate.settle(ticket).decision.is_granted
    entry = [entry for entry in house.entries() if entry.verdict == "allow"][-1]
    assert (entry.job, entry.session, entry.ticket) == ("build-42", "s-1", ticket)
    assert not gate.settle(other).decision.is_granted


def test_another_session_of_the_same_job_does_not_take_the_place_of_the_one_that_waits(house: House) -> None:
    ticket = ticket_of(house)
    other = house.gate.decide(changed(asked("DELETE FROM orders"), session=replace(SESSION, id="s-2"))).ticket
    assert other != ticket
    house.gate.advance(ticket, Approved(BO))
    assert house.gate.settle(ticket).decision.is_granted
    assert house.entries()[-1].session == "s-1"


def test_what_only_prepares_or_tries_opens_no_ticket(house: House) -> None:
    house.policies.decision = HOLD
    for what in (asked("DELETE", prepares=True), changed(asked("DELETE"), is_dry=True)):
        answer = house.gate.decide(what)
        assert answer.decision.verdict is Verdict.HOLD
        assert answer.ticket is None
    assert house.approvals.recent((), 10) == []
    assert [entry.is_dry for entry in house.entries()] == [False, True]


async def test_a_withdrawn_hold_is_over(house: House) -> None:
    ticket = ticket_of(house)
    house.gate.withdraw(ticket, "the client left")
    house.gate.withdraw(ticket, "again")
    house.gate.withdraw("h-none", "what")
    assert not (await house.gate.fate(ticket)).decision.is_granted
    with pytest.raises(ApprovalConflict):
        house.gate.advance(ticket, Approved(BO))


@pytest.mark.parametrize(
    "hold",
    [
        None,
        Hold((), 600, ("p/W",)),
        Hold(({"groups": ["dba"]},), 0, ("p/W",)),
        Hold(({"anyone": True},), 600, ("p/W",)),
    ],
)
def test_a_hold_that_nobody_could_approve_is_a_deny(house: House, hold: Hold | None) -> None:
    house.policies.decision = replace(HOLD, hold=hold)
    assert house.gate.decide(asked()).decision.deny_kind is DenyKind.APPROVAL_REFUSED


@pytest.mark.parametrize("judged", [Judgement(HOLD, None), Judgement(HOLD, parse(b"DELETE"), exact=False)])
def test_a_hold_of_a_command_whose_own_tree_is_not_known_is_a_deny(house: House, judged: Judgement) -> None:
    house.policies.judge = lambda asked, now, approval: judged  # type: ignore[method-assign]  # a test's
    assert house.gate.decide(asked("DELETE")).decision.reasons[0].code == "NO_TREE"


def test_a_command_decided_by_its_shape_is_recorded_with_its_own_digest_and_text(house: House) -> None:
    house.policies.is_exact = False
    house.gate.decide(asked("SELECT 2"))
    (entry,) = house.entries()
    assert entry.text == "SELECT 2"
    assert entry.digest == hashlib.sha256(b"postgres\0SELECT 2").hexdigest()


def test_what_is_too_long_to_read_is_not_held_but_refused(house: House) -> None:
    house.policies.decision = HOLD
    answer = house.gate.decide(asked("x" * 70_000))
    assert answer.decision.reasons[0].code == "TOO_LONG_TO_APPROVE"


def test_a_hold_that_cannot_be_recorded_leaves_no_open_ticket(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.policies.decision = HOLD
    append, failing = house.log.append, [True]

    def refuse_once(entry: object, **options: object) -> int:
        if failing.pop() if failing else False:
            raise AuditUnavailable("full")
        return append(entry, **options)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(house.log, "append", refuse_once)
    answer = house.gate.decide(asked())
    assert answer.decision.deny_kind is DenyKind.AUDIT_UNAVAILABLE
    assert house.approvals.pending(house.clock()) == []


async def test_a_vote_that_cannot_be_recorded_does_not_count(house: House) -> None:
    ticket = ticket_of(house)
    house.log.close()
    with pytest.raises(AuditUnavailable):
        house.gate.advance(ticket, Approved(BO))
    assert (found := house.approvals.get(ticket)) is not None
    assert found.is_open


async def test_a_hold_asked_for_elsewhere_is_not_settled_here(house: House) -> None:
    ticket = ticket_of(house)
    house.gate.advance(ticket, Approved(BO))
    answer = await house.build().fate(ticket)
    assert not answer.decision.is_granted
    assert (found := house.approvals.get(ticket)) is not None
    assert found.is_usable


async def test_a_dead_store_ends_the_waiting_with_a_deny(house: House) -> None:
    ticket = ticket_of(house)
    house.database.close()
    (house.folder / "store.db").unlink()
    assert not (await house.gate.fate(ticket)).decision.is_granted


def test_what_is_overdue_is_closed_and_recorded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = ticket_of(house)
    house.clock.pass_seconds(5)
    # WHY: it is done every second, and the texts of all that waits may be hundreds of megabytes.
    monkeypatch.setattr(house.approvals, "pending", None)
    house.gate.expire_overdue()
    gauges = [house.gate._meters.holds_open, house.gate._meters.oldest_hold]
    assert [round(next(iter(gauge.collect())).samples[0].value) for gauge in gauges] == [1, 5]
    house.clock.pass_seconds(596)
    house.gate.expire_overdue()
    assert (house.entries()[-1].step, house.entries()[-1].ticket) == ("expired", ticket)


async def test_who_waits_holds_up_no_loop_while_the_store_answers_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.policies.decision = HOLD
    ticket, real = ticket_of(house), house.approvals.get
    inside, let_go = threading.Semaphore(0), threading.Event()

    def held(name: str) -> Ticket | None:
        inside.release()
        assert let_go.wait(20)
        return real(name)

    monkeypatch.setattr(house.approvals, "get", held)
    waiting = asyncio.create_task(house.gate.fate(ticket))
    loop = asyncio.get_running_loop()
    assert await loop.run_in_executor(None, inside.acquire, True, 20)
    # The store is let go of only when the loop has turned so often: one that stands still never comes here.
    for _ in range(50):
        await asyncio.sleep(0)
    assert not let_go.is_set()
    let_go.set()
    while not house.approvals.bell.waiters(ticket):
        assert not waiting.done()
        await asyncio.sleep(0)
    house.gate.advance(ticket, Approved(BO))
    assert (await asyncio.wait_for(waiting, 60)).decision.is_granted


async def test_an_approval_of_another_replica_is_heard_though_no_bell_rang(house: House) -> None:
    house.policies.decision = HOLD
    ticket = ticket_of(house)
    waiting = asyncio.create_task(house.gate.fate(ticket))
    while not house.approvals.bell.waiters(ticket):
        await asyncio.sleep(0)
    Approvals(house.database, Bell()).advance(ticket, Approved(BO), house.clock())
    house.gate.expire_overdue()
    assert (await asyncio.wait_for(waiting, 60)).decision.is_granted


def test_a_denial_without_the_policies_is_recorded_too(house: House) -> None:
    answer = house.gate.deny(asked(), DenyKind.NOT_AUTHENTICATED, "not any more")
    assert why(answer.decision) == "not any more"
    assert house.entries()[0].deny_kind == "NOT_AUTHENTICATED"
    house.log.close()
    assert house.gate.deny(asked(), DenyKind.RULE, "x").decision.deny_kind is DenyKind.AUDIT_UNAVAILABLE


# --- outcomes ---------------------------------------------------------------------------------------------------------


def test_what_became_of_a_command_is_recorded(house: House) -> None:
    house.gate.finished("d-1", Outcome(3, 120, 0.5, "57014"))
    (entry,) = house.entries()
    assert (entry.kind, entry.rows, entry.bytes, entry.error) == (Kind.OUTCOME, 3, 120, "57014")


def test_an_outcome_says_how_often_the_command_went_up_again(house: House) -> None:
    house.gate.finished("d-1", Outcome(0, 9, 0.5, None, 2, 1), "ana", "build-42")
    house.gate.finished("d-2", Outcome(0, 9, 0.5, None, 2))
    again, once = house.entries()
    assert (again.sent_again, again.masked, again.bytes, again.decision_id) == (1, 2, 9, "d-1")
    assert (once.sent_again, once.masked, once.bytes) == (0, 2, 9)


def test_an_outcome_that_cannot_be_recorded_is_counted(house: House) -> None:
    house.log.close()
    house.gate.finished("d-1", Outcome())
    assert b"sallyport_audit_failures_total 1.0" in house.meters.text()


def test_decisions_are_counted(house: House) -> None:
    house.gate.decide(asked())
    house.policies.decision = DENY
    house.gate.decide(asked())
    text = house.meters.text()
    assert b'sallyport_decisions_total{deny_kind="",verdict="allow"} 1.0' in text
    assert b'sallyport_decisions_total{deny_kind="RULE",verdict="deny"} 1.0' in text
    assert question("x").text == b"x"


@pytest.mark.parametrize("state", ["expired", "granted"])
async def test_a_ticket_that_ended_while_its_time_was_looked_at_is_what_it_became(
    house: House, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    ticket = ticket_of(house)
    advance = house.gate.advance

    def late(ticket_id: str, step: Step) -> Ticket:
        monkeypatch.setattr(house.gate, "advance", advance)
        house.clock.now -= 2 * 10**9
        advance(ticket_id, Approved(BO) if state == "granted" else Withdrawn("by somebody else"))
        raise ApprovalConflict("somebody was faster", code="TICKET_CLOSED")

    house.clock.pass_seconds(601)
    monkeypatch.setattr(house.gate, "advance", late)
    answer = await house.gate.fate(ticket)
    assert answer.decision.is_granted is (state == "granted")
    assert answer.decision.deny_kind is (None if state == "granted" else DenyKind.APPROVAL_REFUSED)


async def test_a_ticket_that_cannot_be_closed_is_a_deny(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def contended(ticket_id: str, step: Step) -> Ticket:
        raise ApprovalConflict("too many at once", code="CONTENDED")

    ticket = ticket_of(house)
    house.clock.pass_seconds(601)
    monkeypatch.setattr(house.gate, "advance", contended)
    assert not (await house.gate.fate(ticket)).decision.is_granted


# --- what a held statement would touch --------------------------------------------------------------------------------


class Asks:
    """An estimating whose answers a test gives when it likes."""

    def __init__(self, first: Estimate | None = PENDING) -> None:
        self.answer = first
        self.begun: list[tuple[str, Callable[[str, Estimate], None]]] = []

    def first(self, asked: Asked, command: ParsedCommand) -> Estimate | None:
        return self.answer

    def begin(
        self, ticket_id: str, asked: Asked, command: ParsedCommand, told: Callable[[str, Estimate], None]
    ) -> None:
        self.begun.append((ticket_id, told))


def test_a_held_statement_is_asked_about_once_and_the_answer_is_shown(house: House) -> None:
    asks = Asks()
    gate = house.build(estimating=asks)  # type: ignore[arg-type]  # by its shape
    house.policies.decision = HOLD
    answer = gate.decide(asked("DELETE FROM orders"))
    again = gate.decide(asked("DELETE FROM orders"))
    ((ticket_id, told),) = asks.begun
    assert answer.ticket == again.ticket == ticket_id
    told(ticket_id, Estimate(40))
    ticket = house.approvals.get(ticket_id)
    assert ticket is not None
    assert ticket.shown.estimate == Estimate(40)
    assert (house.entries()[-1].step, house.entries()[-1].verdict) == ("estimated", "requested")
    gate.advance(ticket_id, Refused(BO, "no"))
    told(ticket_id, Estimate(41))
    assert house.entries()[-1].step == "refused", "what comes too late changes nothing"


@pytest.mark.parametrize("first", [None, no_estimate("why not")])
def test_what_no_planner_is_asked_about_is_held_all_the_same(house: House, first: Estimate | None) -> None:
    asks = Asks(first)
    gate = house.build(estimating=asks)  # type: ignore[arg-type]  # by its shape
    house.policies.decision = HOLD
    ticket = house.approvals.get(gate.decide(asked("DELETE FROM orders")).ticket or "")
    assert ticket is not None
    assert (ticket.shown.estimate, asks.begun) == (first, [])
