"""Which rules no index finds."""

from engine.compiler.index import rules_without_index, share_with_index
from engine.compiler.stages import PolicyRule
from engine.rego.contract import RuleKind


def rule(file: str, line: int, *, is_always: bool) -> PolicyRule:
    return PolicyRule("policies.a", RuleKind.DENY, file, line, is_always, (), False)


def test_rules_without_an_index_stand_in_source_order() -> None:
    rules = [rule("b", 1, is_always=True), rule("a", 9, is_always=True), rule("a", 2, is_always=False)]
    assert [(one.file, one.line) for one in rules_without_index(rules)] == [("a", 9), ("b", 1)]


def test_the_share_is_of_all_rules() -> None:
    assert share_with_index([rule("a", 1, is_always=True), rule("a", 2, is_always=False)]) == 0.5
    assert share_with_index([]) == 1.0
