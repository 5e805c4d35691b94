"""Each way to falsify a log is found and named; what is no falsification is told and is none."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from gateway.audit.checkpoint import Checkpoint, digest_of, read_note, sign
from gateway.audit.log import segments
from gateway.audit.sealing import FILE, Sealer, checkpoints
from gateway.audit.verify import MAX_FINDINGS, Report, verify_log
from gateway.errors import AuditUnavailable
from tests.strategies.audit_logs import ORIGIN, entry, open_log, sealed_log, signing_key, stolen_log

TRUSTED = [signing_key().public]


def codes(report: Report) -> set[str]:
    return {finding.code for finding in report.findings}


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_a_log_nobody_touched_is_whole(tmp_path: Path) -> None:
    sealed_log(tmp_path, 57, unsealed=3)
    seen: list[int] = []
    report = verify_log(tmp_path, TRUSTED, progress=seen.append)
    assert report.findings == []
    assert (report.entries, report.covered, report.checkpoints, report.torn) == (60, 57, 6, 0)


def edit(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"verdict":"allow"', b'"verdict":"denyX"', 1))


def take_out(path: Path) -> None:
    path.write_bytes(b"".join(lines_of(path)[:3] + lines_of(path)[4:]))


def swap(path: Path) -> None:
    one, two, *rest = lines_of(path)
    path.write_bytes(b"".join([two, one, *rest]))


def put_in(path: Path) -> None:
    one, *rest = lines_of(path)
    path.write_bytes(b"".join([one, one, *rest]))


def renumber(path: Path) -> None:
    """Take an entry out and number the rest anew, so that only hashes can tell."""
    kept = lines_of(path)[:2] + lines_of(path)[3:]
    path.write_bytes(b"".join(b'{"seq":%d,' % (at + 1) + line.partition(b",")[2] for at, line in enumerate(kept)))


@pytest.mark.parametrize(
    ("change", "code"),
    [(edit, "ALTERED"), (take_out, "LINE"), (swap, "LINE"), (put_in, "LINE"), (renumber, "ALTERED")],
)
def test_what_was_changed_is_found(tmp_path: Path, change: Callable[[Path], None], code: str) -> None:
    sealed_log(tmp_path, 30)
    change(segments(tmp_path)[0])
    assert code in codes(verify_log(tmp_path, TRUSTED))


def test_a_segment_that_is_gone_is_found(tmp_path: Path) -> None:
    sealed_log(tmp_path, 30)
    assert len(segments(tmp_path)) > 3
    segments(tmp_path)[1].unlink()
    assert "GAP" in codes(verify_log(tmp_path, TRUSTED))


def test_a_log_cut_off_is_found(tmp_path: Path) -> None:
    sealed_log(tmp_path, 30)
    for path in segments(tmp_path)[2:]:
        path.unlink()
    report = verify_log(tmp_path, TRUSTED)
    assert codes(report) == {"CUT"}
    assert report.findings[0].seq == report.entries + 1


def test_a_log_cut_off_together_with_its_checkpoints_is_found_by_one_kept_elsewhere(tmp_path: Path) -> None:
    sealed_log(tmp_path, 30, segment_bytes=64 << 20)
    kept = checkpoints(tmp_path)[-1]
    path = segments(tmp_path)[0]
    path.write_bytes(b"".join(lines_of(path)[:20]))
    listed = (tmp_path / FILE).read_bytes().splitlines(keepends=True)
    (tmp_path / FILE).write_bytes(b"".join(listed[:2]))
    assert verify_log(tmp_path, TRUSTED).is_whole
    assert codes(verify_log(tmp_path, TRUSTED, kept=[kept])) == {"CUT"}


def test_a_torn_tail_is_told_and_is_no_finding(tmp_path: Path) -> None:
    sealed_log(tmp_path, 12, unsealed=1)
    with segments(tmp_path)[-1].open("ab") as file:
        file.write(b'{"seq":14,"kind":"dec')
    report = verify_log(tmp_path, TRUSTED)
    assert report.is_whole
    assert report.torn == 21


def test_a_torn_line_with_more_behind_it_is_one(tmp_path: Path) -> None:
    sealed_log(tmp_path, 30)
    path = segments(tmp_path)[0]
    path.write_bytes(path.read_bytes()[:-5])
    assert "LINE" in codes(verify_log(tmp_path, TRUSTED))


def test_a_forged_tail_that_is_no_entry_is_found(tmp_path: Path) -> None:
    sealed_log(tmp_path, 12)
    with segments(tmp_path)[-1].open("ab") as file:
        file.write(b'{"seq":13,"kind":"no such kind","time":1}\n')
    assert codes(verify_log(tmp_path, TRUSTED)) == {"LINE"}


def write(directory: Path, listed: list[str]) -> None:
    (directory / FILE).write_bytes(b"".join(json.dumps(one).encode() + b"\n" for one in listed))


def forge(tmp_path: Path, checkpoint: Checkpoint, seed: int) -> set[str]:
    sealed_log(tmp_path, 20)
    listed = checkpoints(tmp_path)
    listed[1] = sign(replace(checkpoint, before=digest_of(listed[0])), [signing_key(seed)])
    write(tmp_path, listed)
    return codes(verify_log(tmp_path, TRUSTED))


def test_a_checkpoint_of_a_stranger_is_found(tmp_path: Path) -> None:
    assert forge(tmp_path, Checkpoint(ORIGIN, 20, bytes(32)), 2) == {"SIGNATURE"}


def test_a_checkpoint_of_another_log_is_found(tmp_path: Path) -> None:
    assert forge(tmp_path, Checkpoint("another/log", 20, bytes(32)), 1) == {"ORIGIN"}


def test_a_checkpoint_out_of_order_or_unreadable_is_found(tmp_path: Path) -> None:
    sealed_log(tmp_path, 30)
    one, two, three = (tmp_path / FILE).read_bytes().splitlines(keepends=True)
    (tmp_path / FILE).write_bytes(two + one + three)
    assert codes(verify_log(tmp_path, TRUSTED)) == {"CHECKPOINTS"}
    (tmp_path / FILE).write_bytes(b"garbage\n" + three)
    assert "CHECKPOINTS" in codes(verify_log(tmp_path, TRUSTED))


def test_without_checkpoints_nothing_is_proven(tmp_path: Path) -> None:
    sealed_log(tmp_path, 5)
    (tmp_path / FILE).unlink()
    assert codes(verify_log(tmp_path, TRUSTED)) == {"NO_CHECKPOINT"}


def test_a_key_that_an_unsealed_entry_announces_is_not_trusted(tmp_path: Path) -> None:
    sealed_log(tmp_path, 5)
    stranger = signing_key(3)
    line = msgspec.json.encode(
        {"seq": 6, "kind": "key", "time": 1, "step": "handed over", "note": stranger.public.print()}
    )
    with segments(tmp_path)[-1].open("ab") as file:
        file.write(line + b"\n")
    before = digest_of(checkpoints(tmp_path)[-1])
    forged = sign(Checkpoint(ORIGIN, 6, base64.b64decode("AA==") * 32, before), [stranger])
    with (tmp_path / FILE).open("ab") as file:
        file.write(msgspec.json.encode(forged) + b"\n")
    assert codes(verify_log(tmp_path, TRUSTED)) == {"SIGNATURE"}


@pytest.mark.parametrize("keeps_checkpoints", [True, False])
def test_a_log_begins_at_its_first_entry_and_a_beginning_that_is_gone_is_found(
    tmp_path: Path, keeps_checkpoints: bool
) -> None:
    sealed_log(tmp_path, 60)
    gone = segments(tmp_path)[:4]
    for path in gone:
        path.unlink()
    first = int(segments(tmp_path)[0].stem)
    if not keeps_checkpoints:
        write(tmp_path, [note for note in checkpoints(tmp_path) if read_note(note)[0].size >= first - 1])
    report = verify_log(tmp_path, TRUSTED)
    assert not report.is_whole
    assert codes(report) == ({"GAP"} if keeps_checkpoints else {"GAP", "CHECKPOINTS"})
    assert f"the entries 1 to {first - 1} are gone" in " ".join(one.message for one in report.findings)
    # What is left is what was sealed, says the stored tree under the signed roots; it is believed in nothing else.
    assert (report.entries, report.covered) == (60, 60)
    leaves = tmp_path / "tree" / "00"
    leaves.write_bytes(b"\0" * 32 + leaves.read_bytes()[32:])
    assert codes(verify_log(tmp_path, TRUSTED)) >= {"GAP", "ALTERED"}
    leaves.write_bytes(b"")
    assert "GAP" in codes(verify_log(tmp_path, TRUSTED))


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_checkpoint_that_was_taken_out_is_found(tmp_path: Path, which: int) -> None:
    sealed_log(tmp_path, 40)
    listed = checkpoints(tmp_path)
    del listed[which]
    write(tmp_path, listed)
    assert codes(verify_log(tmp_path, TRUSTED)) == {"CHECKPOINTS"}


def test_checkpoints_of_an_older_version_prove_their_entries_and_are_told_to_be_no_chain(tmp_path: Path) -> None:
    sealed_log(tmp_path, 40)
    old = [read_note(note)[0] for note in checkpoints(tmp_path)]
    unchained = [sign(replace(one, before=None), [signing_key()]) for one in old]
    write(tmp_path, unchained)
    report = verify_log(tmp_path, TRUSTED)
    assert (report.is_whole, report.covered, report.checkpoints, report.unchained) == (True, 40, 4, 4)
    # The newer version goes on from the last of them; from then on every one has to.
    chained = sign(replace(old[3], before=digest_of(unchained[2])), [signing_key()])
    write(tmp_path, [*unchained[:3], chained])
    assert (verify_log(tmp_path, TRUSTED).is_whole, verify_log(tmp_path, TRUSTED).unchained) == (True, 3)
    write(tmp_path, [*unchained[:2], chained])
    assert codes(verify_log(tmp_path, TRUSTED)) == {"CHECKPOINTS"}
    write(tmp_path, [checkpoints(tmp_path)[0], sign(replace(old[2], before=bytes(32)), [signing_key()]), unchained[3]])
    assert codes(verify_log(tmp_path, TRUSTED)) == {"CHECKPOINTS"}


def test_a_thousand_wrongs_are_not_all_listed(tmp_path: Path) -> None:
    sealed_log(tmp_path, 3)
    with segments(tmp_path)[-1].open("ab") as file:
        file.write(b"garbage\n" * 1_000)
    assert len(verify_log(tmp_path, TRUSTED).findings) == MAX_FINDINGS


def test_a_log_that_is_not_there_cannot_be_looked_at(tmp_path: Path) -> None:
    with pytest.raises(AuditUnavailable, match="no audit"):
        verify_log(tmp_path / "nowhere", TRUSTED)
    sealed_log(tmp_path, 2)
    shutil.rmtree(tmp_path / "tree")
    assert verify_log(tmp_path, TRUSTED).is_whole


@pytest.mark.parametrize("known", [(1,), (3, 2, 1), (1, 2, 3)])
def test_a_key_that_handed_over_signs_nothing_any_more(tmp_path: Path, known: tuple[int, ...]) -> None:
    trusted = [signing_key(seed).public for seed in known]
    for stolen in (1, 2, 3):
        stolen_log(tmp_path / str(stolen), stolen)
        report = verify_log(tmp_path / str(stolen), trusted)
        assert codes(report) == (set() if stolen == 3 else {"SIGNATURE"}), report.findings
        assert report.covered == report.entries - (stolen != 3)


def test_a_key_that_took_over_may_hand_back(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    sealer = Sealer(log, tmp_path, ORIGIN, [signing_key(1)], lambda: 1)
    log.append(entry(1))
    sealer.seal()
    for new, old in ((2, 1), (1, 2), (2, 1)):
        sealer.use_keys([signing_key(new), signing_key(old)])
    log.append(entry(2))
    sealer.close()
    log.close()
    for known in ((1,), (1, 2)):
        report = verify_log(tmp_path, [signing_key(seed).public for seed in known])
        assert report.findings == []
