"""With the index and without, by the RVM and by the interpreter: the same results.

A rule that the index leaves out cannot give a result, so errors are compared one way: what fails among the candidates
fails without the index, and what fails by the interpreter fails by the RVM. The RVM may refuse more (mixed types).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.compiler.stages import CompiledPolicies, compile_policies
from engine.errors import PolicyRefused
from engine.source import Source
from tests.strategies.rego import policies, requests

Said = Mapping[tuple[str, str], frozenset[str]]


def read(compiled: CompiledPolicies, encoded: bytes) -> tuple[Said, frozenset[tuple[str, str]]]:
    """The members of each set, as texts, and the sets in which something failed."""
    answer = msgspec.msgpack.decode(encoded)
    members: dict[tuple[str, str], set[str]] = defaultdict(set)
    for number, value in answer["results"]:
        rule = compiled.rules[number]
        members[rule.package, rule.kind].add(json.dumps(value, sort_keys=True))
    failed = frozenset(
        (compiled.rules[error["rule"]].package, str(compiled.rules[error["rule"]].kind)) for error in answer["errors"]
    )
    return {name: frozenset(values) for name, values in members.items()}, failed


def compare(compiled: CompiledPolicies, request: Mapping[str, Any], indexed: bytes | None = None) -> None:
    document = msgspec.msgpack.encode(request)
    core = compiled.core
    on, on_failed = read(compiled, core.evaluate(document, 0) if indexed is None else indexed)
    off, off_failed = read(compiled, core.evaluate_all(document, 0))
    twin, twin_failed = read(compiled, core.evaluate_interpreted(document, 0))
    # What fails counts as a deny; what a failed set holds besides means nothing.
    assert on_failed <= off_failed, "a failure among the candidates that is none without the index"
    for name in {(rule.package, str(rule.kind)) for rule in compiled.rules}:
        if name not in off_failed:
            assert on.get(name, frozenset()) == off.get(name, frozenset()), f"the index changed {name}"
            assert name not in twin_failed, f"the RVM swallowed an error in {name}"
            assert off.get(name, frozenset()) == twin.get(name, frozenset()), f"RVM and interpreter differ in {name}"
        if name not in on_failed and name in off_failed and name not in twin_failed:
            assert on.get(name, frozenset()) == twin.get(name, frozenset()), f"the index changed {name}"


def compiled_from(files: list[tuple[str, str]]) -> CompiledPolicies:
    return compile_policies(
        [Source(name, text) for name, text in files], has_schema=False, limits={"milliseconds": 5000}
    )


@settings(max_examples=5000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(files=policies(), asked=st.lists(requests, min_size=1, max_size=8))
def test_index_rvm_and_interpreter_agree(files: list[tuple[str, str]], asked: list[dict[str, Any]]) -> None:
    compiled = compiled_from(files)
    for request in asked:
        compare(compiled, request)


FIRES = 'package policies.a\n\ndeny contains "x" if input.a == 1\n'


def test_the_comparison_sees_a_rule_that_the_index_lost() -> None:
    compiled = compiled_from([("a.rego", FIRES)])
    nothing = msgspec.msgpack.encode({"results": [], "errors": [], "volatile": False, "candidates": 0})
    with pytest.raises(AssertionError, match="the index changed"):
        compare(compiled, {"a": 1}, indexed=nothing)


def test_the_comparison_sees_a_failure_that_only_the_index_has() -> None:
    compiled = compiled_from([("a.rego", FIRES)])
    failure = msgspec.msgpack.encode(
        {"results": [], "errors": [{"rule": 0, "message": "x"}], "volatile": False, "candidates": 1}
    )
    with pytest.raises(AssertionError, match="a failure among the candidates"):
        compare(compiled, {"a": 1}, indexed=failure)


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(files=policies())
def test_generated_policies_compile(files: list[tuple[str, str]]) -> None:
    try:
        compiled_from(files)
    except PolicyRefused as error:
        pytest.fail(f"{error.diagnostics}")
