"""Where long conditions are broken."""

from __future__ import annotations

import pytest

from engine.dsl import tree as t
from engine.dsl.layout import WIDTH, condition_lines, flat_condition, set_lines
from engine.dsl.literals import quote

LONG = t.Truth(t.Path(("context", "x" * 60)))
SHORT = t.Truth(t.Path(("a",)))


def text(value: str) -> t.Literal:
    return t.Literal(t.LiteralKind.TEXT, value, quote(value))


def test_what_fits_stays_on_its_line() -> None:
    assert condition_lines(t.And((SHORT, t.Or((SHORT, SHORT)))), 0) == ["a and (a or a)"]


def test_joined_conditions_are_broken_before_the_word() -> None:
    assert condition_lines(t.Or((LONG, LONG, SHORT)), 0) == [flat_condition(LONG), f"or {flat_condition(LONG)}", "or a"]


def test_a_group_that_does_not_fit_is_opened() -> None:
    lines = condition_lines(t.And((SHORT, t.Or((LONG, LONG)))), 0)
    assert lines == ["a", "and (", f"  {flat_condition(LONG)}", f"  or {flat_condition(LONG)}", ")"]
    assert condition_lines(t.Not(t.And((LONG, LONG))), 0)[0] == "not ("


def test_a_quantifier_opens_its_body() -> None:
    over = t.Path(("operation",))
    lines = condition_lines(t.Quantified(t.Amount.ANY, over, t.And((LONG, LONG))), 0)
    assert (lines[0], lines[-1]) == ("any operation has (", ")")
    nested = condition_lines(t.Quantified(t.Amount.NO, over, t.Not(t.And((LONG, LONG)))), 0)
    assert nested[0] == "no operation has not ("


@pytest.mark.parametrize(
    "wrap",
    [
        lambda items: t.Among(t.Path(("a",)), items),
        lambda items: t.Overlaps(t.Path(("a",)), items),
        lambda items: t.InGroup(t.Path(("principal",)), items),
        lambda items: t.Like(t.Path(("a",)), items, True),
        lambda items: t.Within(t.Path(("a",)), items),
    ],
)
def test_a_long_set_is_filled_whatever_it_is_for(wrap: object) -> None:
    assert callable(wrap)
    items = t.Items(tuple(text("value" * 4 + str(number)) for number in range(9)))
    lines = condition_lines(wrap(items), 0)
    assert lines[0].endswith(" {")
    assert lines[-1] == "}"
    assert len(lines) == 5
    assert all(len(line) < WIDTH for line in lines)


def test_one_huge_item_has_a_line_and_nothing_is_lost() -> None:
    items = t.Items((text("x" * 200), text("y")))
    assert set_lines(items, 0) == ["{", f"  {quote('x' * 200)},", '  "y"', "}"]


def test_a_comparison_without_a_set_cannot_be_broken() -> None:
    long = t.Compare(t.Path(("a",)), "==", text("x" * 200))
    assert condition_lines(long, 0) == [flat_condition(long)]


def test_a_key_that_is_no_name_is_quoted() -> None:
    assert flat_condition(t.Presence(t.Path(("a", "b c", "d-e", "9")), False)) == 'a."b c".d-e."9" is absent'
