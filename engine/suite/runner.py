"""Runs suites against policies: every case asked, every expectation compared, every failure with its reason.

Also the tests that stand in policies themselves: cases in `.gate` files and `test_` rules in Rego. Pure: files' texts and
the time come in as arguments. `report.py` prints what comes out; `gateway/cli` reads the files.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import msgspec

from engine._native import NativeError
from engine.command.tree import ParsedCommand
from engine.compiler.stages import CompiledPolicies
from engine.decision import Decision, Reason
from engine.errors import InputInvalid
from engine.evaluator.cache import Judgement
from engine.evaluator.explain import Explained, explain
from engine.evaluator.program import Program, TextQuestion
from engine.request import Json, Request
from engine.suite.cases import Case, Expected
from engine.suite.coverage import Watch
from engine.suite.stated import DEFAULT_NOW, Stated, Statements, parse_time
from engine.suite.stated_tree import has_tree, tree_of

Clock: TypeAlias = Callable[[], float]
REGO_SUITE = "test_ rules"
ENGINE_KIND = "engine"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case. `differences` says what was expected and what came; none when it passed.

    `wanted` and `wanted_kind`: the rules, and the kind of rule, that were expected to decide.
    """

    suite: str
    name: str
    source: str
    line: int
    differences: tuple[str, ...] = ()
    decision: Decision | None = None
    rules: tuple[Explained, ...] = ()
    seconds: float = 0.0
    wanted: tuple[str, ...] = ()
    wanted_kind: str = ""

    @property
    def passed(self) -> bool:
        return not self.differences


class _RegoTest(msgspec.Struct):
    name: str
    file: str
    line: int
    passed: bool
    error: str | None = None


class Runner:
    """Runs cases against one program. May be used from many threads at once.

    `clock` says how long cases take (seconds from any beginning); `watch` sees what they try, one after the other.
    """

    def __init__(self, program: Program, *, clock: Clock | None = None, watch: Watch | None = None) -> None:
        self._program = program
        self._clock = clock
        self._watch = watch
        self._statements = Statements(program.reads_activity)
        self._now = parse_time(DEFAULT_NOW)

    def run(self, case: Case) -> Outcome:
        """Ask one case, compare what comes out; of a failure also what became of each candidate rule."""
        began = self._clock() if self._clock is not None else 0.0
        outcome = self._run(case)
        return outcome if self._clock is None else replace(outcome, seconds=self._clock() - began)

    def _run(self, case: Case) -> Outcome:
        where = (case.suite, case.name, case.source, case.line)
        try:
            question, judged = self._judge(case.stated)
            found = tuple(_differences(case.expected, judged))
            rules = self._explained(question, judged) if found else ()
            if self._watch is not None and judged.command is not None:
                self._watch.add(self._program, self._request(question, judged))
            wanted = case.expected
            return Outcome(*where, found, judged.decision, rules, wanted=wanted.rules, wanted_kind=wanted.verdict.value)
        except InputInvalid as error:
            return Outcome(*where, (f"the case states no request: {error}",))

    def _judge(self, stated: Stated) -> tuple[TextQuestion, Judgement]:
        if not has_tree(stated.command):
            question = self._statements.question(stated, self._now)
            return question, self._program.decide_text(question)
        command = tree_of(stated.command)
        placeholder: dict[str, Json] = {"protocol": command.command.protocol, "text": ""}
        question = self._statements.question(replace(stated, command=placeholder), self._now)
        return question, Judgement(self._program.decide(_as_request(question, command)), command)

    def _request(self, question: TextQuestion, judged: Judgement) -> Request:
        """The question as a tree: the one that was judged, unless that is another text's."""
        if judged.command is None or not judged.exact:
            return self._program.as_request(question)
        return _as_request(question, judged.command)

    def _explained(self, question: TextQuestion, judged: Judgement) -> tuple[Explained, ...]:
        try:
            # WHY every rule: the one that an author meant may be one that the index left out.
            return explain(self._program, self._request(question, judged), every_rule=True)
        except (InputInvalid, NativeError):
            return ()


def _as_request(question: TextQuestion, command: ParsedCommand) -> Request:
    return Request(
        question.principal,
        question.session,
        question.resource,
        command,
        question.now,
        question.context,
        question.approval,
    )


def run_cases(program: Program, cases: Iterable[Case], *, pattern: str = "*") -> tuple[Outcome, ...]:
    """Run the cases whose suite or name fits the glob."""
    run = Runner(program).run
    return tuple(run(case) for case in cases if is_chosen(case, pattern))


def run_rego_tests(compiled: CompiledPolicies, *, pattern: str = "*") -> tuple[Outcome, ...]:
    """Run the `test_` rules that were compiled with the policies, by the interpreter (they need `with`)."""
    said = compiled.core.run_tests(parse_time(DEFAULT_NOW))
    found = msgspec.msgpack.decode(said, type=list[_RegoTest])
    return tuple(
        Outcome(REGO_SUITE, test.name, test.file, test.line, () if test.passed else (test.error or "it is not true",))
        for test in found
        if fnmatch.fnmatchcase(test.name, pattern)
    )


def is_chosen(case: Case, pattern: str) -> bool:
    """Whether the name of a case, of its suite or both with a `/` between them fit the glob."""
    return any(fnmatch.fnmatchcase(name, pattern) for name in (case.name, case.suite, f"{case.suite}/{case.name}"))


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
