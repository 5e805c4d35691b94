"""JSON under masks: scalars are rewritten, names and structure stay."""

from __future__ import annotations

import json

from engine.masking.documents import rewrite_document, scalar_token
from engine.masking.transforms import Method

KEY = b"k" * 16
DOCUMENT = '{"card": "4111111111111111", "n" : [12345, true, null, 1e9], "o": {"a\\"b": "\\u00e9x"}}'


def test_partial_stars_every_scalar() -> None:
    made = rewrite_document(Method.PARTIAL, DOCUMENT, {"keep_last": 4}, KEY)
    assert made == ('{"card": "************1111", "n" : ["*2345", "****", null, "***"], "o": {"a\\"b": "**"}}')


def test_tokens_of_numbers_are_numbers_and_truth_is_widened() -> None:
    made = rewrite_document(Method.TOKENIZE, DOCUMENT, {"key": "k"}, KEY)
    assert made is not None
    read = json.loads(made)
    assert read["card"].isdecimal()
    assert len(read["card"]) == 16
    assert isinstance(read["n"][0], int)
    assert read["n"][1].startswith("tok_")
    assert read["n"][2] is None
    assert read["n"][3].startswith("tok_")
    assert "4111111111111111" not in made
    assert scalar_token(Method.TOKENIZE, "12345", {}, KEY) == str(read["n"][0])
    assert scalar_token(Method.HASH, "12345", {}, KEY) == json.dumps(
        json.loads(str(rewrite_document(Method.HASH, "12345", {}, KEY)))
    )


def test_of_the_other_methods_one_string_is_left() -> None:
    assert rewrite_document(Method.REDACT, DOCUMENT, {}, KEY) == '"[redacted]"'
    assert rewrite_document(Method.NULL, DOCUMENT, {}, KEY) is None
    assert len(json.loads(str(rewrite_document(Method.HASH, DOCUMENT, {}, KEY)))) == 64


def test_half_of_a_surrogate_pair_is_hidden_whole() -> None:
    assert rewrite_document(Method.PARTIAL, '["\\ud800"]', {"keep_last": 1}, KEY) == '["[redacted]"]'
