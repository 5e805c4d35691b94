"""What stands literally in a head is checked before anything runs; what is computed is left to the run."""

from __future__ import annotations

import pytest

from engine.compiler.stages import compile_policies
from engine.errors import PolicyRefused
from engine.source import Diagnostic, Severity, Source

WHEN = 'if input.resource.name == "orders"'


def found(*rules: str) -> list[Diagnostic]:
    text = "package policies.p\n\n" + "\n".join(f"{rule} {WHEN}" for rule in rules) + "\n"
    try:
        return list(compile_policies([Source("p.rego", text)]).warnings)
    except PolicyRefused as error:
        return list(error.diagnostics)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('deny contains "no"', "must be an object"),
        ('deny contains {"reason": "no"}', "`code`"),
        ('deny contains {"code": "A", "raeson": "no"}', "raeson"),
        ('hold contains {"code": "A", "reason": lower("B")}', "approvers"),
        ('hold contains {"code": "A", "approvers": {"groups": []}}', "nobody could approve"),
        ('mask contains {"code": "A", "columns": [input.resource.name], "method": "blur"}', "method"),
        (
            'mask contains {"code": "A", "columns": ["a.b.c"], "method": "null", "params": {"keep_last": 4}}',
            "keep_last",
        ),
        ('limit contains {"code": "A", "type": "rows", "value": "many"}', "wrong value"),
    ],
)
def test_a_wrong_shape_is_told_where_it_stands(rule: str, said: str) -> None:
    (one,) = found(rule)
    assert (one.code, one.severity) == ("RESULT_SHAPE", Severity.WARNING)
    assert said in one.message
    assert one.span is not None
    assert one.span.line == 3
    assert "is written {" in one.help


@pytest.mark.parametrize(
    "rule",
    [
        'deny contains {"code": "A", "reason": input.resource.name}',
        'hold contains {"code": "A", "approvers": {"groups": [input.resource.name]}}',
        'mask contains {"code": "A", "columns": ["a.b.c"], "method": lower("NULL"), "params": {"keep_last": 4}}',
        'limit contains {"code": "A", "type": "rows", "value": count(input.principal.groups)}',
        'deny contains object.union({"code": "A"}, {"reason": "b"})',
    ],
)
def test_what_is_computed_may_come_to_anything(rule: str) -> None:
    assert found(rule) == []


def test_masks_that_ask_for_different_things_of_one_field_are_warned_of() -> None:
    mask = 'mask contains {{"code": "{}", "columns": ["x.y.z", "a.b.c"], "method": "partial", "params": {{"keep_last": {}}}}}'
    (one,) = found(mask.format("A", 4), mask.format("B", 2))
    assert (one.code, one.severity) == ("MASK_CONFLICT", Severity.WARNING)
    assert "`A` and `B`" in one.message
    assert found(mask.format("A", 4), mask.format("B", 4)) == []
