"""Runs suites against policies: every case asked, every expectation compared, every failure with its reason.

Also the tests that stand in policies themselves: cases in `.gate` files and `test_` rules in Rego. Pure: files' texts and
the time come in as arguments. `report.py` prints what comes out; `gateway/cli` reads the files.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from engine._native import NativeError
from engine.compiler.stages import CompiledPolicies
from engine.decision import Decision, Reason
from engine.errors import InputInvalid
from engine.evaluator.cache import Judgement
from engine.evaluator.explain import Explained, explain
from engine.evaluator.program import Program, TextQuestion
from engine.suite.cases import Case, Expected
from engine.suite.stated import DEFAULT_NOW, Statements, parse_time

REGO_SUITE = "test_ rules"
ENGINE_KIND = "engine"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case. `differences` says what was expected and what came; none when it passed."""

    suite: str
    name: str
    source: str
    line: int
    differences: tuple[str, ...] = ()
    decision: Decision | None = None
    rules: tuple[Explained, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.differences


class _RegoTest(msgspec.Struct):
    name: str
    file: str
    line: int
    passed: bool
    error: str | None = None


def run_cases(program: Program, cases: Iterable[Case], *, pattern: str = "*") -> tuple[Outcome, ...]:
    """Run the cases whose suite or name fits the glob."""
    statements = Statements()
    now = parse_time(DEFAULT_NOW)
    return tuple(_run(program, case, statements, now) for case in cases if _is_chosen(case, pattern))


def run_rego_tests(compiled: CompiledPolicies, *, pattern: str = "*") -> tuple[Outcome, ...]:
    """Run the `test_` rules that were compiled with the policies, by the interpreter (they need `with`)."""
    said = compiled.core.run_tests(parse_time(DEFAULT_NOW))
    found = msgspec.msgpack.decode(said, type=list[_RegoTest])
    return tuple(
        Outcome(REGO_SUITE, test.name, test.file, test.line, () if test.passed else (test.error or "it is not true",))
        for test in found
        if fnmatch.fnmatchcase(test.name, pattern)
    )


def _is_chosen(case: Case, pattern: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for name in (case.name, case.suite, f"{case.suite}/{case.name}"))


def _run(program: Program, case: Case, statements: Statements, now: int) -> Outcome:
    try:
        question = statements.question(case.stated, now)
        judged = program.decide_text(question)
        found = tuple(_differences(case.expected, judged))
        rules = _explained(program, question) if found else ()
        return Outcome(case.suite, case.name, case.source, case.line, found, judged.decision, rules)
    except InputInvalid as error:
        return Outcome(case.suite, case.name, case.source, case.line, (f"the case states no request: {error}",))


def _differences(expected: Expected, judged: Judgement) -> Iterable[str]:
    decision = judged.decision
    if decision.verdict is not expected.verdict:
        yield f"expected {expected.verdict}, got {decision.verdict}{_because(decision)}"
        return
    if expected.deny_kind is not None and decision.deny_kind is not expected.deny_kind:
        yield f"expected deny kind {expected.deny_kind}, got {decision.deny_kind}"
    had_a_say = {reason.rule for reason in decision.reasons}
    for rule in expected.rules:
        if rule not in had_a_say:
            yield f"expected rule {rule} to have a say, it had none{_because(decision)}"
    yield from _wrong_masks(expected.masks, judged)
    obligations = {obligation.type: obligation.value for obligation in decision.obligations}
    for kind, value in expected.obligations.items():
        if obligations.get(kind) != value:
            yield f"expected limit {kind} {value!r}, got {obligations.get(kind)!r}"


def _wrong_masks(expected: Mapping[str, str], judged: Judgement) -> Iterable[str]:
    """Outputs are named as the command names them, or by their place from 0 on."""
    if not expected:
        return
    sql = judged.command.command.sql if judged.command is not None else None
    outputs = (sql.outputs or ()) if sql is not None else ()
    got: dict[str, str] = {}
    for item in judged.decision.mask_plan:
        if item.output is not None:
            got[str(item.output)] = item.method
            if item.output < len(outputs) and outputs[item.output].name is not None:
                got[str(outputs[item.output].name)] = item.method
    for output, method in expected.items():
        if got.get(output) != method:
            yield f"expected output {output} masked by {method}, got {got.get(output, 'no mask')}"


def _because(decision: Decision) -> str:
    return "".join(f"\n  by {_said(reason)}" for reason in decision.reasons)


def _said(reason: Reason) -> str:
    place = "" if reason.location is None else f" ({reason.location.file}:{reason.location.line})"
    told = reason.detail if reason.kind == ENGINE_KIND and reason.detail else reason.reason
    return f"{reason.rule}{place}{f': {told}' if told else ''}"


def _explained(program: Program, question: TextQuestion) -> tuple[Explained, ...]:
    try:
        request = program.as_request(question)
        return explain(program, request)
    except (InputInvalid, NativeError):
        return ()
