"""The decision service in front of a stand-in gate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from adapters.core.ports import Question
from engine.command.tree import ParsedCommand
from engine.decision import Decision, DenyKind, Obligation, Verdict
from engine.request import Principal, Resource, Session
from gateway.identity.logins import Login
from gateway.rpc.codec import asking
from gateway.rpc.codec.answers import read_answer
from gateway.rpc.codec.asking import Query
from gateway.rpc.codec.questions import Detail, Names, Raw
from gateway.rpc.decision_service import DecisionService
from gateway.rpc.identity import Caller
from gateway.rpc.mailbox import Mailbox
from gateway.rpc.refusals import CallRefused, Cause
from tests.rpc_stand_ins import ADAPTER, AGENT, ALLOWED, ASKER, StandIns, tree

SELECT = Raw("postgres", b"select 1")
ANA = Query(Resource("orders", "postgres"), Principal("ana"), Session("s-1"), {"hour": 11})


def served(ttl: int = 0) -> tuple[StandIns, DecisionService]:
    stand_ins = StandIns()
    return stand_ins, DecisionService(stand_ins.ports, lambda: 0.0, cache_ttl=ttl)


def refused(ask: Callable[[], object]) -> CallRefused:
    with pytest.raises(CallRefused) as caught:
        ask()
    return caught.value


BILLING = Resource("billing", "postgres")
NARROW = Caller(
    AGENT.principal,
    frozenset(),
    Login(
        *(AGENT.principal, 1),
        token="t-1",
        resources=frozenset({"orders"}),
        effects=frozenset({"read"}),
        job="build-42",
    ),
)


def test_the_gate_is_asked_what_the_caller_asked() -> None:
    stand_ins, service = served()
    raw = Raw("postgres", b"select $1", ("7", None), Names(("public",), {"public.orders": ("id",)}))
    service.decide(asking.write_question(raw, replace(ANA, dry_run=True)), ADAPTER)
    (asked,) = stand_ins.gate.asked
    assert asked.question == Question(
        "postgres", b"select $1", catalog=(("public",), {"public.orders": ("id",)}), parameters=("7", None)
    )
    assert (asked.principal, asked.session, asked.resource) == (ANA.principal, ANA.session, ANA.resource)
    assert (asked.context, asked.caller, asked.dry_run) == ({"hour": 11}, "pg-adapter", True)


def test_a_tree_goes_to_the_gate_as_a_tree() -> None:
    stand_ins, service = served()
    service.decide(asking.write_question(tree("select 1"), ANA), ADAPTER)
    question = stand_ins.gate.asked[0].question
    assert isinstance(question, ParsedCommand)
    assert question.command == tree("select 1")


@pytest.mark.parametrize(
    ("text", "verdict"), [(b"select 1", Verdict.ALLOW), (b"update x", Verdict.HOLD), (b"drop x", Verdict.DENY)]
)
def test_the_answer_is_the_gates(text: bytes, verdict: Verdict) -> None:
    _, service = served()
    decision, particulars = read_answer(service.decide(asking.write_question(Raw("postgres", text), ANA), ADAPTER))
    assert decision.verdict is verdict
    assert particulars.decision_id == "d-1"
    assert len(particulars.input_digest) == 64


def test_a_hold_names_its_ticket_and_when_it_expires() -> None:
    _, service = served()
    message = asking.write_question(Raw("postgres", b"update x"), ANA)
    _, particulars = read_answer(service.decide(message, ADAPTER))
    assert (particulars.ticket, particulars.link) == ("t-1", "https://console/t-1")
    assert particulars.expires_at == 900_000_001_000


def test_a_hold_whose_ticket_is_gone_is_still_a_hold() -> None:
    stand_ins, service = served()
    stand_ins.approvals.held = replace(stand_ins.approvals.held, id="t-2")
    decision, particulars = read_answer(
        service.decide(asking.write_question(Raw("postgres", b"update x"), ANA), ADAPTER)
    )
    assert decision.verdict is Verdict.HOLD
    assert particulars.expires_at == 0


def test_reasons_come_when_asked_for_and_details_to_those_who_may() -> None:
    _, service = served()
    for detail, caller, reasons, admin in (
        (Detail.NONE, ADAPTER, 0, ""),
        (Detail.REASONS, ADAPTER, 1, "for the admin"),
        (Detail.REASONS, ASKER, 1, ""),
    ):
        message = asking.write_question(SELECT, replace(ANA, detail=detail))
        decision, _ = read_answer(service.decide(message, caller))
        assert len(decision.reasons) == reasons
        assert not reasons or decision.reasons[0].detail == admin


def test_a_trace_comes_when_asked_for() -> None:
    _, service = served()
    message = asking.write_question(SELECT, replace(ANA, detail=Detail.TRACE))
    assert [rule.rule for rule in read_answer(service.decide(message, ADAPTER))[1].trace] == ["demo/READERS"]


def test_answers_may_be_kept_only_when_configured_and_only_those_that_do_not_change() -> None:
    _, service = served(ttl=5_000)

    def ttl(text: bytes, *, dry_run: bool = False) -> int:
        message = asking.write_question(Raw("postgres", text), replace(ANA, dry_run=dry_run))
        return read_answer(service.decide(message, ADAPTER))[1].cache_ttl

    assert ttl(b"select 1") == 5_000
    assert ttl(b"select 1", dry_run=True) == 0
    assert ttl(b"update x") == 0
    assert ttl(b"drop x") == 0
    _, never = served()
    assert read_answer(never.decide(asking.write_question(SELECT, ANA), ADAPTER))[1].cache_ttl == 0


def test_the_same_bytes_are_asked_anew_each_time() -> None:
    stand_ins, service = served()
    message = asking.write_question(SELECT, ANA)
    ids = [read_answer(service.decide(message, ADAPTER))[1].decision_id for _ in range(3)]
    assert ids == ["d-1", "d-2", "d-3"]
    assert len(stand_ins.gate.asked) == 3


def test_the_same_bytes_from_another_caller_are_judged_by_its_own_rights() -> None:
    _, service = served()
    message = asking.write_question(SELECT, ANA)
    service.decide(message, ADAPTER)
    assert refused(lambda: service.decide(message, AGENT)).code == "NOT_PERMITTED"


def test_many_different_questions_are_all_answered() -> None:
    stand_ins, service = served()
    for _ in range(2):
        for number in range(1_100):
            service.decide(asking.write_question(Raw("postgres", b"select %d" % number), ANA), ADAPTER)
    assert len({asked.question.text for asked in stand_ins.gate.asked if isinstance(asked.question, Question)}) == 1_100


def test_a_request_id_makes_the_answer_lasting() -> None:
    stand_ins, service = served()
    message = asking.write_question(SELECT, replace(ANA, request_id="q-1"))
    assert service.decide(message, ADAPTER) == service.decide(message, ADAPTER)
    assert len(stand_ins.gate.asked) == 1
    other = asking.write_question(Raw("postgres", b"drop x"), replace(ANA, request_id="q-1"))
    refusal = refused(lambda: service.decide(other, ADAPTER))
    assert refusal.cause is Cause.ID_TAKEN
    assert len(stand_ins.gate.asked) == 1
    service.decide(other, ASKER)
    assert len(stand_ins.gate.asked) == 2


def test_an_answer_by_an_older_policy_is_refused_when_a_newer_is_wanted() -> None:
    stand_ins, service = served()
    message = asking.write_question(SELECT, replace(ANA, min_revision="r2"))
    refusal = refused(lambda: service.decide(message, ADAPTER))
    assert (refusal.cause, refusal.code) == (Cause.WRONG_STATE, "STALE_POLICY")
    assert stand_ins.gate.asked == []
    stand_ins.policies.change("r2")
    service.decide(message, ADAPTER)
    stand_ins.policies.change("r3")
    service.decide(message, ADAPTER)
    decision, _ = read_answer(
        service.decide_in_stream(asking.write_question(SELECT, replace(ANA, min_revision="r9")), ADAPTER)
    )
    assert (decision.verdict, decision.deny_kind) == (Verdict.DENY, DenyKind.STALE_POLICY)


def test_a_catalog_that_is_none_is_refused() -> None:
    _, service = served()
    raw = Raw("postgres", b"select 1", names=Names((), {"orders": ("id",)}))
    with pytest.raises(Exception, match="without a schema") as caught:
        service.decide(asking.write_question(raw, ANA), ADAPTER)
    assert getattr(caught.value, "code", "") == "INPUT_INVALID"


def test_a_decision_that_cannot_be_said_is_denied_and_recorded() -> None:
    stand_ins, service = served()
    stand_ins.gate.answers[b"select 1"] = replace(ALLOWED, obligations=(Obligation("teleport", 1, "r"),))
    decision, particulars = read_answer(service.decide(asking.write_question(SELECT, ANA), ADAPTER))
    assert (decision.verdict, decision.deny_kind) == (Verdict.DENY, DenyKind.OBLIGATION_UNKNOWN)
    assert particulars.decision_id == "d-1"
    assert stand_ins.gate.codes() == ["OBLIGATION_UNKNOWN"]


def batch_answers(service: DecisionService, data: bytes, caller: Caller = ADAPTER) -> list[Decision]:
    return [decision for decision, _ in asking.read_batch_answers(service.decide_batch(data, caller))]


def test_a_batch_is_answered_item_by_item_and_fails_closed_one_by_one() -> None:
    stand_ins, service = served()
    whats = [SELECT, Raw("", b"select 1"), Raw("postgres", b"update x"), tree("select 2")]
    decisions = batch_answers(service, asking.write_batch(whats, ANA))
    assert [decision.verdict for decision in decisions] == [Verdict.ALLOW, Verdict.DENY, Verdict.HOLD, Verdict.ALLOW]
    assert decisions[1].deny_kind is DenyKind.INPUT_INVALID
    assert stand_ins.gate.codes() == ["INPUT_INVALID"]
    assert all(asked.principal == ANA.principal for asked in stand_ins.gate.asked)


def test_an_item_that_a_caller_may_not_ask_is_denied_alone() -> None:
    stand_ins, service = served()
    decisions = batch_answers(service, asking.write_batch([SELECT, tree("select 1")], ANA), ASKER)
    assert [decision.verdict for decision in decisions] == [Verdict.ALLOW, Verdict.DENY]
    assert stand_ins.gate.codes() == ["NOT_PERMITTED"]


def test_when_the_audit_fails_the_deny_says_so_and_nothing_of_why() -> None:
    stand_ins, service = served()
    stand_ins.gate.audit_fails = True
    (decision,) = batch_answers(service, asking.write_batch([Raw("", b"x")], ANA))
    assert decision.deny_kind is DenyKind.AUDIT_UNAVAILABLE
    assert "secret" not in decision.reasons[0].reason


def test_a_batch_has_one_answer_for_one_id() -> None:
    stand_ins, service = served()
    data = asking.write_batch([SELECT, SELECT], replace(ANA, request_id="q-1"))
    assert service.decide_batch(data, ADAPTER) == service.decide_batch(data, ADAPTER)
    assert len(stand_ins.gate.asked) == 2
    other = asking.write_batch([SELECT], replace(ANA, request_id="q-1"))
    assert refused(lambda: service.decide_batch(other, ADAPTER)).cause is Cause.ID_TAKEN
    stale = asking.write_batch([SELECT], replace(ANA, min_revision="r2"))
    assert refused(lambda: service.decide_batch(stale, ADAPTER)).code == "STALE_POLICY"


def test_a_stream_goes_on_after_garbage() -> None:
    stand_ins, service = served()
    messages = [b"\xff\xff", asking.write_question(SELECT, ANA), b""]
    answers = [read_answer(service.decide_in_stream(message, ADAPTER))[0] for message in messages]
    assert [answer.verdict for answer in answers] == [Verdict.DENY, Verdict.ALLOW, Verdict.DENY]
    assert stand_ins.gate.codes() == ["MESSAGE_MALFORMED", "INPUT_INVALID"]


def test_a_text_is_parsed_for_everybody() -> None:
    _, service = served()
    data = service.parse(asking.write_parse(SELECT), AGENT)
    assert asking.read_parsed(data) == tree("select 1")


def test_a_watcher_is_told_the_revision_and_each_new_one_once() -> None:
    stand_ins, service = served()
    box: Mailbox[str] = Mailbox(1)
    told = service.watch(b"", AGENT, box)
    assert asking.read_revision(next(told)) == "r1"
    stand_ins.policies.change("r2")
    assert asking.read_revision(next(told)) == "r2"
    stand_ins.policies.change("r2")
    stand_ins.policies.change("r3")
    assert asking.read_revision(next(told)) == "r3"
    box.close()
    assert [*told] == []
    assert stand_ins.policies.listeners == []


def test_every_method_of_the_schema_has_a_handler() -> None:
    from gateway.rpc.arrivals import Arrivals
    from gateway.rpc.calls import Reception
    from gateway.rpc.identity import OneCaller
    from grpc_proto.sallyport.decision.v1 import decision_pb2

    stand_ins, service = served()
    schema = decision_pb2.DESCRIPTOR.services_by_name["DecisionService"]
    assert set(service.handlers(Reception(OneCaller(AGENT), stand_ins.gate, Arrivals(lambda: 0.0)))) == set(
        schema.methods_by_name
    )


def test_what_a_token_asks_goes_to_the_gate_within_its_limits() -> None:
    stand_ins, service = served()
    message = asking.write_question(SELECT, Query(Resource("orders", "postgres")))
    service.decide(message, NARROW)
    asked = stand_ins.gate.asked[0]
    assert (asked.login, asked.session.job, asked.principal) == (NARROW.login, "build-42", AGENT.principal)
    assert refused(lambda: service.decide(asking.write_question(SELECT, Query(BILLING)), NARROW)).cause is (
        Cause.NOT_PERMITTED
    )


def test_an_answer_given_to_one_token_is_not_anothers() -> None:
    """The same principal, the same question, the same id: what a wide token may, a narrow one is not told."""
    stand_ins, service = served()
    wide = replace(NARROW, login=replace(NARROW.login, token="t-2", effects=None))  # type: ignore[type-var]  # it has one
    for message, decide in (
        (asking.write_question(SELECT, Query(Resource("orders", "postgres"), request_id="q-1")), service.decide),
        (asking.write_batch([SELECT], Query(Resource("orders", "postgres"), request_id="q-2")), service.decide_batch),
    ):
        before = len(stand_ins.gate.asked)
        for caller in (AGENT, wide, NARROW, wide, NARROW, AGENT):
            decide(message, caller)
        assert [asked.login for asked in stand_ins.gate.asked[before:]] == [None, wide.login, NARROW.login]
