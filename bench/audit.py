"""What the audit costs: decisions a second through the whole gate, with the log and without one, and syncs beside bare ones.

`python -m bench audit`. Each gate has 100 rules and the same texts, in turns. `process`: the line is with the kernel before the
answer. `disk`: it is on the disk, one sync for all who wait at that moment; beside it a loop that only writes such a line
and syncs. The log that is left out is one that counts and keeps nothing: what makes an entry's fields runs with it all the
same, what writes them does not. No configuration can ask for it. `served` is what a caller of the service gets: batches of
texts that differ in literals alone, with the reading of the question and the writing of the answer, without the network.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from adapters.core.ports import Question
from bench.decide import ASKED, RELATIONS, SIZES, alike, indexed_rules, novel, unseen
from bench.servers import run_folder
from engine import Principal, command_reader, compile_policies
from gateway.app.policies import EngineTexts
from gateway.approvals.notify import Bell
from gateway.approvals.store import Approvals
from gateway.asked import Asked
from gateway.audit.entry import Entry
from gateway.audit.log import AuditLog, Durability
from gateway.gate import Gate
from gateway.judge import Judge
from gateway.rpc.codec.asking import Query, write_batch
from gateway.rpc.codec.questions import Names, Raw
from gateway.rpc.decision_service import DecisionPorts, DecisionService
from gateway.rpc.gate_ports import Askers, Behind, GateApprovals, GateDecisions
from gateway.rpc.identity import Caller, Role
from gateway.store.database import open_database
from gateway.store.migrations import upgrade
from gateway.telemetry import Meters

NAMES = Names(("shop",), {name: tuple(columns) for name, columns in RELATIONS.items()})
CALLER = Caller(Principal("adapter", "service"), frozenset({Role.ADAPTER}))
COUNT = 150
BATCH = 50
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
        self.revision = judge.revision

    def has_reached(self, revision: str) -> bool:
        return revision == self.revision

    def subscribe(self, listener: Callable[[str], None]) -> Callable[[], None]:
        return lambda: None


@dataclass(frozen=True, slots=True)
class Deciding:
    """A gate that decides by 100 rules, with caches that know nothing, and the gRPC service over it."""

    gate: Gate
    service: DecisionService


@contextmanager
def deciding(folder: Path, log: AuditLog) -> Iterator[Deciding]:
    """Both, over a log."""
    database = open_database(f"sqlite:///{folder}/store.db")
    upgrade(database)
    reader = command_reader()
    judge = Judge(compile_policies(indexed_rules(SIZES[0]), reader=reader))
    policies, approvals = Fixed(judge), Approvals(database, Bell())
    try:
        gate = Gate(policies=policies, log=log, approvals=approvals, clock=time.time_ns, meters=Meters(), mask_keys={})
        behind = Behind(gate, log, approvals, EngineTexts(reader, lambda: judge), {}, time.time_ns)
        askers = Askers()
        ports = DecisionPorts(GateDecisions(behind, askers), policies, GateApprovals(behind, askers))
        yield Deciding(gate, DecisionService(ports, time.monotonic))
    finally:
        log.close()
        database.close()


def asked(text: bytes) -> Asked:
    question = Question("postgres", text, catalog=ASKED.names)
    return Asked(question, ASKED.principal, ASKED.session, ASKED.resource)


def rate(of: Deciding, texts: Iterator[bytes]) -> float:
    """Decisions in a second of the processor: what waits for nothing but the kernel."""
    questions = [asked(text) for text in islice(texts, COUNT)]
    began = time.process_time()
    for question in questions:
        of.gate.decide(question)
    return COUNT / (time.process_time() - began)


def rate_of_batches(of: Deciding, texts: Iterator[bytes]) -> float:
    """The same as a caller of DecideBatch gets them: with the reading of questions and the writing of answers."""
    query = Query(ASKED.resource, ASKED.principal, ASKED.session)
    messages = [
        write_batch([Raw("postgres", text, names=NAMES) for text in islice(texts, BATCH)], query)
        for _ in range(COUNT // BATCH)
    ]
    began = time.process_time()
    for message in messages:
        of.service.decide_batch(message, CALLER)
    return COUNT / (time.process_time() - began)


def rate_of_waiters(of: Deciding) -> float:
    """Decisions a second of many who wait each for their own sync."""
    counts = [0] * WAITERS
    ends = time.perf_counter() + SECONDS

    def work(number: int) -> None:
        texts = alike()
        while time.perf_counter() < ends:
            of.gate.decide(asked(next(texts)))
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


CASES: Mapping[str, tuple[Callable[[], Iterator[bytes]], Callable[[Deciding, Iterator[bytes]], float]]] = {
    "novel": (novel, rate),
    "unseen": (unseen, rate),
    "alike": (alike, rate),
    "served": (alike, rate_of_batches),
}


def measure() -> list[Figure]:
    """Every row, medians of rounds in turns."""
    with run_folder() as folder:
        places = [folder / name for name in ("with", "without", "synced")]
        for place in places:
            place.mkdir()
        with (
            deciding(places[0], AuditLog(places[0] / "audit", low_water_bytes=0)) as recorded,
            deciding(places[1], Nothing(places[1] / "audit", low_water_bytes=0)) as unrecorded,
            deciding(places[2], AuditLog(places[2] / "audit", durability=Durability.DISK, low_water_bytes=0)) as synced,
        ):
            found = []
            for name, (texts, measured) in CASES.items():
                sources = (texts(), texts())
                taken: tuple[list[float], list[float]] = ([], [])
                for _ in range(ROUNDS):
                    taken[0].append(measured(recorded, sources[0]))
                    taken[1].append(measured(unrecorded, sources[1]))
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
    for name in CASES:
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
