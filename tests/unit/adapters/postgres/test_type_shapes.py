"""Types that people made, down to PostgreSQL's own."""

from __future__ import annotations

from adapters.postgres.type_shapes import MAX_DEPTH, TypeRow, shape_of

TYPES = {
    row.oid: row
    for row in (
        TypeRow(20_000, "b", 0, None, True, ()),
        TypeRow(20_001, "b", 0, 20_000, False, ()),
        TypeRow(20_002, "d", 20, None, False, ()),
        TypeRow(20_003, "c", 0, None, False, (25, 20_002, 20_001, 20_009)),
        TypeRow(20_004, "b", 0, 20_003, False, ()),
        TypeRow(20_005, "b", 0, None, False, ()),
        TypeRow(20_006, "d", 20_006, None, False, ()),
    )
}


def test_a_type_of_postgresqls_own_is_its_number() -> None:
    assert shape_of({}, 2950) == shape_of(TYPES, 2950) == 2950


def test_what_is_built_of_others_is_taken_apart() -> None:
    assert shape_of(TYPES, 20_000) == 25
    assert shape_of(TYPES, 20_001) == ["array", 25]
    assert shape_of(TYPES, 20_002) == 20
    assert shape_of(TYPES, 20_003) == ["row", 25, 20, ["array", 25], 0]
    assert shape_of(TYPES, 20_004) == ["array", ["row", 25, 20, ["array", 25], 0]]


def test_what_nobody_knows_is_opaque() -> None:
    assert shape_of(TYPES, 20_005) == shape_of(TYPES, 30_000) == shape_of({}, 20_000) == 0
    assert shape_of(TYPES, 20_006) == 0
    assert shape_of(TYPES, 20_002, MAX_DEPTH) == 0
