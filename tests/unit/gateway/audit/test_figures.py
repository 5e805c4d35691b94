"""What clients were shown is counted from the outcomes of the log, each once, and from nothing else."""

from __future__ import annotations

from pathlib import Path

from adapters.core.ports import Outcome
from gateway.audit.entry import Entry, Kind
from gateway.audit.figures import Figures
from gateway.audit.log import AuditLog
from gateway.audit.sealing import Sealer
from gateway.forms import outcome_body
from gateway.telling import outcome_entry
from tests.strategies.audit_logs import signing_key


def test_outcomes_are_counted_in_both_spellings_and_nothing_else(tmp_path: Path) -> None:
    told: list[tuple[int, int, int]] = []
    log = AuditLog(tmp_path, low_water_bytes=0)
    log.append(Entry(kind=Kind.STARTED, time=1))
    log.note(outcome_body("d-0", Outcome(100, 100, 0.5), 1))
    log.flush()
    sealer = Sealer(log, tmp_path, "log", [signing_key()], lambda: 1, Figures(lambda *one: told.append(one)).hear)
    sealer.seal()
    assert told == [], "what was there before is not counted again"
    log.note(outcome_body("d-1", Outcome(2, 30, 0.5, None, 4), 1))
    log.append(Entry(kind=Kind.RECORDING, time=1, rows=1_000, bytes=1_000))
    log.append(Entry(kind=Kind.DECISION, time=1, text='{"kind":"outcome","rows":9,"bytes":9}'))
    log.note(outcome_entry("d-2", Outcome(5, 60, 0.5), 1, "ana", None))
    log.append(Entry(kind=Kind.STARTED, time=1))
    sealer.seal()
    sealer.seal()
    assert [sum(column) for column in zip(*told, strict=True)] == [7, 90, 4]
    sealer.close()
    log.close()


def test_what_is_no_line_counts_nothing() -> None:
    told: list[tuple[int, int, int]] = []
    Figures(lambda *one: told.append(one)).hear(b'{"kind":"outcome","rows":"x"}\n{"kind":"outcome",\n\nx')
    assert told == [(0, 0, 0)]
