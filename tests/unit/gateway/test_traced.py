"""Spans say which decision came about how, and nothing of what was asked; who is not traced goes the ways of `Gate`."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace as changed
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from engine.command.parse import TextParser
from gateway.approvals.states import Approved, Person
from gateway.doors.sessions import Live
from gateway.remembering import Memory
from gateway.traced import BATCH, MAX_QUEUED, TracedGate, TracedReader, Tracer, otlp_exporter
from gateway.tracing import parse_traceparent
from tests.receivers import http_receiver
from tests.strategies.gates import ALLOW, ANA, DENY, HOLD, ORDERS, SESSION, House, asked, question

ID, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET = "hunter2-4711"


class Traced:
    """A gate with real store and log whose spans are kept in memory."""

    def __init__(self, folder: Path, ratio: float = 1.0, trust: frozenset[str] = frozenset()) -> None:
        self.house = House(folder)
        self.exporter = InMemorySpanExporter()
        self.lost: list[int] = []
        self.tracer = Tracer(self.exporter, ratio, trust, self.lost.append)
        self.gate = TracedGate(
            tracer=self.tracer,
            policies=self.house.policies,
            log=self.house.log,
            approvals=self.house.approvals,
            clock=self.house.clock,
            meters=self.house.meters,
            mask_keys={},
        )

    def spans(self) -> dict[str, ReadableSpan]:
        self.tracer._provider.force_flush()
        return {span.name: span for span in self.exporter.get_finished_spans()}

    def close(self) -> None:
        self.tracer.close()
        self.house.close()


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[Traced]:
    built = Traced(tmp_path)
    yield built
    built.close()


def parent_of(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def test_a_decision_is_a_trace_with_its_id_and_rule(traced: Traced) -> None:
    answer = traced.gate.decide(asked())
    spans = traced.spans()
    assert {"sallyport.decide", "sallyport.judge", "sallyport.record"} == set(spans)
    decide = spans["sallyport.decide"]
    assert decide.attributes is not None
    assert decide.attributes["sallyport.decision_id"] == answer.decision_id
    assert decide.attributes["sallyport.rules"] == ("p/READ",)
    assert decide.attributes["sallyport.verdict"] == "allow"
    assert parent_of(decide) is None
    for name in ("sallyport.judge", "sallyport.record"):
        assert parent_of(spans[name]) == decide.get_span_context().span_id
        assert spans[name].get_span_context().trace_id == decide.get_span_context().trace_id


def test_no_attribute_holds_text_literals_or_reasons(traced: Traced) -> None:
    traced.house.policies.decision = DENY
    traced.gate.decide(asked(f"ALTER USER a PASSWORD '{SECRET}'"))
    for span in traced.spans().values():
        said = repr(span.attributes) + repr(span.name) + repr(span.events) + repr(span.links)
        assert SECRET not in said
        assert "ALTER" not in said
        assert "not here" not in said


def test_a_hold_is_a_span_until_it_is_decided_again(traced: Traced) -> None:
    traced.house.policies.decision = HOLD
    ticket = traced.gate.decide(asked("DELETE FROM orders")).ticket
    assert ticket is not None
    traced.gate.advance(ticket, Approved(Person("bo", ("dba",)), ""))
    answer = asyncio.run(traced.gate.fate(ticket))
    assert answer.decision.is_granted
    spans = traced.spans()
    hold, decide = spans["sallyport.hold"], spans["sallyport.decide"]
    assert parent_of(hold) == decide.get_span_context().span_id
    assert hold.attributes is not None
    assert (hold.attributes["sallyport.ticket"], hold.attributes["sallyport.verdict"]) == (ticket, "allow")
    # The second judgement is within the hold.
    assert parent_of(spans["sallyport.judge"]) == hold.get_span_context().span_id


def test_a_hold_that_nobody_waits_for_ends_too(traced: Traced) -> None:
    traced.house.policies.decision = HOLD
    ticket = traced.gate.decide(asked("DELETE FROM orders")).ticket
    assert ticket is not None
    traced.gate.withdraw(ticket, "gone")
    hold = traced.spans()["sallyport.hold"]
    assert hold.attributes is not None
    assert hold.attributes["sallyport.withdrawn"] is True


def said_by(is_trusted: bool, flags: str = "01") -> object:
    trace = parse_traceparent(f"00-{ID}-{SPAN}-{flags}")
    assert trace is not None
    return trace.trusted(is_trusted)


def test_the_trace_of_a_trusted_caller_is_the_parent_that_of_others_a_link(traced: Traced) -> None:
    traced.gate.decide(changed(asked(), caller="app", trace=said_by(True)))
    (trusted,) = [span for span in traced.spans().values() if span.name == "sallyport.decide"]
    assert parent_of(trusted) == int(SPAN, 16)
    assert trusted.get_span_context().trace_id == int(ID, 16)
    traced.exporter.clear()
    traced.gate.decide(changed(asked(), caller="agent", trace=said_by(False)))
    (other,) = [span for span in traced.spans().values() if span.name == "sallyport.decide"]
    assert other.parent is None
    assert [link.context.span_id for link in other.links] == [int(SPAN, 16)]


def test_who_is_trusted_says_what_is_recorded_and_nobody_else(tmp_path: Path) -> None:
    none = Traced(tmp_path / "a", ratio=0.0)
    none.gate.decide(changed(asked(), caller="agent", trace=said_by(False)))
    assert none.spans() == {}
    none.gate.decide(changed(asked(), caller="app", trace=said_by(True)))
    assert "sallyport.decide" in none.spans()
    none.close()
    every = Traced(tmp_path / "b", ratio=1.0)
    every.gate.decide(changed(asked(), caller="app", trace=said_by(True, "00")))
    assert every.spans() == {}
    every.close()


def test_a_comment_is_a_parent_for_a_trusted_principal_in_their_own_session(tmp_path: Path) -> None:
    text = f"SELECT 1 /*traceparent='00-{ID}-{SPAN}-01'*/"
    for trust, parent in ((frozenset({"ana"}), int(SPAN, 16)), (frozenset[str](), None)):
        traced = Traced(tmp_path / str(len(trust)), trust=trust)
        traced.gate.decide(asked(text))
        assert parent_of(traced.spans()["sallyport.decide"]) == parent
        traced.exporter.clear()
        # An adapter that is not trusted itself cannot be used to be believed.
        traced.gate.decide(changed(asked(text), caller="proxy"))
        assert parent_of(traced.spans()["sallyport.decide"]) is None
        traced.close()


def test_what_is_not_chosen_makes_no_span_and_goes_the_fast_way(tmp_path: Path) -> None:
    traced = Traced(tmp_path, ratio=0.0)
    memory = Memory(lambda protocol, text: None)
    first = traced.gate.decide(changed(asked(), memory=memory))
    assert first.decision == ALLOW or first.decision.is_granted
    begun: list[str] = []
    traced.tracer.begin = lambda name, **more: begun.append(name)  # type: ignore[method-assign,assignment]
    asking = asked()
    again = traced.gate.again(memory, question(), asking.principal, asking.session, asking.resource)
    assert (again is None) == (memory.find(question(), traced.gate._policies.program, ANA, SESSION, ORDERS) is None)
    traced.gate.decide(asked())
    assert begun == []
    traced.close()


def test_what_is_chosen_leaves_the_fast_way_and_is_traced_once(traced: Traced) -> None:
    memory = Memory(lambda protocol, text: None)
    traced.gate.decide(changed(asked(), memory=memory))
    traced.exporter.clear()
    asking = asked()
    assert traced.gate.again(memory, question(), asking.principal, asking.session, asking.resource) is None
    traced.tracer._ratio = 0.0  # what was drawn stays
    answer = traced.gate.decide(changed(asking, memory=memory))
    decide = traced.spans()["sallyport.decide"]
    assert decide.attributes is not None
    assert decide.attributes["sallyport.decision_id"] == answer.decision_id
    traced.exporter.clear()
    traced.gate.decide(changed(asking, memory=memory))
    assert traced.spans() == {}


def test_sessions_and_connections_are_spans_and_decisions_link_to_them(traced: Traced) -> None:
    traced.tracer.opened(Live(SESSION, ANA, ORDERS, 0))
    traced.tracer.reached(SESSION.id, 0.25, False)
    traced.tracer.reached("s-unknown", 0.25, True)
    traced.gate.decide(asked())
    traced.tracer.closed(SESSION.id)
    traced.tracer.closed(SESSION.id)
    spans = traced.spans()
    session, connect = spans["sallyport.session"].get_span_context(), spans["sallyport.connect"]
    assert parent_of(connect) == session.span_id
    assert not connect.status.is_ok
    assert connect.end_time is not None
    assert connect.start_time is not None
    assert connect.end_time - connect.start_time == 250_000_000
    assert [link.context.span_id for link in spans["sallyport.decide"].links] == [session.span_id]


def test_parsing_is_seen_the_first_time(traced: Traced) -> None:
    reader = TracedReader(TextParser(), traced.tracer)
    reader.read("postgres", b"SELECT 0", None)
    assert traced.spans() == {}, "nobody decides"
    span = traced.tracer.begin("sallyport.decide")
    with traced.tracer.current(span):
        reader.read("postgres", b"SELECT 1", None)
        reader.read("postgres", b"SELECT 1", None)
    parses = [one for one in traced.exporter.get_finished_spans() if one.name == "sallyport.parse"]
    traced.tracer._provider.force_flush()
    parses = [one for one in traced.exporter.get_finished_spans() if one.name == "sallyport.parse"]
    assert [parent_of(one) for one in parses] == [span.get_span_context().span_id]


class Dead(SpanExporter):
    """A collector that never answers, until it is let."""

    def __init__(self) -> None:
        self.let, self.tried = threading.Event(), threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.tried.set()
        self.let.wait(60)
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        pass


def test_a_collector_that_does_not_answer_holds_nobody_up_and_what_waits_is_bounded() -> None:
    dead, lost = Dead(), [0]

    def count(spans: int) -> None:
        lost[0] += spans

    tracer = Tracer(dead, 1.0, frozenset(), count)
    slowest = 0.0
    for _ in range(3 * MAX_QUEUED):
        began = time.perf_counter()
        tracer.begin("sallyport.decide").end()
        slowest = max(slowest, time.perf_counter() - began)
    assert dead.tried.wait(10)
    (processor,) = tracer._provider._active_span_processor._span_processors
    assert len(processor._batch_processor._queue) <= MAX_QUEUED  # type: ignore[attr-defined]
    assert slowest < 5.0, "far less than the collector's silence"
    dead.let.set()
    began = time.perf_counter()
    tracer.close()
    assert time.perf_counter() - began < 20
    assert BATCH <= lost[0] <= MAX_QUEUED + BATCH


def test_spans_go_out_with_the_token_and_failures_are_counted() -> None:
    statuses = iter([200, 400])
    lost: list[int] = []
    with http_receiver(lambda body: (next(statuses), b"")) as posted:
        tracer = Tracer(otlp_exporter(posted.url, "t0ken", None), 1.0, frozenset(), lost.append)
        tracer.begin("sallyport.decide").end()
        tracer._provider.force_flush()
        assert {key.lower(): said for key, said in posted.headers[0].items()}["authorization"] == "Bearer t0ken"
        assert b"sallyport.decide" in posted.bodies[0]
        tracer.begin("sallyport.decide").end()
        tracer.close()
    assert lost == [1]
