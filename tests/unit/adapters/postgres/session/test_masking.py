"""The plan of the text and the description of the server must agree."""

from __future__ import annotations

import pytest

from adapters.core.ports import Answer
from adapters.postgres.messages.results import Field
from adapters.postgres.session.masking import make_masker
from adapters.postgres.session.meanings import NoMeanings
from adapters.postgres.type_shapes import Shape
from engine.command.tree import Output
from engine.decision import Decision, MaskItem, Verdict
from tests.wire import allow, mask, row

TEXT = 25
KNOWN = {(16385, 2): "public.t.c", (16385, 3): "public.t.d"}


class Known(NoMeanings):
    def origin_of(self, relation: int, number: int) -> str | None:
        return KNOWN.get((relation, number))

    def shape_of(self, type_oid: int) -> Shape:
        return ["array", 23] if type_oid == 20_000 else type_oid


MEANINGS = Known()


def field(relation: int = 16385, number: int = 2) -> Field:
    return Field("c", relation, number, TEXT, 0)


def test_a_plan_that_the_server_confirms_becomes_a_masker() -> None:
    masker = make_masker(mask(), [field()], MEANINGS)
    assert not isinstance(masker, str)
    assert masker.mask(row("secret")) == row("[redacted]")


def test_an_alias_changes_nothing() -> None:
    masker = make_masker(mask(), [Field("harmless", 16385, 2, TEXT, 0)], MEANINGS)
    assert not isinstance(masker, str)


@pytest.mark.parametrize("other", [field(number=3), field(number=0)])
def test_another_origin_than_the_texts_is_refused(other: Field) -> None:
    assert isinstance(make_masker(mask(), [other], MEANINGS), str)


def test_a_column_of_a_relation_nobody_knows_is_left_to_the_text() -> None:
    assert not isinstance(make_masker(mask(), [field(relation=99)], MEANINGS), str)


def test_another_number_of_columns_is_refused() -> None:
    for fields in ([], [field(), field()]):
        assert isinstance(make_masker(mask(), fields, MEANINGS), str)


def test_without_a_tree_there_is_no_masker() -> None:
    answer = Answer(Decision(Verdict.MASK, None, mask_plan=(MaskItem(0, (), "redact"),)), "d")
    assert isinstance(make_masker(answer, [field()], MEANINGS), str)


def test_values_of_some_types_are_hidden_in_a_cell_and_the_rest_stays() -> None:
    masker = make_masker(mask(MaskItem(0, (), "redact", values=("pii.email",))), [field()], MEANINGS)
    assert not isinstance(masker, str)
    assert masker.mask(row("to ann@example.org now")) == row("to [redacted] now")
    assert masker.mask(row("nobody")) == row("nobody")
    assert masker.cells == 1


@pytest.mark.parametrize(
    "item",
    [
        MaskItem(0, (), "redact", values=("pii.nothing",)),
        MaskItem(None, (), "redact"),
        MaskItem(0, (), "redact", path="$.a"),
        MaskItem(1, (), "redact"),
        MaskItem(-1, (), "redact"),
        MaskItem(0, (), "scramble"),
        MaskItem(0, (), "hash", {"key": "k1"}),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(item: MaskItem) -> None:
    assert isinstance(make_masker(mask(item), [field()], MEANINGS), str)


def test_two_masks_on_one_column_are_refused() -> None:
    twice = mask(MaskItem(0, (), "redact"), MaskItem(0, (), "null"))
    assert isinstance(make_masker(twice, [field()], MEANINGS), str)


def test_a_key_comes_from_the_answer_and_not_from_the_plan() -> None:
    answer = mask(MaskItem(0, (), "hash", {"key": "k1"}))
    keyed = Answer(answer.decision, "d", command=answer.command, mask_keys={"k1": b"key material"})
    masker = make_masker(keyed, [field()], MEANINGS)
    assert not isinstance(masker, str)
    assert masker.mask(row("secret")) != row("secret")


def test_a_computed_column_that_the_text_calls_a_plain_unproven_copy_is_refused() -> None:
    outputs = (Output("c", ("public.t.c",), derived=False, proven=False),)
    assert isinstance(make_masker(mask(outputs=outputs), [field(relation=0, number=0)], MEANINGS), str)


def test_an_allowed_command_has_no_outputs_to_mask() -> None:
    assert isinstance(make_masker(allow(), [field()], MEANINGS), str)


def test_a_type_that_people_made_is_masked_by_what_it_is_built_of() -> None:
    answer = mask(MaskItem(0, (), "tokenize", {"key": "k1"}))
    keyed = Answer(answer.decision, "d", command=answer.command, mask_keys={"k1": b"key material"})
    masker = make_masker(keyed, [Field("c", 16385, 2, 20_000, 0)], MEANINGS)
    assert not isinstance(masker, str)
    made = masker.mask(row("{1234567,NULL}"))
    assert made.endswith(b",NULL}")
    assert b"1234567" not in made
