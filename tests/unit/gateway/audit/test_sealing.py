"""Sealing keeps up with the log, goes on after a restart, hands over keys, and signs nothing that does not continue."""

from __future__ import annotations

import errno
import itertools
import os
import random
import shutil
import threading
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine._native import Unwritten
from gateway.audit import sealing
from gateway.audit.checkpoint import digest_of, open_note, read_note
from gateway.audit.log import AuditLog
from gateway.audit.sealing import FILE, Sealer, checkpoints
from gateway.audit.standalone import check, read_key
from gateway.audit.tree import FOLDER, TreeWriter
from gateway.audit.verify import verify_log
from gateway.errors import AuditUnavailable
from tests.strategies.audit_logs import ORIGIN, entry, open_log, sealed_log, signing_key
from tests.strategies.audit_trees import files


def sizes(directory: Path) -> list[int]:
    return [read_note(note)[0].size for note in checkpoints(directory)]


def sealer_of(directory: Path, *seeds: int) -> tuple[Sealer, int]:
    """Seals a log once with these keys, and says how many entries are sealed then."""
    log = open_log(directory)
    try:
        sealer = Sealer(log, directory, ORIGIN, [signing_key(seed) for seed in seeds], lambda: 1)
        return sealer, sealer.seal()
    finally:
        log.close()


def test_new_entries_are_sealed_and_old_ones_not_again(tmp_path: Path) -> None:
    sealed_log(tmp_path, 25)
    assert sizes(tmp_path) == [10, 20, 25]
    checkpoint, _ = open_note(checkpoints(tmp_path)[-1], [signing_key().public])
    assert (checkpoint.origin, checkpoint.size) == (ORIGIN, 25)
    _, sealed = sealer_of(tmp_path, 1)
    assert sealed == 25
    assert len(checkpoints(tmp_path)) == 3


def test_after_a_restart_it_goes_on_where_it_was(tmp_path: Path) -> None:
    sealed_log(tmp_path, 5, unsealed=4)
    assert sealer_of(tmp_path, 1)[1] == 9
    assert verify_log(tmp_path, [signing_key().public]).is_whole


def test_each_checkpoint_names_the_one_before_it_over_restarts_too(tmp_path: Path) -> None:
    sealed_log(tmp_path, 20)
    log = open_log(tmp_path)
    sealer = Sealer(log, tmp_path, ORIGIN, [signing_key()], lambda: 1)
    log.append(entry(21))
    sealer.seal()
    log.close()
    notes = checkpoints(tmp_path)
    assert [read_note(note)[0].before for note in notes] == [digest_of(one) for one in (None, *notes[:-1])]


def test_a_lost_tree_is_made_again(tmp_path: Path) -> None:
    sealed_log(tmp_path, 30, unsealed=3)
    shutil.rmtree(tmp_path / FOLDER)
    assert sealer_of(tmp_path, 1)[1] == 33
    assert verify_log(tmp_path, [signing_key().public]).is_whole


@pytest.mark.parametrize("name", ["places", "03", "02", "01", "00"])
def test_after_a_write_that_failed_the_tree_is_the_logs_again(tmp_path: Path, name: str) -> None:
    sealed_log(tmp_path, 5, unsealed=7)
    log, path, kept = open_log(tmp_path), tmp_path / FOLDER / name, tmp_path / "kept"
    sealer = Sealer(log, tmp_path, ORIGIN, [signing_key()], lambda: 1)
    if was_there := path.exists():
        path.rename(kept)
    path.symlink_to("/dev/full")
    with pytest.raises(AuditUnavailable):
        sealer.seal()
    path.unlink()
    if was_there:
        kept.rename(path)
    assert sealer.seal() == 12
    log.append(entry(13))
    assert sealer.seal() == 13
    log.close()
    assert verify_log(tmp_path, [signing_key().public]).is_whole
    assert sealer_of(tmp_path, 1)[1] == 13


@settings(max_examples=30, deadline=None)
@example(lives=[4, 29], seed=19260).via("the first tree of all was torn in its highest level")
@given(lives=st.lists(st.integers(1, 60), max_size=4), seed=st.integers(0, 2**32))
def test_whichever_write_was_the_last_of_a_process_the_next_goes_on(
    tmp_path_factory: pytest.TempPathFactory, lives: list[int], seed: int
) -> None:
    directory, chance = tmp_path_factory.mktemp("lives"), random.Random(seed)

    for left in lives:
        log = open_log(directory, segment_bytes=2000)
        sealer = Sealer(log, directory, ORIGIN, [signing_key()], lambda: 1)
        with pytest.MonkeyPatch.context() as patch:
            _LastWrite(left, chance).patch(patch)
            with pytest.raises(_Died):
                _work(log, sealer, chance)
        _leave(log)
    log = open_log(directory, segment_bytes=2000)
    log.append(entry(1))
    assert Sealer(log, directory, ORIGIN, [signing_key()], lambda: 1).seal() == log.next_seq - 1
    log.close()
    assert verify_log(directory, [signing_key().public]).is_whole


def _work(log: AuditLog, sealer: Sealer, chance: random.Random) -> None:
    """Entries and seals, for ever."""
    while True:
        for number in range(chance.randrange(6)):
            (log.note if chance.random() < 0.4 else log.append)(entry(number))
        sealer.seal()


def _change_keys(log: AuditLog, sealer: Sealer) -> None:
    """One key after the other, for ever."""
    for new, old in itertools.cycle([(2, 1), (1, 2)]):
        sealer.use_keys([signing_key(new), signing_key(old)])
        log.note(entry(2))


class _Died(BaseException):
    """What a kill is to those who still stand around."""


class _LastWrite:
    """Writes so many times; of the next one only a part, and nothing ever after. In the core as in Python."""

    def __init__(self, left: int, chance: random.Random) -> None:
        self._left, self._chance = left, chance
        self._write, self._grow = os.write, TreeWriter.grow

    def patch(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(os, "write", self.write)
        patch.setattr(TreeWriter, "grow", lambda writer, *asked: self.grow(writer, *asked))
        # What waits is written where these look.
        patch.setattr(Unwritten, "let_out", lambda unwritten: False)

    def _kept(self, length: int) -> int:
        """How much of the next write is done."""
        self._left -= 1
        if self._left < -1:
            raise _Died
        return self._chance.randrange(length + 1) if self._left == -1 else length

    def write(self, fd: int, data: bytes) -> int:
        self._write(fd, bytes(data)[: self._kept(len(data))])
        if self._left < 0:
            raise _Died
        return len(data)

    def grow(self, writer: TreeWriter, segment: Path, place: int, upto: int) -> tuple[int, int]:
        """Let the core do it all, and take back what it would not have come to: places, then levels from the highest down
        (tests/property/gateway/audit/test_tree_growth.py holds it to that)."""
        before = files(segment.parent)
        done = self._grow(writer, segment, place, upto)
        after, is_dead = files(segment.parent), False
        for name in ["places", *sorted(after.keys() - {"places"}, reverse=True)]:
            was = len(before.get(name, b""))
            if name in before and len(after[name]) == was:
                continue
            path = segment.parent / FOLDER / name
            if is_dead:
                os.truncate(path, was) if name in before else path.unlink()
                continue
            os.truncate(path, was + self._kept(len(after[name]) - was))
            is_dead = self._left < 0
        if is_dead:
            raise _Died
        return done


def _leave(log: AuditLog) -> None:
    """Let a log's files go as a kill does: nothing more is written."""
    log.unwritten.clear()
    log._broken = "dead"
    log.close()


@pytest.mark.parametrize("level", ["00", "01", "02"])
def test_a_tree_that_is_not_what_was_sealed_is_made_again(tmp_path: Path, level: str) -> None:
    sealed_log(tmp_path, 7, unsealed=1)
    path = tmp_path / FOLDER / level
    whole = path.read_bytes()
    path.write_bytes(bytes(byte ^ 1 for byte in whole))
    assert sealer_of(tmp_path, 1)[1] == 8
    assert path.read_bytes()[: len(whole)] == whole
    assert verify_log(tmp_path, [signing_key().public]).is_whole


def test_a_torn_checkpoint_is_cut_off(tmp_path: Path) -> None:
    sealed_log(tmp_path, 5, unsealed=1)
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'"sallypo')
    assert sealer_of(tmp_path, 1)[1] == 6
    assert sizes(tmp_path) == [5, 6]


def test_a_new_key_takes_over_under_both_signatures(tmp_path: Path) -> None:
    sealed_log(tmp_path, 5, unsealed=1)
    assert sealer_of(tmp_path, 2, 1)[1] == 7
    assert sealer_of(tmp_path, 2)[1] == 7
    log = open_log(tmp_path)
    log.append(entry(8))
    log.close()
    assert sealer_of(tmp_path, 2)[1] == 8
    report = verify_log(tmp_path, [signing_key(1).public])
    assert report.is_whole, report.findings
    assert report.covered == 8


def test_a_key_that_nobody_handed_over_to_cannot_go_on(tmp_path: Path) -> None:
    sealed_log(tmp_path, 5)
    with pytest.raises(AuditUnavailable) as refused:
        sealer_of(tmp_path, 2)
    assert refused.value.code == "AUDIT_KEYS"


def test_a_key_takes_over_while_the_log_is_written(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    sealer = Sealer(log, tmp_path, ORIGIN, [signing_key(1)], lambda: 1)
    sealer.start(every=0.001)
    is_over = threading.Event()
    writing = threading.Thread(target=lambda: [log.append(entry(1)) for _ in iter(is_over.is_set, True)])
    writing.start()
    try:
        for new, old in ((2, 1), (3, 2), (1, 3)):
            assert sealer.use_keys([signing_key(new), signing_key(old)])
            assert sealer.trusted == [signing_key(new).public, signing_key(old).public]
            note = checkpoints(tmp_path)[-1]
            assert open_note(note, [signing_key(new).public])
            assert not sealer.use_keys([signing_key(new)]), "the old one may go then"
    finally:
        is_over.set()
        writing.join()
        sealer.close()
        log.close()
    handed_over = [note for note in checkpoints(tmp_path) if len(read_note(note)[1]) == 2]
    assert len(handed_over) == 3
    report = verify_log(tmp_path, [signing_key(1).public])
    assert report.is_whole, report.findings
    assert report.covered == report.entries
    assert check(tmp_path, [read_key(signing_key(1).public.print())], []) == []


def test_a_key_that_handed_over_goes_on_only_when_it_is_handed_back(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    sealer = Sealer(log, tmp_path, ORIGIN, [signing_key(1)], lambda: 1)
    log.append(entry(1))
    sealer.seal()
    sealer.use_keys([signing_key(2), signing_key(1)])
    _leave(log)  # both have signed, and neither anything since
    with pytest.raises(AuditUnavailable) as refused:
        sealer_of(tmp_path, 1)
    assert refused.value.code == "AUDIT_KEYS"
    assert sealer_of(tmp_path, 1, 2)[1] == 3
    assert [len(read_note(note)[1]) for note in checkpoints(tmp_path)] == [1, 2, 2]
    assert verify_log(tmp_path, [signing_key(1).public]).is_whole
    assert sealer_of(tmp_path, 1)[1] == 3


def test_a_key_is_not_left_out_before_it_has_handed_over(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    sealer = Sealer(log, tmp_path, ORIGIN, [signing_key(1)], lambda: 1)
    log.append(entry(1))
    with pytest.raises(AuditUnavailable) as refused:
        sealer.use_keys([signing_key(2), signing_key(3)])
    assert refused.value.code == "AUDIT_KEYS"
    assert sealer.seal() == 1, "nothing was written"
    assert sealer.trusted == [signing_key(1).public]
    sealer.close()
    log.close()
    assert verify_log(tmp_path, [signing_key(1).public]).is_whole


@pytest.mark.parametrize("fails", ["write", "fdatasync", "short"])
def test_a_hand_over_that_cannot_be_written_leaves_the_old_key_signing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    log, whole = open_log(tmp_path), os.write
    sealer = Sealer(log, tmp_path, ORIGIN, [signing_key(1)], lambda: 1)
    log.append(entry(1))
    sealer.seal()
    log.append(entry(2))
    log.flush()

    def broken(fd: int, *arguments: bytes) -> int:
        if not os.readlink(f"/proc/self/fd/{fd}").endswith(FILE):
            return whole(fd, *arguments) if arguments else 0
        if fails == "short":
            return whole(fd, arguments[0][:9])
        raise OSError(errno.EIO, "the disk says no")

    monkeypatch.setattr(os, "write" if fails == "short" else fails, broken)
    with pytest.raises(AuditUnavailable):
        sealer.use_keys([signing_key(2), signing_key(1)])
    monkeypatch.undo()
    assert sealer.trusted == [signing_key(1).public]
    assert sealer.seal() == 3, "the old one signs over the entry that came to nothing"
    assert sealer.use_keys([signing_key(2), signing_key(1)])
    log.append(entry(3))
    sealer.close()
    log.close()
    assert sizes(tmp_path) == [1, 3, 4, 5]
    report = verify_log(tmp_path, [signing_key(1).public])
    assert report.is_whole, report.findings


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 12), st.integers(0, 2**32), st.booleans())
def test_whichever_write_of_a_hand_over_was_the_last_the_next_life_goes_on(
    tmp_path_factory: pytest.TempPathFactory, left: int, seed: int, is_new: bool
) -> None:
    directory, chance = tmp_path_factory.mktemp("hand-over"), random.Random(seed)
    log = open_log(directory)
    sealer = Sealer(log, directory, ORIGIN, [signing_key(1)], lambda: 1)
    log.append(entry(1))
    sealer.seal()
    with pytest.MonkeyPatch.context() as patch:
        _LastWrite(left, chance).patch(patch)
        with pytest.raises(_Died):
            _change_keys(log, sealer)
    _leave(log)
    # The next life is configured as the one that died was, or as it was before.
    both = (2, 1) if is_new else (1, 2)
    log = open_log(directory)
    sealer = Sealer(log, directory, ORIGIN, [signing_key(seed) for seed in both], lambda: 1)
    log.append(entry(3))
    assert sealer.seal() == log.next_seq - 1
    log.close()
    report = verify_log(directory, [signing_key(1).public])
    assert report.is_whole, report.findings
    assert report.covered == report.entries
    assert check(directory, [read_key(signing_key(1).public.print())], []) == []


@pytest.mark.parametrize("what", ["edited", "shortened", "another log"])
def test_a_log_that_is_not_the_sealed_one_is_not_signed(tmp_path: Path, what: str) -> None:
    sealed_log(tmp_path, 20, segment_bytes=64 << 20)
    segment = tmp_path / "0000000000000001.jsonl"
    match what:
        case "edited":
            segment.write_bytes(segment.read_bytes().replace(b"SELECT 7", b"SELECT 8"))
            shutil.rmtree(tmp_path / FOLDER)
        case "shortened":
            segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[:12]))
            shutil.rmtree(tmp_path / FOLDER)
        case _:
            text = (tmp_path / FILE).read_text()
            (tmp_path / FILE).write_text(text.replace("sallyport.audit/test", "sallyport.audit/text"))
    with pytest.raises(AuditUnavailable):
        sealer_of(tmp_path, 1)


def test_it_seals_by_itself_until_it_is_closed(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    sealer = Sealer(log, tmp_path, ORIGIN, [signing_key()], lambda: 1)
    sealer.start(every=0.01)
    log.append(entry(1))
    turns = 0
    while not sizes(tmp_path) and turns < 1_000:
        threading.Event().wait(0.01)
        turns += 1
    log.append(entry(2))
    sealer.close()
    log.close()
    assert sizes(tmp_path) in ([1, 2], [2])
    assert sealer.trouble == ""


def test_what_a_life_before_left_is_sealed_at_once(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(entry(1))
    sealer = Sealer(log, tmp_path, ORIGIN, [signing_key()], lambda: 1)
    sealer.start(every=3_600)
    turns = 0
    while not sizes(tmp_path) and turns < 1_000:
        threading.Event().wait(0.01)
        turns += 1
    assert sizes(tmp_path) == [1]
    sealer.close()
    log.close()


def test_what_stops_the_sealing_is_said(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    sealer = Sealer(log, tmp_path, ORIGIN, [signing_key()], lambda: 1)
    log.append(entry(1))
    log.close()
    with (tmp_path / "0000000000000001.jsonl").open("ab") as file:
        file.write(b"garbage\n")
    sealer.close()
    assert sealer.trouble
    assert checkpoints(tmp_path) == []


@pytest.mark.parametrize("room", [1, 40, 4096])
def test_the_last_note_is_found_from_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    monkeypatch.setattr(sealing, "MAX_NOTE_LINE", room)
    assert sealing.last_note(tmp_path) is None
    path = tmp_path / sealing.FILE
    path.write_bytes(b"")
    assert sealing.last_note(tmp_path) is None
    path.write_bytes(b'"half')
    assert sealing.last_note(tmp_path) is None
    path.write_bytes(b'"one"\n')
    assert sealing.last_note(tmp_path) == "one"
    path.write_bytes(b'"one"\n"%s"\n"thr' % (b"2" * 100))
    assert sealing.last_note(tmp_path) == "2" * 100
    path.write_bytes(b'"one"\nbroken\n')
    with pytest.raises(ValueError):
        sealing.last_note(tmp_path)


def test_the_keys_whose_signatures_count_are_told(tmp_path: Path) -> None:
    sealed_log(tmp_path, 5)
    sealer, _ = sealer_of(tmp_path, 1, 2)
    assert sealer.trusted == [signing_key(1).public, signing_key(2).public]
