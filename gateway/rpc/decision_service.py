"""`sallyport.decision.v1.DecisionService`: asks the gate on behalf of callers. Decides nothing itself.

A single question that is none gets a status; one in a batch or a stream gets a deny in its place, so that the others are
answered. Both are recorded.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from threading import Lock

import grpc

from adapters.core.ports import Answer, Question
from engine.command.tree import ParsedCommand
from engine.decision import Decision, DenyKind, Reason, Verdict
from engine.errors import EngineError
from gateway.errors import GatewayError
from gateway.rpc.answered import AnsweredQuestions
from gateway.rpc.calls import ExchangeCall, Reception, StreamCall, UnaryCall
from gateway.rpc.codec.answers import AnswerWriter, Particulars, Shown, join_answers
from gateway.rpc.codec.asking import write_parsed, write_revision
from gateway.rpc.codec.questions import (
    Asked,
    Detail,
    Raw,
    read_batch,
    read_parse,
    read_question,
    read_watch,
)
from gateway.rpc.identity import Caller
from gateway.rpc.mailbox import Mailbox
from gateway.rpc.permissions import Subject, subject_of
from gateway.rpc.ports import ApprovalPort, DecisionPort, PolicyPort, RuleTrace
from gateway.rpc.refusals import CallRefused, Cause, refusal_of

NAME = "sallyport.decision.v1.DecisionService"
_PREFIX = f"/{NAME}/"
_DENY_KINDS = {"STALE_POLICY": DenyKind.STALE_POLICY, "OBLIGATION_UNKNOWN": DenyKind.OBLIGATION_UNKNOWN}


@dataclass(frozen=True, slots=True)
class DecisionPorts:
    """What the service stands on."""

    gate: DecisionPort
    policies: PolicyPort
    approvals: ApprovalPort


class DecisionService:
    """One for the whole program; every socket's handlers lead here."""

    def __init__(self, ports: DecisionPorts, clock: Callable[[], float], *, cache_ttl: int = 0) -> None:
        """`cache_ttl`: for how many milliseconds callers may use an answer again; 0, because what is used again is not recorded."""
        self._gate = ports.gate
        self._policies = ports.policies
        self._approvals = ports.approvals
        self._cache_ttl = cache_ttl
        self._answered = AnsweredQuestions(clock)
        self._writer = AnswerWriter()
        self._questions = _Questions()

    def handlers(self, reception: Reception) -> Mapping[str, grpc.RpcMethodHandler[bytes, bytes]]:
        """The handlers for one socket, by method name."""
        one, many = UnaryCall(reception, _PREFIX + "Decide", self.decide), _PREFIX + "DecideBatch"
        stream = ExchangeCall(reception, _PREFIX + "DecideStream", self.decide_in_stream)
        watch: StreamCall[str] = StreamCall(reception, _PREFIX + "Watch", self.watch, room=1)
        return {
            "Decide": grpc.stream_unary_rpc_method_handler(one),
            "DecideBatch": grpc.stream_unary_rpc_method_handler(UnaryCall(reception, many, self.decide_batch)),
            "DecideStream": grpc.stream_stream_rpc_method_handler(stream),
            "Parse": grpc.stream_unary_rpc_method_handler(UnaryCall(reception, _PREFIX + "Parse", self.parse)),
            "Watch": grpc.stream_stream_rpc_method_handler(watch),
        }

    def decide(self, message: bytes, caller: Caller) -> bytes:
        """Answer one question. Raises CallRefused for what is none."""
        asked = self._questions.read(message)
        subject = subject_of(asked, caller)
        self._check_revision(asked.min_revision)
        if not asked.request_id:
            return self._answer(asked, subject, caller)
        key = (caller.credential, "Decide", asked.request_id)
        return self._answered.once(key, asked.question_digest, lambda: self._answer(asked, subject, caller))

    def decide_batch(self, message: bytes, caller: Caller) -> bytes:
        """Answer each item in its place. Raises CallRefused only for what all items share."""
        batch = read_batch(message)
        self._check_revision(batch.min_revision)

        def answers() -> bytes:
            return join_answers([self._item(item, caller, "DecideBatch") for item in batch.items])

        if not batch.request_id:
            return answers()
        key = (caller.credential, "DecideBatch", batch.request_id)
        return self._answered.once(key, batch.question_digest, answers)

    def decide_in_stream(self, message: bytes, caller: Caller) -> bytes:
        """Answer one question of a stream; one that is none is denied."""
        try:
            return self.decide(message, caller)
        except (GatewayError, EngineError) as error:
            return self._denied(refusal_of(error), caller, "DecideStream")

    def parse(self, message: bytes, caller: Caller) -> bytes:
        """The command tree of a text."""
        return write_parsed(self._gate.parse(self._question(read_parse(message))).command)

    def watch(self, message: bytes, caller: Caller, box: Mailbox[str]) -> Iterator[bytes]:
        """The revision that decides, then each new one."""
        read_watch(message)
        leave = self._policies.subscribe(box.put)
        try:
            # WHY subscribed first: a change in between is told twice, never not at all.
            told = self._policies.revision
            yield write_revision(told)
            for revision in box:
                if revision != told:
                    told = revision
                    yield write_revision(told)
        finally:
            leave()

    def _item(self, item: Asked | CallRefused, caller: Caller, method: str) -> bytes:
        try:
            if isinstance(item, CallRefused):
                return self._denied(item, caller, method)
            return self._answer(item, subject_of(item, caller), caller)
        except (GatewayError, EngineError) as error:
            return self._denied(refusal_of(error), caller, method)

    def _check_revision(self, wanted: str) -> None:
        if wanted and not self._policies.has_reached(wanted):
            message = "min_revision: not reached; ask again when Watch tells it, or without it"
            raise CallRefused(Cause.WRONG_STATE, "STALE_POLICY", message)

    def _answer(self, asked: Asked, subject: Subject, caller: Caller) -> bytes:
        """Ask the gate and write what it says."""
        question = asked.what if isinstance(asked.what, ParsedCommand) else self._question(asked.what)
        answer = self._gate.decide(
            question=question,
            principal=subject.principal,
            session=subject.session,
            resource=asked.resource,
            context=asked.context,
            caller=caller.name,
            dry_run=asked.dry_run,
            login=subject.login,
            came=caller.trace,
        )
        trace: tuple[RuleTrace, ...] = ()
        if asked.detail is Detail.TRACE:
            explained = self._gate.explain(
                question=question,
                principal=subject.principal,
                session=subject.session,
                resource=asked.resource,
                context=asked.context,
            )
            trace = tuple(explained)
        return self._written(answer, asked, caller, trace)

    def _written(self, answer: Answer, asked: Asked, caller: Caller, trace: tuple[RuleTrace, ...]) -> bytes:
        shown = Shown(reasons=asked.detail is not Detail.NONE, details=caller.may_see_details)
        particulars = Particulars(
            decision_id=answer.decision_id,
            input_digest=asked.input_digest,
            ticket=answer.ticket,
            link=answer.link,
            expires_at=self._expiry(answer),
            cache_ttl=self._cache_ttl if answer.decision.cacheable and not asked.dry_run else 0,
            trace=trace,
        )
        try:
            return self._writer.write(answer.decision, particulars, shown)
        except CallRefused as refused:
            # INVARIANT: what cannot be said in full is denied, and the log says so after the decision it overrules.
            return self._denied(refused, caller, "answer", decision_id=answer.decision_id)

    def _expiry(self, answer: Answer) -> int:
        if answer.ticket is None:
            return 0
        try:
            return self._approvals.ticket(answer.ticket).expires_at
        except GatewayError:
            return 0  # the ticket is over already, or the store is away: the caller learns it when it waits

    def _denied(self, refused: CallRefused, caller: Caller, method: str, *, decision_id: str = "") -> bytes:
        """A deny in the place of an answer, recorded."""
        kind = _DENY_KINDS.get(refused.code, DenyKind.INPUT_INVALID)
        try:
            self._gate.refused(caller=caller.name, method=_PREFIX + method, code=refused.code, message=str(refused))
        except GatewayError as error:
            refused, kind = refusal_of(error), DenyKind.AUDIT_UNAVAILABLE
        decision = Decision(
            verdict=Verdict.DENY,
            deny_kind=kind,
            reasons=(Reason(rule="", kind="deny", code=refused.code, reason=str(refused)),),
            revision=self._policies.revision,
        )
        return self._writer.write(decision, Particulars(decision_id), Shown(reasons=True, details=False))

    def _question(self, raw: Raw) -> Question:
        names = raw.names
        catalog = None
        if names is not None:
            catalog = self._gate.catalog(search_path=names.search_path, relations=names.relations)
        return Question(protocol=raw.protocol, text=raw.text, catalog=catalog, parameters=raw.parameters)


class _Questions:
    """Reads questions; remembers small ones that come again byte for byte, as agents' and health probes' do."""

    _KEPT = 1_024
    _LARGEST = 4_096

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[bytes, Asked] = OrderedDict()

    def read(self, message: bytes) -> Asked:
        with self._lock:
            asked = self._kept.get(message)
            if asked is not None:
                self._kept.move_to_end(message)
                return asked
        asked = read_question(message)
        if len(message) <= self._LARGEST and not asked.request_id:
            with self._lock:
                self._kept[message] = asked
                while len(self._kept) > self._KEPT:
                    self._kept.popitem(last=False)
        return asked
