"""What a run of suites comes to, as text for people and as JSON. Other formats are made of the same outcomes."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from engine.evaluator.decision_json import decision_json
from engine.evaluator.explain import Explained, explained_json
from engine.request import Json
from engine.source import Diagnostic
from engine.suite.runner import Outcome

NEAR_MISSES = 5


@dataclass(frozen=True, slots=True)
class Report:
    """All outcomes, and what is wrong with the files: a suite that cannot be read is a failure too."""

    outcomes: tuple[Outcome, ...] = ()
    mistakes: tuple[Diagnostic, ...] = ()

    @property
    def passed(self) -> int:
        return sum(outcome.passed for outcome in self.outcomes)

    @property
    def failed(self) -> int:
        return len(self.outcomes) - self.passed + len(self.mistakes)

    @property
    def is_green(self) -> bool:
        """Whether something was run and all of it passed. Nothing to run is not green: a wrong path looks like that."""
        return self.failed == 0 and self.passed > 0


def report_text(report: Report, seconds: float | None = None) -> str:
    """Every mistake and failure with its place and reason, then one line of numbers."""
    lines = [f"{place(mistake)}: {mistake.message}" for mistake in report.mistakes]
    for outcome in report.outcomes:
        if not outcome.passed:
            lines += _failure(outcome)
    took = "" if seconds is None else f" in {seconds:.2f} s"
    lines.append(f"{report.passed} passed, {report.failed} failed{took}")
    return "\n".join(lines) + "\n"


def report_json(report: Report) -> dict[str, Json]:
    """The same as a document; decisions and candidate rules only of cases that failed."""
    return {
        "passed": report.passed,
        "failed": report.failed,
        "mistakes": [
            {"file": mistake.source, "line": mistake.span.line if mistake.span else None, "message": mistake.message}
            for mistake in report.mistakes
        ],
        "cases": [_case(outcome) for outcome in report.outcomes],
    }


def _case(outcome: Outcome) -> Json:
    shown: dict[str, Json] = {
        "suite": outcome.suite,
        "name": outcome.name,
        "file": outcome.source,
        "line": outcome.line,
        "passed": outcome.passed,
    }
    if not outcome.passed:
        shown["differences"] = list[Json](outcome.differences)
        shown["decision"] = None if outcome.decision is None else decision_json(outcome.decision)
        shown["rules"] = [explained_json(item) for item in outcome.rules]
    return shown


def failure_lines(outcome: Outcome) -> list[str]:
    """What was expected and what came, by which rule; then the nearest rules that did not match, and why not."""
    lines = [line for difference in outcome.differences for line in difference.splitlines()]
    near = sorted((item for item in outcome.rules if not item.matched), key=lambda item: _distance(item, outcome))
    for item in near[:NEAR_MISSES]:
        lines += near_miss(item)
    if len(near) > NEAR_MISSES:
        lines.append(f"and {len(near) - NEAR_MISSES} more that did not match")
    return lines


def near_miss(item: Explained) -> list[str]:
    """A rule that did not match: its first condition that failed, and the values it saw."""
    why = f" because of {item.condition}" if item.condition else ""
    lines = [f"not matched: {item.kind} {item.rule} ({item.location.file}:{item.location.line}){why}"]
    return lines + [f"  {name} = {shown_value(value)}" for name, value in item.values.items()]


def shown_value(value: Json) -> str:
    """A value as JSON has it; `absent` for nothing."""
    return "absent" if value is None else msgspec.json.encode(value).decode()


def place(mistake: Diagnostic) -> str:
    """`FILE:LINE`, or the file alone."""
    return mistake.source if mistake.span is None else f"{mistake.source}:{mistake.span.line}"


def _distance(item: Explained, outcome: Outcome) -> int:
    """Rules that were expected come first, then those of the kind that was expected, then those with a condition."""
    if item.rule in outcome.wanted:
        return 0
    if item.kind.value == outcome.wanted_kind:
        return 1
    return 2 if item.condition else 3


def _failure(outcome: Outcome) -> list[str]:
    head = f"FAILED {outcome.source}:{outcome.line}: {outcome.suite}: {outcome.name}"
    return [head, *(f"  {line}" for line in failure_lines(outcome))]
