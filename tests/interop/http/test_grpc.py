"""gRPC through the gateway: its own server and client over HTTP/2, with the fields behind a body by which it says how a call ended."""

from __future__ import annotations

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

deny contains {"code": "NOT_SOLD", "reason": "nobody buys"} if {
	input.command.http.path == "/shop.Shop/Buy"
}
"""


@dataclass
class Shop:
    """A gRPC server of three calls on bytes."""

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
        }
        server = grpc.server(ThreadPoolExecutor(8))
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
