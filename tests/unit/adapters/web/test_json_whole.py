"""Short documents rewritten in one go, in the core: as token by token, or not at all."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.errors import PeerProtocolError
from adapters.web.json_masks import MAX_DEPTH, JsonMasker, PathMask
from adapters.web.json_whole import in_core
from engine.masking.paths import parse_path
from engine.masking.transforms import Method, Param

KEY = b"a key of sixteen"


def mask(path: str, method: Method = Method.REDACT, **params: Param) -> PathMask:
    return PathMask(parse_path(path), method, params, KEY if method is Method.HASH else b"")


def made(document: bytes, *masks: PathMask) -> bytes | None:
    core = in_core(masks)
    assert core is not None
    return core.rewritten(document)


def by_tokens(document: bytes, masks: list[PathMask]) -> bytes | None:
    """What the reader of tokens makes of it; None where it refuses it."""
    masker = JsonMasker(masks)
    masker._is_awaited, masker._core = False, None
    try:
        return masker.feed(document) + masker.end()
    except PeerProtocolError:
        return None


def test_what_stands_at_the_path_is_replaced_and_nothing_else() -> None:
    document = b' {"Card": [1, 2],\n"b": {"card": "x", "c": [true, null, {"card": 1.50}]}, "n": -0, "f": 1E5, "\\u0061": "\\/"}'
    rest = b'"n":-0,"f":1E5,"\\u0061":"\\/"}'
    red = b'"[redacted]"'
    assert made(document, mask("$..card")) == b'{"Card":%b,"b":{"card":%b,"c":[true,null,{"card":%b}]},%b' % (
        red,
        red,
        red,
        rest,
    )
    assert made(document, mask("$..card", Method.DROP)) == b'{"b":{"c":[true,null,{}]},' + rest
    assert made(b"[1,2,3]", mask("$[1]", Method.DROP)) == b"[1,3]"
    assert made(b'["4111 1111"]', mask("$[*]", Method.PARTIAL, keep_last=10**30)) == b'["*********"]'


@pytest.mark.parametrize(
    "document",
    [
        *(b'{"a":1,"a":2}', b'{"a":1,"\\u0061":2}', b"NaN", b"-Infinity", b"[1,]", b"01", b"", b"\xff", b"\xef\xbb\xbf1", b'"\n"'),
        *(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), b"1 2", '{"\u212aard":1}'.encode(), b'{"card":"\\ud800"}'),
    ],
)  # fmt: skip
def test_of_what_is_not_certain_nothing_is_said(document: bytes) -> None:
    assert made(document, mask("$..card", Method.PARTIAL)) is None


def test_masks_that_contradict_each_other_are_not_carried_out() -> None:
    masks = [mask("$.a", Method.PARTIAL, keep_last=1), mask("$..a", Method.PARTIAL, keep_last=2)]
    assert made(b'{"a":"x"}', *masks) is None
    assert made(b'{"b":"x"}', *masks) == b'{"b":"x"}'


def test_tokens_and_texts_in_base64_are_not_done_here() -> None:
    assert in_core([PathMask(parse_path("$.a"), Method.TOKENIZE, {"key": "k"}, KEY)]) is None
    assert in_core([PathMask(parse_path("$.a"), Method.REDACT, is_base64=True)]) is None


NAMES = st.sampled_from(["card", "a", "CARD", 'c"\\d', "\xe9", "\u212a", "0", "1", ""])
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.sampled_from(["4111 1111 1111 1111", "\U0001f600", "\x7f", "\x1f", "\u2028", "/"])
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.lists(st.tuples(NAMES, inner), max_size=4).map(dict),
    max_leaves=20,
)
masks_of_plans = st.lists(
    st.builds(
        lambda path, method, first, last: (
            mask(path, method, keep_first=first, keep_last=last) if method is Method.PARTIAL else mask(path, method)
        ),
        st.sampled_from(
            [
                "$..card",
                "$.card",
                "$.a",
                "$[0]",
                "$[*]",
                "$..*",
                "$.a..card",
                "$.a[*].k",
                "$..['\xe9']",
                "$.*.*",
                "$..a..a",
            ]
        ),
        st.sampled_from([Method.DROP, Method.NULL, Method.REDACT, Method.HASH, Method.PARTIAL]),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    max_size=3,
)


@settings(max_examples=600)
@given(documents, masks_of_plans, st.booleans(), st.sampled_from([None, 1]))
def test_every_document_comes_out_as_token_by_token(
    value: object, masks: list[PathMask], ascii_only: bool, indent: int | None
) -> None:
    document = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")
    found = made(document, *masks)
    assert found in (None, by_tokens(document, masks))
    names_are_plain = document.isascii() and b"\\u" not in document
    if found is None and names_are_plain:
        assert by_tokens(document, masks) is None


PIECES = [
    *(b"{", b"}", b"[", b"]", b",", b":", b" ", b"\n", b"null", b"true", b"tru", b"0", b"-", b"-0", b"1.5", b"1.", b"1e5", b"01", b"1E+9"),
    *(b'"card"', b'"a"', b'"', b"\\", b'"\\u0061"', b'"\\ud83d\\ude00"', b'"\\ud83d"', b'"\\x"', b'"\xc3\xa9"', b"\xff", b"\xef\xbb\xbf", b"\x00"),
]  # fmt: skip


@settings(max_examples=1500)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map(b"".join), masks_of_plans)
def test_what_is_no_document_is_none_here_either(document: bytes, masks: list[PathMask]) -> None:
    assert made(document, *masks) in (None, by_tokens(document, masks))


def test_a_document_with_one_thing_wrong_is_left_to_the_reader_of_tokens() -> None:
    chosen = random.Random(8)
    plain = json.dumps(
        {"orders": [{"id": 1, "card": "4111", "mail": "a@b", "sum": 1.5, "tags": ["x", None]}] * 3}
    ).encode()
    masks = [mask("$..card"), mask("$..mail", Method.PARTIAL, keep_last=1)]
    said = 0
    for _ in range(3000):
        at = chosen.randrange(len(plain))
        document = plain[:at] + chosen.choice(PIECES) + plain[at + chosen.randrange(2) :]
        found = made(document, *masks)
        tokens = by_tokens(document, masks)
        assert found in (None, tokens)
        said += found is not None
        assert found is not None or tokens is None or not document.isascii()
    assert said > 300
