"""Masks on JSON that passes: right, strict, and blind to where pieces end."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.errors import PeerProtocolError
from adapters.web.json_masks import MAX_DEPTH, MAX_TOKEN, JsonMasker, PathMask
from adapters.web.json_whole import MAX_WHOLE
from engine.masking.documents import scalar_token
from engine.masking.paths import parse_path
from engine.masking.transforms import Method, Param, transform

SECRET = "4111-1111-1111-1111"


def mask(path: str, method: Method = Method.REDACT, key: bytes = b"", **params: Param) -> PathMask:
    return PathMask(parse_path(path), method, params, key)


def run(document: bytes, *masks: PathMask, size: int = 1 << 20, is_lines: bool = False) -> bytes:
    masker = JsonMasker(masks, is_lines=is_lines)
    return b"".join(masker.feed(document[at : at + size]) for at in range(0, len(document), size)) + masker.end()


def dumped(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.just(SECRET),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["card", "a", "CARD", 'c"\\d', "é"]), inner, max_size=4)
    ),
    max_leaves=20,
)


def redacted(value: object) -> object:
    """The plain meaning of `$..card` with `redact`."""
    if isinstance(value, list):
        return [redacted(one) for one in value]
    if isinstance(value, dict):
        return {
            k: (None if v is None else "[redacted]") if k.casefold() == "card" else redacted(v)
            for k, v in value.items()
        }
    return value


@given(documents, st.integers(1, 9), st.booleans(), st.sampled_from([None, 1]))
def test_a_masked_value_is_masked_wherever_pieces_end(
    value: object, size: int, ascii_only: bool, indent: int | None
) -> None:
    document = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    made = run(document, mask("$..card"), size=size)
    assert json.loads(made) == redacted(value)
    assert made == run(document, mask("$..card"))


@given(
    st.lists(st.dictionaries(st.sampled_from(["card", "b"]), st.just(SECRET)), max_size=4),
    st.integers(1, 7),
    st.sampled_from(["\n", "\r\n", "\n\n"]),
)
def test_lines_are_masked_one_by_one(rows: list[object], size: int, end: str) -> None:
    document = "".join(json.dumps(row) + end for row in rows).encode()
    made = run(document, mask("$.card"), size=size, is_lines=True)
    assert [json.loads(line) for line in made.splitlines()] == [redacted(row) for row in rows]


@settings(max_examples=300)
@given(
    st.binary(max_size=60) | st.text(alphabet='{}[]",:0123456789.eE+-\\untrfalsecard \n', max_size=40).map(str.encode),
    st.integers(1, 60),
)
def test_garbage_is_one_error_or_json_that_python_reads_too(data: bytes, size: int) -> None:
    try:
        made = run(data, mask("$..card"), size=size)
    except PeerProtocolError:
        return
    assert json.loads(made) == redacted(json.loads(data))


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize("value", ["ana", "", 'ü"\n', 17, 1.5, True, None])
def test_each_method_does_to_a_value_what_it_means(method: Method, value: object) -> None:
    key = b"k" * 32 if method in (Method.HASH, Method.TOKENIZE) else b""
    params: dict[str, Param] = {"keep_last": 1} if method is Method.PARTIAL else {}
    made = json.loads(run(dumped({"x": 1, "a": value, "y": [2]}), PathMask(parse_path("$.a"), method, params, key)))
    expected: dict[str, object] = {"x": 1, "y": [2]}
    if method is not Method.DROP:
        text = value if isinstance(value, str) or value is None else json.dumps(value)
        expected["a"] = transform(method, text, params, key)
        if method is Method.TOKENIZE and not isinstance(value, str | None):
            expected["a"] = json.loads(scalar_token(method, str(text), params, key))
    elif value is None:
        expected["a"] = None
        made.setdefault("a", None)
    assert made == expected


def test_what_is_dropped_leaves_sound_json() -> None:
    drop = mask("$..a", Method.DROP)
    assert run(b'{"a":1}', drop) == b"{}"
    assert run(b'{"a":1,"b":2,"a2":3}', drop) == b'{"b":2,"a2":3}'
    assert run(b'{"b":2,"a":{"c":[1,2]}}', drop) == b'{"b":2}'
    assert run(b"[1,2,3]", mask("$[1]", Method.DROP)) == b"[1,3]"


def test_a_whole_part_is_replaced_as_one() -> None:
    for method, made in ((Method.REDACT, b'"[redacted]"'), (Method.HASH, b'"[redacted]"'), (Method.NULL, b"null")):
        assert run(b'{"a":{"b":[1,{"c":"x"}]},"d":1}', mask("$.a", method, b"k" * 32)) == b'{"a":%b,"d":1}' % made


def test_names_in_escapes_and_other_letters_are_the_same_names() -> None:
    for name in (b"c\\u0061rd", b"CARD", b"Card", b"\\u0063\\u0061\\u0072\\u0064"):
        assert SECRET.encode() not in run(b'{"' + name + b'": "' + SECRET.encode() + b'"}', mask("$.card"))


def test_the_strictest_mask_wins_and_equals_must_agree() -> None:
    assert run(b'{"a":"xy"}', mask("$.a", Method.PARTIAL, keep_last=1), mask("$..a", Method.NULL)) == b'{"a":null}'
    with pytest.raises(PeerProtocolError) as caught:
        run(b'{"a":"xy"}', mask("$.a", Method.PARTIAL, keep_last=1), mask("$..a", Method.PARTIAL, keep_last=2))
    assert caught.value.code == "MASK_CONFLICT"


def test_numbers_and_strings_that_are_not_masked_stay_as_they_were_written() -> None:
    document = b'[1.50,1e400,-0,123456789012345678901234567890,"\\u00e9\\/"]'
    assert run(document, mask("$..card")) == document


@pytest.mark.parametrize(
    "document",
    [
        b'{"a":1,"a":2}', b'{"a":1,"\\u0061":2}', b'{"a":1}{}', b'{"a":1} x', b"[1,]", b'{"a"}', b"01", b"+1", b"NaN", b"'a'",
        b"[1 2]", b'"\\x"', b'"\n"', b"\xff", b"\xef\xbb\xbf1", b"", b"[", b'"abc', b'{"\\ud800":1}', b"1.", b"[}", b"tru",
        b"[" * (MAX_DEPTH + 1), b'"' + b"x" * (MAX_TOKEN + 2) + b'"', b"1" * (MAX_TOKEN + 2),
    ],
)  # fmt: skip
def test_what_two_readers_could_read_differently_is_refused(document: bytes) -> None:
    for size in (4096, len(document) or 1):
        with pytest.raises(PeerProtocolError):
            run(document, mask("$..card"), size=size)


def test_documents_without_a_line_between_them_are_no_lines() -> None:
    with pytest.raises(PeerProtocolError):
        run(b'{"card":1}{"card":2}', mask("$.card"), is_lines=True)
    assert run(b"", mask("$.card"), is_lines=True) == b""


class InPieces(JsonMasker):
    """Never in one go."""

    def feed(self, data: bytes) -> bytes:
        self._is_awaited = False
        return super().feed(data)


class Slowly(InPieces):
    """Token by token, whatever stands there."""

    def _read_plain(self, data: bytearray, at: int) -> int:
        return at


def outcome(masker: JsonMasker, document: bytes, size: int) -> bytes | str:
    try:
        made = b"".join(masker.feed(document[at : at + size]) for at in range(0, len(document), size))
        return made + masker.end()
    except PeerProtocolError as error:
        return error.code


def changed(text: str, number: int, cut: int, sign: str) -> str:
    """A document with something else in one place beside a sign of its structure."""
    places = [at for at, one in enumerate(text) if one in "{}[],:"] or [0]
    at = places[number % len(places)]
    return text[:at] + sign + text[at + cut :]


CHANGED = st.builds(
    changed,
    documents.map(json.dumps),
    st.integers(0, 60),
    st.sampled_from([0, 0, 0, 1, 2]),
    st.sampled_from(
        ["", ",", ",", ":", "]", "}", "{", "[", '"', "0", " ", ",1", ',"card":2', '{"a":{"card":[1,"2"]}}']
    ),
)


@settings(max_examples=600)
@given(CHANGED, st.integers(1, 60), st.booleans(), st.sampled_from(list(Method)))
def test_what_is_read_sooner_comes_to_the_same_as_token_by_token(
    document: str, size: int, is_lines: bool, method: Method
) -> None:
    masks = (
        mask("$..card", method, b"k" * 32, **({"keep_last": 1} if method is Method.PARTIAL else {})),
        mask("$.a[1]"),
    )
    at_once, sooner, slowly = (
        outcome(reader(masks, is_lines=is_lines), document.encode(), size) for reader in (JsonMasker, InPieces, Slowly)
    )
    assert at_once == sooner == slowly


def test_names_of_one_document_are_not_kept_for_the_next_where_they_are_long() -> None:
    paths = JsonMasker((mask("$..kept"),))._paths
    assert JsonMasker((mask("$..kept"),))._paths is paths
    run(dumped({"short": 1, "n" * 65: 2}), mask("$..kept"), is_lines=True)
    assert {name for _, name in paths._down} == {"short"}


def test_a_document_is_waited_for_only_while_it_is_short() -> None:
    masker = JsonMasker((mask("$..card"),))
    assert masker.feed(b'{"card": "x", "more": [') == b""
    shown = masker.feed(b'"' + b"n" * MAX_WHOLE + b'",')
    assert shown.startswith(b'{"card":"[redacted]","more":["nnn')
    assert masker.feed(b"1]}") + masker.end() == b",1]}"
