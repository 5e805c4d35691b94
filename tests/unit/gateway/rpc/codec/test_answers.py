"""Answers through messages and back, what is shown to whom, and what a client does not accept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from engine.decision import Decision, DenyKind, Hold, Location, MaskItem, Obligation, Reason, Verdict
from gateway.rpc.codec.answers import AnswerWriter, Particulars, Shown, TracedRule, join_answers, read_answer
from gateway.rpc.refusals import CallRefused
from grpc_proto.sallyport.decision.v1 import decision_pb2 as pb

ALL = Shown(reasons=True, details=True)
REASON = Reason("demo/PAN", "mask", "PAN", "cards are masked", "PCI 3.4", "ask for pci", Location("demo.gate", 12))
MASKED = Decision(
    verdict=Verdict.MASK,
    deny_kind=None,
    reasons=(REASON,),
    masks_in_force=True,
    mask_plan=(
        MaskItem(0, ("billing.cards.pan",), "partial", {"keep_last": 4, "char": "*"}, ("demo/PAN",)),
        MaskItem(None, (), "redact", {}, ("demo/MAIL",), path="$.email"),
        MaskItem(1, ("crm.notes.body",), "redact", {}, ("demo/KEYS",), values=("pii.email", "secret.github_token")),
    ),
    obligations=(Obligation("rows", 10, "demo/CAP"),),
    revision="r7",
)
HELD = Decision(
    verdict=Verdict.HOLD,
    deny_kind=None,
    hold=Hold(({"groups": ["dba"], "users": ["dora"], "quorum": 2},), 0, ("demo/W",), may_withdraw=False),
    revision="r7",
)


@pytest.mark.parametrize(
    "decision",
    [
        MASKED,
        HELD,
        replace(MASKED, verdict=Verdict.ALLOW, mask_plan=()),
        *(Decision(deny_kind=kind) for kind in DenyKind),
    ],
    ids=str,
)
def test_a_decision_comes_back_as_it_was(decision: Decision) -> None:
    particulars = Particulars("d-1", "ab" * 32, expires_at=0)
    if decision.hold is not None:
        particulars = Particulars("d-1", "ab" * 32, "t-1", "https://console/t-1", 99)
    assert read_answer(AnswerWriter().write(decision, particulars, ALL)) == (decision, particulars)


def test_the_empty_message_is_a_deny() -> None:
    assert pb.DecideResponse().verdict == pb.DENY == 0


def test_reasons_are_left_out_and_details_kept_from_those_who_may_not_see_them() -> None:
    writer = AnswerWriter()
    none, _ = read_answer(writer.write(MASKED, Particulars("d"), Shown(reasons=False, details=True)))
    some, _ = read_answer(writer.write(MASKED, Particulars("d"), Shown(reasons=True, details=False)))
    assert none.reasons == ()
    assert none.mask_plan == MASKED.mask_plan
    assert some.reasons == (replace(REASON, detail=""),)


def test_a_decision_that_comes_again_is_written_once_for_each_kind_of_caller() -> None:
    writer = AnswerWriter()
    decision = replace(MASKED, cacheable=True)
    first = writer.write(decision, Particulars("d-1"), ALL)
    second = writer.write(decision, Particulars("d-2"), ALL)
    less = writer.write(decision, Particulars("d-2"), Shown(reasons=True, details=False))
    assert b"PCI 3.4" in first
    assert b"PCI 3.4" not in less
    assert read_answer(second)[1].decision_id == "d-2"
    assert read_answer(first)[0] == read_answer(second)[0]


def test_more_decisions_than_are_kept_are_all_answered() -> None:
    writer = AnswerWriter()
    many = [replace(MASKED, cacheable=True, revision=str(number)) for number in range(1_500)]
    for _ in range(2):
        for number, decision in enumerate(many):
            assert read_answer(writer.write(decision, Particulars("d"), ALL))[0].revision == str(number)


def test_a_trace_comes_back_as_it_was() -> None:
    rule = TracedRule(
        "demo/X", False, 'op.effect == "read"', Location("demo.rego", 3), {"op.effect": "write", "n": None}
    )
    data = AnswerWriter().write(MASKED, Particulars("d", trace=(rule, replace(rule, location=None))), ALL)
    assert read_answer(data)[1].trace == (rule, replace(rule, location=None))


def test_a_batch_holds_its_answers_in_order() -> None:
    writer = AnswerWriter()
    data = join_answers([writer.write(decision, Particulars("d"), ALL) for decision in (MASKED, Decision())])
    assert [answer.verdict for answer in pb.DecideBatchResponse.FromString(data).answers] == [pb.MASK, pb.DENY]


def test_what_a_message_cannot_hold_is_refused_not_shortened() -> None:
    writer = AnswerWriter()
    with pytest.raises(CallRefused):
        writer.write(replace(MASKED, obligations=(Obligation("teleport", 1, "r"),)), Particulars("d"), ALL)
    with pytest.raises(CallRefused):
        writer.write(replace(MASKED, mask_plan=(MaskItem(0, (), "hash", {"x": 1 << 64}),)), Particulars("d"), ALL)
    assert HELD.hold is not None
    for demand in ({"pets": []}, {"quorum": "2"}, {"groups": "dba"}, {"users": [1]}):
        with pytest.raises(CallRefused):
            writer.write(replace(HELD, hold=replace(HELD.hold, approvers=(demand,))), Particulars("d"), ALL)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.MergeFromString(b"\x10\x63"),
        lambda m: setattr(m, "verdict", pb.DENY),
        lambda m: m.MergeFromString(b"\x18\x63"),
        lambda m: m.ClearField("mask_plan"),
        lambda m: setattr(m, "verdict", pb.HOLD),
        lambda m: setattr(m, "verdict", pb.ALLOW),
        lambda m: m.obligations.add(),
        lambda m: m.MergeFromString(b"\xf8\x07\x01"),
    ],
    ids=[
        "verdict 99",
        "deny of no kind",
        "kind 99",
        "mask without plan",
        "hold without hold",
        "allow with masks",
        "obligation",
        "field",
    ],
)
def test_a_client_takes_no_answer_that_it_does_not_understand(change: Callable[[pb.DecideResponse], object]) -> None:
    message = pb.DecideResponse.FromString(AnswerWriter().write(MASKED, Particulars("d"), ALL))
    change(message)
    with pytest.raises(CallRefused):
        read_answer(message.SerializeToString())


def test_every_verdict_and_every_kind_of_deny_has_its_number() -> None:
    assert set(pb.Verdict.keys()) == {verdict.name for verdict in Verdict}
    assert set(pb.DenyKind.keys()) == {kind.name for kind in DenyKind} | {"NOT_DENIED"}
