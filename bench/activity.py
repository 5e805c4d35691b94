"""What recent activity costs: decisions a second of a gate that counts it, of one that could and is not asked to, and of one that cannot.

`python -m bench activity`. The three have 100 rules and the same texts, in turns, each with its log. `left out`: no rule reads
`context.activity`, so nothing is counted; `counted`: one more rule reads how many refusals there were. `again` is a text that
its session was told the answer of before: where activity is counted no session remembers.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from adapters.core.ports import Question
from bench.audit import Fixed
from bench.decide import ASKED, SIZES, alike, indexed_rules, novel, unseen
from bench.servers import run_folder
from engine import command_reader, compile_policies
from engine.evaluator.reader import CommandReader
from engine.source import Source
from gateway.activity.known import KnownUses
from gateway.approvals.notify import Bell
from gateway.approvals.store import Approvals
from gateway.asked import Asked
from gateway.audit.log import AuditLog
from gateway.counting import Counting
from gateway.gate import Gate
from gateway.judge import Judge
from gateway.remembering import Memory
from gateway.store.database import open_database
from gateway.store.migrations import upgrade
from gateway.telemetry import Meters

READS = Source(
    "limits.rego",
    'package policies.limits\n\ndeny contains {"code": "DENIALS", "hint": "wait"} if {\n'
    "\tinput.context.activity.denials_last_hour > 1000000\n}\n",
)
GATES = ("none", "left out", "counted")
COUNT = 150
ROUNDS = 60
"""Short and many, in turns: a machine that changes its speed changes it for all."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Decisions in a second of the processor: `case` is the kind of texts, `activity` one of GATES."""

    case: str
    activity: str
    rate: float


Begin = Callable[[CommandReader], Callable[[int], list[Asked]]]
"""Makes what makes so many questions, the next ones each time."""


@dataclass(frozen=True, slots=True)
class Deciding:
    """A gate, and what it counts with."""

    gate: Gate
    counting: Counting | None


@contextmanager
def deciding(folder: Path, activity: str) -> Iterator[Deciding]:
    """A gate that decides by 100 rules, with caches that know nothing and a log."""
    database = open_database(f"sqlite:///{folder}/store.db")
    upgrade(database)
    log, reader = AuditLog(folder / "audit", low_water_bytes=0), command_reader()
    more = [READS] if activity == "counted" else []
    program = compile_policies([*indexed_rules(SIZES[0]), *more], reader=reader)
    counting = None
    if activity != "none":
        counting = Counting(reader, KnownUses(database), lambda since: (), time.time_ns)
        if program.reads_activity:
            counting.begin()
    try:
        policies, approvals = Fixed(Judge(program)), Approvals(database, Bell())
        gate = Gate(
            policies=policies,
            log=log,
            approvals=approvals,
            clock=time.time_ns,
            meters=Meters(),
            mask_keys={},
            counting=counting,
        )
        yield Deciding(gate, counting)
    finally:
        log.close()
        database.close()


def _asked(text: bytes, memory: Memory | None = None) -> Asked:
    question = Question("postgres", text, catalog=ASKED.names)
    return Asked(question, ASKED.principal, ASKED.session, ASKED.resource, memory=memory)


def _fresh(texts: Callable[[], Iterator[bytes]]) -> Begin:
    def begin(reader: CommandReader) -> Callable[[int], list[Asked]]:
        source = texts()
        return lambda count: [_asked(text) for text in islice(source, count)]

    return begin


def _again(reader: CommandReader) -> Callable[[int], list[Asked]]:
    one = _asked(next(alike()), Memory(reader.shape))
    return lambda count: [one] * count


CASES: dict[str, Begin] = {
    "novel": _fresh(novel),
    "unseen": _fresh(unseen),
    "alike": _fresh(alike),
    "again": _again,
}


def rate(of: Deciding, questions: list[Asked]) -> float:
    """Decisions in a second of the processor, what was learned written as the gateway writes it each second."""
    began = time.process_time()
    for question in questions:
        of.gate.decide(question)
    if of.counting is not None:
        of.counting.flush()
    return len(questions) / (time.process_time() - began)


def measure() -> list[Figure]:
    """Every row, medians of rounds in turns."""
    return [figure for case, begin in CASES.items() for figure in _measure(case, begin)]


def _measure(case: str, begin: Begin) -> list[Figure]:
    """One kind of texts, to gates that were asked nothing before."""
    with run_folder() as folder, ExitStack() as stack:
        gates: dict[str, Deciding] = {}
        for name in GATES:
            place = folder / name.replace(" ", "-")
            place.mkdir()
            gates[name] = stack.enter_context(deciding(place, name))
        sources = {name: begin(command_reader()) for name in GATES}
        taken: dict[str, list[float]] = {name: [] for name in GATES}
        for number in range(ROUNDS):
            # WHY in another order each time: what one leaves behind (a sync, garbage) is not to fall on the same next one.
            for name in (*GATES[number % 3 :], *GATES[: number % 3]):
                taken[name].append(rate(gates[name], sources[name](COUNT)))
        return [Figure(case, name, statistics.median(taken[name])) for name in GATES]


def promises(figures: list[Figure]) -> tuple[dict[str, float | None], dict[str, str]]:
    """What `budgets.toml` has bounds for, and what it was measured against."""
    rates = {(one.case, one.activity): one.rate for one in figures}
    measured: dict[str, float | None] = {}
    peers = {}
    for case in CASES:
        none = rates[case, "none"]
        for name in GATES[1:]:
            key = f"{name.replace(' ', '_')}_{case}"
            measured[key] = rates[case, name] / none
            peers[key] = f"{none:.0f}/s without, {rates[case, name]:.0f}/s"
    return measured, peers


def document(figures: list[Figure]) -> dict[str, object]:
    """The raw figures for machines."""
    return {"activity": [asdict(one) for one in figures]}
