"""The language's promises on generated policies and requests: one meaning, whoever evaluates; one text for one tree."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compiler.stages import CompiledPolicies, compile_policies
from engine.dsl import tree as t
from engine.dsl import typed as m
from engine.dsl.lower import lower
from engine.dsl.parser import parse
from engine.dsl.printer import print_file
from engine.dsl.reference import matching
from engine.dsl.resolver import read_policies
from engine.request import Json
from engine.source import Source
from tests.gate_files import rego
from tests.strategies.dsl import (
    MINUTE,
    START,
    Pick,
    Seeded,
    document,
    documents,
    files,
    instants,
    policy,
    wide_policy,
    written_files,
)

PIECES = ("", '"', "(", ")", "{", "and", " or ", "not ", "9", "#", ".", ",", "\n", "when ", "any ", "\\", "é", "\x00")
WAYS = ("evaluate", "evaluate_all", "evaluate_interpreted")


def typed(file: t.File) -> m.Policy:
    """The meaning of a generated policy; some of them have rules that cannot match, which does no harm here."""
    resolved = read_policies([Source("p.gate", print_file(file))])
    wrong = [one for one in resolved.diagnostics if one.severity == "error" and one.code != "UNREACHABLE"]
    assert not wrong, (wrong, print_file(file))
    return resolved.policies[0]


def compiled(policy_: m.Policy) -> CompiledPolicies:
    # WHY so much time: what rules mean is asked here, and a machine that stands still for a moment is no answer to that.
    return compile_policies([rego(policy_)], limits={"milliseconds": 10_000})


def fired(core: CompiledPolicies, way: str, request: Mapping[str, Json], now: int) -> set[str]:
    """The codes of the rules that answered, by one of the core's ways to evaluate."""
    answer = msgspec.msgpack.decode(getattr(core.core, way)(msgspec.msgpack.encode(request), now))
    assert answer["errors"] == [], answer["errors"]
    return {value["code"] for _, value in answer["results"]}


def expected(policy_: m.Policy, request: Mapping[str, Json], now: int) -> set[str]:
    return {rule.code for rule in matching(policy_, request, now)}


@settings(max_examples=300)
@given(files() | written_files())
def test_printing_and_parsing_again_gives_the_same_tree(file: t.File) -> None:
    text = print_file(file)
    parsed = parse(Source("p.gate", text))
    assert parsed.diagnostics == ()
    assert parsed.file == file
    assert print_file(parsed.file) == text


@given(written_files(), st.integers(0, 10_000), st.integers(0, 12), st.sampled_from(PIECES))
def test_a_broken_file_is_told_and_never_raises(file: t.File, start: int, length: int, piece: str) -> None:
    text = print_file(file)
    at = start % len(text)
    broken = text[:at] + piece + text[at + length :]
    lines = broken.split("\n")
    for one in read_policies([Source("p.gate", broken), Source("b.gate", "library\n")]).diagnostics:
        assert one.span is not None
        assert 1 <= one.span.line <= len(lines)
        assert 1 <= one.span.column <= len(lines[one.span.line - 1]) + 1


@settings(max_examples=60)
@given(files(rules=3, depth=2), st.lists(st.tuples(documents(), instants()), min_size=3, max_size=6))
def test_the_lowered_policy_means_what_the_reference_says(
    file: t.File, requests: list[tuple[dict[str, Json], int]]
) -> None:
    policy_ = typed(file)
    core = compiled(policy_)
    for request, now in requests:
        for way in WAYS:
            assert fired(core, way, request, now) == expected(policy_, request, now), lower(policy_).module.text


def compare_many(seed: int, policies: int, requests: int, make: Callable[[Pick], t.File] = policy) -> Counter[str]:
    """Seeded pairs through reference, RVM with and without the index, and interpreter; how often each outcome came."""
    pick, seen = Seeded(random.Random(seed)), Counter[str]()
    for _ in range(policies):
        policy_ = typed(make(pick))
        core = compiled(policy_)
        for _ in range(requests):
            request, now = document(pick), START + pick.upto(20_000) * MINUTE
            want = expected(policy_, request, now)
            for way in WAYS:
                assert fired(core, way, request, now) == want, (way, request, now, lower(policy_).module.text)
            seen["pairs"] += 1
            seen["fired"] += len(want)
            seen["rules"] += len(policy_.rules)
    return seen


def test_many_seeded_pairs_agree() -> None:
    seen = compare_many(seed=1, policies=40, requests=25)
    assert seen["pairs"] == 1000
    # The pairs say something: rules fire, and rules stay silent.
    assert 0.1 < seen["fired"] / seen["rules"] < 0.9


def test_policies_that_ask_more_than_one_rule_can_hold_agree_too() -> None:
    assert compare_many(seed=2, policies=12, requests=10, make=wide_policy)["fired"] > 0


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_twenty_thousand_pairs_agree(seed: int) -> None:
    assert compare_many(seed=1000 + seed, policies=200, requests=25)["pairs"] == 5000
