"""What callers get: a decision to the bytes of a DecideResponse, and back for the client.

An answer that cannot be said in full is not said in part: what a message cannot hold raises CallRefused, and the service
answers deny instead.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import assert_never

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

from engine.decision import Decision, DenyKind, Hold, Location, MaskItem, Reason, Verdict
from engine.request import Json
from gateway.rpc.codec.obligations import read_obligation, write_obligation
from gateway.rpc.codec.questions import parsed
from gateway.rpc.codec.values import read_map, write_map
from gateway.rpc.ports import RuleTrace
from gateway.rpc.refusals import bad_input
from grpc_proto.sallyport.decision.v1 import decision_pb2 as pb

_VERDICTS: dict[int, Verdict] = {pb.Verdict.Value(verdict.name): verdict for verdict in Verdict}
_VERDICT_NUMBERS = {verdict: pb.Verdict.ValueType(number) for number, verdict in _VERDICTS.items()}
_KINDS: dict[int, DenyKind] = {pb.DenyKind.Value(kind.name): kind for kind in DenyKind}
_KIND_NUMBERS = {kind: pb.DenyKind.ValueType(number) for number, kind in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class Shown:
    """How much of the why this caller is shown."""

    reasons: bool
    details: bool


@dataclass(frozen=True, slots=True)
class Particulars:
    """What of an answer is this question's own, beside its decision. `expires_at` is UTC nanoseconds, `cache_ttl` milliseconds."""

    decision_id: str
    input_digest: str = ""
    ticket: str | None = None
    link: str | None = None
    expires_at: int = 0
    cache_ttl: int = 0
    trace: Sequence[RuleTrace] = ()


@dataclass(frozen=True, slots=True)
class TracedRule:
    """One candidate rule and what became of it."""

    rule: str
    matched: bool
    condition: str
    location: Location | None
    values: Mapping[str, Json]


class AnswerWriter:
    """Writes answers; keeps the bytes of decisions that come again (the gate's own cache hands out the same object)."""

    _KEPT = 1_024

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[tuple[int, Shown], tuple[Decision, bytes]] = OrderedDict()

    def write(self, decision: Decision, particulars: Particulars, shown: Shown) -> bytes:
        """The bytes of one answer. Raises CallRefused for a decision that the message cannot hold."""
        response = pb.DecideResponse(
            decision_id=particulars.decision_id,
            input_digest=particulars.input_digest,
            cache_ttl=particulars.cache_ttl,
        )
        if decision.hold is not None:
            _write_hold(response.hold, decision.hold, particulars)
        for rule in particulars.trace:
            _write_trace(response.trace.add(), rule)
        # WHY: two serialized messages behind each other are their union, so the part that belongs to the decision is
        # written once and the part that belongs to the question each time.
        return self._lasting(decision, shown) + response.SerializeToString()

    def _lasting(self, decision: Decision, shown: Shown) -> bytes:
        if not decision.cacheable:
            return _lasting(decision, shown)
        key = (id(decision), shown)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
        # INVARIANT: the object is kept with its bytes, so its id cannot have come to mean another.
        if kept is not None and kept[0] is decision:
            return kept[1]
        written = _lasting(decision, shown)
        with self._lock:
            self._kept[key] = (decision, written)
            while len(self._kept) > self._KEPT:
                self._kept.popitem(last=False)
        return written


def _lasting(decision: Decision, shown: Shown) -> bytes:
    response = pb.DecideResponse(
        verdict=_VERDICT_NUMBERS[decision.verdict],
        revision=decision.revision,
        masks_in_force=decision.masks_in_force,
    )
    if decision.deny_kind is not None:
        response.deny_kind = _KIND_NUMBERS[decision.deny_kind]
    if shown.reasons:
        for reason in decision.reasons:
            _write_reason(response.reasons.add(), reason, shown)
    for item in decision.mask_plan:
        into = response.mask_plan.add(
            output=item.output,
            path=item.path,
            origins=item.origins,
            method=item.method,
            rules=item.rules,
            values=item.values,
        )
        write_map(into.params, item.params)
    for obligation in decision.obligations:
        write_obligation(response.obligations.add(), obligation)
    return response.SerializeToString()


def _write_reason(into: pb.Reason, reason: Reason, shown: Shown) -> None:
    into.rule, into.kind, into.code = reason.rule, reason.kind, reason.code
    into.reason, into.hint = reason.reason, reason.hint
    if reason.location is not None:
        into.location.file, into.location.line = reason.location.file, reason.location.line
    if shown.details:
        into.detail = reason.detail


def _write_hold(into: pb.Hold, hold: Hold, particulars: Particulars) -> None:
    into.ticket_id = particulars.ticket or ""
    into.link = particulars.link or ""
    into.expires_at = particulars.expires_at
    into.rules.extend(hold.rules)
    into.may_withdraw = hold.may_withdraw
    write_approvers(into.approvers, hold.approvers)


def write_approvers(into: RepeatedCompositeFieldContainer[pb.Approvers], demands: Sequence[Mapping[str, Json]]) -> None:
    """Fill the list of who must approve. Raises CallRefused for a demand of another shape."""
    for demand in demands:
        # WHY escalations are left out: who is told later is nothing that whoever asks could do anything about.
        if demand.keys() - {"groups", "users", "quorum", "escalate"}:
            raise bad_input("approvers: a demand of an unknown shape")
        quorum = demand.get("quorum", 1)
        if not isinstance(quorum, int) or isinstance(quorum, bool):
            raise bad_input("approvers: a quorum that is no number")
        into.add(groups=_strings(demand.get("groups")), users=_strings(demand.get("users")), quorum=quorum)


def read_approvers(message: Sequence[pb.Approvers]) -> tuple[Mapping[str, Json], ...]:
    """The demands of a list of approvers."""
    return tuple(
        {"groups": [*each.groups], "users": [*each.users], "quorum": each.quorum}  # a copy, of our own types
        for each in message
    )


def _strings(value: Json) -> list[str]:
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [str(item) for item in value]
    raise bad_input("approvers: names that are no list of texts")


def _write_trace(into: pb.RuleTrace, rule: RuleTrace) -> None:
    into.rule, into.matched, into.condition = rule.rule, rule.matched, rule.condition
    if rule.location is not None:
        into.location.file, into.location.line = rule.location.file, rule.location.line
    write_map(into.values, rule.values)


def join_answers(answers: Sequence[bytes]) -> bytes:
    """A DecideBatchResponse of answers that are written already."""
    response = pb.DecideBatchResponse()
    for answer in answers:
        response.answers.add().MergeFromString(answer)
    return response.SerializeToString()


def read_answer(data: bytes) -> tuple[Decision, Particulars]:
    """The answer of a DecideResponse. Raises CallRefused for one that does not say clearly what to do."""
    return answer_of(parsed(pb.DecideResponse, data))


def answer_of(message: pb.DecideResponse) -> tuple[Decision, Particulars]:
    """The answer of a message that stands in another one."""
    if message.verdict not in _VERDICTS:
        raise bad_input("verdict: no such number")
    verdict = _VERDICTS[message.verdict]
    if message.deny_kind not in _KINDS and (verdict is Verdict.DENY or message.deny_kind != pb.NOT_DENIED):
        raise bad_input("deny_kind: missing, or no such number")
    decision = Decision(
        verdict=verdict,
        deny_kind=_KINDS.get(message.deny_kind),
        reasons=tuple(_reason(reason) for reason in message.reasons),
        mask_plan=tuple(_mask_item(item) for item in message.mask_plan),
        obligations=tuple(read_obligation(obligation) for obligation in message.obligations),
        hold=_hold(message.hold) if message.HasField("hold") else None,
        revision=message.revision,
        cacheable=message.cache_ttl > 0,
        masks_in_force=message.masks_in_force,
    )
    _check_whole(decision)
    return decision, Particulars(
        decision_id=message.decision_id,
        input_digest=message.input_digest,
        ticket=message.hold.ticket_id or None,
        link=message.hold.link or None,
        expires_at=message.hold.expires_at,
        cache_ttl=message.cache_ttl,
        trace=tuple(_trace(rule) for rule in message.trace),
    )


def _check_whole(decision: Decision) -> None:
    """An answer must hold what its verdict speaks of."""
    match decision.verdict:
        case Verdict.MASK if not decision.mask_plan:
            raise bad_input("verdict mask without a mask plan")
        case Verdict.HOLD if decision.hold is None:
            raise bad_input("verdict hold without a hold")
        case Verdict.ALLOW if decision.mask_plan:
            raise bad_input("verdict allow with a mask plan")
        case Verdict.MASK | Verdict.HOLD | Verdict.ALLOW | Verdict.DENY:
            return
        case other:
            assert_never(other)


def _reason(message: pb.Reason) -> Reason:
    return Reason(
        rule=message.rule,
        kind=message.kind,
        code=message.code,
        reason=message.reason,
        detail=message.detail,
        hint=message.hint,
        location=_location(message.location) if message.HasField("location") else None,
    )


def _location(message: pb.Location) -> Location:
    return Location(message.file, message.line)


def _mask_item(message: pb.MaskItem) -> MaskItem:
    return MaskItem(
        output=message.output if message.HasField("output") else None,
        origins=tuple(message.origins),
        method=message.method,
        params=read_map(message.params, "mask_plan.params"),
        rules=tuple(message.rules),
        path=message.path if message.HasField("path") else None,
        values=tuple(message.values),
    )


def _hold(message: pb.Hold) -> Hold:
    return Hold(
        approvers=read_approvers(message.approvers),
        expires=0,  # the answer says when, not how long; see Particulars.expires_at
        rules=tuple(message.rules),
        may_withdraw=message.may_withdraw,
    )


def _trace(message: pb.RuleTrace) -> TracedRule:
    return TracedRule(
        rule=message.rule,
        matched=message.matched,
        condition=message.condition,
        location=_location(message.location) if message.HasField("location") else None,
        values=read_map(message.values, "trace.values"),
    )
