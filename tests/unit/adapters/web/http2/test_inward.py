"""A connection as a dialogue with the library's own client; what it says frame by frame where no client would."""

from __future__ import annotations

from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    InformationalResponseReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.settings import SettingCodes

from adapters.core.carried import Done, Eased, Happening, Heard, Left, Multiplexer, Opened
from adapters.web.http2 import floods
from adapters.web.http2.connection import MAX_STREAMS
from adapters.web.http2.flows import FULL, STREAM_WINDOW
from adapters.web.http2.frames import MAX_TABLE, Kind
from adapters.web.http2.inward import HALF_CLOSED_SECONDS, Inward, Limits
from adapters.web.problems import problem
from adapters.web.requests import CONTINUE
from engine.command.documents.refusal import Refused
from tests.unit.adapters.web.http2.test_frames import frame

GET = [(":method", "GET"), (":scheme", "https"), (":authority", "shop"), (":path", "/a")]
POST = [(":method", "POST"), *GET[1:]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class House:
    """Both ends. `happened` is what the connection told; `got` what the client understood."""

    def __init__(self, server: Multiplexer | None = None, **limits: float) -> None:
        self.refused: list[tuple[str, bytes]] = []
        self.now = 100.0
        self.server = server or Inward(
            is_tls=True, check=self.check, refusal=self.refusal, limits=Limits(**limits), takes_websockets=True
        )
        config = H2Configuration(client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False)
        self.client = H2Connection(config)
        self.happened: list[Happening] = []
        self.got: list[Any] = []
        self.server.begin(self.now)
        self.client.initiate_connection()
        self.turn()

    def check(self, head: bytes) -> None:
        if b"\r\nte: gzip\r\n" in head:
            raise Refused("te", "no")

    def refusal(self, refused: Refused, shown: bytes) -> bytes:
        self.refused.append((refused.code, shown))
        return problem(400, refused.code.upper(), refused.message, closes=True)

    def turn(self, data: bytes = b"") -> list[Happening]:
        """Everything that each has to say, until neither has more."""
        before = len(self.happened)
        data = self.client.data_to_send() + data
        while data or self.server.wants_sending:
            self.server.receive(data, self.now)
            self.happened += self.server.happened()
            data = b""
            while self.server.wants_sending:
                sent = self.server.send(10_000, self.now)
                assert sent
                self.got += self.client.receive_data(sent)
                data += self.client.data_to_send()
            self.happened += self.server.happened()
        return self.happened[before:]

    def ask(self, fields: list[tuple[str, str]], *, end: bool = True) -> int:
        stream = self.client.get_next_available_stream_id()
        self.client.send_headers(stream, fields, end_stream=end)
        self.turn()
        return stream

    def heard(self, stream: int) -> bytes:
        return b"".join(one.data for one in self.happened if isinstance(one, Heard) and one.stream == stream)

    def all_of(self, kind: type, stream: int) -> list[Any]:
        return [one for one in self.got if isinstance(one, kind) and one.stream_id == stream]

    def body(self, stream: int) -> bytes:
        return b"".join(bytes(one.data) for one in self.all_of(DataReceived, stream))

    @property
    def goodbye(self) -> ErrorCodes | None:
        found = [one for one in self.got if isinstance(one, ConnectionTerminated)]
        return ErrorCodes(found[0].error_code) if found else None


def test_a_request_is_handed_on_and_answered() -> None:
    house = House()
    stream = house.ask([*GET, ("accept", "*/*")])
    assert house.happened == [Opened(1), Heard(1, b"GET /a HTTP/1.1\r\nhost: shop\r\naccept: */*\r\n\r\n")]
    house.server.answer(stream, OK)
    assert house.turn() == [Done(1)]
    assert dict(house.all_of(ResponseReceived, 1)[0].headers) == {b":status": b"200", b"content-length": b"2"}
    assert house.body(1) == b"ok"
    assert house.all_of(StreamEnded, 1)
    assert not house.server.is_over


def test_an_answer_without_a_body_ends_with_its_head() -> None:
    house = House()
    stream = house.ask([(":method", "HEAD"), *GET[1:]])
    house.server.answer(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n")
    assert house.turn() == [Done(stream)]
    assert house.body(stream) == b""


def test_bodies_come_in_pieces_and_the_client_may_send_as_they_are_used_up() -> None:
    house = House()
    stream = house.ask([*POST, ("expect", "100-continue")], end=False)
    house.server.answer(stream, CONTINUE)
    house.turn()
    assert house.all_of(InformationalResponseReceived, stream)
    house.client.send_data(stream, b"a" * 10_000)
    house.client.send_data(stream, b"b" * 10_000, end_stream=True, pad_length=9)
    house.turn()
    assert house.heard(stream).endswith(b"\r\n2710\r\n" + b"b" * 10_000 + b"\r\n0\r\n\r\n")


def test_a_stream_that_nobody_reads_stops_its_client_and_no_other() -> None:
    house = House()
    slow, fast = house.ask(POST, end=False), house.ask(POST, end=False)
    sent = 0
    while room := min(house.client.local_flow_control_window(slow), 16_384):
        house.client.send_data(slow, bytes(room))
        sent += room
        house.turn()
    assert sent == STREAM_WINDOW
    for _ in range(200):
        house.client.send_data(fast, bytes(8_000))
        for one in house.turn():
            if isinstance(one, Heard) and one.stream == fast:
                house.server.taken(fast, len(one.data))
        house.turn()
    assert house.client.local_flow_control_window(fast) > 8_000
    house.server.taken(slow, len(house.heard(slow)))
    house.turn()
    assert house.client.local_flow_control_window(slow) == STREAM_WINDOW, "all that was used up, and not a byte more"
    assert house.all_of(WindowUpdated, slow)


def test_an_answer_that_the_client_does_not_take_waits_and_is_said_to_be_full() -> None:
    house = House()
    stream = house.ask(GET)
    house.server.answer(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n" + bytes(100_000))
    house.turn()
    assert len(house.body(stream)) == 65_535, "the client's window"
    assert house.server.unsent(stream) == 100_000 - 65_535
    assert not house.server.is_full(stream)
    house.server.answer(stream, bytes(200_000))
    assert house.server.unsent(stream) > FULL
    assert house.server.is_full(stream)
    assert not house.server.wants_sending
    for _ in range(10):
        house.client.acknowledge_received_data(min(65_535, len(house.body(stream))), stream)
        happened = house.turn()
        if Eased(stream) in happened:
            break
    else:
        raise AssertionError("it never eased")


def test_answers_take_turns() -> None:
    house = House()
    first, second = house.ask(GET), house.ask(GET)
    for stream in (first, second):
        house.server.answer(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n" + bytes(60_000))
    house.turn()
    order = [one.stream_id for one in house.got if isinstance(one, DataReceived)]
    assert order[:4] == [first, second, first, second]


def test_a_broken_answer_that_the_client_does_not_take_waits_quietly() -> None:
    house = House()
    stream = house.ask(GET)
    house.server.answer(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n" + bytes(100_000))
    house.server.finish(stream, at_once=False)
    house.turn()
    assert not house.server.wants_sending
    house.server.finish(stream, at_once=True)
    assert house.turn() == [Left(stream)]


@pytest.mark.parametrize("is_begun", [False, True])
def test_an_answer_that_breaks_off_is_reset_never_ended(is_begun: bool) -> None:
    house = House()
    stream = house.ask(GET)
    if is_begun:
        house.server.answer(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab")
    house.server.finish(stream, at_once=False)
    assert house.turn() == [Left(stream)]
    assert house.body(stream) == (b"ab" if is_begun else b"")
    assert house.all_of(StreamReset, stream)[0].error_code == ErrorCodes.INTERNAL_ERROR
    assert not house.all_of(StreamEnded, stream)


def test_what_is_no_answer_is_cut_off() -> None:
    house = House()
    stream = house.ask(GET)
    house.server.answer(stream, b"SSH-2.0-x\r\n\r\n")
    house.turn()
    assert house.all_of(StreamReset, stream)


@pytest.mark.parametrize("how", ["data", "time", "end", "reset"])
def test_an_answer_before_the_request_is_whole_stops_the_request_when_the_client_has_it(how: str) -> None:
    house = House()
    stream = house.ask(POST, end=False)
    house.server.answer(stream, OK)
    assert house.turn() == [Done(stream)]
    assert house.body(stream) == b"ok"
    assert not house.all_of(StreamReset, stream)
    assert house.server.deadline == house.now + 2
    match how:
        case "data":
            house.client.send_data(stream, b"more")
        case "end":
            house.client.end_stream(stream)
        case "reset":
            house.client.reset_stream(stream)
        case _:
            house.server.tick(house.now + 2)
    assert house.turn() == []
    told = [one.error_code for one in house.all_of(StreamReset, stream)]
    assert told == ([ErrorCodes.NO_ERROR] if how in ("data", "time") else [])
    assert house.server.deadline == house.now + 75
    assert house.goodbye is None


def test_a_client_that_resets_a_stream_has_left_it() -> None:
    house = House()
    stream = house.ask(GET)
    house.client.reset_stream(stream)
    assert house.turn() == [Left(stream)]
    house.server.answer(stream, OK)
    house.server.taken(stream, 5)
    house.server.finish(stream, at_once=True)
    assert house.server.unsent(stream) == 0
    assert not house.server.is_full(stream)
    assert house.turn() == []


def test_a_request_that_could_be_two_is_answered_here_and_told_to_the_audit() -> None:
    house = House()
    stream = house.ask([*GET, ("x", "a\r\nhost: b"), ("authorization", "Bearer s")])
    assert house.happened == []
    assert [code for code, _ in house.refused] == ["header_line"]
    assert b"Bearer s" not in house.refused[0][1]
    assert b"HEADER_LINE" in house.body(stream)
    assert house.all_of(StreamEnded, stream)
    house.ask(GET)
    assert isinstance(house.happened[0], Opened), "the next request is served"


def test_what_a_session_would_not_read_is_refused_here_so_that_the_audit_hears_of_it() -> None:
    house = House()
    stream = house.ask([*GET, ("te", "gzip")])
    assert house.happened == []
    assert house.refused == [("te", b":method: GET\n:scheme: https\n:authority: shop\n:path: /a\nte: gzip")]
    assert house.all_of(StreamEnded, stream)


@pytest.mark.parametrize("sizes", [[6], [2, 4], [2, -2], [5, 5]])
def test_a_body_that_is_not_as_long_as_was_said_is_refused_on_its_stream(sizes: list[int]) -> None:
    house = House()
    other = house.ask(GET)
    stream = house.ask([*POST, ("content-length", "5")], end=False)
    data = b"".join(frame(Kind.DATA, bytes(abs(n)), flags=n < 0, stream=stream) for n in sizes)
    happened = house.turn(data)
    assert happened[-1] == Left(stream)
    assert [code for code, _ in house.refused] == ["content_length"]
    assert b"CONTENT_LENGTH" in house.body(stream)
    house.server.answer(other, OK)
    house.turn()
    assert house.body(other) == b"ok", "the others go on"


def test_a_body_that_goes_on_behind_its_length_was_never_whole() -> None:
    house = House()
    stream = house.ask([*POST, ("content-length", "5")], end=False)
    house.turn(frame(Kind.DATA, b"hello", stream=stream))
    assert not house.heard(stream).endswith(b"hello")
    house.turn(frame(Kind.DATA, b"more", stream=stream))
    assert house.happened[-1] == Left(stream)
    assert not house.heard(stream).endswith(b"hello")


@pytest.mark.parametrize("field", [("content-length", ""), ("content-length", "x")])
def test_a_head_that_the_library_would_end_the_connection_for_is_refused_on_its_stream(field: tuple[str, str]) -> None:
    house = House()
    stream = house.ask([*GET, field])
    assert house.all_of(StreamEnded, stream)
    assert house.goodbye is None


def test_the_answer_to_a_refused_head_request_has_no_body() -> None:
    house = House()
    stream = house.ask([(":method", "HEAD"), *GET[1:], ("x", " y")])
    assert house.all_of(StreamEnded, stream)
    assert house.body(stream) == b""


def test_fields_behind_a_body_are_handed_on_for_the_session_to_judge() -> None:
    house = House()
    stream = house.ask(POST, end=False)
    house.client.send_data(stream, b"ab")
    house.client.send_headers(stream, [("x", "y"), ("x", "z")], end_stream=True)
    house.turn()
    assert house.heard(stream).endswith(b"2\r\nab\r\n0\r\nx: y\r\nx: z\r\n\r\n")


@pytest.mark.parametrize(
    ("head", "field", "code"),
    [
        ([*POST, ("content-length", "2")], ("x", "y"), "trailer"),
        ([*POST, ("content-length", "3")], ("x", "y"), "content_length"),
        (POST, ("x", "y\r\nz: a"), "header_line"),
        (POST, ("X", "y"), "header_line"),
        (POST, (":path", "/admin"), "pseudo_header"),
        (POST, ("transfer-encoding", "chunked"), "connection_header"),
    ],
)
def test_fields_behind_a_body_that_cannot_be_read_in_one_way_are_refused_on_their_stream(
    head: list[tuple[str, str]], field: tuple[str, str], code: str
) -> None:
    house = House()
    stream = house.ask(head, end=False)
    house.client.send_data(stream, b"ab")
    house.turn()
    house.client.send_headers(stream, [field], end_stream=True)
    assert house.turn()[-1] == Left(stream)
    assert [refused for refused, _ in house.refused] == [code]
    assert not house.heard(stream).endswith(b"\r\n\r\n0\r\n\r\n")
    assert house.goodbye is None


def test_a_request_that_may_have_no_body_has_no_fields_behind_it() -> None:
    house = House()
    stream = house.ask(GET, end=False)
    house.client.send_headers(stream, [("x", "y")], end_stream=True)
    assert house.turn()[-1] == Left(stream)
    assert [code for code, _ in house.refused] == ["trailer"]


def test_more_streams_than_were_offered_are_refused_one_by_one() -> None:
    house = House()
    house.client.remote_settings[SettingCodes.MAX_CONCURRENT_STREAMS] = 1000
    house.client.remote_settings.acknowledge()
    streams = [house.ask(GET) for _ in range(MAX_STREAMS + 2)]
    resets = [one for one in house.got if isinstance(one, StreamReset)]
    assert [(one.stream_id, one.error_code) for one in resets] == [
        (stream, ErrorCodes.REFUSED_STREAM) for stream in streams[MAX_STREAMS:]
    ]
    assert house.goodbye is None


def test_streams_that_are_reset_again_and_again_end_the_connection() -> None:
    house = House()
    left = 0
    while house.goodbye is None and left < 1000:
        house.client.reset_stream(house.ask(GET))
        house.turn()
        left += 1
    assert house.goodbye == ErrorCodes.ENHANCE_YOUR_CALM
    assert left == floods.RESETS[0] + 1
    assert house.server.is_over


@pytest.mark.parametrize(
    "one",
    [
        frame(Kind.PING, bytes(8)),
        frame(Kind.SETTINGS, b"\0\x04\0\x01\0\0"),
        frame(Kind.SETTINGS),
        frame(Kind.PRIORITY, bytes(5), stream=5),
        frame(Kind.WINDOW_UPDATE, b"\0\0\0\x01"),
        frame(Kind.RST_STREAM, bytes(4), stream=1),
        frame(Kind.DATA, b"", stream=3),
        frame(0x77, b"x", stream=9),
        frame(0x10, b"\0\0\0\x01u=1", stream=0),
    ],
)
def test_frames_that_carry_nothing_end_the_connection_when_there_are_too_many(one: bytes) -> None:
    house = House()
    house.client.reset_stream(house.ask(GET))
    house.ask(POST, end=False)
    for _ in range(50):
        house.turn(one)
    assert house.goodbye is None
    for _ in range(50):
        house.turn(one * 50)
        if house.goodbye is not None:
            break
    assert house.goodbye == ErrorCodes.ENHANCE_YOUR_CALM


def test_settings_without_end_are_refused_however_slowly_they_come() -> None:
    house = House()
    for _ in range(300):
        house.now += 60
        house.turn(frame(Kind.SETTINGS, b"\0\x04\0\x01\0\0"))
    assert house.goodbye == ErrorCodes.ENHANCE_YOUR_CALM


def test_a_client_that_takes_much_may_open_its_windows_as_often_as_it_needs() -> None:
    house = House()
    stream = house.ask(GET)
    house.server.answer(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 90000000\r\n\r\n")
    for _ in range(2000):
        house.server.answer(stream, bytes(20_000))
        house.turn()
        for at in house.got:
            if isinstance(at, DataReceived) and at.flow_controlled_length:
                house.client.increment_flow_control_window(at.flow_controlled_length)
                house.client.increment_flow_control_window(at.flow_controlled_length, stream)
        house.got.clear()
    assert house.goodbye is None


def test_what_the_client_would_let_us_remember_does_not_make_our_table_grow() -> None:
    house = House()
    house.client.update_settings({SettingCodes.HEADER_TABLE_SIZE: 1 << 24})
    house.turn()
    stream = house.ask(GET)
    lines = b"".join(b"x-%d: %b\r\n" % (number, b"y" * 200) for number in range(100))
    house.server.answer(stream, b"HTTP/1.1 204 OK\r\n" + lines + b"\r\n")
    house.turn()
    assert house.all_of(ResponseReceived, stream)
    assert isinstance(house.server, Inward)
    assert house.server._h2.encoder.header_table_size <= MAX_TABLE


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(Kind.DATA, b"x", stream=9), ErrorCodes.PROTOCOL_ERROR),
        (frame(Kind.HEADERS, b"\x82", flags=5, stream=2), ErrorCodes.PROTOCOL_ERROR),
        (frame(Kind.HEADERS, b"\xff" * 20, flags=5, stream=1), ErrorCodes.COMPRESSION_ERROR),
        (frame(Kind.HEADERS, b"\xbe", flags=5, stream=1), ErrorCodes.PROTOCOL_ERROR),
        (frame(Kind.PUSH_PROMISE, bytes(4) + b"\x82", flags=4, stream=1), ErrorCodes.PROTOCOL_ERROR),
        (frame(Kind.PING, bytes(7)), ErrorCodes.FRAME_SIZE_ERROR),
        (frame(Kind.WINDOW_UPDATE, b"\x7f\xff\xff\xff"), ErrorCodes.FLOW_CONTROL_ERROR),
        (frame(Kind.SETTINGS, b"\0\x02\0\0\0\x05"), ErrorCodes.PROTOCOL_ERROR),
    ],
)
def test_what_breaks_the_connection_ends_it_with_the_reason(data: bytes, code: ErrorCodes) -> None:
    house = House()
    house.turn(data)
    assert house.goodbye == code
    assert house.server.is_over
    house.server.receive(data, house.now)
    assert house.server.happened() == []


def test_a_connection_that_ends_leaves_all_its_streams() -> None:
    house = House()
    first, second = house.ask(GET), house.ask(GET)
    assert house.turn(frame(Kind.GOAWAY, bytes(8))) == [Left(first), Left(second)]
    assert house.server.is_over


def test_it_retires_when_what_is_open_has_ended() -> None:
    house = House()
    stream = house.ask(GET)
    house.server.retire()
    house.server.retire()
    sent = house.server.send(1000, house.now)
    assert sent == frame(Kind.GOAWAY, b"\0\0\0\x01\0\0\0\0"), "once"
    late = House()
    late.server.retire()
    assert late.server.is_over
    house.server.receive(frame(Kind.HEADERS, _encoded(GET), flags=5, stream=3), house.now)
    assert house.server.happened() == []
    assert house.server.send(1000, house.now)[3] == Kind.RST_STREAM
    assert not house.server.is_over
    house.server.answer(stream, OK)
    house.server.send(1000, house.now)
    assert house.server.is_over


def _encoded(fields: list[tuple[str, str]]) -> bytes:
    client = H2Connection(H2Configuration(client_side=True))
    client.initiate_connection()
    client.clear_outbound_data_buffer()
    client.send_headers(1, fields)
    return client.data_to_send()[9:]


def test_what_is_said_already_goes_out_before_it_says_goodbye() -> None:
    house = House()
    stream = house.ask(GET)
    house.server.retire()
    house.server.answer(stream, OK)
    house.turn()
    assert house.body(stream) == b"ok"
    assert isinstance(house.got[-1], ConnectionTerminated)


def test_time_runs_until_the_first_request_and_between_requests() -> None:
    house = House(head_seconds=20, idle_seconds=75)
    assert house.server.deadline == 120
    stream = house.ask(GET)
    assert house.server.deadline is None, "a request takes what it takes"
    house.now = 500
    house.server.answer(stream, OK)
    house.turn()
    assert house.server.deadline == 575
    house.turn(frame(Kind.PING, bytes(8)))
    house.server.tick(574)
    assert not house.server.is_over
    house.server.tick(575)
    house.turn()
    assert house.goodbye == ErrorCodes.NO_ERROR
    assert house.server.deadline is None


def test_a_head_that_does_not_go_on_ends_the_connection() -> None:
    house = House(head_seconds=20)
    house.ask(GET)
    house.now = 200
    house.turn(frame(Kind.HEADERS, b"\x82", flags=0, stream=3))
    assert house.server.deadline == 220


def test_what_stands_behind_an_answers_body_ends_its_stream() -> None:
    house = House()
    for said, body in ((b"2\r\nok\r\n", b"ok"), (b"", b"")):
        stream = house.ask(GET)
        house.server.answer(stream, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + said)
        house.server.answer(stream, b"0\r\ngrpc-status: 0\r\n\r\n")
        assert house.turn()[-1] == Done(stream)
        assert house.body(stream) == body
        assert house.all_of(TrailersReceived, stream)[0].headers == [(b"grpc-status", b"0")]
        assert len(house.all_of(StreamEnded, stream)) == 1


TUNNEL = [(":method", "CONNECT"), (":protocol", "websocket"), *GET[1:], ("sec-websocket-version", "13")]
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n"


def test_websocket_is_offered_and_goes_on_a_stream_like_any_request() -> None:
    house = House()
    assert house.client.remote_settings.enable_connect_protocol == 1
    stream = house.ask(TUNNEL, end=False)
    assert house.heard(stream).startswith(
        b"GET /a HTTP/1.1\r\nhost: shop\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
    )
    house.server.answer(stream, SWITCH + b"hello")
    house.client.send_data(stream, b"\x81abc")
    house.turn()
    assert house.heard(stream).endswith(b"\r\n\r\n\x81abc")
    assert dict(house.all_of(ResponseReceived, stream)[0].headers) == {b":status": b"200"}
    assert house.body(stream) == b"hello"
    house.server.answer(stream, b"bye")
    house.server.finish(stream, at_once=False)
    assert house.turn() == [Done(stream)]
    assert house.body(stream) == b"hellobye"
    assert house.all_of(StreamEnded, stream)


@pytest.mark.parametrize("by", ["data", "head"])
def test_a_websocket_whose_client_says_no_more_has_a_while_for_last_words(by: str) -> None:
    house = House()
    stream = house.ask(TUNNEL, end=False)
    house.server.answer(stream, SWITCH)
    if by == "data":
        house.client.send_data(stream, b"last", end_stream=True)
    raw = b"" if by == "data" else frame(Kind.HEADERS, b"", flags=5, stream=stream)
    assert Left(stream) not in house.turn(raw)
    assert house.server.deadline == house.now + HALF_CLOSED_SECONDS
    house.server.answer(stream, b"answer")
    house.turn()
    assert house.body(stream) == b"answer"
    house.now += HALF_CLOSED_SECONDS
    house.server.tick(house.now)
    assert house.turn() == [Left(stream)]
    assert house.all_of(StreamReset, stream)[0].error_code == ErrorCodes.CANCEL
    assert house.server.deadline == house.now + 75


def test_a_websocket_that_ends_in_time_is_not_waited_for() -> None:
    house = House()
    stream = house.ask(TUNNEL, end=False)
    house.server.answer(stream, SWITCH)
    house.client.send_data(stream, b"last", end_stream=True)
    house.turn()
    house.server.finish(stream, at_once=False)
    assert house.turn() == [Done(stream)]
    assert house.server.deadline == house.now + 75


def test_where_websockets_are_not_taken_on_streams_they_are_not_offered() -> None:
    refused: list[str] = []

    def refusal(why: Refused, shown: bytes) -> bytes:
        refused.append(why.code)
        return problem(405, "NO", "no", closes=True)

    house = House(Inward(is_tls=True, check=lambda head: None, refusal=refusal, limits=Limits()))
    assert house.client.remote_settings.enable_connect_protocol == 0
    stream = house.ask(TUNNEL, end=False)
    assert (refused, house.happened) == (["method_refused"], [])
    assert dict(house.all_of(ResponseReceived, stream)[0].headers)[b":status"] == b"405"
