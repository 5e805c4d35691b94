"""Bad input of every sort, by a client that is not ours: a clear status, and a deny in the audit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from gateway.rpc.arrivals import MOST_SLOW, SECONDS, SLOW_SECONDS
from gateway.rpc.limits import MAX_BATCH, MAX_DEPTH, MAX_MESSAGE, MAX_TEXT, MAX_TRANSPORT_MESSAGE
from gateway.rpc.server import UNARY_THREADS, RpcServer, UnixSocket
from grpc_proto.sallyport.decision.v1 import decision_pb2 as pb
from tests.interop.grpc.conftest import Served
from tests.rpc_stand_ins import ADAPTER, AGENT, StandIns

DECISION = "/sallyport.decision.v1.DecisionService/"
Status = grpc.StatusCode


def question(change: Callable[[pb.DecideRequest], object] = lambda request: None) -> bytes:
    request = pb.DecideRequest(
        principal=pb.Principal(name="ana"),
        resource=pb.Resource(name="orders", protocol="postgres"),
        raw=pb.RawCommand(protocol="postgres", text=b"select 1"),
    )
    change(request)
    return request.SerializeToString()


def deep(levels: int) -> pb.Value:
    value = pb.Value(integer=1)
    for _ in range(levels):
        value = pb.Value(list=pb.ValueList(items=[value]))
    return value


def nested_bytes(levels: int) -> bytes:
    """A DecideRequest whose context nests lists deeper than any parser follows."""
    value = b"\x18\x01"
    for _ in range(levels):
        inner = b"\x0a" + _length(value) + value
        value = b"\x32" + _length(inner) + inner
    entry = b"\x0a\x01x\x12" + _length(value) + value
    return b"\x32" + _length(entry) + entry


def _length(data: bytes) -> bytes:
    size, out = len(data), bytearray()
    while size > 127:
        out.append(size & 127 | 128)
        size >>= 7
    return bytes([*out, size])


@pytest.fixture
def channel(served: Served) -> Iterator[grpc.Channel]:
    with raw_channel(served, ADAPTER.name) as made:
        yield made


def raw_channel(served: Served, name: str) -> grpc.Channel:
    limits = (("grpc.max_send_message_length", -1), ("grpc.default_authority", "localhost"))
    return grpc.insecure_channel(served.address(name), options=limits)


def status(channel: grpc.Channel, method: str, message: bytes) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as failed:
        channel.unary_unary(method, None, None)(message, timeout=60)
    return failed.value.code(), failed.value.details()  # type: ignore[attr-defined]  # the error is the call


MEMBERS = {
    "garbage": (b"\xff\xff\xff", Status.INVALID_ARGUMENT, "MESSAGE_MALFORMED"),
    "cut off": (question()[:-3], Status.INVALID_ARGUMENT, "MESSAGE_MALFORMED"),
    "empty": (b"", Status.INVALID_ARGUMENT, "INPUT_INVALID"),
    "no command": (question(lambda q: q.ClearField("raw")), Status.INVALID_ARGUMENT, "INPUT_INVALID"),
    "no resource": (question(lambda q: q.ClearField("resource")), Status.INVALID_ARGUMENT, "INPUT_INVALID"),
    "no protocol": (question(lambda q: q.raw.ClearField("protocol")), Status.INVALID_ARGUMENT, "INPUT_INVALID"),
    "wrong oneof": (question() + b"\x52\x02\xff\xff", Status.INVALID_ARGUMENT, "MESSAGE_MALFORMED"),
    "not UTF-8": (question() + b"\x0a\x02\xc3\x28", Status.INVALID_ARGUMENT, "MESSAGE_MALFORMED"),
    "unknown enum": (question() + b"\x40\x63", Status.INVALID_ARGUMENT, "INPUT_INVALID"),
    "unknown field": (question() + b"\xf8\x07\x01", Status.INVALID_ARGUMENT, "FIELD_UNKNOWN"),
    "wrong wire type": (question() + b"\x08\x01", Status.INVALID_ARGUMENT, "FIELD_UNKNOWN"),
    "value of no kind": (question(lambda q: q.context["x"].SetInParent()), Status.INVALID_ARGUMENT, "INPUT_INVALID"),
    "not a number": (
        question(lambda q: setattr(q.context["x"], "number", float("nan"))),
        Status.INVALID_ARGUMENT,
        "INPUT_INVALID",
    ),
    "control character": (
        question(lambda q: setattr(q.principal, "name", "ana\x1b[2J")),
        Status.INVALID_ARGUMENT,
        "INPUT_INVALID",
    ),
    "deep": (
        question(lambda q: q.context["x"].CopyFrom(deep(MAX_DEPTH + 1))),
        Status.RESOURCE_EXHAUSTED,
        "TOO_LARGE",
    ),
    "deeper than the parser goes": (nested_bytes(5_000), Status.INVALID_ARGUMENT, "MESSAGE_MALFORMED"),
    "long text": (
        question(lambda q: setattr(q.raw, "text", b"x" * (MAX_TEXT + 1))),
        Status.RESOURCE_EXHAUSTED,
        "TOO_LARGE",
    ),
    "long message": (b"\xff" * (MAX_MESSAGE + 1), Status.RESOURCE_EXHAUSTED, "TOO_LARGE"),
    "tree without operations": (
        question(lambda q: setattr(q.command, "protocol", "postgres")),
        Status.INVALID_ARGUMENT,
        "INPUT_INVALID",
    ),
    "negative span": (
        question(lambda q: (setattr(q.command, "protocol", "p"), q.command.operations.add(kind="k", span_start=-1))),
        Status.INVALID_ARGUMENT,
        "INPUT_INVALID",
    ),
}


@pytest.mark.parametrize("name", MEMBERS)
def test_what_is_no_question_has_a_clear_status_and_is_recorded(
    served: Served, channel: grpc.Channel, name: str
) -> None:
    message, wanted, code = MEMBERS[name]
    got, details = status(channel, DECISION + "Decide", message)
    assert got is wanted
    assert details.startswith(f"{code}: ")
    assert served.stand_ins.gate.asked == []
    assert served.stand_ins.gate.codes() == [code]


def test_a_text_that_is_not_utf_8_is_a_question_for_the_gate(served: Served, channel: grpc.Channel) -> None:
    answer = channel.unary_unary(DECISION + "Decide", None, None)(
        question(lambda q: setattr(q.raw, "text", b"sel\xff\xfe"))
    )
    assert pb.DecideResponse.FromString(answer).verdict == pb.DENY
    assert len(served.stand_ins.gate.asked) == 1


def test_a_batch_too_many_or_of_nothing_is_refused(served: Served, channel: grpc.Channel) -> None:
    many = pb.DecideBatchRequest(items=[pb.BatchItem()] * (MAX_BATCH + 1)).SerializeToString()
    assert status(channel, DECISION + "DecideBatch", many)[0] is Status.RESOURCE_EXHAUSTED
    assert status(channel, DECISION + "DecideBatch", b"")[0] is Status.INVALID_ARGUMENT
    assert served.stand_ins.gate.codes() == ["TOO_LARGE", "INPUT_INVALID"]


def recorded(served: Served, code: str) -> bool:
    """Whether a refusal comes to be recorded; some are, a moment after the caller has its status."""
    for _ in range(200):
        if code in served.stand_ins.gate.codes():
            return True
        threading.Event().wait(0.02)
    return False


def test_what_the_transport_refuses_is_recorded_too(served: Served, channel: grpc.Channel) -> None:
    got, _ = status(channel, DECISION + "Decide", b"x" * (MAX_TRANSPORT_MESSAGE + 1))
    assert got is Status.RESOURCE_EXHAUSTED
    assert recorded(served, "MESSAGE_LOST")
    assert served.stand_ins.gate.asked == []


def test_a_small_message_that_unpacks_to_a_huge_one_is_refused(served: Served) -> None:
    options = (("grpc.default_compression_algorithm", 2), ("grpc.max_send_message_length", -1))
    with grpc.insecure_channel(
        served.address(ADAPTER.name), options=options, compression=grpc.Compression.Gzip
    ) as packed:
        got, _ = status(packed, DECISION + "Decide", bytes(256 << 20))
    assert got is Status.RESOURCE_EXHAUSTED
    assert recorded(served, "MESSAGE_LOST")


def test_a_method_that_is_not_there_is_refused_and_recorded(served: Served, channel: grpc.Channel) -> None:
    for method in ("/sallyport.decision.v1.DecisionService/Allow", "/x.Y/Z", "/"):
        assert status(channel, method, b"")[0] is Status.UNIMPLEMENTED
    assert served.stand_ins.gate.codes() == ["METHOD_UNKNOWN"] * 3


def test_when_the_audit_fails_the_refusal_says_only_that(served: Served, channel: grpc.Channel) -> None:
    served.stand_ins.gate.audit_fails = True
    got, details = status(channel, DECISION + "Decide", b"\xff")
    assert got is Status.UNAVAILABLE
    assert details.startswith("AUDIT_UNAVAILABLE: ")
    assert "secret" not in details


def test_a_stream_is_denied_message_by_message_and_goes_on(served: Served, channel: grpc.Channel) -> None:
    messages = [b"\xff", question(), b"", question(lambda q: q.ClearField("resource")), question()]
    answers = [
        pb.DecideResponse.FromString(answer)
        for answer in channel.stream_stream(DECISION + "DecideStream", None, None)(iter(messages))
    ]
    assert [answer.verdict for answer in answers] == [pb.DENY, pb.ALLOW, pb.DENY, pb.DENY, pb.ALLOW]
    assert [answer.deny_kind for answer in answers if answer.verdict == pb.DENY] == [pb.INPUT_INVALID] * 3
    assert len(served.stand_ins.gate.codes()) == 3


def test_a_message_too_large_ends_a_stream_and_nothing_after_it_is_asked(served: Served, channel: grpc.Channel) -> None:
    messages = [question(), b"x" * (MAX_TRANSPORT_MESSAGE + 1), question()]
    answers = channel.stream_stream(DECISION + "DecideStream", None, None)(iter(messages))
    assert pb.DecideResponse.FromString(next(answers)).verdict == pb.ALLOW
    with pytest.raises(grpc.RpcError) as failed:
        next(answers)
    assert failed.value.code() is Status.RESOURCE_EXHAUSTED  # type: ignore[attr-defined]  # the error is the call
    assert recorded(served, "MESSAGE_LOST")
    assert len(served.stand_ins.gate.asked) == 1


def test_a_stream_that_its_caller_drops_leaves_nothing_behind(served: Served, channel: grpc.Channel) -> None:
    for _ in range(100):
        answers = channel.stream_stream(DECISION + "DecideStream", None, None)(iter([question()] * 3))
        next(answers)
        answers.cancel()
    answer = channel.unary_unary(DECISION + "Decide", None, None)(question(), timeout=60)
    assert pb.DecideResponse.FromString(answer).verdict == pb.ALLOW


def test_several_messages_where_one_belongs_are_refused(served: Served, channel: grpc.Channel) -> None:
    call = channel.stream_unary(DECISION + "Decide", None, None)
    with pytest.raises(grpc.RpcError) as none:
        call(iter([]), timeout=60)
    assert none.value.code() is Status.INVALID_ARGUMENT  # type: ignore[attr-defined]  # the error is the call
    assert recorded(served, "MESSAGE_LOST")


def test_calls_whose_message_never_comes_do_not_keep_others_from_theirs(folder: Path) -> None:
    stand_ins, now = StandIns(), [0.0]
    socket = UnixSocket(folder / "run" / "a.sock", ADAPTER)
    server = RpcServer(stand_ins.ports, stand_ins.audit, [socket], lambda: now[0])
    server.start()
    held = threading.Event()

    def never() -> Iterator[bytes]:
        held.wait(60)
        yield b""

    with grpc.insecure_channel(server.addresses[0], options=(("grpc.default_authority", "localhost"),)) as channel:
        calls = [channel.stream_unary(DECISION + "Decide", None, None).future(never()) for _ in range(40)]
        question_behind = channel.unary_unary(DECISION + "Decide", None, None).future(question(), timeout=60)
        while server.awaited() < UNARY_THREADS:
            assert not question_behind.done()
        for _ in range(40):
            now[0] += SECONDS + 1
            if question_behind.done():
                break
            threading.Event().wait(0.5)
        assert pb.DecideResponse.FromString(question_behind.result()).verdict == pb.ALLOW
        held.set()
        for call in calls:
            call.cancel()
    server.stop(grace=5)
    assert "MESSAGE_LOST" in stand_ins.gate.codes()


def test_of_one_caller_few_calls_wait_for_their_message(folder: Path) -> None:
    stand_ins, now, held = StandIns(), [0.0], threading.Event()
    socket = UnixSocket(folder / "run" / "a.sock", AGENT)
    server = RpcServer(stand_ins.ports, stand_ins.audit, [socket], lambda: now[0])
    server.start()

    def never() -> Iterator[bytes]:
        assert held.wait(60)
        yield b""

    with grpc.insecure_channel(server.addresses[0], options=(("grpc.default_authority", "localhost"),)) as channel:
        calls = [channel.stream_unary(DECISION + "Decide", None, None).future(never()) for _ in range(40)]
        while server.awaited() < UNARY_THREADS:
            pass
        now[0] += SLOW_SECONDS
        while sum(call.done() for call in calls) < len(calls) - MOST_SLOW:
            pass
        assert server.awaited() == MOST_SLOW
        held.set()
        for call in calls:
            call.cancel()
    server.stop(grace=5)
    assert "TOO_MANY_CALLS" in stand_ins.gate.codes()


def test_headers_beyond_the_limit_are_refused(served: Served, channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        channel.unary_unary(DECISION + "Decide", None, None)(
            question(), metadata=(("x-large", "y" * 100_000),), timeout=60
        )
    assert failed.value.code() is Status.RESOURCE_EXHAUSTED  # type: ignore[attr-defined]  # the error is the call
    assert served.stand_ins.gate.asked == []


def test_a_header_cannot_say_who_is_calling(served: Served) -> None:
    with raw_channel(served, AGENT.name) as channel, pytest.raises(grpc.RpcError) as failed:
        channel.unary_unary(DECISION + "Decide", None, None)(
            question(), metadata=(("authorization", "Bearer pg-adapter"), ("x-caller", "pg-adapter")), timeout=60
        )
    assert failed.value.code() is Status.PERMISSION_DENIED  # type: ignore[attr-defined]  # the error is the call
    assert served.stand_ins.gate.refusals[0][0] == AGENT.name
