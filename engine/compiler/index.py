"""Which rules no index finds, and so run for every request. The index itself is the core's. Called by `sallyport check`."""

from __future__ import annotations

from collections.abc import Sequence

from engine.compiler.stages import PolicyRule


def rules_without_index(rules: Sequence[PolicyRule]) -> tuple[PolicyRule, ...]:
    """The rules without a comparison of an input path with a constant, in source order."""
    return tuple(sorted((rule for rule in rules if rule.is_always), key=lambda rule: (rule.file, rule.line)))


def share_with_index(rules: Sequence[PolicyRule]) -> float:
    """How many of the rules can be looked up, from 0 to 1; 1 where there is no rule."""
    return 1.0 if not rules else 1.0 - len(rules_without_index(rules)) / len(rules)
