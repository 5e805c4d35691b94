"""Messages go through as they are; anything else ends the input with a reason, whatever it is."""

from __future__ import annotations

import io
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.editor.framing import MAX_HEADER, MAX_MESSAGE, FramedInput

GOOD = json.dumps({"jsonrpc": "2.0", "method": "x", "params": {"a": "é"}}).encode()


def framed(*bodies: bytes) -> bytes:
    return b"".join(b"Content-Length: %d\r\n\r\n%b" % (len(body), body) for body in bodies)


def read_all(raw: bytes) -> tuple[list[bytes], str]:
    """What the library's loop would take from some bytes, and why it ended."""
    stream, bodies, length = FramedInput(io.BytesIO(raw)), list[bytes](), 0
    for _ in range(10_000):
        line = stream.readline()
        if not line:
            return bodies, stream.trouble
        if line.startswith(b"Content-Length: "):
            length = int(line.split()[1])
        if line == b"\r\n":
            body = stream.read(length)
            if not body:
                return bodies, stream.trouble
            bodies.append(body)
    raise AssertionError("no end")


def test_messages_go_through_as_they_are() -> None:
    other = b'{"jsonrpc":"2.0","id":1}'
    assert read_all(framed(GOOD, other)) == ([GOOD, other], "")
    typed = b"content-length:  %d\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n%b" % (
        len(GOOD),
        GOOD,
    )
    assert read_all(typed) == ([GOOD], "")
    assert read_all(b"") == ([], "")


@pytest.mark.parametrize(
    "raw",
    [
        b"hello\n",
        b"\r\n",
        b"\x00\xff" * 5_000,
        b"x" * (MAX_HEADER + 5),
        b"A: b\r\n" * 20,
        b"Content-Type: x\r\n\r\n{}",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 0\r\n\r\n",
        b"Content-Length: %d\r\n\r\n" % (MAX_MESSAGE + 1),
        b"Content-Length: 99999999999999999999\r\n\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 50\r\n\r\n{}",
        framed(b"{nonsense"),
        framed(b"[1, 2]"),
        framed(b'{"jsonrpc": "1.0"}'),
        framed(b"[" * 100_000),
        framed(b'{"jsonrpc": "2.0", "a": "\xff"}'),
    ],
)
def test_what_is_no_message_ends_the_input_with_a_reason(raw: bytes) -> None:
    bodies, trouble = read_all(raw)
    assert bodies == []
    assert trouble


@given(st.binary(max_size=200), st.integers(0, 3))
def test_garbage_after_messages_ends_the_input(garbage: bytes, before: int) -> None:
    bodies, trouble = read_all(framed(*[GOOD] * before) + b"\x00" + garbage)
    assert bodies == [GOOD] * before
    assert trouble


@pytest.mark.parametrize("seed", range(20))
def test_messages_with_bytes_changed_are_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(50):
        raw = bytearray(framed(GOOD, GOOD))
        for _ in range(chance.randrange(1, 5)):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        read_all(bytes(raw))
