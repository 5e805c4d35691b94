"""A log of a million entries: a proof of one of them takes milliseconds and two kilobytes, and is checked without the log."""

from __future__ import annotations

import random
import statistics
import time
from pathlib import Path

import pytest

from gateway.audit.proving import check_entry, prove_entry
from gateway.audit.sealing import Sealer
from tests.conftest import ROOT
from tests.strategies.audit_logs import ORIGIN, entry, open_log, signing_key

ENTRIES = 1_000_000
SEALED_EVERY = 500
PAGE = """# Proofs from a large log

`pytest -m long tests/e2e/audit/test_large_log.py`: {entries:,} entries in {segments} segments under {notes:,} checkpoints; {tried} proofs of
entries drawn by chance, each read from the disk by itself and checked by the public key alone. Promised: 10 ms, 2 KB.

| proof | median | slowest | largest |
|---|---|---|---|
| made | {made:.2f} ms | {slowest:.2f} ms | {largest:,} bytes |
| checked | {checked:.2f} ms | | |
"""


def build(folder: Path, entries: int) -> None:
    log = open_log(folder)
    sealer = Sealer(log, folder, ORIGIN, [signing_key()], lambda: 1)
    for number in range(1, entries + 1):
        (log.note if number % 100 else log.append)(entry(number))
        if number % SEALED_EVERY == 0:
            sealer.seal()
    log.close()
    sealer.close()


def prove(folder: Path, entries: int, times: int) -> tuple[list[float], list[float], int]:
    """Seconds to make and to check each proof, and the bytes of the largest."""
    chance, made, checked, largest = random.Random(7), list[float](), list[float](), 0
    for _ in range(times):
        seq = chance.randint(1, entries)
        at = time.perf_counter()
        proof, line = prove_entry(folder, seq)
        made.append(time.perf_counter() - at)
        at = time.perf_counter()
        assert check_entry(proof, line, [signing_key().public]) == seq
        checked.append(time.perf_counter() - at)
        largest = max(largest, len(proof.print()))
        with pytest.raises(ValueError):
            check_entry(proof, line.replace(b'"SELECT', b'"DELETE'), [signing_key().public])
    return made, checked, largest


def test_a_proof_from_a_log_under_many_checkpoints_is_checked_without_it(tmp_path: Path) -> None:
    build(tmp_path, 5_000)
    _, _, largest = prove(tmp_path, 5_000, 20)
    assert largest < 2_048


@pytest.mark.long
def test_a_proof_from_a_million_entries_takes_milliseconds(tmp_path: Path) -> None:
    build(tmp_path, ENTRIES)
    made, checked, largest = prove(tmp_path, ENTRIES, 500)
    place = ROOT / "docs" / "measured" / "proofs.md"
    place.write_text(
        PAGE.format(
            entries=ENTRIES,
            segments=len(list(tmp_path.glob("0*.jsonl"))),
            notes=ENTRIES // SEALED_EVERY,
            tried=len(made),
            made=statistics.median(made) * 1e3,
            slowest=max(made) * 1e3,
            largest=largest,
            checked=statistics.median(checked) * 1e3,
        )
    )
    assert largest < 2_048
    assert statistics.median(made) < 0.010
