"""What the audit costs: decisions a second through the whole gate, with the log and without one, and syncs beside bare ones.

`python -m bench audit`. Each gate has 100 rules and the same texts, in turns. `process`: the line is with the kernel before the
answer. `disk`: it is on the disk, one sync for all who wait at that moment; beside it a loop that only writes such a line
and syncs. The log that is left out is one that counts and keeps nothing: what makes an entry's fields runs with it all the
same, what writes them does not. No configuration can ask for it.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from adapters.core.ports import Question
from bench.decide import ASKED, SIZES, alike, indexed_rules, novel, unseen
from bench.servers import run_folder
from engine import command_reader, compile_policies
from gateway.approvals.notify import Bell
from gateway.approvals.store import Approvals
from gateway.asked import Asked
from gateway.audit.entry import Entry
from gateway.audit.log import AuditLog, Durability
from gateway.gate import Gate
from gateway.judge import Judge
from gateway.store.database import open_database
from gateway.store.migrations import upgrade
from gateway.telemetry import Meters

TEXTS = {"novel": novel, "unseen": unseen, "alike": alike}
COUNT = 150
ROUNDS = 61
"""Short and many, in turns: a machine that changes its speed changes it for both."""
WAITERS = 16
SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Figure:
    """Decisions (or lines) a second: `case` is the kind of texts, or what is synced."""

    case: str
    log: str
    rate: float


class Nothing(AuditLog):
    """A log that counts."""

    _taken = 0

    def append(self, entry: Entry | bytes, *, promised: bool = False) -> int:
        """As `AuditLog.append`, for entries that nobody wants back."""
        self._taken += 1
        return self._taken


class Fixed:
    """Policies that do not change."""

    def __init__(self, judge: Judge) -> None:
        self.program = judge


@contextmanager
def gate(folder: Path, log: AuditLog) -> Iterator[Gate]:
    """A gate that decides by 100 rules, with caches that know nothing."""
    database = open_database(f"sqlite:///{folder}/store.db")
    upgrade(database)
    program = compile_policies(indexed_rules(SIZES[0]), reader=command_reader())
    try:
        yield Gate(
            policies=Fixed(Judge(program)),
            log=log,
            approvals=Approvals(database, Bell()),
            clock=time.time_ns,
            meters=Meters(),
            mask_keys={},
        )
    finally:
        log.close()
        database.close()


def asked(text: bytes) -> Asked:
    question = Question("postgres", text, catalog=ASKED.names)
    return Asked(question, ASKED.principal, ASKED.session, ASKED.resource)


def rate(of: Gate, texts: Iterator[bytes]) -> float:
    """Decisions in a second of the processor: what waits for nothing but the kernel."""
    questions = [asked(text) for text in islice(texts, COUNT)]
    began = time.process_time()
    for question in questions:
        of.decide(question)
    return COUNT / (time.process_time() - began)


def rate_of_waiters(of: Gate) -> float:
    """Decisions a second of many who wait each for their own sync."""
    counts = [0] * WAITERS
    ends = time.perf_counter() + SECONDS

    def work(number: int) -> None:
        texts = alike()
        while time.perf_counter() < ends:
            of.decide(asked(next(texts)))
            counts[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(WAITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


def rate_of_syncs(file: Path, line: bytes) -> float:
    """Lines a second, each written and synced before the next."""
    done, ends = 0, time.perf_counter() + SECONDS
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        while time.perf_counter() < ends:
            os.write(descriptor, line)
            os.fsync(descriptor)
            done += 1
    finally:
        os.close(descriptor)
    return done / SECONDS


def measure() -> list[Figure]:
    """Every row, medians of rounds in turns."""
    with run_folder() as folder:
        places = [folder / name for name in ("with", "without", "synced")]
        for place in places:
            place.mkdir()
        with (
            gate(places[0], AuditLog(places[0] / "audit", low_water_bytes=0)) as recorded,
            gate(places[1], Nothing(places[1] / "audit", low_water_bytes=0)) as unrecorded,
            gate(places[2], AuditLog(places[2] / "audit", durability=Durability.DISK, low_water_bytes=0)) as synced,
        ):
            found = []
            for name, texts in TEXTS.items():
                sources = (texts(), texts())
                taken: tuple[list[float], list[float]] = ([], [])
                for _ in range(ROUNDS):
                    taken[0].append(rate(recorded, sources[0]))
                    taken[1].append(rate(unrecorded, sources[1]))
                found.append(Figure(name, "process", statistics.median(taken[0])))
                found.append(Figure(name, "none", statistics.median(taken[1])))
            found.append(Figure(f"{WAITERS} who wait", "disk", rate_of_waiters(synced)))
            segment = next((places[0] / "audit").glob("*.jsonl"))
            with segment.open("rb") as lines:
                line = lines.readlines()[-1]
            found.append(Figure("a bare loop", "disk", rate_of_syncs(folder / "bare", line)))
    return found


def promises(figures: list[Figure]) -> tuple[dict[str, float | None], dict[str, str]]:
    """What `budgets.toml` has bounds for, and what it was measured against."""
    rates = {(one.case, one.log): one.rate for one in figures}
    measured: dict[str, float | None] = {}
    peers = {}
    for name in TEXTS:
        with_log, without = rates[name, "process"], rates[name, "none"]
        measured[name] = with_log / without
        peers[name] = f"{without:.0f}/s without a log, {with_log:.0f}/s with"
    waiting, bare = rates[f"{WAITERS} who wait", "disk"], rates["a bare loop", "disk"]
    measured["disk"] = waiting / bare
    peers["disk"] = f"bare loop {bare:.0f} syncs/s, {WAITERS} who wait {waiting:.0f} decisions/s"
    return measured, peers


def document(figures: list[Figure]) -> dict[str, object]:
    """The raw figures for machines."""
    return {"audit": [asdict(one) for one in figures]}
