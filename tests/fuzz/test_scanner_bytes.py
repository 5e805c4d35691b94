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


def test_any_bytes_are_answered_and_pieces_do_not_matter() -> None:
    hold(CASES, SEED)


@pytest.mark.long
def test_very_many_bytes_are_answered() -> None:
    hold(CASES * 100, SEED + 1)
