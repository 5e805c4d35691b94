"""Short documents rewritten in one go: only where that comes out as token by token."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.web.json_masks import MAX_DEPTH
from adapters.web.json_whole import DROPPED, rewritten
from engine.masking.paths import Paths, parse_path

CARDS = Paths([parse_path("$..card")])


def stars(document: bytes, paths: Paths = CARDS, instead: object = "*") -> bytes | None:
    def mask_at(place: frozenset[tuple[int, int]]) -> bool | None:
        return bool(paths.hits(place)) or None

    return rewritten(document, paths, mask_at, lambda value, mask: instead, max_depth=MAX_DEPTH)


def test_what_stands_at_the_path_is_replaced_and_nothing_else() -> None:
    document = b' {"Card": [1, 2],\n"b": {"card": "x", "c": [true, null, {"card": 1.5}]}, "n": -17, "f": 2.5}'
    made = b'{"Card":"*","b":{"card":"*","c":[true,null,{"card":"*"}]},"n":-17,"f":2.5}'
    assert stars(document) == made
    assert stars(document, instead=DROPPED) == b'{"b":{"c":[true,null,{}]},"n":-17,"f":2.5}'
    assert stars(b"[1,2,3]", Paths([parse_path("$[1]")]), DROPPED) == b"[1,3]"
    assert stars('{"é":"ü\x7f"}'.encode()) == '{"é":"ü\x7f"}'.encode()


@pytest.mark.parametrize(
    "document",
    [
        *(b'{"a":"\\u0061"}', b'{"a":1,"a":2}', b"1.50", b"1e400", b"1E5", b"-0", b"NaN", b"-Infinity", b"[1,]", b"01", b""),
        *(b"\xff", b"\xef\xbb\xbf1", b'"\n"', b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), b"1 2", b"9" * 5000),
    ],
)  # fmt: skip
def test_of_what_is_not_certain_nothing_is_said(document: bytes) -> None:
    assert stars(document) is None


@settings(max_examples=300)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
        max_leaves=12,
    )
)
def test_what_no_mask_is_for_stays_as_it_was_written(value: object) -> None:
    document = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    assert stars(document) in (document, None)
