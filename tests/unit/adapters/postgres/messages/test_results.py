from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.postgres.messages import results
from tests import wire
from tests.wire import read_or_refused


def test_a_description_tells_origin_type_and_format() -> None:
    body = wire.described("a", "é", relation=16385, number=2, type_oid=1043, format=1)[5:]
    assert results.decode_row_description(body) == (
        results.Field("a", 16385, 2, 1043, 1),
        results.Field("é", 16385, 2, 1043, 1),
    )


def test_a_row_is_its_cells() -> None:
    assert results.decode_data_row(wire.row("a", None, "")[5:]) == (b"a", None, b"")


@pytest.mark.parametrize(
    ("tag", "rows"), [(b"INSERT 0 5", 5), (b"SELECT 3", 3), (b"CREATE TABLE", 0), (b"COPY 12", 12), (b"", 0)]
)
def test_a_tag_says_how_many_rows(tag: bytes, rows: int) -> None:
    assert results.rows_of(tag) == rows


def test_a_setting_is_name_and_value() -> None:
    assert results.decode_status(b"TimeZone\0UTC\0") == ("TimeZone", "UTC")
    assert results.encode_status("TimeZone", "UTC") == wire.message("S", b"TimeZone\0UTC\0")


def test_states_and_tags_are_written_as_servers_write_them() -> None:
    assert results.encode_ready(results.IDLE) == wire.ready("I")
    assert results.encode_tag(b"SELECT 1") == wire.tag("SELECT 1")


@given(st.binary(max_size=40))
def test_any_description_row_or_setting_is_read_or_refused(body: bytes) -> None:
    for decode in (results.decode_row_description, results.decode_data_row, results.decode_status):
        with read_or_refused():
            decode(body)
