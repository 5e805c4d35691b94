"""Masks in a table: no cell of a masked column is shown, wherever a piece ends; what may be another table is refused."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import PeerProtocolError
from adapters.web.csv_masks import MAX_ROW, CsvMasker
from adapters.web.json_masks import PathMask
from engine.masking.paths import parse_path
from engine.masking.transforms import Method

CARD = "4111 1111"
TABLE = b'id,"Card", note\r\n1,4111 1111,"a ""b"", c"\r\n2,,x\r\n\r\n3,"4111 1111\r\n4111 1111","line\r\nbreak"\r\n4,"4111 1111",end'


def masks(*paths: str, method: Method = Method.REDACT) -> tuple[PathMask, ...]:
    return tuple(PathMask(parse_path(path), method) for path in paths)


def masked(table: bytes, sizes: list[int], *paths: str) -> bytes:
    masker, made, at = CsvMasker(masks(*(paths or ("$..card",)))), b"", 0
    for size in [*sizes, len(table)]:
        made += masker.feed(table[at : at + size])
        at += size
    return made + masker.end()


@given(st.lists(st.integers(1, 20), max_size=40))
def test_masks_hold_wherever_pieces_end(sizes: list[int]) -> None:
    assert masked(TABLE, sizes) == (
        b'id,"Card", note\r\n1,[redacted],"a ""b"", c"\r\n2,,x\r\n\r\n3,[redacted],"line\r\nbreak"\r\n4,[redacted],end'
    )


@pytest.mark.parametrize("path", ["$.card", "$[*].card", "card", "$..CARD", "$[*]['Card']"])
def test_a_column_is_a_member_of_each_row(path: str) -> None:
    assert b"4111" not in masked(TABLE, [], path)


def test_a_path_may_mean_one_row_alone() -> None:
    assert masked(b"a,b\n1,2\n3,4\n", [], "$[1].b") == b"a,b\n1,2\n3,[redacted]\n"
    assert masked(b"a,b\n1,2\n", [], "$.c") == b"a,b\n1,2\n"


def test_what_is_dropped_leaves_an_empty_cell() -> None:
    masker = CsvMasker(masks("$.a", method=Method.DROP))
    assert masker.feed(b"a,b\n1,2\n") + masker.end() == b"a,b\n,2\n"


def test_what_a_mask_leaves_stands_in_quotes_where_it_must() -> None:
    masker = CsvMasker((PathMask(parse_path("$.a"), Method.PARTIAL, {"keep_first": 3}),))
    assert masker.feed(b'a,b\n"x,""y",2\n') == b'a,b\n"x,""*",2\n'


@pytest.mark.parametrize(
    "table",
    [
        b"id;card\n1;4111\n",
        b"id\tcard\n1\t4111\n",
        b"id|card\n1|4111\n",
        b"id card\n1 4111\n",
        b"\nid,card\n1,4111\n",
        b"id,card,CARD\n1,2,4111\n",
        b"id,card, card \n1,2,4111\n",
        b"\xef\xbb\xbfid,card\n1,4111\n",
        b"id,card\n1\n",
        b"id,card\n1,2,4111\n",
        b'id,card\n1,2"4111"\n',
        b'id,card\n1,"2"4111\n',
        b'id,card\n1,"4111',
        b"id,card\r1,4111\r",
        b"id,card\n1,\xff\n",
        "id,card\n1,4111\n".encode("utf-16-le"),
        b'"sep=;"\nid;card\n1;4111\n',
    ],
    ids=range(17),
)
def test_what_could_be_another_table_is_not_shown(table: bytes) -> None:
    with pytest.raises(PeerProtocolError) as caught:
        masked(table, [])
    assert caught.value.code == "MASK_UNPROVEN"


def test_a_row_without_end_is_an_error() -> None:
    with pytest.raises(PeerProtocolError):
        CsvMasker(masks("$.a")).feed(b'a,b\n"' + b"x" * (MAX_ROW + 1))


def test_masks_that_contradict_each_other_are_an_error() -> None:
    two = (
        PathMask(parse_path("$.a"), Method.PARTIAL, {"keep_last": 4}),
        PathMask(parse_path("$..a"), Method.PARTIAL, {"keep_last": 2}),
    )
    with pytest.raises(PeerProtocolError) as caught:
        CsvMasker(two).feed(b"a,b\n1,2\n")
    assert caught.value.code == "MASK_CONFLICT"


CELLS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00\ufeff"), max_size=8)


@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=6),
    st.lists(st.integers(1, 9), max_size=20),
    st.sampled_from(["\r\n", "\n"]),
)
def test_whatever_a_writer_of_tables_writes_is_masked_and_read_again(
    rows: list[tuple[str, str, str]], sizes: list[int], end: str
) -> None:
    made = io.StringIO()
    writer = csv.writer(made, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("id", "card", "note"), *rows])
    shown = masked(made.getvalue().encode(), sizes).decode()
    found = list(csv.reader(io.StringIO(shown, newline="")))
    assert found[1:] == [[one, "[redacted]" if card else "", note] for one, card, note in rows]
