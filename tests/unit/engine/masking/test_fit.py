"""Which columns cannot hold what a mask leaves: by the same table that the masks themselves are made by."""

from __future__ import annotations

import pytest

from engine.masking.fit import Unfit, column_types, fitting, type_name, unfit_columns
from engine.masking.plan import Mask
from engine.masking.transforms import Method
from engine.masking.typed import holds


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("int8", "int8"),
        ("bigint", "int8"),
        ("character varying(20)", "varchar"),
        ("VARCHAR (20)", "varchar"),
        ("timestamp(3) with time zone", "timestamptz"),
        ("timestamp without time zone", "timestamp"),
        ("numeric(10,2)", "numeric"),
        ("_int4", "int4[]"),
        ("integer[][]", "int4[]"),
        ("pg_catalog.text", "text"),
        ("double  precision", "float8"),
        ("shop.mood", "shop.mood"),
        ("_mood", "_mood"),
    ],
)
def test_a_type_has_one_name_however_it_is_written(written: str, name: str) -> None:
    assert type_name(written) == name


def test_types_are_read_in_each_shape_of_a_relation() -> None:
    document = {
        "relations": {
            "a.b": [{"name": "x", "type": "integer"}, {"name": "y"}, "z"],
            "a.c": {"columns": ["x", "y", "z"], "types": ["text", ""]},
            "a.d": ["x"],
        }
    }
    assert column_types(document) == {"a.b.x": "int4", "a.c.x": "text"}
    assert column_types({}) == {}


TYPES = {"s.t.card": "int8", "s.t.note": "text", "s.t.ages": "int2[]", "s.t.mood": "s.mood", "other.t.card": "int4"}


def test_columns_that_the_mask_is_meant_for_are_told() -> None:
    mask = Mask("r", Method.PARTIAL, ("s.*.*",))
    assert list(unfit_columns(mask, TYPES)) == [
        Unfit("s.t.card", "int8", True),
        Unfit("s.t.ages", "int2[]", True),
        Unfit("s.t.mood", "s.mood", False),
    ]
    assert [one.column for one in unfit_columns(Mask("r", Method.TOKENIZE, ("*.*.card",)), TYPES)] == []


@pytest.mark.parametrize("method", [Method.DROP, Method.NULL])
def test_masks_that_mean_null_are_no_surprise(method: Method) -> None:
    assert list(unfit_columns(Mask("r", method, ("*.*.*",)), TYPES)) == []


def test_methods_that_fit_are_those_that_leave_a_value() -> None:
    assert fitting("int8") == (Method.HASH, Method.TOKENIZE)
    assert fitting("text") == (Method.REDACT, Method.HASH, Method.TOKENIZE, Method.PARTIAL)
    assert fitting("bool") == ()
    assert all(holds("uuid[]", method) for method in fitting("uuid[]"))
