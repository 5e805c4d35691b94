"""The candidate is asked and counted, its differences are listed, and nothing it does is noticed by anybody else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from engine._native import Catalog
from engine.command.tree import ParsedCommand
from engine.decision import Decision
from engine.evaluator.cache import Judgement
from gateway import shadow as module
from gateway.asked import Asked
from gateway.audit.entry import Entry
from gateway.audit.log import AuditLog
from gateway.audit.read import read
from gateway.errors import AuditUnavailable
from gateway.remembering import Memory
from gateway.shadow import Shadow
from gateway.telemetry import Meters
from tests.strategies.gates import ALLOW, DENY, House, Policies, asked, parse

NAMES = Catalog(
    msgspec.msgpack.encode({"search_path": [], "relations": {f"public.t{one}": ["id"] for one in range(600)}})
)


class Candidate:
    """A candidate whose answer a test says, or which fails."""

    def __init__(self, answer: Callable[[Asked], Decision] | None) -> None:
        self._answer = answer
        self.revision = "r2"

    @property
    def program(self) -> Candidate | None:
        return None if self._answer is None else self

    def shape(self, question: object) -> None:
        return None

    def judge(self, asked: Asked, now: int, approval: object) -> Judgement:
        assert self._answer is not None
        return Judgement(replace(self._answer(asked), revision="r2"), parse(b"SELECT 1"))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    opened = AuditLog(tmp_path / "audit", low_water_bytes=0)
    yield opened
    opened.close()


def fail(asked: Asked) -> Decision:
    raise RecursionError


def watch(
    log: AuditLog, answer: Callable[[Asked], Decision] | None, times: int = 1
) -> tuple[dict[str, float], list[Entry]]:
    """What was counted by result, and what is listed, after some decisions that allow."""
    meters = Meters()
    shadow = Shadow(Candidate(answer), log, meters, lambda: 0.0)
    for number in range(times):
        shadow(asked(), ALLOW, f"d-{number}", 7)
    shadow.close()
    log.flush()
    samples = next(iter(meters.shadow_decisions.collect())).samples
    counted = {one.labels["result"]: one.value for one in samples if one.name.endswith("_total")}
    return counted, list(read(log._directory))


def test_a_difference_is_counted_and_listed(log: AuditLog) -> None:
    counted, listed = watch(log, lambda _: DENY)
    assert counted == {"verdict": 1}
    (entry,) = listed
    assert (entry.kind, entry.decision_id, entry.note) == ("shadow", "d-0", "allow -> deny")
    assert (entry.verdict, entry.rules, entry.revision, entry.principal) == ("deny", (("p/NO", "deny"),), "r2", "ana")


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (lambda _: ALLOW, "same"),
        (lambda _: replace(ALLOW, reasons=()), "reason"),
        (fail, "failed"),
        (None, "absent"),
    ],
)
def test_what_is_no_difference_is_counted_alone(
    log: AuditLog, answer: Callable[[Asked], Decision] | None, result: str
) -> None:
    assert watch(log, answer, 3) == ({result: 3}, [])


def test_only_so_many_are_listed_a_minute(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LISTED_A_MINUTE", 2)
    counted, listed = watch(log, lambda _: DENY, 5)
    assert (counted, len(listed)) == ({"verdict": 5}, 2)


def test_a_candidate_that_hangs_keeps_nobody(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    go_on, meters = threading.Event(), Meters()

    def hang(asked: Asked) -> Decision:
        go_on.wait(20)
        return ALLOW

    shadow = Shadow(Candidate(hang), log, meters)
    for _ in range(50):
        shadow(asked(), ALLOW, "d", 7)
    dropped = meters.shadow_decisions.labels("dropped")._value.get()
    go_on.set()
    shadow.close()
    assert dropped >= 47


@pytest.mark.parametrize(
    "large",
    [
        asked("x" * 30_000),
        asked(parameters=("ab",) * 600),
        msgspec.structs.replace(asked(), question=ParsedCommand(b"x" * 30_000)),
        msgspec.structs.replace(asked(catalog=NAMES), caller="portal"),
    ],
)
def test_large_questions_that_wait_are_few(log: AuditLog, monkeypatch: pytest.MonkeyPatch, large: Asked) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 100_000)
    go_on, meters = threading.Event(), Meters()

    def hang(asked: Asked) -> Decision:
        assert go_on.wait(60)
        return ALLOW

    shadow = Shadow(Candidate(hang), log, meters)
    for _ in range(50):
        shadow(large, ALLOW, "d", 7)
    assert meters.shadow_decisions.labels("dropped")._value.get() >= 46
    go_on.set()
    shadow.close()
    assert shadow._bytes == 0


def test_what_a_session_was_told_before_does_not_wait(log: AuditLog) -> None:
    told: list[Memory | None] = []

    def look(asked: Asked) -> Decision:
        told.append(asked.memory)
        return ALLOW

    shadow = Shadow(Candidate(look), log, Meters())
    shadow(msgspec.structs.replace(asked(), memory=Memory(lambda protocol, text: None)), ALLOW, "d", 7)
    shadow.close()
    assert told == [None]


def test_a_full_disk_counts_as_a_failure_of_the_candidate(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(entry: Entry) -> int:
        raise AuditUnavailable("the disk is full")

    monkeypatch.setattr(log, "note", refuse)
    meters = Meters()
    shadow = Shadow(Candidate(lambda _: DENY), log, meters)
    shadow(asked(), ALLOW, "d", 7)
    shadow.close()
    assert meters.shadow_decisions.labels("failed")._value.get() == 1


def test_the_gate_hands_over_what_it_recorded_and_answers_as_without(tmp_path: Path) -> None:
    house, told = House(tmp_path), list[str]()

    def watcher(asked: Asked, decision: Decision, decision_id: str, now: int) -> None:
        told.append(f"{decision_id} {decision.verdict}")

    house.gate._watcher = watcher
    answer = house.gate.decide(asked())
    assert told == [f"{answer.decision_id} allow"]
    assert isinstance(house.policies, Policies)
    house.close()
