"""What happens to one call when something goes wrong. gRPC itself is played by a small context."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import grpc
import pytest

from engine.errors import InputInvalid
from engine.request import Principal
from gateway.errors import ApprovalConflict
from gateway.identity.logins import Login, Unproven
from gateway.rpc import calls
from gateway.rpc.arrivals import Arrivals
from gateway.rpc.bearer import Tokens
from gateway.rpc.calls import CODE_KEY, ExchangeCall, NoSuchMethod, Reception, StreamCall, UnaryCall
from gateway.rpc.identity import Caller, Identify, OneCaller, Peer
from gateway.rpc.mailbox import Mailbox
from gateway.rpc.openings import MAX_EXCHANGES_OF_CALLER, Openings
from gateway.rpc.refusals import CallRefused, Cause, bad_input
from tests.rpc_stand_ins import ADAPTER, StandInGate


class Aborted(Exception):
    """What gRPC raises out of `abort`."""


@dataclass
class State:
    """What grpcio knows of the caller: open, closed or cancelled."""

    client: str = "closed"


class Context:
    """As much of grpc.ServicerContext as calls use."""

    def __init__(self) -> None:
        self.status: grpc.StatusCode | None = None
        self.details = ""
        self.metadata: tuple[tuple[str, str], ...] = ()
        self.cancelled = False
        self.ended: list[Callable[[], None]] = []
        self.is_over = False
        self.calls_from = "ipv4:192.0.2.7:4711"
        self._state = State()

    def auth_context(self) -> Mapping[str, object]:
        return {}

    def peer(self) -> str:
        return self.calls_from

    def set_trailing_metadata(self, metadata: tuple[tuple[str, str], ...]) -> None:
        self.metadata = metadata

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        self.status, self.details = code, details
        raise Aborted

    def set_code(self, code: grpc.StatusCode) -> None:
        self.status = code

    def set_details(self, details: str) -> None:
        self.details = details

    def cancel(self) -> None:
        self.cancelled = True

    def add_callback(self, callback: Callable[[], None]) -> bool:
        self.ended.append(callback)
        return not self.is_over


def nobody(peer: Peer) -> Caller:
    raise CallRefused(Cause.UNKNOWN_CALLER, "CALLER_UNKNOWN", "no client certificate")


def received() -> tuple[StandInGate, Reception]:
    gate = StandInGate()
    return gate, reception_of(OneCaller(ADAPTER), gate)


def reception_of(identify: Identify, gate: StandInGate) -> Reception:
    return Reception(identify, gate, Arrivals(lambda: 0.0))


def unread() -> Iterator[bytes]:
    """Messages that nobody may look at."""
    pytest.fail("read before it was known who is calling")
    yield b""


def broken() -> Iterator[bytes]:
    """What gRPC raises when a call was broken off."""
    raise grpc.RpcError
    yield b""


def echo(message: bytes, caller: Caller) -> bytes:
    return message + caller.name.encode()


def failing(error: Exception) -> Callable[[bytes, Caller], bytes]:
    def answer(message: bytes, caller: Caller) -> bytes:
        raise error

    return answer


def test_an_answer_goes_out_as_it_is() -> None:
    gate, reception = received()
    assert UnaryCall(reception, "/x/Echo", echo)(iter([b"hi "]), Context()) == b"hi pg-adapter"  # type: ignore[arg-type]  # a small context
    assert gate.refusals == []


def test_where_a_call_comes_from_is_known_of_its_caller() -> None:
    seen: list[Caller] = []
    _, reception = received()

    def answer(message: bytes, caller: Caller) -> bytes:
        seen.append(caller)
        return message

    for place in ("ipv4:192.0.2.7:4711", "unix:"):
        context = Context()
        context.calls_from = place
        UnaryCall(reception, "/x/Echo", answer)(iter([b"hi"]), context)  # type: ignore[arg-type]  # a small context
    assert seen == [replace(ADAPTER, address="192.0.2.7"), ADAPTER]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (bad_input("x"), grpc.StatusCode.INVALID_ARGUMENT, "INPUT_INVALID"),
        (ApprovalConflict("x", code="TICKET_UNKNOWN"), grpc.StatusCode.NOT_FOUND, "TICKET_UNKNOWN"),
        (InputInvalid("x"), grpc.StatusCode.INVALID_ARGUMENT, "INPUT_INVALID"),
    ],
)
def test_a_refusal_is_recorded_and_has_its_status(error: Exception, status: grpc.StatusCode, code: str) -> None:
    gate, reception = received()
    context = Context()
    with pytest.raises(Aborted):
        UnaryCall(reception, "/x/Fail", failing(error))(iter([b""]), context)  # type: ignore[arg-type]  # a small context
    assert (context.status, context.details, context.metadata) == (status, f"{code}: x", ((CODE_KEY, code),))
    assert gate.refusals == [("pg-adapter", "/x/Fail", code, "x")]


def test_an_unknown_caller_is_refused_and_recorded_before_anything_is_read() -> None:
    gate = StandInGate()
    context = Context()
    with pytest.raises(Aborted):
        UnaryCall(reception_of(nobody, gate), "/x/Echo", echo)(unread(), context)  # type: ignore[arg-type]  # a small context
    assert context.status is grpc.StatusCode.UNAUTHENTICATED
    assert gate.refusals == [("unidentified", "/x/Echo", "CALLER_UNKNOWN", "no client certificate")]


def test_when_the_audit_fails_the_status_says_that_and_not_where() -> None:
    gate, reception = received()
    gate.audit_fails = True
    context = Context()
    with pytest.raises(Aborted):
        UnaryCall(reception, "/x/Fail", failing(bad_input("x")))(iter([b""]), context)  # type: ignore[arg-type]  # a small context
    assert context.status is grpc.StatusCode.UNAVAILABLE
    assert context.metadata == ((CODE_KEY, "AUDIT_UNAVAILABLE"),)
    assert "secret" not in context.details


def test_a_bug_of_ours_keeps_its_words_to_itself_and_is_recorded() -> None:
    gate, reception = received()
    context = Context()
    with pytest.raises(KeyError):
        UnaryCall(reception, "/x/Fail", failing(KeyError("hunter2")))(iter([b""]), context)  # type: ignore[arg-type]  # a small context
    assert context.status is grpc.StatusCode.INTERNAL
    assert "hunter2" not in context.details
    assert gate.codes() == ["INTERNAL"]


def test_a_call_without_a_message_is_refused_and_recorded() -> None:
    gate, reception = received()
    context = Context()
    with pytest.raises(Aborted):
        UnaryCall(reception, "/x/Echo", echo)(iter([]), context)  # type: ignore[arg-type]  # a small context
    assert context.status is grpc.StatusCode.INVALID_ARGUMENT
    assert gate.codes() == ["MESSAGE_LOST"]


@pytest.mark.parametrize("fails", [False, True])
def test_a_call_that_was_broken_off_is_recorded_under_its_caller_if_it_can_be(fails: bool) -> None:
    gate, reception = received()
    gate.audit_fails = fails
    with pytest.raises(grpc.RpcError):
        UnaryCall(reception, "/x/Echo", echo)(broken(), Context())  # type: ignore[arg-type]  # a small context
    call: StreamCall[bytes] = StreamCall(reception, "/x/News", news, 4)
    with pytest.raises(grpc.RpcError):
        next(call(broken(), Context()))  # type: ignore[arg-type]  # a small context
    assert {refusal[:3] for refusal in gate.refusals} == (
        set() if fails else {("pg-adapter", "/x/Echo", "MESSAGE_LOST"), ("pg-adapter", "/x/News", "MESSAGE_LOST")}
    )


def news(message: bytes, caller: Caller, box: Mailbox[bytes]) -> Iterator[bytes]:
    box.put(b"one")
    if message == b"bad":
        raise bad_input("x")
    if message == b"bug":
        raise KeyError("hunter2")
    yield b"zero"
    yield from box


def stream(reception: Reception, message: bytes, context: Context) -> Iterator[bytes]:
    call: StreamCall[bytes] = StreamCall(reception, "/x/News", news, 4)
    return call(iter([message]), context)  # type: ignore[arg-type]  # a small context


def test_a_stream_ends_when_its_caller_leaves() -> None:
    gate, reception = received()
    context = Context()
    items = stream(reception, b"", context)
    assert [next(items), next(items)] == [b"zero", b"one"]
    assert reception.openings.count() == 1
    for ended in context.ended:
        ended()
    assert [*items] == []
    assert reception.openings.count() == 0
    assert gate.refusals == []


def test_a_stream_that_its_caller_left_before_it_began_ends() -> None:
    gate, reception = received()
    context = Context()
    context.is_over = True
    assert [*stream(reception, b"", context)] == [b"zero"]
    assert gate.refusals == []


def test_a_stream_that_is_dropped_is_no_failure() -> None:
    gate, reception = received()
    items = stream(reception, b"", Context())
    next(items)
    items.close()  # type: ignore[attr-defined]  # it is a generator
    assert reception.openings.count() == 0
    assert gate.refusals == []


def test_a_stream_is_told_when_the_service_stops() -> None:
    gate, reception = received()
    context = Context()
    items = stream(reception, b"", context)
    assert [next(items), next(items)] == [b"zero", b"one"]
    reception.openings.stop()
    with pytest.raises(Aborted):
        next(items)
    assert context.status is grpc.StatusCode.UNAVAILABLE
    assert gate.codes() == ["STOPPING"]


@pytest.mark.parametrize(
    ("message", "raised", "status", "code"),
    [
        (b"bad", Aborted, grpc.StatusCode.INVALID_ARGUMENT, "INPUT_INVALID"),
        (b"bug", KeyError, grpc.StatusCode.INTERNAL, "INTERNAL"),
    ],
)
def test_a_stream_is_refused_as_a_call_is(
    message: bytes, raised: type[Exception], status: grpc.StatusCode, code: str
) -> None:
    gate, reception = received()
    context = Context()
    with pytest.raises(raised):
        next(stream(reception, message, context))
    assert context.status is status
    assert gate.codes() == [code]


def test_too_many_streams_are_refused() -> None:
    gate = StandInGate()
    reception = reception_of(OneCaller(ADAPTER), gate)
    reception.openings = Openings(limit=1)
    first = stream(reception, b"", Context())
    next(first)
    context = Context()
    with pytest.raises(Aborted):
        next(stream(reception, b"", context))
    assert context.status is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert gate.codes() == ["TOO_MANY_STREAMS"]


PLAIN = replace(ADAPTER, roles=frozenset())


def test_who_speaks_only_for_itself_has_few_streams_of_questions_open() -> None:
    gate = StandInGate()
    for caller, most in ((PLAIN, MAX_EXCHANGES_OF_CALLER), (ADAPTER, MAX_EXCHANGES_OF_CALLER + 1)):
        reception = reception_of(OneCaller(caller), gate)
        contexts = [Context() for _ in range(MAX_EXCHANGES_OF_CALLER + 1)]
        streams = [exchange(reception, iter([b"a"]), one) for one in contexts]
        for one in streams[:most]:
            next(one)
        for one in streams[most:]:
            with pytest.raises(Aborted):
                next(one)
        assert [one.status for one in contexts if one.status] == [grpc.StatusCode.RESOURCE_EXHAUSTED] * len(
            streams[most:]
        )
        for one in streams:
            one.close()  # type: ignore[attr-defined]  # a generator
        assert reception.openings.count() == 0
        assert next(exchange(reception, iter([b"a"]), Context())) == b"apg-adapter"
    assert gate.codes() == ["TOO_MANY_STREAMS"]


def test_of_who_speaks_only_for_itself_few_first_messages_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "SECONDS", 0.0)
    reception = reception_of(OneCaller(PLAIN), StandInGate())
    inside, go_on = threading.Semaphore(0), threading.Event()

    def slow() -> Iterator[bytes]:
        inside.release()
        assert go_on.wait(60)
        yield b"late"

    def read(messages: Iterator[bytes], caller: Caller = PLAIN) -> bytes:
        return reception.first_message(messages, Context(), caller)  # type: ignore[arg-type]  # a small context

    with ThreadPoolExecutor(calls.AT_ONCE) as threads:
        slow_ones = [threads.submit(read, slow()) for _ in range(calls.AT_ONCE)]
        for _ in slow_ones:
            assert inside.acquire(timeout=60)
        with pytest.raises(CallRefused) as refused:
            read(unread())
        assert refused.value.code == "TOO_MANY_STREAMS"
        assert read(iter([b"other"]), replace(PLAIN, principal=Principal("bo"))) == b"other"
        assert read(iter([b"adapter"]), ADAPTER) == b"adapter"
        go_on.set()
        assert [one.result() for one in slow_ones] == [b"late"] * calls.AT_ONCE
    assert read(iter([b"again"])) == b"again"


def exchange(reception: Reception, messages: Iterator[bytes], context: Context) -> Iterator[bytes]:
    return ExchangeCall(reception, "/x/Talk", echo)(messages, context)  # type: ignore[arg-type]  # a small context


def test_an_exchange_answers_in_order() -> None:
    gate, reception = received()
    context = Context()
    assert [*exchange(reception, iter([b"a ", b"b "]), context)] == [b"a pg-adapter", b"b pg-adapter"]
    context.ended[0]()
    assert gate.refusals == []
    assert reception.openings.count() == 0


def test_an_exchange_whose_caller_left_or_sent_too_much_is_recorded() -> None:
    gate, reception = received()

    def messages() -> Iterator[bytes]:
        yield b"a "
        raise grpc.RpcError

    context = Context()
    items = exchange(reception, messages(), context)
    assert next(items) == b"a pg-adapter"
    with pytest.raises(grpc.RpcError):
        next(items)
    context._state.client = "cancelled"
    context.ended[0]()
    assert gate.codes() == ["MESSAGE_LOST"]


def test_an_idle_exchange_is_cancelled_when_the_service_stops_and_a_busy_one_answers_first() -> None:
    _, reception = received()
    idle, busy = Context(), Context()

    def stopping_meanwhile() -> Iterator[bytes]:
        reception.openings.stop()
        yield b"a "

    assert next(exchange(reception, iter([b"a "]), busy)) == b"a pg-adapter"
    items = exchange(reception, stopping_meanwhile(), idle)
    assert next(items) == b"a pg-adapter"
    assert idle.cancelled
    with pytest.raises(Aborted):
        next(items)
    assert not busy.cancelled


def test_a_bug_in_an_exchange_is_kept_and_recorded() -> None:
    gate, reception = received()
    context = Context()
    call = ExchangeCall(reception, "/x/Talk", failing(KeyError("hunter2")))
    with pytest.raises(KeyError):
        next(call(iter([b"a"]), context))  # type: ignore[arg-type]  # a small context
    assert context.status is grpc.StatusCode.INTERNAL
    assert gate.codes() == ["INTERNAL"]
    refused = Context()
    with pytest.raises(Aborted):
        next(ExchangeCall(reception_of(nobody, gate), "/x/Talk", echo)(iter([b"a"]), refused))  # type: ignore[arg-type]  # a small context
    assert refused.status is grpc.StatusCode.UNAUTHENTICATED


class Details:
    method = "/x/\x1bNowhere" + "y" * 300


@pytest.mark.parametrize(("identify", "name"), [(OneCaller(ADAPTER), "pg-adapter"), (nobody, "unidentified")])
def test_a_method_that_nobody_serves_is_refused_and_recorded(identify: Callable[[Peer], Caller], name: str) -> None:
    gate = StandInGate()
    handler = NoSuchMethod(reception_of(identify, gate)).service(Details())  # type: ignore[arg-type]  # details have a method
    assert handler is not None
    assert handler.stream_unary is not None
    context = Context()
    with pytest.raises(Aborted):
        handler.stream_unary(iter([]), context)  # type: ignore[arg-type]  # a small context
    assert context.status is grpc.StatusCode.UNIMPLEMENTED
    ((caller, method, code, _),) = gate.refusals
    assert (caller, code) == (name, "METHOD_UNKNOWN")
    assert method.isprintable()
    assert len(method) < 220


def took_back(after: int) -> tuple[StandInGate, Reception]:
    """Somebody whose token is taken back after so many looks."""
    gate, looks = StandInGate(), iter(range(1_000))
    login = Login(ADAPTER.principal, 1, token="t-1")
    tokens = Tokens(NoBearers(), lambda _: "the token was revoked" if next(looks) >= after else None, lambda: 0.0)
    caller = Caller(ADAPTER.principal, ADAPTER.roles, login)
    return gate, Reception(OneCaller(caller), gate, Arrivals(lambda: 0.0), tokens=tokens)


class NoBearers:
    def prove(self, token: str) -> Unproven:
        return Unproven("TOKEN_UNKNOWN")


def test_an_exchange_ends_when_its_token_is_taken_back() -> None:
    gate, reception = took_back(2)
    context = Context()
    answers = ExchangeCall(reception, "/x/Echo", echo)(iter([b"1", b"2", b"3"]), context)  # type: ignore[arg-type]  # a small context
    assert [next(answers), next(answers)] == [b"1pg-adapter", b"2pg-adapter"]
    with pytest.raises(Aborted):
        next(answers)
    assert context.status is grpc.StatusCode.UNAUTHENTICATED
    assert gate.codes() == ["CALLER_UNKNOWN"]


def test_a_stream_of_news_tells_none_when_its_token_is_taken_back() -> None:
    gate, reception = took_back(1)

    def news(message: bytes, caller: Caller, box: Mailbox[None]) -> Iterator[bytes]:
        yield from (b"1", b"2")

    answers = StreamCall(reception, "/x/News", news, room=1)(iter([b""]), Context())  # type: ignore[arg-type]  # a small context
    assert next(answers) == b"1"
    with pytest.raises(Aborted):
        next(answers)
    assert gate.codes() == ["CALLER_UNKNOWN"]
