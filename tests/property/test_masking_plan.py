"""A plan is given only when nothing of a masked column can show unmasked, for generated commands and masks."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, reject
from hypothesis import strategies as st

from engine.command.tree import Command, Effect, Sql
from engine.masking.plan import Mask, Rewrite, Unplanned, concerns, plan_masks
from engine.masking.transforms import PARAMS, Method, Param
from tests.strategies.commands import sql_commands, traced_commands

GLOBS = ("billing.cards.pan", "*.*.pan", "billing.cards.*", "iban", "shop.*.p?n")


@st.composite
def masks(draw: st.DrawFn) -> Mask:
    method = draw(st.sampled_from(list(Method)))
    params: dict[str, Param] = {
        name: draw(st.sampled_from(["k1", "k2"]) if name == "key" else st.integers(0, 2))
        for name in sorted(PARAMS[method])
    }
    globs = tuple(draw(st.lists(st.sampled_from(GLOBS), min_size=1, max_size=2, unique=True)))
    rule = draw(st.sampled_from(["a/A", "b/B", "c/C"]))
    return Mask(rule, method, globs, params=params, permits_equality=draw(st.booleans()))


several = st.lists(masks(), min_size=1, max_size=4)


def planned(got: tuple[Rewrite, ...] | Unplanned) -> tuple[Rewrite, ...]:
    if isinstance(got, Unplanned):
        reject()
    return got


@given(several, sql_commands(), st.randoms())
def test_the_order_of_masks_never_matters(given_masks: list[Mask], command: Command, chance: random.Random) -> None:
    shuffled = list(given_masks)
    chance.shuffle(shuffled)
    assert kind(plan_masks(given_masks, command)) == kind(plan_masks(shuffled, command))


def kind(got: tuple[Rewrite, ...] | Unplanned) -> object:
    return got if isinstance(got, tuple) else got.obstacle


@given(several, traced_commands())
def test_in_a_plan_every_output_with_a_masked_origin_is_rewritten_and_no_other(
    given_masks: list[Mask], command: Command
) -> None:
    plan = {item.output: item for item in planned(plan_masks(given_masks, command))}
    assert command.sql is not None
    for position, output in enumerate(command.sql.outputs or ()):
        hit = [mask for mask in given_masks if any(concerns(mask, origin) for origin in output.origins)]
        assert (position in plan) == bool(hit)
        if hit:
            item = plan[position]
            assert all(item.method.strictness >= mask.method.strictness for mask in hit)
            assert item.rules == tuple(sorted({mask.rule for mask in hit}))
            if output.derived:
                assert item.method.strictness >= Method.REDACT.strictness


@given(several, traced_commands())
def test_in_a_plan_a_masked_column_is_seen_in_outputs_alone(given_masks: list[Mask], command: Command) -> None:
    planned(plan_masks(given_masks, command))
    sql = command.sql
    assert sql is not None
    masked = {
        column
        for column in (*sql.reads, *sql.filters, *(o for output in sql.outputs or () for o in output.origins))
        if any(concerns(mask, column) for mask in given_masks)
    }
    asked = {
        column
        for column in masked.intersection(sql.equalities)
        if all(mask.permits_equality for mask in given_masks if concerns(mask, column))
    }
    assert not masked.intersection(sql.filters) - asked
    assert masked - asked - set(sql.passed) <= {origin for output in sql.outputs or () for origin in output.origins}
    if masked:
        assert {operation.effect for operation in command.operations} <= {Effect.READ, Effect.DELETE}


@given(several, masks(), sql_commands())
def test_one_mask_more_never_shows_more(given_masks: list[Mask], another: Mask, command: Command) -> None:
    before = plan_masks(given_masks, command)
    after = plan_masks([*given_masks, another], command)
    if isinstance(after, Unplanned):
        return
    # A conflict may be settled by a stricter mask; a command that could not be proven stays so.
    if isinstance(before, Unplanned):
        assert before.obstacle == "MASK_CONFLICT"
        return
    now = {item.output: item for item in after}
    for item in before:
        assert now[item.output].method.strictness >= item.method.strictness


def less_certain(command: Command) -> list[Command]:
    sql = command.sql
    assert sql is not None
    vague = [replace(command, complete=False), replace(command, sql=replace(sql, outputs_proven=False))]
    for position, output in enumerate(sql.outputs or ()):
        shown = list(sql.outputs or ())
        for weaker in (replace(output, proven=False), replace(output, derived=True), replace(output, calls=None)):
            shown[position] = weaker
            vague.append(replace(command, sql=replace(sql, outputs=tuple(shown))))
    for operation in command.operations:
        targets = tuple(replace(target, resolved=False) for target in operation.targets)
        vague.append(replace(command, operations=(*command.operations, replace(operation, targets=targets))))
    vague.append(replace(command, sql=Sql(relations=sql.relations, reads=sql.reads, filters=sql.filters)))
    return vague


@given(several, sql_commands())
def test_knowing_less_never_turns_an_unproven_command_into_a_plan(given_masks: list[Mask], command: Command) -> None:
    before = plan_masks(given_masks, command)
    if isinstance(before, Unplanned) and before.obstacle == "MASK_UNPROVEN":
        assert all(isinstance(plan_masks(given_masks, vague), Unplanned) for vague in less_certain(command))
