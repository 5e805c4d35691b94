"""The client in front of a small channel: what it sends, and how it says what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import grpc
import pytest

from engine.decision import Decision, Verdict
from engine.request import Resource
from gateway.audit.index.sought import Sought
from gateway.errors import ConfigInvalid
from gateway.rpc.calls import CODE_KEY
from gateway.rpc.client import CallFailed, Client, ClientTls, Query, Raw
from gateway.rpc.codec import asking, entries, recordings, remembered, tickets
from gateway.rpc.codec.answers import AnswerWriter, Particulars, Shown, join_answers
from gateway.viewing import Playing
from tests.rpc_stand_ins import ALLOWED, StandInEntry, StandInFound, StandInRemembered, StandInTicket, tree

QUERY = Query(Resource("orders", "postgres"))
SELECT = Raw("postgres", b"select 1")
ANSWER = AnswerWriter().write(ALLOWED, Particulars("d-1"), Shown(reasons=True, details=True))


class Failure(grpc.RpcError, grpc.Call):  # type: ignore[misc]  # gRPC's own error is both too
    """An error of a call, which is the call too."""

    def __init__(self, status: grpc.StatusCode, details: str = "", code: str = "") -> None:
        self._status, self._details, self._code = status, details, code

    def code(self) -> grpc.StatusCode:
        return self._status

    def details(self) -> str:
        return self._details

    def trailing_metadata(self) -> Sequence[tuple[str, str]]:
        return ((CODE_KEY, self._code),) if self._code else ()

    def initial_metadata(self) -> Sequence[tuple[str, str]]:
        return ()

    def is_active(self) -> bool:
        return False

    def time_remaining(self) -> float | None:
        return None

    def cancel(self) -> None:
        return

    def add_callback(self, callback: Callable[[], None]) -> bool:
        return False


class Stream:
    def __init__(self, answers: Sequence[bytes | Exception]) -> None:
        self._answers = iter(answers)
        self.cancelled = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def cancel(self) -> None:
        self.cancelled = True


class Channel:
    """Answers every call with what it was given, and keeps what was sent."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers = answers
        self.sent: list[tuple[str, object]] = []
        self.stream = Stream(answers)
        self.closed = False
        self.metadata: list[object] = []

    def unary_unary(self, method: str, *_: object) -> Callable[..., bytes]:
        def call(message: bytes, timeout: float, metadata: object) -> bytes:
            self.metadata.append(metadata)
            self.sent.append((method, message))
            answer = self.answers[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    def unary_stream(self, method: str, *_: object) -> Callable[..., Stream]:
        def call(message: bytes, metadata: object) -> Stream:
            self.metadata.append(metadata)
            self.sent.append((method, message))
            return self.stream

        return call

    def stream_stream(self, method: str, *_: object) -> Callable[..., Stream]:
        def call(messages: Iterator[bytes], metadata: object) -> Stream:
            self.metadata.append(metadata)
            self.sent.append((method, [*messages]))
            return self.stream

        return call

    def close(self) -> None:
        self.closed = True


def client(channel: Channel) -> Client:
    return Client(channel, "unix:/run/x.sock")  # type: ignore[arg-type]  # a small channel


def failed(channel: Channel, call: Callable[[Client], object]) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        call(client(channel))
    return caught.value


def test_a_question_is_sent_and_its_answer_understood() -> None:
    channel = Channel(ANSWER)
    ruling = client(channel).decide(SELECT, QUERY)
    assert ruling.is_granted
    assert ruling.decision.verdict is Verdict.ALLOW
    assert ruling.particulars.decision_id == "d-1"
    assert channel.sent == [("/sallyport.decision.v1.DecisionService/Decide", asking.write_question(SELECT, QUERY))]


def test_a_batch_has_as_many_answers_as_questions() -> None:
    rulings = client(Channel(join_answers([ANSWER, ANSWER]))).decide_batch([SELECT, tree("select 2")], QUERY)
    assert [ruling.is_granted for ruling in rulings] == [True, True]
    failure = failed(Channel(join_answers([ANSWER])), lambda c: c.decide_batch([SELECT, SELECT], QUERY))
    assert failure.code == "ANSWER_INVALID"


def test_a_stream_of_questions_is_answered_in_order_and_let_go() -> None:
    denied = AnswerWriter().write(Decision(), Particulars("d-2"), Shown(reasons=True, details=True))
    channel = Channel(ANSWER, denied)
    rulings = [*client(channel).decide_stream([(SELECT, QUERY), (SELECT, QUERY)])]
    assert [ruling.is_granted for ruling in rulings] == [True, False]
    assert channel.stream.cancelled


def test_each_method_goes_where_it_belongs() -> None:
    ticket = tickets.write_ticket(StandInTicket())
    for call, answer, method in (
        (lambda c: c.parse(SELECT), asking.write_parsed(tree("x")), "decision.v1.DecisionService/Parse"),
        (lambda c: c.tickets("requested"), tickets.write_list([]), "approval.v1.ApprovalService/List"),
        (lambda c: c.approve("t-1"), ticket, "approval.v1.ApprovalService/Approve"),
        (lambda c: c.refuse("t-1"), ticket, "approval.v1.ApprovalService/Refuse"),
        (lambda c: c.withdraw("t-1"), ticket, "approval.v1.ApprovalService/Withdraw"),
        (
            lambda c: c.remembered(),
            remembered.write_list([]),
            "approval.v1.ApprovalService/ListRemembered",
        ),
        (
            lambda c: c.take_back("a-1"),
            remembered.write_one(StandInRemembered()),
            "approval.v1.ApprovalService/TakeBack",
        ),
        (lambda c: c.entries(), entries.write_list([], 0), "audit.v1.AuditService/List"),
        (lambda c: c.search(Sought()), entries.write_found(StandInFound()), "audit.v1.AuditService/Search"),
        (
            lambda c: c.announce(Playing("r-1")),
            recordings.write_announced(1),
            "recording.v1.RecordingService/Announce",
        ),
        (lambda c: [*c.watch()], asking.write_revision("r1"), "decision.v1.DecisionService/Watch"),
        (
            lambda c: [*c.await_release("t-1")],
            tickets.write_fate(StandInTicket(), None),
            "approval.v1.ApprovalService/AwaitRelease",
        ),
        (lambda c: [*c.tail(0)], entries.write_tail([StandInEntry(0, b"{}")]), "audit.v1.AuditService/Tail"),
    ):
        channel = Channel(answer)
        call(client(channel))
        assert channel.sent[0][0] == f"/sallyport.{method}"


def test_the_service_s_own_code_is_the_code() -> None:
    failure = Failure(grpc.StatusCode.NOT_FOUND, "TICKET_UNKNOWN: no such ticket", "TICKET_UNKNOWN")
    error = failed(Channel(failure), lambda c: c.approve("t-9"))
    assert (error.code, str(error), error.status) == ("TICKET_UNKNOWN", "no such ticket", "NOT_FOUND")


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Failure(grpc.StatusCode.UNAVAILABLE), "UNREACHABLE"),
        (Failure(grpc.StatusCode.DEADLINE_EXCEEDED), "NO_ANSWER"),
        (Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, "too large"), "RESOURCE_EXHAUSTED"),
        (grpc.RpcError(), "CALL_FAILED"),
    ],
)
def test_what_the_transport_says_is_told_in_our_words(failure: Exception, code: str) -> None:
    assert failed(Channel(failure), lambda c: c.decide(SELECT, QUERY)).code == code
    assert failed(Channel(failure), lambda c: [*c.watch()]).code == code


def test_an_unreachable_service_comes_with_what_to_do() -> None:
    error = failed(Channel(Failure(grpc.StatusCode.UNAVAILABLE)), lambda c: c.decide(SELECT, QUERY))
    assert "unix:/run/x.sock" in str(error)
    assert "sallyport serve" in error.help


@pytest.mark.parametrize(
    "answer", [b"\xff", b"\x10\x63", b"\x10\x02"], ids=["garbage", "verdict 99", "mask without plan"]
)
def test_an_answer_that_is_not_understood_is_no_answer(answer: bytes) -> None:
    assert failed(Channel(answer), lambda c: c.decide(SELECT, QUERY)).code == "ANSWER_INVALID"
    assert failed(Channel(answer), lambda c: [*c.decide_stream([(SELECT, QUERY)])]).code == "ANSWER_INVALID"


def test_an_announcement_without_an_entry_is_none() -> None:
    for answer in (b"", recordings.write_announced(0)):
        assert failed(Channel(answer), lambda c: c.announce(Playing("r-1"))).code == "ANSWER_INVALID"


def test_the_connection_is_closed_with_the_client() -> None:
    channel = Channel(ANSWER)
    with client(channel):
        assert not channel.closed
    assert channel.closed


def test_a_key_is_never_printed() -> None:
    assert "secret" not in repr(ClientTls(b"certificate", b"secret"))


def test_a_token_goes_to_this_machine_or_over_tls_and_nowhere_else() -> None:
    for address in ("10.0.0.9:8443", "gateway.example:8443", "localhost:8443", "nowhere"):
        with pytest.raises(ConfigInvalid, match="over TLS only"):
            Client.over_loopback(address, token="secret")
    Client.over_loopback("127.0.0.1:1", token="secret").close()
    Client.over_loopback("[::1]:1", token="secret").close()
    Client.over_tls("gateway.example:1", ClientTls(), token="secret").close()


def test_a_token_goes_with_each_call_as_it_is_at_that_moment() -> None:
    tokens = iter(["one", "two", "three", "four"])
    channel = Channel(ANSWER)
    with Client(channel, "unix:/run/x.sock", token=lambda: next(tokens)) as asked:  # type: ignore[arg-type]  # a small channel
        asked.decide(SELECT, QUERY)
        asked.decide(SELECT, QUERY)
        next(asked.decide_stream([(SELECT, QUERY)]))
        next(iter(asked.watch()), None)
    bearers = [(("authorization", f"Bearer {word}"),) for word in ("one", "two", "three", "four")]
    assert channel.metadata == bearers
    channel = Channel(ANSWER)
    client(channel).decide(SELECT, QUERY)
    assert channel.metadata == [None]
