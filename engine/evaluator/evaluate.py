"""Types what the compiled rules say of one input document.

The core answers in msgpack; each result is read in the shape of its rule's kind, and what has another shape counts as a
failed rule, never as one that said nothing. Called by `program.py`; what the results mean together is
`combine.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

import msgspec

from engine.evaluator.results import Answer, Failed, Results, Rule
from engine.rego.contract import ContractBroken, read_result

_OWN_CODE = re.compile(r"([A-Z][A-Z_]+): ")


class RuleEngine(Protocol):
    """What is needed of the core's compiled program (`engine._native.Program`)."""

    def describe(self) -> bytes: ...
    def evaluate(self, input: bytes, now_ns: int, /) -> bytes: ...
    def candidates(self, input: bytes, /) -> bytes: ...
    def part(self, command: bytes, /) -> bytes | None: ...
    def evaluate_all(self, input: bytes, now_ns: int, /) -> bytes: ...
    def conditions(self) -> bytes: ...
    def observe(self, input: bytes, now_ns: int, /) -> bytes: ...


class _Error(msgspec.Struct):
    rule: int | None
    message: str


class _Said(msgspec.Struct):
    results: list[tuple[int, msgspec.Raw]]
    errors: list[_Error]
    volatile: bool
    candidates: int


_DECODER = msgspec.msgpack.Decoder(_Said)


def read_results(encoded: bytes, rules: Sequence[Rule]) -> Results:
    """Type the core's answer. What cannot be read is a failure without a rule: it denies."""
    try:
        said = _DECODER.decode(encoded)
    except msgspec.MsgspecError as error:
        return Results(failed=(Failed(None, f"the core's answer cannot be read: {error}", code="CORE"),))
    answers: list[Answer] = []
    failed: list[Failed] = []
    for number, encoded_result in said.results:
        rule = _rule(rules, number)
        if rule is None:
            failed.append(Failed(None, f"the core named a rule {number}, which there is not", code="CORE"))
            continue
        try:
            answers.append(Answer(rule, read_result(rule.kind, encoded_result)))
        except ContractBroken as error:
            failed.append(Failed(rule, f"the result has not the shape of `{rule.kind}`: {error}"))
    for item in said.errors:
        code = _OWN_CODE.match(item.message)
        rule = None if item.rule is None else _rule(rules, item.rule)
        failed.append(Failed(rule, item.message, code=code[1] if code is not None else ""))
    return Results(tuple(answers), tuple(failed), said.volatile, said.candidates)


def _rule(rules: Sequence[Rule], number: int) -> Rule | None:
    return rules[number] if 0 <= number < len(rules) else None
