"""Any change of a real log before its last checkpoint is found, by our verifier and by the one that stands alone.

`make long` tries 1,000 changes, the ordinary run a few dozen.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from gateway.audit import standalone
from gateway.audit.checkpoint import Checkpoint, digest_of, read_note, sign
from gateway.audit.log import segments
from gateway.audit.merkle import Frontier, leaf_hash
from gateway.audit.sealing import FILE, checkpoints
from gateway.audit.verify import verify_log
from tests.strategies.audit_logs import ORIGIN, sealed_log, signing_key

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


def write(directory: Path, listed: list[str]) -> None:
    (directory / FILE).write_bytes(b"".join(json.dumps(one).encode() + b"\n" for one in listed))


def cut_the_beginning(path: Path, chance: random.Random) -> None:
    """Remove the first segments, and leave the checkpoints and the tree as they are."""
    paths = segments(path.parent)
    for one in paths[: chance.randrange(1, len(paths))]:
        one.unlink()


def cut_the_beginning_and_its_checkpoints(path: Path, chance: random.Random) -> None:
    cut_the_beginning(path, chance)
    first = int(segments(path.parent)[0].stem)
    listed = checkpoints(path.parent)
    kept = [note for note in listed if read_note(note)[0].size >= first]
    write(path.parent, kept or listed[-1:])


def take_a_checkpoint_out(path: Path, chance: random.Random) -> None:
    """Not the last: that is a log cut off with its checkpoints, which only one kept elsewhere shows."""
    listed = checkpoints(path.parent)
    del listed[chance.randrange(len(listed) - 1)]
    write(path.parent, listed)


def forge_a_tail_that_is_none(path: Path, chance: random.Random) -> None:
    with segments(path.parent)[-1].open("ab") as file:
        file.write(chance.choice([b"garbage\n", b'{"seq":%d,"kind":"decision"}\n' % (SEALED + 2), b'{"seq":1}\n']))


def forge_a_sealed_tail(path: Path, chance: random.Random) -> None:
    """Well-formed entries, and a checkpoint over them that a stranger signed under the name of the log's own key."""
    frontier, last = Frontier(), segments(path.parent)[-1]
    with last.open("ab") as file:
        for seq in range(SEALED + 1, SEALED + 1 + chance.randrange(1, 5)):
            file.write(b'{"seq":%d,"kind":"decision","time":1,"verdict":"allow"}\n' % seq)
    for segment in segments(path.parent):
        for line in segment.read_bytes().splitlines():
            for _ in frontier.append(leaf_hash(line)):
                pass
    listed = checkpoints(path.parent)
    forged = Checkpoint(ORIGIN, frontier.size, frontier.root(), digest_of(listed[-1]))
    write(path.parent, [*listed, sign(forged, [signing_key(chance.randrange(2, 250))])])


CHANGES = (
    flip,
    drop,
    drop_and_renumber,
    swap,
    repeat,
    truncate,
    play_with_the_clock,
    remove,
    flip_a_checkpoint,
    cut_the_beginning,
    cut_the_beginning_and_its_checkpoints,
    take_a_checkpoint_out,
    forge_a_tail_that_is_none,
    forge_a_sealed_tail,
)


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
        path = copy / chance.choice(names)
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
    done = try_changes(tmp_path, times=90, seed=1)
    assert sum(done.values()) > 75
    assert set(done) == {change.__name__ for change in CHANGES}


def test_a_forged_tail_that_nobody_sealed_is_told_as_unproven_and_shows_against_a_checkpoint_kept_elsewhere(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    sealed_log(log, 40, segment_bytes=64 << 20)
    kept = checkpoints(log)[-1]
    (path,) = segments(log)
    lines = path.read_bytes().splitlines(keepends=True)
    forged = [line.replace(b'"verdict":"allow"', b'"verdict":"deny"') for line in lines[30:]]
    path.write_bytes(b"".join([*lines[:30], *forged]))
    write(log, checkpoints(log)[:3])
    report = verify_log(log, TRUSTED)
    assert (report.entries, report.covered) == (40, 30)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert standalone.main([str(log), TRUSTED[0].print()]) == 0
    assert said.getvalue() == "40 entries, 30 of them sealed; nothing is proven of those behind\n"
    (tmp_path / "kept").write_text(kept)
    assert [finding.code for finding in verify_log(log, TRUSTED, kept=[kept]).findings] == ["ALTERED"]
    with contextlib.redirect_stdout(io.StringIO()):
        assert standalone.main([str(log), TRUSTED[0].print(), str(tmp_path / "kept")]) == 1


@pytest.mark.long
def test_a_thousand_changes_are_found(tmp_path: Path) -> None:
    done = try_changes(tmp_path, times=1_000, seed=2)
    assert sum(done.values()) > 900
    assert len(done) == len(CHANGES)
