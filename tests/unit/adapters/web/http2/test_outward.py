"""A connection to a target as a dialogue with the library's own server; what that says frame by frame where no server would."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    PingAckReceived,
    PingReceived,
    RequestReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.settings import SettingCodes, Settings

from adapters.core.carried import Done, Eased, Happening, Heard, Left, Unserved
from adapters.web.http2 import floods, outward
from adapters.web.http2.connection import MAX_STREAMS
from adapters.web.http2.flows import FULL, STREAM_WINDOW
from adapters.web.http2.frames import Kind
from adapters.web.http2.outward import Outward
from tests.unit.adapters.web.http2.test_frames import frame

GET = b"GET /a HTTP/1.1\r\nhost: shop\r\n\r\n"
OK = [(":status", "200")]


class House:
    """Both ends. `happened` is what the connection told; `got` what the target understood."""

    def __init__(self, *, most: int = 128, greets: bool = True) -> None:
        self.now = 100.0
        self.calls = Outward(is_tls=True)
        self.server = H2Connection(H2Configuration(client_side=False, header_encoding="latin-1"))
        self.server.local_settings = Settings(client=False, initial_values={SettingCodes.MAX_CONCURRENT_STREAMS: most})
        self.happened: list[Happening] = []
        self.got: list[Any] = []
        self.calls.begin(self.now)
        self.said = b""
        if greets:
            self.server.initiate_connection()
            self.turn()

    def turn(self, data: bytes = b"") -> list[Happening]:
        """Everything that each has to say, until neither has more."""
        before = len(self.happened)
        self.happened += self.calls.happened()
        data = self.server.data_to_send() + data
        while data or self.calls.wants_sending:
            self.calls.receive(data, self.now)
            self.happened += self.calls.happened()
            data = b""
            while self.calls.wants_sending:
                sent = self.calls.send(10_000, self.now)
                assert sent
                self.said += sent
                if self.server.state_machine.state.name != "CLOSED":
                    self.got += self.server.receive_data(sent)
                    data += self.server.data_to_send()
            self.happened += self.calls.happened()
        return self.happened[before:]

    def ask(self, words: bytes = GET) -> int:
        number = self.calls.open()
        self.calls.answer(number, words)
        self.turn()
        return number

    def reply(self, stream: int, body: bytes = b"", *, end: bool = True) -> list[Happening]:
        self.server.send_headers(stream, OK, end_stream=end and not body)
        if body:
            self.server.send_data(stream, body, end_stream=end)
        return self.turn()

    def heard(self, number: int) -> bytes:
        return b"".join(one.data for one in self.happened if isinstance(one, Heard) and one.stream == number)

    def all_of(self, kind: type) -> list[Any]:
        return [one for one in self.got if isinstance(one, kind)]


def test_a_request_is_asked_and_answered() -> None:
    house = House()
    number = house.ask()
    (request,) = house.all_of(RequestReceived)
    assert dict(request.headers) == {
        ":method": "GET",
        ":scheme": "https",
        ":authority": "shop",
        ":path": "/a",
        "te": "trailers",
    }
    assert house.all_of(StreamEnded)
    assert house.reply(1, b"ok") == [
        Heard(number, b"HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"),
        Heard(number, b"2\r\nok\r\n0\r\n\r\n"),
        Done(number),
    ]
    assert not house.calls.is_over


def test_nothing_goes_up_before_the_target_has_greeted() -> None:
    house = House(greets=False)
    assert not house.calls.has_room
    assert house.calls.deadline == 110.0
    house.now = 110.0
    house.calls.tick(house.now)
    assert house.calls.is_over
    assert House().calls.has_room


def test_heads_of_different_people_are_in_no_table() -> None:
    house = House()
    house.ask(GET.replace(b"\r\n\r\n", b"\r\nx-key: secret-of-somebody\r\n\r\n"))
    house.reply(1)
    before = len(house.said)
    house.ask(GET.replace(b"\r\n\r\n", b"\r\nx-key: secret-of-somebody\r\n\r\n"))
    assert len(house.said) - before > 20, "said in full again"
    assert house.server.decoder.header_table_size == 0


def test_bodies_go_up_as_the_target_takes_them() -> None:
    house = House()
    words = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    number = house.ask(words)
    house.calls.answer(number, b"%x\r\n%b\r\n" % (200_000, bytes(200_000)))
    house.turn()
    assert sum(len(one.data) for one in house.all_of(DataReceived)) == 65_535
    assert house.calls.unsent(number) > FULL
    assert house.calls.is_full(number)
    house.server.increment_flow_control_window(200_000)
    house.server.increment_flow_control_window(200_000, 1)
    assert Eased(number) in house.turn()
    assert not house.calls.is_full(number)
    house.calls.answer(number, b"0\r\n\r\n")
    house.turn()
    assert sum(len(one.data) for one in house.all_of(DataReceived)) == 200_000
    assert len(house.all_of(StreamEnded)) == 1
    assert house.calls.unsent(99) == 0
    assert not house.calls.is_full(99)


def test_an_answer_that_nobody_takes_stops_its_stream_and_no_other() -> None:
    house = House()
    slow, fast = house.ask(), house.ask()
    house.reply(1, end=False)
    for _ in range(8):
        house.server.send_data(1, bytes(16_000))
        house.turn()
    assert house.server.local_flow_control_window(1) < 4_000
    assert house.reply(3, b"x" * 100)[-1] == Done(fast)
    house.calls.taken(slow, len(house.heard(slow)))
    house.turn()
    assert house.server.local_flow_control_window(1) > STREAM_WINDOW // 2
    house.calls.taken(99, 5)


def test_an_early_answer_stops_the_request() -> None:
    house = House()
    number = house.ask(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhel")
    assert house.reply(1, b"no")[-1] == Done(number)
    assert [one.error_code for one in house.all_of(StreamReset)] == [ErrorCodes.CANCEL]
    house.calls.answer(number, b"lo")


def test_who_leaves_resets_the_stream() -> None:
    house = House()
    number = house.ask()
    house.calls.finish(number, at_once=False)
    assert house.turn() == [Left(number)]
    assert house.all_of(StreamReset)[0].error_code == ErrorCodes.CANCEL
    unsent = house.calls.open()
    house.calls.finish(unsent, at_once=True)
    house.calls.finish(unsent, at_once=True)
    assert house.turn() == [Left(unsent)]
    wrong = house.calls.open()
    house.calls.answer(wrong, b"nothing\r\n\r\n")
    assert house.turn() == [Left(wrong)]


def test_no_more_at_once_than_both_allow() -> None:
    house = House(most=2)
    first, second = house.ask(), house.ask()
    assert not house.calls.has_room
    house.server.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 1})
    house.reply(1)
    assert not house.calls.has_room
    house.reply(3)
    assert house.calls.has_room
    assert [one.stream for one in house.happened if isinstance(one, Done)] == [first, second]
    large = House(most=1000)
    for _ in range(MAX_STREAMS):
        large.ask()
    assert not large.calls.has_room


def test_one_that_waits_goes_up_when_there_is_room_again() -> None:
    house = House(most=1)
    one, other = house.calls.open(), house.calls.open()
    house.calls.answer(one, GET)
    house.calls.answer(other, GET)
    house.turn()
    assert len(house.all_of(RequestReceived)) == 1
    house.reply(1)
    assert len(house.all_of(RequestReceived)) == 2


def goaway(last: int, code: int = 0) -> bytes:
    return frame(Kind.GOAWAY, struct.pack(">II", last, code))


def test_a_goodbye_tells_what_did_not_run_from_what_may_have() -> None:
    house = House()
    ran, heard, did_not = house.ask(), house.ask(), house.ask()
    unsent = house.calls.open()
    house.reply(3, b"a", end=False)
    assert house.turn(goaway(3)) == [Unserved(did_not), Unserved(unsent)]
    assert (house.calls.is_retiring, house.calls.has_room, house.calls.is_over) == (True, False, False)
    assert house.reply(1, b"x")[-1] == Done(ran)
    house.server.send_data(3, b"b", end_stream=True)
    assert house.turn()[-1] == Done(heard)
    assert house.calls.is_over


def test_a_goodbye_is_not_taken_back_and_names_what_was_answered() -> None:
    house = House()
    number = house.ask()
    house.turn(goaway(1))
    assert house.turn(goaway(3)) == [Left(number)]
    assert house.calls.is_over
    house = House()
    number = house.ask()
    house.reply(1, b"a", end=False)
    assert house.turn(goaway(0))[-1] == Left(number)
    assert House().turn(frame(Kind.GOAWAY, b"short")) == []


def test_a_stream_that_is_refused_did_not_run() -> None:
    house = House()
    number = house.ask()
    house.server.reset_stream(1, ErrorCodes.REFUSED_STREAM)
    assert house.turn() == [Unserved(number)]
    number = house.ask()
    house.server.reset_stream(3, ErrorCodes.INTERNAL_ERROR)
    assert house.turn() == [Left(number)]
    number = house.ask()
    house.reply(5, b"a", end=False)
    house.server.reset_stream(5, ErrorCodes.REFUSED_STREAM)
    assert house.turn()[-1] == Left(number), "it has answered: it ran"
    house.turn(frame(Kind.RST_STREAM, bytes(4), stream=5))
    assert not house.calls.is_over


def test_what_was_sent_is_lost_with_its_connection_and_what_was_not_did_not_run() -> None:
    house = House()
    sent, unsent = house.ask(), house.calls.open()
    house.calls.answer(unsent, GET)
    house.calls.lost()
    assert house.calls.happened() == [Left(sent), Unserved(unsent)]
    assert house.calls.is_over
    assert house.calls.deadline is None
    house.calls.receive(b"x", 0.0)


def test_an_answer_that_is_none_ends_its_stream_alone() -> None:
    house = House()
    bad, good = house.ask(), house.ask()
    block = house.server.encoder.encode([(":status", "200"), ("connection", "close")])
    assert house.turn(frame(Kind.HEADERS, block, flags=4, stream=1)) == [Left(bad)]
    assert house.all_of(StreamReset)[0].error_code == ErrorCodes.PROTOCOL_ERROR
    assert house.reply(3, b"x")[-1] == Done(good)


@pytest.mark.parametrize(
    "said",
    [
        frame(Kind.PUSH_PROMISE, b"\0\0\0\2\x88", flags=4, stream=1),
        frame(Kind.DATA, bytes(outward.frames.MAX_FRAME + 1), stream=1),
        frame(Kind.HEADERS, b"\xff", flags=4, stream=1),
        frame(Kind.HEADERS, b"\x88", flags=4, stream=2),
        frame(Kind.WINDOW_UPDATE, struct.pack(">I", 2**31 - 1)),
        frame(Kind.PING, bytes(8)) * 2_000,
        frame(Kind.SETTINGS, struct.pack(">HI", 4, 1) * 201),
        frame(Kind.DATA, b"", stream=1) * 2_000,
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
)
def test_what_breaks_the_connection_ends_all_of_it(said: bytes) -> None:
    house = House()
    number = house.ask()
    before = len(house.happened)
    house.calls.receive(said, house.now)
    assert house.calls.is_over
    assert house.calls.happened() == [Left(number)]
    assert house.happened[before:] == []


def test_a_target_that_makes_us_speak_and_does_not_listen_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floods, "MAX_OWED", 100)
    house = House()
    house.calls.receive(frame(Kind.PING, bytes(8)) * 20, house.now)
    assert house.calls.is_over


def test_a_quiet_target_is_pinged_while_something_runs_and_left_when_nothing_does() -> None:
    house = House()
    number = house.ask()
    for _ in range(3):
        assert house.calls.deadline is not None
        house.now = house.calls.deadline
        house.calls.tick(house.now - 1)
        assert not house.calls.wants_sending
        house.calls.tick(house.now)
        house.turn()
    assert len(house.all_of(PingReceived)) == 3
    assert house.all_of(PingAckReceived) == []
    house.now = house.calls.deadline or 0.0
    house.calls.tick(house.now)
    house.calls.send(1000, house.now)
    house.calls.tick(house.calls.deadline or 0.0)
    assert house.calls.is_over
    assert house.calls.happened() == [Left(number)]
    idle = House()
    idle.calls.tick(idle.calls.deadline or 0.0)
    assert idle.calls.is_over
    assert idle.calls.wants_sending


def test_a_connection_that_is_old_or_was_used_much_takes_no_more() -> None:
    house = House()
    house.now += outward.MAX_AGE
    house.turn(frame(Kind.PING, bytes(8)))
    house.ask()
    assert not house.calls.has_room
    used = House()
    for number in range(outward.MAX_USES):
        used.ask()
        used.reply(2 * number + 1)
    assert (used.calls.has_room, used.calls.is_over) == (False, True)
    retired = House()
    retired.calls.retire()
    assert retired.calls.is_over


def test_a_target_that_resets_again_and_again_gets_no_more_and_what_runs_goes_on() -> None:
    house = House()
    running, resets = house.ask(), 0
    while house.calls.has_room and resets < 900:
        house.ask()
        house.server.reset_stream(house.all_of(RequestReceived)[-1].stream_id, ErrorCodes.INTERNAL_ERROR)
        house.turn()
        resets += 1
    assert resets == floods.RESETS[0] + 1
    assert (house.calls.is_retiring, house.calls.is_over) == (True, False)
    assert house.reply(1, b"x")[-1] == Done(running)


def test_answers_that_are_none_count_as_resets() -> None:
    house = House()
    house.ask()
    block = house.server.encoder.encode([(":status", "200"), ("connection", "close")])
    for _ in range(int(floods.RESETS[0]) + 1):
        assert house.calls.has_room
        house.ask()
        house.turn(frame(Kind.HEADERS, block, flags=4, stream=house.all_of(RequestReceived)[-1].stream_id))
    assert house.calls.is_retiring


@pytest.mark.parametrize("body", [b"", b"2\r\nab\r\n"])
def test_fields_behind_a_request_are_its_end(body: bytes) -> None:
    house = House()
    house.ask(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n" + body + b"0\r\nx: y\r\n\r\n")
    assert [one.headers for one in house.all_of(TrailersReceived)] == [[("x", "y")]]
    assert b"".join(one.data for one in house.all_of(DataReceived)) == (b"ab" if body else b"")
    assert len(house.all_of(StreamEnded)) == 1
    assert house.reply(1, b"x")[-1] == Done(1)
    assert house.all_of(StreamReset) == []
