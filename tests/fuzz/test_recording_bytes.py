"""Whatever stands in a file of recordings, it is read as far as it is whole, or one error says what is wrong; nothing harmful is shown."""

from __future__ import annotations

import random
import time

import pytest

from tests.fuzz.targets import recordings, seeds
from tests.unit.gateway.recording.test_frames import written

SEEDS = [*seeds("recordings"), written([b"line\n" * 50, b"\x1b]0;x", b"end"])]


def run(seed: int, rounds: int) -> None:
    chance = random.Random(seed)
    for _ in range(rounds):
        raw = bytearray(chance.choice(SEEDS))
        for _ in range(chance.randint(1, 8)):
            place = chance.randrange(len(raw) + 1)
            match chance.randrange(4):
                case 0:
                    raw[place : place + 1] = bytes([chance.randrange(256)])
                case 1:
                    del raw[place : place + chance.randrange(1, 40)]
                case 2:
                    raw[place:place] = chance.choice(
                        (b"\x1b", b"\x1b[", b"\x1b]", b"\x9d", b"\xff\xff\xff\xff", b"[", b"{")
                    )
                case _:
                    other = chance.choice(SEEDS)
                    raw[place:place] = other[chance.randrange(len(other)) :][: chance.randrange(1, 60)]
        began = time.process_time()
        recordings(bytes(raw))
        assert time.process_time() - began < 1, bytes(raw)


def test_changed_recordings_never_break_the_reader() -> None:
    run(7, 3_000)


@pytest.mark.long
def test_many_changed_recordings_never_break_the_reader() -> None:
    for seed in range(100):
        run(seed, 10_000)
