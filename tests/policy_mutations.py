"""Policies with one condition turned round, and whether any case of their suites notices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path, PurePosixPath

from engine import command_reader
from engine.compiler.gate_policies import SUFFIX
from engine.compiler.stages import compile_policies
from engine.evaluator.program import Program
from engine.source import Source
from engine.suite.cases import Case, read_suites
from engine.suite.coverage import Watch
from engine.suite.runner import Runner
from engine.suite.sets import PolicySet, policy_sets
from gateway.policy_store.folder import read_folder

POLICIES = Path(__file__).parents[1] / "policies"


@dataclass(frozen=True)
class Condition:
    """A condition of a set of policies, as the core tells it."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


@cache
def sets(folder: Path = POLICIES) -> Sequence[PolicySet]:
    loaded = read_folder(folder)
    return policy_sets(loaded.sources, loaded.suites)


@cache
def cases(one: PolicySet) -> Sequence[Case]:
    found = read_suites(one.suites)
    assert not found.mistakes, found.mistakes
    return found.cases


def conditions(one: PolicySet) -> Iterator[Condition]:
    """Every condition of the set's policies, helpers included."""
    for found in Watch(compile_policies(one.sources)).coverage().conditions:
        yield Condition(found.file, found.line, found.column, found.end_line, found.end_column, found.text)


def turned_round(source: Source, condition: Condition) -> Source:
    """The source with the condition holding where it did not, and not holding where it did."""
    lines = source.text.split("\n")
    begins = [0, *accumulate(len(line) + 1 for line in lines)]
    start = begins[condition.line - 1] + condition.column - 1
    end = begins[condition.end_line - 1] + condition.end_column - 1
    text = source.text[start:end]
    if lines[condition.line - 1].startswith("applies to "):
        # A protocol stands here, and only a protocol may: one whose words are open, for those of the file are another's.
        other = "sftp"
    elif source.name.endswith(SUFFIX):
        other = f"not {text}"
    elif text.startswith("not "):
        other = text.removeprefix("not ")
    elif text.startswith("every "):
        other = f"count([1 | {text}]) == 0"
    else:
        other = f"not {text}"
    return Source(source.name, source.text[:start] + other + source.text[end:])


READER = command_reader()


def notices(one: PolicySet, condition: Condition) -> bool:
    """Whether a case of the set's suites fails once the condition is turned round."""
    sources = [turned_round(source, condition) if source.name == condition.file else source for source in one.sources]
    assert sources != list(one.sources), f"nothing was changed for {condition}"
    run = Runner(Program.of(compile_policies(sources), READER)).run
    return any(not run(case).passed for case in sorted(cases(one), key=lambda case: _distance(case, condition)))


def _distance(case: Case, condition: Condition) -> tuple[bool, bool]:
    """How far a case's suite is from a condition. WHY: the first case that notices ends the search, and it is mostly near."""
    suite, policy = PurePosixPath(case.source), PurePosixPath(condition.file)
    return not suite.stem.startswith(policy.stem), suite.parent != policy.parent
