"""Spans of OpenTelemetry: for decisions (parse, judge, record, the wait of a hold), sessions, and connections to targets.

INVARIANT: an attribute is a name, a code, a number or an id of ours, never text of a command, a literal or a secret; what
people wrote into reasons is none either, for policies may put values there.

Only loaded where `[telemetry] traces` says so: without it the gate is `Gate` itself, and no span or object of these is made. Which
decisions are traced is chosen before one begins; those that are not go the fast ways as always. Built by `app`.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource as Origin
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from adapters.core.ports import Answer, Lines, Pending, Question
from engine._native import Leave
from engine.command.tree import ParsedCommand
from engine.decision import Decision, Verdict
from engine.evaluator.cache import Judgement
from engine.evaluator.reader import CommandReader, Names, Parser
from engine.request import Approval, Principal, Resource, Session
from gateway.approvals.states import Ticket
from gateway.aside import MINE, Turn, is_on_loop
from gateway.asked import Asked, Policies, Program
from gateway.audit.entry import Entry
from gateway.doors.sessions import Live
from gateway.gate import Gate
from gateway.identity.logins import Standings
from gateway.remembering import Memory, Remembered
from gateway.telemetry import logger
from gateway.tracing import Trace, trace_in_command, trace_in_name

MAX_QUEUED = 4_096
"""Spans that wait to be sent; above, the oldest go. What waits is the whole memory that a dead collector costs."""
BATCH = 512
SECONDS_BETWEEN = 1.0
SEND_SECONDS = 3.0
MAX_OPEN = 10_000
"""Spans of sessions and holds that are open at once; above, the oldest is let go without an end."""
MAX_RULES = 16
_CURRENT: ContextVar[Span | None] = ContextVar("sallyport_span", default=None)


class Tracer:
    """Makes spans and has them sent, on a thread of its own."""

    def __init__(
        self, exporter: SpanExporter, ratio: float, trust: frozenset[str], lost: Callable[[int], None]
    ) -> None:
        """`lost` is told how many spans could not be sent."""
        self._exporter = _Counted(exporter, lost)
        origin = Origin({"service.name": "sallyport", "service.version": version("sallyport")})
        self._provider = TracerProvider(resource=origin, sampler=ALWAYS_ON, shutdown_on_exit=False)
        self._provider.add_span_processor(
            BatchSpanProcessor(
                self._exporter,
                max_queue_size=MAX_QUEUED,
                schedule_delay_millis=SECONDS_BETWEEN * 1e3,
                max_export_batch_size=BATCH,
            )
        )
        self._tracer = self._provider.get_tracer("sallyport")
        self._ratio = ratio
        self._trust = trust
        self._thread = threading.local()
        self._sessions: OrderedDict[str, Span] = OrderedDict()
        self._lock = threading.Lock()

    # --- which

    def draw(self) -> bool:
        """Whether something is traced that nobody said anything about."""
        return random.random() < self._ratio

    def choose(self, principal: str, session_id: str) -> bool:
        """Whether the decision that this thread is about to make leaves the fast ways; `chosen` remembers what was said."""
        is_drawn = self._drawn() == (session_id, True) or self.draw()
        self._thread.drawn = (session_id, is_drawn)
        return is_drawn or principal in self._trust

    def chosen(self, session_id: str) -> bool:
        """Whether this decision is traced: as `choose` said just before, else it is drawn now."""
        drawn, self._thread.drawn = self._drawn(), None
        return drawn[1] if drawn is not None and drawn[0] == session_id else self.draw()

    def _drawn(self) -> tuple[str, bool] | None:
        drawn: tuple[str, bool] | None = getattr(self._thread, "drawn", None)
        return drawn

    def is_trusted(self, principal: str) -> bool:
        """Whether the word of this one counts."""
        return principal in self._trust

    # --- spans

    def begin(
        self, name: str, *, trace: Trace | None = None, parent: Span | None = None, links: Sequence[SpanContext] = ()
    ) -> Span:
        """A span, begun. `trace` is somebody else's: parent of this one where it is trusted, else linked."""
        above, linked = parent, [Link(one) for one in links]
        if trace is not None:
            theirs = SpanContext(
                *(trace.trace_id, trace.span_id, True), TraceFlags(TraceFlags.SAMPLED if trace.is_sampled else 0)
            )
            if trace.is_trusted and above is None:
                above = NonRecordingSpan(theirs)
            else:
                linked.append(Link(theirs))
        context = set_span_in_context(above or NonRecordingSpan(SpanContext(0, 0, False)))
        return self._tracer.start_span(name, context, SpanKind.INTERNAL, links=linked)

    @contextmanager
    def inside(self, name: str) -> Iterator[Span | None]:
        """A span within the one of this decision; None where that is not traced."""
        parent = _CURRENT.get()
        if parent is None:
            yield None
            return
        span = self.begin(name, parent=parent)
        token = _CURRENT.set(span)
        try:
            yield span
        finally:
            _CURRENT.reset(token)
            span.end()

    @contextmanager
    def current(self, span: Span) -> Iterator[None]:
        """Make a span the one that others begin in."""
        token = _CURRENT.set(span)
        try:
            yield
        finally:
            _CURRENT.reset(token)

    # --- sessions, as `doors` tells them

    def opened(self, live: Live) -> None:
        """A session is open."""
        trace = trace_in_name(live.session.application)
        if trace is not None:
            trace = trace.trusted(self.is_trusted(live.principal.name))
        if not (trace.is_sampled if trace is not None and trace.is_trusted else self.draw()):
            return
        span = self.begin("sallyport.session", trace=trace)
        span.set_attributes(_about(live.principal, live.session, live.resource))
        with self._lock:
            self._sessions[live.session.id] = span
            while len(self._sessions) > MAX_OPEN:
                self._sessions.popitem(last=False)

    def closed(self, session_id: str) -> None:
        """It is over."""
        with self._lock:
            span = self._sessions.pop(session_id, None)
        if span is not None:
            span.end()

    def reached(self, session_id: str, seconds: float, is_reached: bool) -> None:
        """A connection to its target was made in so many seconds, or was not."""
        now, parent = time.time_ns(), self.session(session_id)
        if parent is None:
            return
        context = set_span_in_context(parent)
        span = self._tracer.start_span(
            "sallyport.connect", context, SpanKind.CLIENT, start_time=now - int(seconds * 1e9)
        )
        if not is_reached:
            span.set_status(Status(StatusCode.ERROR))
        span.end(now)

    def session(self, session_id: str) -> Span | None:
        """The span of a session that is open."""
        return self._sessions.get(session_id)

    def close(self) -> None:
        """Send what can be sent at once, then stop: a collector that is away holds the end up for some seconds at most."""
        with self._lock:
            spans, self._sessions = list(self._sessions.values()), OrderedDict()
        for span in spans:
            span.end()
        self._exporter.is_ending = True
        self._provider.shutdown()


class _Counted(SpanExporter):
    """An exporter whose failures are counted, and which gives up at the end with the first."""

    def __init__(self, inner: SpanExporter, lost: Callable[[int], None]) -> None:
        self._inner, self._lost = inner, lost
        self._has_failed = False
        self.is_ending = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Hand spans over. Never raises."""
        result = SpanExportResult.FAILURE
        if not (self.is_ending and self._has_failed):
            result = self._inner.export(spans)
        has_failed = result is not SpanExportResult.SUCCESS
        if has_failed:
            self._lost(len(spans))
        if has_failed and not self._has_failed:
            logger("traces").warning("traces cannot be sent", spans=len(spans))
        self._has_failed = has_failed
        return result

    def shutdown(self) -> None:
        """Let it go."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits here."""
        return True


def otlp_exporter(url: str, token: str | None, ca_file: Path | None) -> SpanExporter:
    """To a collector at its URL for traces (`https://HOST:4318/v1/traces`). No proxies or passwords of the environment."""
    library = logging.getLogger("opentelemetry")
    # WHY: it logs what it cannot send, with the answers of the other side; how much that was is counted.
    library.propagate, library.handlers = False, [logging.NullHandler()]
    session = requests.Session()
    session.trust_env = False
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    certificate = str(ca_file) if ca_file is not None and urlsplit(url).scheme == "https" else None
    return OTLPSpanExporter(url, certificate, headers=headers, timeout=SEND_SECONDS, session=session)


class TracedReader(CommandReader):
    """A reader whose parsing is seen. A text that was parsed before takes no time, and has no span."""

    __slots__ = ()

    def __init__(self, parser: Parser, tracer: Tracer) -> None:
        super().__init__(_TracedParser(parser, tracer))


class _TracedParser:
    def __init__(self, parser: Parser, tracer: Tracer) -> None:
        self._parser, self._tracer = parser, tracer
        self.shape = parser.shape

    def parse(self, protocol: str, text: bytes, names: Names | None) -> ParsedCommand:
        with self._tracer.inside("sallyport.parse") as span:
            if span is not None:
                span.set_attributes({"sallyport.protocol": protocol, "sallyport.bytes": len(text)})
            return self._parser.parse(protocol, text, names)


class _TracedProgram:
    """A program whose judging is seen."""

    def __init__(self, program: Program, tracer: Tracer) -> None:
        self.inner, self._tracer = program, tracer
        self.revision = program.revision

    @property
    def activity_numbers(self) -> Sequence[str]:
        return self.inner.activity_numbers

    def shape(self, question: Question) -> bytes | None:
        return self.inner.shape(question)

    def judge(self, asked: Asked, now: int, approval: Approval | None) -> Judgement:
        with self._tracer.inside("sallyport.judge"):
            return self.inner.judge(asked, now, approval)


class TracedPolicies:
    """Policies whose program is seen at work; the same object for as long as the program is the same."""

    def __init__(self, policies: Policies, tracer: Tracer) -> None:
        self._policies, self._tracer = policies, tracer
        self._known: _TracedProgram | None = None

    @property
    def program(self) -> Program | None:
        """The program that decides now."""
        program, known = self._policies.program, self._known
        if program is None:
            return None
        if known is None or known.inner is not program:
            self._known = known = _TracedProgram(program, self._tracer)
        return known


class TracedGate(Gate):
    """The gate, with spans for what was chosen. INVARIANT: only looks on; each way and its answer is `Gate`'s."""

    def __init__(self, *, tracer: Tracer, policies: Policies, **more: object) -> None:
        super().__init__(policies=TracedPolicies(policies, tracer), **more)  # type: ignore[arg-type]  # as `Gate` has them
        self._tracer = tracer
        self._holds: OrderedDict[str, tuple[Span, Span]] = OrderedDict()

    def decide(self, asked: Asked) -> Answer:
        """As `Gate.decide`."""
        span = self._begun(asked)
        if span is None:
            return super().decide(asked)
        try:
            with self._tracer.current(span):
                return self._told(span, asked, super().decide(asked))
        finally:
            span.end()

    def decide_here(self, asked: Asked) -> Answer | Pending:
        """As `Gate.decide_here`."""
        span = self._begun(asked) if is_on_loop() else None
        if span is None:
            return super().decide_here(asked)
        pending: Pending | None = None
        try:
            with self._tracer.current(span):
                answer = super().decide_here(asked)
            if not isinstance(answer, Pending):
                return self._told(span, asked, answer)
            pending = answer
            return Pending(lambda: self._later(span, asked, answer))
        finally:
            if pending is None:
                span.end()

    async def _later(self, span: Span, asked: Asked, answer: Pending) -> Answer:
        try:
            with self._tracer.current(span):
                return self._told(span, asked, await answer)
        finally:
            span.end()

    def _begun(self, asked: Asked) -> Span | None:
        """The span of a decision that was chosen."""
        trace = self._trace(asked)
        is_chosen = self._tracer.chosen(asked.session.id)
        if trace is not None and trace.is_trusted:
            is_chosen = trace.is_sampled
        if not is_chosen:
            return None
        session = self._tracer.session(asked.session.id)
        links = [] if session is None else [session.get_span_context()]
        return self._tracer.begin("sallyport.decide", trace=trace, links=links)

    def _told(self, span: Span, asked: Asked, answer: Answer) -> Answer:
        """The answer, once its span knows of it."""
        span.set_attributes({**_about(asked.principal, asked.session, asked.resource), **_said(answer)})
        if asked.caller:
            span.set_attribute("sallyport.caller", asked.caller)
        if answer.ticket is not None:
            self._wait_begins(answer.ticket, span)
        return answer

    def _trace(self, asked: Asked) -> Trace | None:
        """What whoever asks said of a trace of theirs."""
        if asked.trace is not None:
            return asked.trace.trusted(asked.trace.is_trusted or self._tracer.is_trusted(asked.principal.name))
        question = asked.question
        found = trace_in_command(question.protocol, question.text) if isinstance(question, Question) else None
        return (
            None if found is None else found.trusted(not asked.caller and self._tracer.is_trusted(asked.principal.name))
        )

    def again(
        self, memory: Memory, question: Question, principal: Principal, session: Session, resource: Resource
    ) -> Answer | None:
        """As `Gate.again`; what is traced goes through `decide`."""
        return (
            None
            if self._tracer.choose(principal.name, session.id)
            else super().again(memory, question, principal, session, resource)
        )

    def give_again(self, known: Remembered, lines: Lines) -> bool:
        """As `Gate.give_again`; what is traced goes through `decide`."""
        return not self._tracer.choose(known.principal.name, known.session.id) and super().give_again(known, lines)

    def leave(self, known: Remembered, standings: Standings) -> Leave | None:
        """None: what is traced is drawn anew for each command."""
        return None

    def _recorded(self, asked: Asked, judged: Judgement, now: int, ticket: Ticket | None) -> tuple[Answer, Entry]:
        with self._tracer.inside("sallyport.record"):
            return super()._recorded(asked, judged, now, ticket)

    def _record_again(self, asked: Asked, question: Question, known: Remembered, now: int) -> Answer:
        with self._tracer.inside("sallyport.record"):
            return super()._record_again(asked, question, known, now)

    # --- holds

    def _wait_begins(self, ticket_id: str, decided: Span) -> None:
        span = self._tracer.begin("sallyport.hold", parent=decided)
        span.set_attribute("sallyport.ticket", ticket_id)
        self._holds[ticket_id] = (span, decided)
        while len(self._holds) > MAX_OPEN:
            with suppress(KeyError):
                self._holds.popitem(last=False)

    def settle(self, ticket_id: str, turn: Turn = MINE) -> Answer:
        """As `Gate.settle`."""
        span, _ = self._holds.pop(ticket_id, (None, None))
        if span is None:
            return super().settle(ticket_id, turn)
        try:
            with self._tracer.current(span):
                answer = super().settle(ticket_id, turn)
            span.set_attributes(_said(answer))
            return answer
        finally:
            span.end()

    def withdraw(self, ticket_id: str, reason: str) -> None:
        """As `Gate.withdraw`."""
        span, _ = self._holds.pop(ticket_id, (None, None))
        if span is not None:
            span.set_attribute("sallyport.withdrawn", True)
            span.end()
        super().withdraw(ticket_id, reason)


def _about(principal: Principal, session: Session, resource: Resource) -> Mapping[str, str]:
    """Who asks, in which session, about what: names and ids."""
    said = {
        "sallyport.principal": principal.name,
        "sallyport.session": session.id,
        "sallyport.resource": resource.name,
        "sallyport.protocol": resource.protocol,
    }
    return said if session.job is None else {**said, "sallyport.job": session.job}


def _said(answer: Answer) -> Mapping[str, str | Sequence[str]]:
    """What was answered: ids, codes and names of rules."""
    decision: Decision = answer.decision
    said: dict[str, str | Sequence[str]] = {
        "sallyport.decision_id": answer.decision_id,
        "sallyport.verdict": decision.verdict.value,
        "sallyport.revision": decision.revision or "",
        "sallyport.rules": [one.rule or one.code for one in decision.reasons[:MAX_RULES]],
    }
    if decision.verdict is Verdict.DENY and decision.deny_kind is not None:
        said["sallyport.deny_kind"] = decision.deny_kind.value
    if answer.ticket is not None:
        said["sallyport.ticket"] = answer.ticket
    return said
