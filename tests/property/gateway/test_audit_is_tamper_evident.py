"""Any change of a real log before its last checkpoint is found, by our verifier and by the one that stands alone.

`make long` tries 1,000 changes, the ordinary run a few dozen.
"""

from __future__ import annotations

import contextlib
import io
import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from gateway.audit import standalone
from gateway.audit.log import segments
from gateway.audit.sealing import FILE
from gateway.audit.verify import verify_log
from tests.strategies.audit_logs import sealed_log, signing_key

TRUSTED = [signing_key().public]
SEALED = 120


def flip(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def drop(path: Path, chance: random.Random) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    del lines[chance.randrange(len(lines))]
    path.write_bytes(b"".join(lines))


def drop_and_renumber(path: Path, chance: random.Random) -> None:
    first, lines = int(path.stem), path.read_bytes().splitlines(keepends=True)
    del lines[chance.randrange(len(lines))]
    path.write_bytes(b"".join(b'{"seq":%d,' % (first + at) + one.partition(b",")[2] for at, one in enumerate(lines)))


def swap(path: Path, chance: random.Random) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    one, two = chance.sample(range(len(lines)), 2)
    lines[one], lines[two] = lines[two], lines[one]
    path.write_bytes(b"".join(lines))


def repeat(path: Path, chance: random.Random) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    lines.insert(chance.randrange(len(lines)), chance.choice(lines))
    path.write_bytes(b"".join(lines))


def truncate(path: Path, chance: random.Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: chance.randrange(len(data) - 1)])


def play_with_the_clock(path: Path, chance: random.Random) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    at = chance.randrange(len(lines))
    lines[at] = lines[at].replace(b'"time":', b'"time":1', 1)
    path.write_bytes(b"".join(lines))


def remove(path: Path, chance: random.Random) -> None:
    path.unlink()


def flip_a_checkpoint(path: Path, chance: random.Random) -> None:
    flip(path.parent / FILE, chance)


CHANGES = (flip, drop, drop_and_renumber, swap, repeat, truncate, play_with_the_clock, remove, flip_a_checkpoint)


def try_changes(tmp_path: Path, times: int, seed: int) -> Counter[str]:
    """Make so many changes, one a copy of the log; fails when one is not found."""
    chance, done = random.Random(seed), Counter[str]()
    original = tmp_path / "original"
    sealed_log(original, SEALED, every=SEALED // 4, segment_bytes=2_000)
    names = [path.name for path in segments(original)]
    before = {path.name: path.read_bytes() for path in original.iterdir() if path.is_file()}
    for number in range(times):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(original, copy)
        change = chance.choice(CHANGES)
        # A log may begin late where segments were retired, so the first may only be removed with its hashes.
        path = copy / chance.choice(names[1:] if change is remove else names)
        change(path, chance)
        after = {path.name: path.read_bytes() for path in copy.iterdir() if path.is_file()}
        if after != before:
            assert not verify_log(copy, TRUSTED).is_whole, (number, change.__name__, path.name)
            with contextlib.redirect_stdout(io.StringIO()) as said:
                assert standalone.main([str(copy), TRUSTED[0].print()]) == 1, (number, change.__name__, said.getvalue())
            done[change.__name__] += 1
        shutil.rmtree(copy)
    return done


def test_every_change_is_found(tmp_path: Path) -> None:
    done = try_changes(tmp_path, times=60, seed=1)
    assert sum(done.values()) > 50
    assert set(done) >= {"flip", "drop", "swap", "truncate"}


@pytest.mark.long
def test_a_thousand_changes_are_found(tmp_path: Path) -> None:
    done = try_changes(tmp_path, times=1_000, seed=2)
    assert sum(done.values()) > 900
    assert len(done) == len(CHANGES)
