"""JSON under masks: strings, numbers and truth values rewritten one by one; names of members, `null` and what stands between stay.

`scalar_token` is what answers over HTTP use too; `rewrite_document` is the meaning that the core is tested against.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from engine.masking.transforms import REDACTED, Method, Param, transform

_PIECE = re.compile(r'("(?:[^"\\]|\\.)*")([ \t\r\n]*:)?|(null)|([-+.0-9A-Za-z]+)', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


def rewrite_document(method: Method, text: str, params: Mapping[str, Param], key: bytes) -> str | None:
    """A document in which every scalar is masked; of `hash` and `redact` one string is left of all of it."""
    if method not in (Method.TOKENIZE, Method.PARTIAL):
        whole = transform(method, text, params, key)
        return None if whole is None else json.dumps(whole)

    def rewritten(found: re.Match[str]) -> str:
        string, is_name, null, word = found.groups()
        if is_name or null:
            return found[0]
        if string is None:
            return scalar_token(method, word, params, key)
        read = json.loads(string, strict=False)
        if _SURROGATE.search(read):
            return json.dumps(REDACTED)
        return json.dumps(transform(method, read, params, key), ensure_ascii=False)

    return _PIECE.sub(rewritten, text)


def scalar_token(method: Method, word: str, params: Mapping[str, Param], key: bytes) -> str:
    """What stands, as JSON, for a number, `true` or `false`. A token of a number is a number where it can be."""
    if method is not Method.TOKENIZE:
        return json.dumps(transform(method, word, params, key))
    # WHY late: `transforms` is read by whoever checks policies, and ciphers are not.
    from engine.masking.texts import widened
    from engine.masking.typed import number_token

    tweak = str(params.get("tweak", ""))
    return number_token(word, key, tweak) or json.dumps(widened(word, key, tweak))
