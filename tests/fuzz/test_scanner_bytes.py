"""Random and nearly right bytes to the scanner: always an answer, whole and in pieces the same. SALLYPORT_FUZZ multiplies."""

from __future__ import annotations

import os
import random

import msgspec
import pytest

from bench.texts import ADVERSARIAL, secret
from engine import _native

SEED = 20_261_128
CASES = 400 * int(os.environ.get("SALLYPORT_FUZZ", "1"))
SPANS = msgspec.msgpack.Decoder(list[tuple[int, int, int]])
TYPES = len(msgspec.msgpack.decode(_native.scan_detectors())["types"])


def text(chance: random.Random) -> bytes:
    made = b""
    for _ in range(chance.randrange(1, 12)):
        piece = chance.choice([*ADVERSARIAL.values(), secret(chance), "password: ", " ", "\n"]).encode()
        if chance.random() < 0.4:
            changed = bytearray(piece)
            changed[chance.randrange(len(changed))] = chance.randrange(256)
            piece = bytes(changed)
        made += piece + (chance.randbytes(chance.randrange(6)) if chance.random() < 0.3 else b"")
    return made


def hold(cases: int, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(cases):
        given = text(chance)
        found = SPANS.decode(_native.scan_spans(given))
        at = 0
        for start, end, kind in found:
            assert at <= start < end <= len(given), given
            assert kind < TYPES
            at = end
        _native.scan_types(given)
        _native.scan_text(given)
        stream, cut = _native.ScanStream(), chance.randrange(len(given) + 1)
        got = SPANS.decode(stream.push(given[:cut])) + SPANS.decode(stream.push(given[cut:]))
        assert got + SPANS.decode(stream.finish()) == found, given


SHOWN = msgspec.msgpack.Decoder(tuple[bytes, list[tuple[int, int, bytes]], bool, bool])
BETWEEN = (
    b"\x1b[0m",
    b"\x1b]0;",
    b"\x07",
    b"\x08",
    b"\r",
    b"\x9b",
    b"\xc2\x9b",
    b"\x1b",
    b"\x00",
    "\u200b".encode(),
    b"\x1b\\",
    b"\xff",
)


def show(given: bytes, pieces: list[bytes], chance: random.Random, *, pauses: bool) -> bytes:
    """What is shown of a text, every value in it left out."""
    output, shown = _native.ScanOutput(list(range(TYPES)), chance.random() < 0.5), b""
    for number, piece in enumerate([*pieces, None]):
        answers = [output.take(piece, piece is None)]
        if pauses and number % 3 == 0 and piece is not None:
            answers.append(output.take(None, False))
        for answer in answers:
            data, marks, _, _ = SHOWN.decode(answer)
            assert [place for place, _, _ in marks] == sorted(place for place, _, _ in marks), given
            assert all(place <= len(data) and kind < TYPES and value for place, kind, value in marks), given
            shown += data
    shown.decode()
    return shown


def hold_output(cases: int, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(cases):
        given = text(chance)
        for _ in range(chance.randrange(4)):
            at = chance.randrange(len(given) + 1)
            given = given[:at] + chance.choice(BETWEEN) + given[at:]
        cuts = sorted(chance.randrange(len(given) + 1) for _ in range(chance.randrange(6)))
        pieces = [given[a:b] for a, b in zip([0, *cuts], [*cuts, len(given)], strict=True)]
        show(given, pieces, chance, pauses=False)
        show(given, pieces, chance, pauses=True)


def test_any_output_is_shown_as_text_whatever_is_hidden_in_it() -> None:
    hold_output(CASES // 4, SEED)


@pytest.mark.long
def test_very_much_output_is_shown() -> None:
    hold_output(CASES * 50, SEED + 2)


def test_any_bytes_are_answered_and_pieces_do_not_matter() -> None:
    hold(CASES, SEED)


@pytest.mark.long
def test_very_many_bytes_are_answered() -> None:
    hold(CASES * 100, SEED + 1)
