"""A gate with everything real, the policies included, that counts what somebody did lately."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from adapters.core.ports import Answer, Outcome, Question
from engine import command_reader
from engine.command.sql.parse import read_catalog
from engine.request import Principal, Resource, Session
from engine.source import Source
from gateway.activity.known import KnownUses
from gateway.app.policies import compile_judge
from gateway.asked import Asked
from gateway.audit.entry import Entry, Kind
from gateway.audit.read import read_since
from gateway.counting import Counting
from gateway.gate import Gate
from gateway.judge import Judge
from tests.strategies.gates import House

ALLOW_ALL = """\
policy open "Everything"
applies to postgres

allow all "everything is open"
"""
LIMITS = """\
policy limits "Limits"
applies to postgres

allow all "everything is open"
hold rows "many rows were read"
  when context.activity.rows_last_hour > 100
  approvers group "dba"
deny denials "too many refusals"
  when context.activity.denials_last_hour >= 3
  hint "wait"
deny forbidden "not this"
  when any operation has any target has name == "app.forbidden"
  hint "another table"
"""
READER = command_reader()
CATALOG = read_catalog(
    {"search_path": ["app"], "relations": {f"app.{name}": ["id"] for name in ("t", "u", "forbidden")}}
)
ORDERS = Resource("orders", "postgres")
CI = Principal("ci", "agent")


@dataclass
class Fixed:
    """Policies that a test swaps."""

    program: Judge | None


def judge_of(text: str) -> Judge:
    return compile_judge([Source("p.gate", text)], {}, READER)


class CountingHouse(House):
    """A house whose gate counts. `restart` is what a restart does to the counts: they come from the log again."""

    def __init__(self, folder: Path, policies: str = LIMITS) -> None:
        super().__init__(folder)
        self.fixed = Fixed(judge_of(policies))
        self.session = Session("s-1", "build-42")
        self.known = KnownUses(self.database)
        self.restart()

    def restart(self) -> None:
        self.known.flush()
        self.known = KnownUses(self.database)
        self.counting = Counting(READER, self.known, self.past, self.clock)
        self.gate = self.build_counting(self.counting)
        if self.fixed.program is not None and self.fixed.program.reads_activity:
            self.counting.begin()

    def load(self, policies: str) -> None:
        judge = judge_of(policies)
        if judge.reads_activity:
            self.counting.begin()
        self.fixed.program = judge

    def past(self, since: int) -> Iterator[Entry]:
        self.log.flush()
        return read_since(self.folder / "audit", since, frozenset({Kind.DECISION, Kind.OUTCOME}))

    def build_counting(self, counting: Counting | None) -> Gate:
        return Gate(
            policies=self.fixed,
            log=self.log,
            approvals=self.approvals,
            clock=self.clock,
            meters=self.meters,
            mask_keys={},
            counting=counting,
        )

    def asked(self, text: str, *, principal: Principal = CI, job: str | None = "build-42", **more: object) -> Asked:
        session = self.session if job == self.session.job else replace(self.session, job=job)
        return Asked(Question("postgres", text.encode(), CATALOG), principal, session, ORDERS, **more)  # type: ignore[arg-type]  # fields of a test

    def run(self, text: str, rows: int = 0, **more: object) -> Answer:
        """Ask, and where it is granted, run it."""
        asked = self.asked(text, **more)  # type: ignore[arg-type]  # fields of a test
        answer = self.gate.decide(asked)
        if answer.decision.is_granted:
            self.gate.finished(answer.decision_id, Outcome(rows=rows), asked.principal.name, asked.session.job)
        return answer
