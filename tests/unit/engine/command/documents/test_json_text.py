"""JSON exactly: what two readers could read differently is refused."""

from __future__ import annotations

import pytest

from engine.command.documents.json_text import read_json
from engine.command.documents.refusal import Refused


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b'{"a": 1, "a": 2}', "json_duplicate_key"),
        (b'{"a": 1, "\\u0061": 2}', "json_duplicate_key"),
        (b'[{"x": {"b": 0, "b": 0}}]', "json_duplicate_key"),
        (b"NaN", "json_number"),
        (b"[-Infinity]", "json_number"),
        (b"1e400", "json_number"),
        (b"18446744073709551616", "json_number"),
        (b"1" * 5000, "json_number"),
        (b"\xef\xbb\xbf{}", "json_byte_order_mark"),
        (b"{} {}", "json_trailing_data"),
        (b"{}\n{}", "json_trailing_data"),
        (b'"\\ud800"', "json_surrogate"),
        (b'{"\\udfff": 1}', "json_surrogate"),
        (b'"\xff"', "json_encoding"),
        (b'"\xc0\xae"', "json_encoding"),
        (b"[" * 65 + b"]" * 65, "json_depth"),
        (b"[" * 1_000_000, "json_depth"),
        (b"[" + b"0," * 100_000 + b"0]", "json_size"),
        (b"{'a': 1}", "json_syntax"),
        (b"{a: 1}", "json_syntax"),
        (b"[1,]", "json_syntax"),
        (b"// x\n1", "json_syntax"),
        (b"", "json_syntax"),
        (b'"a\x01"', "json_syntax"),
    ],
)
def test_what_is_refused(text: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        read_json(text)
    assert refused.value.code == code


def test_what_is_read() -> None:
    assert read_json(b' {"a": [1, -2.5, true, null, "\\u00e9[{\\"\\ud83d\\ude00"]} ') == {
        "a": [1, -2.5, True, None, 'é[{"😀']
    }
    assert read_json(b"[" * 64 + b"]" * 64)
    assert read_json(b"18446744073709551615") == 2**64 - 1
