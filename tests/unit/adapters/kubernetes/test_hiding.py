"""What a client sees of the output of a container under masks, over WebSocket and over SPDY, however it is cut."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import PeerProtocolError
from adapters.kubernetes import spdy
from adapters.kubernetes.channels import MAX_MESSAGE
from adapters.kubernetes.hiding import Outputs, SpdyView, WebSocketView
from adapters.kubernetes.spdy_streams import SpdyStreams
from adapters.web.websocket import frames as websockets
from engine.masking.output import ValueMask
from engine.masking.patterns import types
from engine.masking.transforms import Method
from tests.strategies.kubernetes_frames import SpdyClient

MASKS = (ValueMask(frozenset({"pii.email"}), Method.REDACT, {}),)
MAIL = b"ann@example.org"
TEXT = b"write to " + MAIL + b" today\n"
SHOWN = b"write to [redacted] today\n"
STATUS = b'{"status":"Success"}'


FIGURES = b"2026-11-28 12345678 files\n$ "
"""May have a word behind it that makes an account's number of it."""


def outputs(*, is_terminal: bool = False) -> Outputs:
    return Outputs(MASKS, is_terminal=is_terminal)


def everything() -> Outputs:
    return Outputs((ValueMask(frozenset(types()), Method.REDACT, {}),), is_terminal=False)


def message(channel: int, data: bytes) -> bytes:
    return websockets.frame(websockets.BINARY, bytes((channel,)) + data)


def heard(data: bytes) -> dict[int, bytes]:
    """What a client understands of frames: the bytes of each channel, and of the last word (-1)."""
    found: dict[int, bytes] = {}
    for frame in websockets.FrameReader(is_client=False).feed(data):
        is_close = frame.opcode == websockets.CLOSE
        channel = -1 if is_close else frame.payload[0]
        found[channel] = found.get(channel, b"") + (frame.payload if is_close else frame.payload[1:])
    return found


@given(st.integers(1, 40), st.integers(1, 12))
def test_a_value_is_hidden_wherever_messages_and_reads_end(size: int, read: int) -> None:
    view = WebSocketView(outputs())
    wire = b"".join(message(1, TEXT[at : at + size]) for at in range(0, len(TEXT), size)) + message(3, STATUS)
    shown = b"".join(view.from_target(wire[at : at + read]) for at in range(0, len(wire), read))
    assert heard(shown) == {1: SHOWN, 3: STATUS}
    assert view.hidden == 1


def test_each_stream_is_looked_at_by_itself() -> None:
    view = WebSocketView(outputs())
    shown = view.from_target(message(1, TEXT[:14]) + message(2, b"err\n") + message(1, TEXT[14:]) + message(2, TEXT))
    assert heard(shown + view.finish()) == {1: SHOWN, 2: b"err\n" + SHOWN}


def test_what_is_kept_back_comes_when_nothing_comes_and_before_the_end() -> None:
    for end in ("quiet", "finish", "status", "close"):
        view = WebSocketView(everything())
        shown = view.from_target(message(1, FIGURES))
        assert view.is_holding
        shown += {
            "quiet": view.quiet,
            "finish": view.finish,
            "status": lambda view=view: view.from_target(message(3, STATUS)),
            "close": lambda view=view: view.from_target(websockets.goodbye()),
        }[end]()
        assert heard(shown)[1] == FIGURES
        assert not view.is_holding


def test_the_signs_of_a_stream_go_on() -> None:
    view = WebSocketView(outputs())
    for sign in (message(1, b""), message(255, b"\x00"), websockets.frame(websockets.PING, b"x"), message(4, b"{}")):
        assert view.from_target(sign) == sign
    assert view.from_target(message(1, b"ann") + message(255, b"\x01")) == message(1, b"ann") + message(255, b"\x01")


def test_a_last_word_says_its_number_and_nothing_else() -> None:
    last = websockets.frame(websockets.CLOSE, websockets.closing(1000, MAIL.decode()))
    assert heard(WebSocketView(outputs()).from_target(last)) == {-1: b"\x03\xe8"}


def test_a_message_in_fragments_is_one() -> None:
    view = WebSocketView(outputs())
    pieces = [(websockets.BINARY, b"\x03" + STATUS[:5]), (websockets.CONTINUATION, STATUS[5:])]
    wire = b"".join(
        websockets.written(websockets.Frame(opcode, data, number == 1)) for number, (opcode, data) in enumerate(pieces)
    )
    assert view.from_target(wire) == message(3, STATUS)
    long = websockets.frame(websockets.BINARY, b"\x01" + TEXT * 5000)
    assert heard(view.from_target(message(2, b"x\n")))[2] == b"x\n"
    other = WebSocketView(outputs())
    assert heard(other.from_target(long) + other.finish()) == {1: SHOWN * 5000}


@pytest.mark.parametrize(
    "wire",
    [
        websockets.frame(websockets.TEXT, b"1" + TEXT),
        websockets.frame(websockets.BINARY, b""),
        websockets.written(websockets.Frame(websockets.CONTINUATION, TEXT)),
        message(3, b"x" * (MAX_MESSAGE + 1)),
        message(1, b"\x1f\x8b\x08\x00\xff\xfe"),
        message(3, STATUS) + message(1, TEXT) if False else message(255, b"\x01") + message(1, TEXT),
    ],
)
def test_what_cannot_be_looked_into_ends_it(wire: bytes) -> None:
    with pytest.raises(PeerProtocolError):
        WebSocketView(outputs()).from_target(wire)


def test_a_terminal_shows_a_sign_where_something_is_no_text() -> None:
    view = WebSocketView(outputs(is_terminal=True))
    shown = heard(view.from_target(message(1, b"a\xff\xfeb " + TEXT)) + view.finish())[1]
    assert b"\xff" not in shown
    assert shown.endswith(SHOWN)


# --- SPDY


def spdy_view(made: Outputs | None = None) -> tuple[SpdyView, dict[str, int]]:
    names = ("error", "stdout", "stderr")
    view, client = SpdyView(made or outputs(), SpdyStreams()), SpdyClient()
    numbers = {name: 2 * at + 1 for at, name in enumerate(names)}
    wire = b"".join(client.opened(number, name) for name, number in numbers.items())
    assert b"".join(view.from_client(wire[at : at + 5]) for at in range(0, len(wire), 5)) == wire
    return view, numbers


def got(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for frame in spdy.FrameReader(1 << 24).feed(data):
        if frame.kind is None:
            found[frame.stream] = found.get(frame.stream, b"") + frame.payload + (b"|" if frame.flags else b"")
    return found


@given(st.integers(1, 40), st.integers(1, 12))
def test_over_spdy_a_value_is_hidden_wherever_frames_and_reads_end(size: int, read: int) -> None:
    view, numbers = spdy_view()
    out, error = numbers["stdout"], numbers["error"]
    pieces = [TEXT[at : at + size] for at in range(0, len(TEXT), size)]
    wire = b"".join(spdy.data_frame(out, piece, is_last=False) for piece in pieces)
    wire += spdy.data_frame(out, b"", is_last=True) + spdy.data_frame(error, STATUS, is_last=True)
    shown = b"".join(view.from_target(wire[at : at + read]) for at in range(0, len(wire), read))
    assert got(shown) == {out: SHOWN + b"|", error: STATUS + b"|"}
    assert view.hidden == 1


def test_over_spdy_what_is_kept_back_comes_when_nothing_comes_and_before_the_end() -> None:
    for end in ("quiet", "finish", "reset", "last"):
        view, numbers = spdy_view(made=everything())
        out = numbers["stdout"]
        shown = view.from_target(spdy.data_frame(out, FIGURES, is_last=False))
        assert view.is_holding
        last = {
            "reset": spdy.control(spdy.RST_STREAM, out.to_bytes(4, "big") + bytes(4)),
            "last": spdy.data_frame(out, b"", is_last=True),
        }
        shown += view.from_target(last[end]) if end in last else view.quiet() if end == "quiet" else view.finish()
        assert got(shown)[out].strip(b"|") == FIGURES


def test_over_spdy_other_frames_go_on_as_they_are() -> None:
    view, numbers = spdy_view()
    for frame in (
        spdy.control(spdy.PING, bytes(4)),
        spdy.control(spdy.SYN_REPLY, numbers["stdout"].to_bytes(4, "big") + spdy.HeaderWriter().write({})),
        spdy.control(spdy.GOAWAY, bytes(8)),
        spdy.data_frame(numbers["error"], STATUS, is_last=True),
    ):
        assert view.from_target(frame) == frame


def test_over_spdy_what_is_of_no_stream_ends_it() -> None:
    view, numbers = spdy_view()
    for frame in (
        spdy.data_frame(99, TEXT, is_last=False),
        spdy.control(spdy.SYN_STREAM, bytes(10) + spdy.HeaderWriter().write({})),
        spdy.data_frame(numbers["stdout"], b"\x1f\x8b\x08\x00\xff\xfe", is_last=False),
    ):
        with pytest.raises(PeerProtocolError):
            view.from_target(frame)


def test_over_spdy_the_beginning_of_a_frame_that_was_heard_before_counts() -> None:
    client = SpdyClient()
    wire = client.opened(1, "stdout")
    streams = SpdyStreams()
    streams.read(wire[:7])
    view = SpdyView(outputs(), streams)
    assert view.from_client(wire[7:]) == wire[7:]
    assert got(view.from_target(spdy.data_frame(1, TEXT, is_last=True))) == {1: SHOWN + b"|"}


def test_over_spdy_headers_that_come_later_are_read_too() -> None:
    view, packed = SpdyView(outputs(), SpdyStreams()), spdy.HeaderWriter()
    opened = spdy.control(spdy.SYN_STREAM, (1).to_bytes(4, "big") + bytes(6) + packed.write({"streamtype": "stdin"}))
    more = spdy.control(spdy.HEADERS, (1).to_bytes(4, "big") + packed.write({"a": "b"}))
    later = spdy.control(spdy.SYN_STREAM, (3).to_bytes(4, "big") + bytes(6) + packed.write({"streamtype": "stdout"}))
    assert view.from_client(opened + more + later) == opened + more + later
    assert got(view.from_target(spdy.data_frame(3, TEXT, is_last=True))) == {3: SHOWN + b"|"}


def test_a_client_was_told_the_end_once_its_error_stream_says_so() -> None:
    view, web = spdy_view()[0], WebSocketView(Outputs((), is_terminal=False))
    numbers = {name: number for number, name in view._client.names.items()}
    for frame in (
        spdy.data_frame(numbers["stdout"], TEXT, is_last=True),
        spdy.data_frame(numbers["error"], b"", is_last=False),
        spdy.control(spdy.WINDOW_UPDATE, numbers["error"].to_bytes(4, "big") + bytes(4)),
        spdy.control(spdy.RST_STREAM, numbers["stdout"].to_bytes(4, "big") + bytes(4)),
    ):
        view.from_target(frame)
        assert not view.is_over
    view.from_target(spdy.control(spdy.RST_STREAM, numbers["error"].to_bytes(4, "big") + bytes(4)))
    assert view.is_over
    said = []
    for piece in (message(1, TEXT) + message(255, b"\x01") + message(3, STATUS)[:-1], message(3, STATUS)[-1:]):
        web.from_target(piece)
        said.append(web.is_over)
    assert said == [False, True]
    other = WebSocketView(Outputs((), is_terminal=False))
    other.from_target(websockets.goodbye())
    assert other.is_over


def test_what_is_shown_ends_with_a_frame_wherever_reads_end() -> None:
    wire, shown = message(1, TEXT) + message(2, TEXT), b""
    view = WebSocketView(Outputs((), is_terminal=False))
    for at in range(len(wire)):
        shown += view.from_target(wire[at : at + 1])
        reader = websockets.FrameReader(is_client=False)
        assert list(reader.feed(shown)) or not shown
        assert reader.rest == b""
    assert shown == wire


# --- hostile bytes


@given(st.binary(max_size=400), st.integers(1, 40), st.booleans())
def test_garbage_of_a_target_is_one_error_and_shows_no_value(data: bytes, read: int, over_spdy: bool) -> None:
    view: SpdyView | WebSocketView = spdy_view()[0] if over_spdy else WebSocketView(outputs())
    with suppress(PeerProtocolError):
        for at in range(0, len(data), read):
            view.from_target(data[at : at + read])
        view.quiet()
        view.finish()


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 2, 3, 4, 255]), st.sampled_from([TEXT, TEXT[:14], TEXT[14:], b"", b"\x01", STATUS])
        ),
        max_size=8,
    ),
    st.integers(0, 400),
    st.integers(0, 255),
    st.integers(1, 30),
)
def test_a_changed_byte_shows_no_value(said: list[tuple[int, bytes]], at: int, byte: int, read: int) -> None:
    wire = bytearray(b"".join(message(channel, data) for channel, data in said))
    if at < len(wire):
        wire[at] = byte
    view, shown = WebSocketView(outputs()), b""
    with suppress(PeerProtocolError):
        for start in range(0, len(wire), read):
            shown += view.from_target(bytes(wire[start : start + read]))
        shown += view.finish()
    # Read as strictly as a client reads it: a value that stands whole in a stream of output was not hidden.
    for channel, data in heard(shown).items():
        assert channel not in (1, 2) or MAIL not in data
