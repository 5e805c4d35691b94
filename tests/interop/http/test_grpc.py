"""gRPC through the gateway: its own server and client over HTTP/2, with the fields behind a body by which it says how a call ended."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from tests.interop.http.running import Running, gateway_before
from tests.interop.http.two_nginx import resource

POLICY = """\
package policies.calls

allow contains {"code": "CALLS", "reason": "calls of the shop are open"} if {
	startswith(input.command.http.path, "/shop.Shop/")
}

deny contains {"code": "NOT_SOLD", "reason": "nobody buys 100% ä", "hint": "ask the shop"} if {
	endswith(input.command.http.path, ["/Buy", "/Haggle"][_])
}

hold contains {"code": "WAITS", "reason": "somebody looks", "approvers": {"groups": ["leads"]}, "expires": "10m"} if {
	endswith(input.command.http.path, ["/Wait", "/Stay"][_])
}

mask contains {"code": "HIDDEN", "reason": "cards are hidden", "method": "redact", "paths": ["$..card"]} if {
	endswith(input.command.http.path, ["/Hide", "/Veil"][_])
}
"""


@dataclass
class Shop:
    """A gRPC server of calls on bytes: one or many of them, either way, and both at once."""

    called: list[str] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)

    def start(self) -> tuple[grpc.Server, int]:
        methods = {
            "Say": grpc.unary_unary_rpc_method_handler(self.say),
            "Buy": grpc.unary_unary_rpc_method_handler(self.say),
            "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
            "List": grpc.unary_stream_rpc_method_handler(self.many),
            "Sum": grpc.stream_unary_rpc_method_handler(self.sum),
            "Wait": grpc.unary_unary_rpc_method_handler(self.say),
            "Hide": grpc.unary_unary_rpc_method_handler(self.say),
            "First": grpc.stream_stream_rpc_method_handler(self.first),
            **{name: grpc.stream_stream_rpc_method_handler(self.talk) for name in ("Talk", "Haggle", "Stay", "Veil")},
        }
        server = grpc.server(ThreadPoolExecutor(32))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Shop", methods),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        return server, port

    def say(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self.called.append("say")
        context.set_trailing_metadata((("x-behind", "yes"),))
        return b"you said " + request

    def fail(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self.called.append("fail")
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not today: ä")
        raise AssertionError("it was aborted")

    def many(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        context.add_callback(self.left.set)
        for number in range(int(request)):
            if number == 2:
                self.gate.wait(20)
            yield b"%d" % number * 1000
        context.set_trailing_metadata((("x-behind", "all"),))

    def sum(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        return b"%d" % sum(len(one) for one in requests)

    def talk(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        self.called.append("talk")
        context.add_callback(self.left.set)
        for one in requests:
            yield b"heard " + one
        context.set_trailing_metadata((("x-behind", "all"),))

    def first(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        yield b"welcome"
        yield b"heard " + next(requests)
        context.set_trailing_metadata((("x-behind", "early"),))


@pytest.fixture(scope="module")
def shop() -> Iterator[tuple[Shop, int]]:
    made = Shop()
    server, port = made.start()
    yield made, port
    made.gate.set()
    server.stop(0).wait()


@pytest.fixture(scope="module")
def running(shop: tuple[Shop, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with gateway_before(
        tmp_path_factory.mktemp("calls"),
        f"127.0.0.1:{shop[1]}",
        credential=False,
        listener='http2 = "clear"',
        resource=resource("always", None),
        policy=POLICY,
    ) as made:
        yield made


@pytest.fixture
def channel(running: Running) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{running.port}", options=[("grpc.enable_retries", 0)]) as made:
        yield made


def who(running: Running) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {running.token}"),)


def test_a_call_is_answered_and_its_end_is_told(
    channel: grpc.Channel, running: Running, shop: tuple[Shop, int]
) -> None:
    say = channel.unary_unary("/shop.Shop/Say")
    for _ in range(5):
        answer, call = say.with_call(b"hello", metadata=who(running), timeout=20)
        assert answer == b"you said hello"
        assert call.code() is grpc.StatusCode.OK
        assert ("x-behind", "yes") in tuple(call.trailing_metadata())
    assert running.outcome(running.decisions()[-1].decision_id or "").error is None


def test_a_call_that_fails_says_why_in_the_servers_words(channel: grpc.Channel, running: Running) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        channel.unary_unary("/shop.Shop/Fail")(b"", metadata=who(running), timeout=20)
    assert failed.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert failed.value.details() == "not today: ä"


def test_what_is_denied_never_gets_there(channel: grpc.Channel, running: Running, shop: tuple[Shop, int]) -> None:
    shop[0].called.clear()
    with pytest.raises(grpc.RpcError) as failed:
        channel.unary_unary("/shop.Shop/Buy")(b"", metadata=who(running), timeout=20)
    assert failed.value.code() is grpc.StatusCode.PERMISSION_DENIED
    with pytest.raises(grpc.RpcError) as failed:
        channel.unary_unary("/shop.Shop/Say")(b"", timeout=20)
    assert failed.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert shop[0].called == []


def test_answers_come_one_by_one_and_who_leaves_ends_the_call(
    channel: grpc.Channel, running: Running, shop: tuple[Shop, int]
) -> None:
    shop[0].gate.clear()
    listed: Callable[..., grpc.Call] = channel.unary_stream("/shop.Shop/List")
    stream = listed(b"4", metadata=who(running), timeout=20)
    assert [next(stream), next(stream)] == [b"0" * 1000, b"1" * 1000]
    shop[0].gate.set()
    assert len(list(stream)) == 2
    assert ("x-behind", "all") in tuple(stream.trailing_metadata())
    shop[0].gate.clear()
    shop[0].left.clear()
    stream = listed(b"1000", metadata=who(running), timeout=20)
    next(stream)
    stream.cancel()
    shop[0].gate.set()
    assert shop[0].left.wait(20)


def test_a_client_may_say_much_before_it_is_answered(channel: grpc.Channel, running: Running) -> None:
    summed = channel.stream_unary("/shop.Shop/Sum")
    assert summed((b"x" * 10_000 for _ in range(10)), metadata=who(running), timeout=20) == b"100000"
    assert summed((b"x" * 10_000 for _ in range(100)), metadata=who(running), timeout=20) == b"1000000"


def test_many_calls_at_once_are_each_answered(running: Running) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        say = channel.unary_unary("/shop.Shop/Say")
        calls = [say.future(b"%d" % number, metadata=who(running), timeout=30) for number in range(80)]
        assert [call.result() for call in calls] == [b"you said %d" % number for number in range(80)]


def test_fields_behind_a_body_reach_only_clients_that_read_them(running: Running, tmp_path: Path) -> None:
    def said(*headers: str) -> bytes:
        body = b"\0\0\0\0\1a"
        line = running.request("POST /shop.Shop/Say", "content-type: application/grpc", f"content-length: {len(body)}", "connection: close", *headers)  # fmt: skip
        return running.raw(line + body)

    assert b"\r\n0\r\ngrpc-status: 0\r\n" in said("te: trailers").lower()
    assert said().endswith(b"\r\n0\r\n\r\n")


class Words:
    """What a client says on a stream, when it is told to."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        word = self.queue.get()
        if word is None:
            raise StopIteration
        return word

    def say(self, word: bytes | None) -> None:
        """One message more; None: the end."""
        self.queue.put(word)


def streamed(channel: grpc.Channel, name: str) -> Callable[..., grpc.Call]:
    made: Callable[..., grpc.Call] = channel.stream_stream(f"/shop.Shop/{name}")
    return made


def test_both_ways_flow_while_neither_has_ended(channel: grpc.Channel, running: Running) -> None:
    words = Words()
    stream = streamed(channel, "Talk")(words, metadata=who(running), timeout=30)
    for number in range(50):
        word = b"%d" % number * (1 + 100 * number)
        words.say(word)
        assert next(stream) == b"heard " + word, "the answer to each is there before the next one is said"
    words.say(None)
    assert list(stream) == []
    assert stream.code() is grpc.StatusCode.OK
    assert ("x-behind", "all") in tuple(stream.trailing_metadata())
    decision = running.decisions()[-1]
    assert decision.verdict == "allow"
    assert running.outcome(decision.decision_id or "").error is None


def test_much_flows_both_ways_at_once(channel: grpc.Channel, running: Running) -> None:
    words = [bytes((number,)) * 50_000 for number in range(100)]
    stream = streamed(channel, "Talk")(iter(words), metadata=who(running), timeout=60)
    assert list(stream) == [b"heard " + word for word in words]


def test_a_server_may_speak_first_and_end_first(channel: grpc.Channel, running: Running) -> None:
    words = Words()
    stream = streamed(channel, "First")(words, metadata=who(running), timeout=30)
    assert next(stream) == b"welcome", "before the client said anything but its head"
    words.say(b"a")
    assert list(stream) == [b"heard a"]
    assert stream.code() is grpc.StatusCode.OK
    assert ("x-behind", "early") in tuple(stream.trailing_metadata())
    words.say(None)


def test_many_streams_at_once_each_get_their_own(running: Running) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        all_words = [Words() for _ in range(20)]
        streams = [streamed(channel, "Talk")(words, metadata=who(running), timeout=60) for words in all_words]
        for turn in range(5):
            for number, words in enumerate(all_words):
                words.say(b"%d of %d" % (turn, number))
            assert [next(stream) for stream in streams] == [b"heard %d of %d" % (turn, number) for number in range(20)]
        for words in all_words:
            words.say(None)
        assert [list(stream) for stream in streams] == [[]] * 20


def test_who_leaves_a_stream_ends_it_at_the_server(
    channel: grpc.Channel, running: Running, shop: tuple[Shop, int]
) -> None:
    words = Words()
    stream = streamed(channel, "Talk")(words, metadata=who(running), timeout=30)
    words.say(b"a")
    assert next(stream) == b"heard a"
    shop[0].left.clear()
    stream.cancel()
    assert shop[0].left.wait(20)
    words.say(None)


def test_a_stream_that_is_denied_held_or_masked_is_told_so_in_words_of_grpc(
    channel: grpc.Channel, running: Running, shop: tuple[Shop, int]
) -> None:
    shop[0].called.clear()
    wanted = {
        "Haggle": (grpc.StatusCode.PERMISSION_DENIED, "NOT_SOLD: nobody buys 100% ä; ask the shop"),
        "Stay": (grpc.StatusCode.FAILED_PRECONDITION, "TOO_LONG_TO_APPROVE: nobody approves a body that was not read"),
    }
    for name, (code, details) in wanted.items():
        words = Words()
        stream = streamed(channel, name)(words, metadata=who(running), timeout=30)
        words.say(b"a")
        with pytest.raises(grpc.RpcError):
            next(stream)
        assert (stream.code(), stream.details()) == (code, details)
        assert "sallyport-decision" in dict(stream.trailing_metadata())
        words.say(None)
    assert shop[0].called == [], "none of it got there"
    words = Words()
    stream = streamed(channel, "Veil")(words, metadata=who(running), timeout=30)
    words.say(b"a")
    with pytest.raises(grpc.RpcError):
        next(stream)
    assert stream.code() is grpc.StatusCode.PERMISSION_DENIED
    assert (stream.details() or "").startswith("MASK_UNPROVEN: ")
    words.say(None)


def test_a_call_that_is_held_goes_on_when_it_is_approved_and_one_that_is_masked_is_not_shown(
    channel: grpc.Channel, running: Running
) -> None:
    waiting = channel.unary_unary("/shop.Shop/Wait").future(b"a", metadata=who(running), timeout=30)
    running.approve(running.ticket())
    assert waiting.result() == b"you said a"
    waiting = channel.unary_unary("/shop.Shop/Wait").future(b"b", metadata=who(running), timeout=30)
    running.refuse(running.ticket())
    assert waiting.code() is grpc.StatusCode.PERMISSION_DENIED
    with pytest.raises(grpc.RpcError) as failed:
        channel.unary_unary("/shop.Shop/Hide")(b"a", metadata=who(running), timeout=20)
    assert failed.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert (failed.value.details() or "").startswith("MASK_UNPROVEN: ")
