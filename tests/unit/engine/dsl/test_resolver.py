"""Whole policies: what a file says, and what is wrong between files."""

from __future__ import annotations

import pytest

from engine.dsl import typed as m
from engine.dsl.resolver import read_policies
from engine.rego.contract import RuleKind
from engine.source import Severity, Source
from tests.gate_files import condition, problem, problems, read, sound


def test_a_policy_has_its_rules_with_all_their_conditions() -> None:
    policy = sound(
        """policy a.b "Title"
applies to postgres where resource.name == "x"
deny d when command.complete unless principal.name == "y"
allow e when command.complete
"""
    )
    assert (policy.name, policy.title, policy.source) == ("a.b", "Title", "p.gate")
    deny, allow = policy.rules
    assert (deny.kind, deny.name, deny.code) == (RuleKind.DENY, "d", "D")
    assert deny.conditions == (
        condition('command.protocol == "postgres"'),
        condition('resource.name == "x"'),
        condition("command.complete"),
        condition('not principal.name == "y"'),
    )
    assert allow.conditions == deny.conditions[:3]
    assert deny.place.span.line == 3


def test_several_protocols_are_one_condition() -> None:
    (first,) = sound("policy p\napplies to postgres, shell\ndeny a\n").rules[0].conditions
    assert first == condition('command.protocol in {"postgres", "shell"}')


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("policy a-b\ndeny x\n", "POLICY_NAME", "`a-b` cannot be a part of a policy's name"),
        ("policy a.default\ndeny x\n", "POLICY_NAME", "`default` cannot be a part of a policy's name"),
        ("policy p\napplies to postgrs\ndeny x\n", "UNKNOWN_PROTOCOL", "unknown protocol `postgrs`"),
        ("policy p\ndeny x\nallow X when command.complete\n", "DUPLICATE", "code `X` is that of `x` on line 2"),
        ("library\ndeny x\n", "MISPLACED", "a library has no rules"),
        ('library\ntest "x" run postgres "x" expect deny\n', "MISPLACED", "a library has no tests"),
    ],
)
def test_a_policy_that_makes_no_sense_says_why(text: str, code: str, message: str) -> None:
    found = problem(text)
    assert (found.code, found.message, found.severity) == (code, message, Severity.ERROR)


@pytest.mark.parametrize(
    ("text", "code"),
    [("policy p\n", "NO_RULES"), ("policy p\nallow x\n", "ALLOWS_EVERYTHING")],
)
def test_what_is_hardly_meant_is_a_warning(text: str, code: str) -> None:
    resolved = read(text)
    assert [(one.code, one.severity) for one in resolved.diagnostics] == [(code, Severity.WARNING)]
    assert resolved.is_sound


def test_two_policies_of_one_name_are_an_error() -> None:
    found = problem("policy p\ndeny x\n", other="policy p\ndeny y\n")
    assert (found.code, found.source, found.message) == ("DUPLICATE", "other.gate", "policy `p` is also in `p.gate`")


def test_diagnostics_come_in_the_order_of_files_and_lines() -> None:
    found = problems("policy p\ndeny a when x\ndeny b when (\ndeny c when y\n", other="nonsense")
    assert [(one.source, one.span.line) for one in found if one.span] == [
        ("p.gate", 2),
        ("p.gate", 3),
        ("p.gate", 4),
        ("other.gate", 1),
    ]


def test_no_sources_are_no_policies() -> None:
    assert read_policies([]) == read_policies([Source("lib.gate", "library\n")])


def test_conditions_of_a_rule_are_places_in_the_file() -> None:
    (rule,) = sound('policy p\ndeny a\n  when command.complete\n  unless principal.name == "x"\n').rules
    assert [one.place.span.line for one in rule.conditions] == [3, 4]
    assert isinstance(rule.conditions[1], m.Not)
