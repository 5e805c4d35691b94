"""Replaying recorded decisions: how many a second on one core, and how long 100,000 take with all cores.

`python -m bench.replay [--json] [--entries N]`. A log is written as the gate writes it (half the texts differ in more than
literals), by the shipped policy library; then `sallyport replay` decides it again by the same library, once in one process
(its rate in processor time is the promise) and once as users run it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

from adapters.core.ports import Question
from bench.decide import ASKED, CATALOG, alike, unseen
from engine import command_reader, compile_policies
from engine.evaluator.cache import Judgement
from engine.suite.stated import Statements
from gateway.asked import Asked
from gateway.audit.catalogs import CatalogKeeper
from gateway.audit.log import AuditLog
from gateway.cli import main as sallyport
from gateway.policy_store.folder import read_folder
from gateway.telling import decision_entry

POLICIES = Path(__file__).parents[1] / "policies" / "examples" / "demo"
ENTRIES = 20_000
WHOLE = 100_000


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured. `rate` is decisions in a second of one core, all in; `seconds` what all cores took."""

    entries: int
    rate: float
    cores: int
    seconds: float
    seconds_for_100_000: float


def write_log(folder: Path, count: int) -> None:
    """A log of `count` decisions by the library."""
    loaded = read_folder(POLICIES)
    program = compile_policies(loaded.sources, loaded.data, reader=command_reader())
    catalog = Statements().catalog(CATALOG)
    log, keeper = AuditLog(folder, low_water_bytes=0), CatalogKeeper(folder)
    reference = keeper.keep(catalog)
    texts = [text for pair in zip(islice(unseen(), count), islice(alike(), count), strict=True) for text in pair]
    for number, text in enumerate(texts[:count]):
        question = replace(ASKED, text=text, names=catalog, now=ASKED.now + number)
        judged = program.decide_text(question)
        asked = Asked(Question("postgres", text, catalog), question.principal, question.session, question.resource)
        said = Judgement(judged.decision, judged.command, judged.exact)
        log.append(decision_entry(asked, judged.decision, said, f"d-{number}", question.now, None, reference))
    log.close()


def replayed(folder: Path, *more: str) -> tuple[float, dict[str, object]]:
    """Seconds that a replay took, and what it said."""
    out = io.StringIO()
    # WHY processor time of one process: what others do on the machine in that minute is no property of ours.
    clock = time.process_time if "1" in more else time.perf_counter
    begun = clock()
    with contextlib.redirect_stdout(out):
        code = sallyport(["replay", "--from", str(folder), "--against", str(POLICIES), "--format", "json", *more])
    took = clock() - begun
    if code != 0:
        raise SystemExit(f"the replay ended with {code}")
    return took, json.loads(out.getvalue())


def measure(count: int = ENTRIES) -> Figures:
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        write_log(Path(folder), count)
        alone, said = replayed(Path(folder), "--jobs", "1")
        if said["same"] != count:
            raise SystemExit(f"only {said['same']} of {count} came out the same")
        together, _ = replayed(Path(folder), "--jobs", str(cores))
    return Figures(count, count / alone, cores, together, together * WHOLE / count)


def document(found: Figures) -> dict[str, object]:
    """The raw figures for machines."""
    return {"replay": asdict(found)}


def promises(found: Figures) -> tuple[dict[str, float | None], dict[str, str]]:
    """The promise by its name in `budgets.toml`, with what stands beside it."""
    beside = f"{found.entries:,} entries, {found.cores} processes: {found.seconds:.1f} s"
    return {"rate": found.rate}, {"rate": beside}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.replay", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--entries", type=int, default=ENTRIES, help="entries of the log")
    arguments = parser.parse_args()
    found = measure(arguments.entries)
    if arguments.json:
        json.dump(document(found), sys.stdout)
        sys.stdout.write("\n")
    else:
        print(f"one process: {found.rate:,.0f} decisions/s; {found.cores} processes: {found.seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
