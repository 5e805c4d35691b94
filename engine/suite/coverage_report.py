"""Coverage as text for people, as JSON, and as Cobertura's XML for CI systems. `coverage_page.py` makes the HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from xml.sax.saxutils import quoteattr

from engine.request import Json
from engine.suite.coverage import ConditionCovered, Coverage, RuleCovered


def coverage_text(coverage: Coverage) -> str:
    """Each rule that never matched and each condition that was not seen both ways, then three lines of numbers."""
    lines = [f"{one.file}:{one.line}: rule {one.policy}/{one.name} never matched" for one in never_matched(coverage)]
    lines += [f"{one.file}:{one.line}: {one.missing}: {one.text}" for one in coverage.uncovered]
    matched = sum(one.matched for one in coverage.rules)
    seen = sum(one.was_true + one.was_false for one in coverage.conditions)
    policies = {one.policy for one in coverage.rules}
    with_match = {one.policy for one in coverage.rules if one.matched}
    lines += [
        f"policies   {percent(coverage.share_of_policies):>6}  {len(with_match)} of {len(policies)}",
        f"rules      {percent(coverage.share_of_rules):>6}  {matched} of {len(coverage.rules)}",
        f"conditions {percent(coverage.share_of_conditions):>6}  {seen} of {2 * len(coverage.conditions)} outcomes",
    ]
    return "\n".join(lines) + "\n"


def never_matched(coverage: Coverage) -> list[RuleCovered]:
    return [one for one in coverage.rules if not one.matched]


def coverage_json(coverage: Coverage) -> dict[str, Json]:
    """The same as a document, with every rule and condition."""
    return {
        "policies": round(coverage.share_of_policies, 4),
        "rules": round(coverage.share_of_rules, 4),
        "conditions": round(coverage.share_of_conditions, 4),
        "rule_list": [
            {"rule": f"{one.policy}/{one.name}", "file": one.file, "line": one.line, "matched": one.matched}
            for one in coverage.rules
        ],
        "condition_list": [_condition(one) for one in coverage.conditions],
    }


def _condition(one: ConditionCovered) -> Json:
    return {
        "file": one.file,
        "line": one.line,
        "column": one.column,
        "end_line": one.end_line,
        "end_column": one.end_column,
        "rule": one.rule,
        "text": one.text,
        "true": one.was_true,
        "false": one.was_false,
        "unknown": one.was_unknown,
    }


def cobertura(coverage: Coverage, root: str, timestamp: int) -> str:
    """Cobertura's XML: a class for each file, a branch with two ways for each condition. `timestamp` in milliseconds."""
    seen, all_ = _outcomes(coverage.conditions), 2 * len(coverage.conditions)
    files = _by_file(coverage)
    rates = f'line-rate="{_line_rate(files):.4f}" branch-rate="{_rate(seen, all_):.4f}" complexity="0"'
    valid, covered = _lines(files)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">',
        f'<coverage {rates} lines-valid="{valid}" lines-covered="{covered}" branches-valid="{all_}" '
        f'branches-covered="{seen}" version="sallyport" timestamp="{timestamp}">',
        f"<sources><source>{quoteattr(root)[1:-1]}</source></sources>",
        f'<packages><package name="policies" {rates}><classes>',
    ]
    for file, conditions in files:
        rate = _rate(_outcomes(conditions), 2 * len(conditions))
        own = _line_rate([(file, conditions)])
        lines.append(
            f"<class name={quoteattr(file)} filename={quoteattr(file)} "
            f'line-rate="{own:.4f}" branch-rate="{rate:.4f}" complexity="0"><methods/><lines>'
        )
        lines += [_line(number, list(group)) for number, group in groupby(conditions, key=lambda one: one.line)]
        lines.append("</lines></class>")
    lines.append("</classes></package></packages></coverage>")
    return "\n".join(lines) + "\n"


def _line(number: int, conditions: Sequence[ConditionCovered]) -> str:
    seen, all_ = _outcomes(conditions), 2 * len(conditions)
    each = "".join(
        f'<condition number="{at}" type="jump" coverage="{50 * (one.was_true + one.was_false)}%"/>'
        for at, one in enumerate(conditions)
    )
    return (
        f'<line number="{number}" hits="{int(seen > 0)}" branch="true" '
        f'condition-coverage="{100 * seen // all_}% ({seen}/{all_})"><conditions>{each}</conditions></line>'
    )


def _by_file(coverage: Coverage) -> list[tuple[str, list[ConditionCovered]]]:
    ordered = sorted(coverage.conditions)
    return [(file, list(group)) for file, group in groupby(ordered, key=lambda one: one.file)]


def _lines(files: Iterable[tuple[str, Sequence[ConditionCovered]]]) -> tuple[int, int]:
    """How many lines hold conditions, and how many of them were tried."""
    hits: dict[tuple[str, int], bool] = {}
    for file, conditions in files:
        for one in conditions:
            hits[file, one.line] = hits.get((file, one.line), False) or one.was_true or one.was_false
    return len(hits), sum(hits.values())


def _line_rate(files: Iterable[tuple[str, Sequence[ConditionCovered]]]) -> float:
    valid, covered = _lines(files)
    return _rate(covered, valid)


def _outcomes(conditions: Iterable[ConditionCovered]) -> int:
    return sum(one.was_true + one.was_false for one in conditions)


def _rate(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def percent(share: float) -> str:
    """A share in percent; what is not all of it never reads as 100."""
    return "100 %" if share == 1 else f"{min(99.9, 100 * share):.1f} %"
