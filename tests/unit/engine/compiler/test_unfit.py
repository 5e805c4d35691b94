"""Warnings of masks that leave NULL, where their authors wrote them."""

from __future__ import annotations

from engine.compiler.stages import compile_policies
from engine.compiler.unfit import MAX_NAMED, unfit_masks
from engine.source import Diagnostic, Severity, Source

GATE = 'policy a\napplies to postgres\n\nmask cards "x"\n  columns "shop.*.card"\n  with partial keep last 4\n'
REGO = 'package policies.b\n\nmask contains {"code": "M", "columns": ["*.*.%s"], "method": %s} if input.command.protocol == "postgres"\n'


def found(*sources: Source, **relations: object) -> list[Diagnostic]:
    return list(unfit_masks(compile_policies(sources), {"relations": relations}))


def test_a_mask_of_a_gate_file_is_told_where_it_stands() -> None:
    relations = {"shop.a": [{"name": "card", "type": "bigint"}], "x.a": [{"name": "card", "type": "bigint"}]}
    (one,) = found(Source("a.gate", GATE), **relations)
    assert (one.code, one.severity, one.source) == ("MASK_LEAVES_NULL", Severity.WARNING, "a.gate")
    assert one.span is not None
    assert one.span.line == 4
    assert one.message == "`partial` leaves NULL in `shop.a.card` of type `int8`"
    assert one.help == "`hash` and `tokenize` leave values there; see docs/masks.md"


def test_a_mask_of_rego_is_told_where_it_stands() -> None:
    (one,) = found(
        Source("b.rego", REGO % ("age", '"hash", "params": {"key": "k"}')), **{"s.t": [{"name": "age", "type": "bool"}]}
    )
    assert one.span is not None
    assert (one.source, one.span.line) == ("b.rego", 3)
    assert "no method leaves a value of this type" in one.help


def test_columns_of_one_type_are_told_together() -> None:
    columns = [{"name": "card", "type": "date"}]
    relations = {f"shop.t{number}": columns for number in range(MAX_NAMED + 2)}
    (one,) = found(Source("a.gate", GATE), **relations)
    assert one.message.endswith(" and 2 more of type `date`")


def test_types_that_people_made_are_no_certainty() -> None:
    (one,) = found(Source("a.gate", GATE), **{"shop.t": [{"name": "card", "type": "shop.number"}]})
    assert "unless that is a domain" in one.message


def test_what_fits_or_is_computed_or_means_null_is_not_told() -> None:
    column = {"s.t": [{"name": "age", "type": "text"}, {"name": "x", "type": "int4"}, {"name": "y", "type": "int4"}]}
    assert found(Source("b.rego", REGO % ("age", '"redact"')), **column) == []
    assert found(Source("b.rego", REGO % ("x", '"null"')), **column) == []
    assert found(Source("b.rego", REGO % ("y", "input.context.method")), **column) == []
