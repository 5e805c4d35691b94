"""Policies as Rego modules, from where each line comes, and that a wrong lowering would be noticed."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import SimpleNamespace

import msgspec
import pytest

from engine.compiler.stages import compile_policies
from engine.dsl import queries
from engine.dsl import typed as m
from engine.dsl.lower import lower
from engine.dsl.printer import print_file
from engine.dsl.queries import Line, Mode, Queries, Query
from engine.dsl.reference import matching
from engine.dsl.resolver import read_policies
from engine.errors import PolicyRefused
from engine.source import Source
from tests.gate_files import rego, sound
from tests.strategies.dsl import MINUTE, START, Seeded, document, policy

TEXT = """policy a.b "Production"
applies to postgres where resource.labels.environment == "prod"

define risky = any operation has kind in {drop_table, truncate}

deny drops "Not by hand"
  when risky
  unless context.ticket like "OPS-*"

allow reading
  when every operation has effect read
"""


def test_a_policy_is_an_ordinary_module() -> None:
    assert lower(sound(TEXT)).module == Source(
        "p.gate",
        """# METADATA
# title: "Production"
package policies.a.b

deny contains {"code": "DROPS", "reason": "Not by hand"} if {
	input.command.protocol == "postgres"
	not input.resource.labels.environment != "prod"
	some x1 in input.command.operations
	x1.kind in {"drop_table", "truncate"}
	not _1
}

_1 if {
	is_string(input.context.ticket)
	regex.match("^(?:OPS[-][^.]*)$", input.context.ticket)
}

allow contains {"code": "READING"} if {
	input.command.protocol == "postgres"
	input.resource.labels.environment == "prod"
	every x1 in input.command.operations {
		x1.effect == "read"
	}
}
""",
    )


def test_a_rule_without_conditions_has_no_body() -> None:
    assert 'deny contains {"code": "A"}\n' in lower(sound("policy p\ndeny a\n")).module.text


def test_every_line_of_a_rule_leads_back_to_its_policy() -> None:
    lowered = lower(sound(TEXT))
    lines = lowered.module.text.splitlines()
    assert len(lowered.origins) == len(lines)

    def origin(part: str) -> tuple[int, str]:
        number = next(at for at, line in enumerate(lines, 1) if part in line)
        found = lowered.origin(number)
        assert found is not None
        return found.place.span.line, found.rule

    assert origin("DROPS") == (6, "drops")
    assert origin("environment !=") == (2, "drops")
    assert origin("x1.kind in") == (4, "drops")
    assert origin("regex.match") == (8, "drops")
    assert origin("x1.effect ==") == (11, "reading")


def test_a_line_of_a_definition_also_says_where_it_is_used() -> None:
    lowered = lower(sound(TEXT))
    number = next(at for at, line in enumerate(lowered.module.text.splitlines(), 1) if "x1.kind in" in line)
    found = lowered.origin(number)
    assert found is not None
    assert found.place.used_at is not None
    assert found.place.used_at.span.line == 7


def test_lines_without_an_origin_take_the_nearest_above() -> None:
    lowered = lower(sound(TEXT))
    assert lowered.origin(1) is None
    assert lowered.origin(0) is None
    last = lowered.origin(10_000)
    assert last is not None
    assert last.rule == "reading"


def test_the_index_of_candidates_reads_the_lowered_conditions() -> None:
    compiled = compile_policies([rego(sound(TEXT))])
    assert [rule.is_always for rule in compiled.rules] == [False, False]


# --- wrong lowerings: each is noticed by comparing with the reference


def differences(policies: int = 50, requests: int = 10) -> int:
    """Seeded pairs on which the lowered policy does not say what the reference says; ends with the policy that has some."""
    pick, count = Seeded(random.Random(7)), 0
    for _ in range(policies):
        if count:
            break
        meaning = read_policies([Source("p.gate", print_file(policy(pick)))]).policies[0]
        try:
            core = compile_policies([rego(meaning)]).core
        except PolicyRefused:
            count += 1
            continue
        for _ in range(requests):
            request, now = document(pick), START + pick.upto(20_000) * MINUTE
            answer = msgspec.msgpack.decode(core.evaluate(msgspec.msgpack.encode(request), now))
            said = {value["code"] for _, value in answer["results"]}
            wanted = {rule.code for rule in matching(meaning, request, now)}
            count += bool(answer["errors"]) or said != wanted
    return count


def test_the_right_lowering_makes_no_difference() -> None:
    assert differences() == 0


QUERY, LEAF, QUANTIFIED = Queries.query, Queries._leaf, Queries._quantified


def without_type_tests(self: Queries, condition: m.Condition, negative: bool, names: queries.Variables) -> Query:
    return tuple(line for line in LEAF(self, condition, negative, names) if not line.text.startswith("is_"))


def negated_by_not(
    self: Queries, condition: m.Condition, negative: bool, mode: Mode, names: queries.Variables
) -> Query:
    if isinstance(condition, m.Not) and not negative:
        return self._unless(QUERY(self, condition.item, False, mode, names), condition, names)
    return QUERY(self, condition, negative, mode, names)


def possible_is_holds(
    self: Queries, condition: m.Condition, negative: bool, mode: Mode, names: queries.Variables
) -> Query:
    return QUERY(self, condition, negative, Mode.HOLDS, names)


def one_variable(self: Queries) -> str:
    return "x"


def every_for_some(
    self: Queries, condition: m.Quantified, negative: bool, mode: Mode, names: queries.Variables
) -> Query:
    made = QUANTIFIED(self, condition, negative, mode, names)
    return tuple(Line(line.text.replace("every ", "some "), line.place, ()) for line in made)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("_leaf", without_type_tests),
        ("query", negated_by_not),
        ("query", possible_is_holds),
        ("_fresh", one_variable),
        ("_quantified", every_for_some),
    ],
)
def test_a_wrong_lowering_is_noticed(monkeypatch: pytest.MonkeyPatch, name: str, wrong: Callable[..., object]) -> None:
    monkeypatch.setattr(Queries, name, wrong)
    assert differences() > 0


def test_an_allow_that_takes_what_is_unknown_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.dsl.lower.Mode", SimpleNamespace(HOLDS=Mode.POSSIBLE, POSSIBLE=Mode.POSSIBLE))
    assert differences() > 0


@pytest.mark.parametrize("operator", ["==", "!=", "<", "<=", ">", ">="])
def test_each_wrong_opposite_is_noticed(monkeypatch: pytest.MonkeyPatch, operator: str) -> None:
    monkeypatch.setitem(queries.NEGATED, operator, operator)
    assert differences(policies=400) > 0
