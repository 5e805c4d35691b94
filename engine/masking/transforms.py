"""What each masking method does to one cell, plainly: the meaning that the Rust row masker is tested against.

Not here: which output is masked (`plan.py`) and any speed. `Method` and `Param` are used by the plan, by the policy
contract and by the adapters; `transform` by tests as the oracle.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias, assert_never

Param: TypeAlias = "bool | int | str"

REDACTED = "[redacted]"
STAR = "*"
HASH_DOMAIN = b"sallyport hash\x00"


class Method(StrEnum):
    """How a value is rewritten, the strictest first."""

    DROP = "drop"
    NULL = "null"
    REDACT = "redact"
    HASH = "hash"
    TOKENIZE = "tokenize"
    PARTIAL = "partial"

    @property
    def strictness(self) -> int:
        """Higher is stricter; `drop` is the strictest."""
        return len(Method) - list(Method).index(self)


PARAMS: Mapping[Method, frozenset[str]] = {
    Method.DROP: frozenset(),
    Method.NULL: frozenset(),
    Method.REDACT: frozenset(),
    Method.HASH: frozenset({"key"}),
    Method.TOKENIZE: frozenset({"key", "tweak", "keep_first", "keep_last", "check"}),
    Method.PARTIAL: frozenset({"keep_first", "keep_last"}),
}
"""The parameters each method takes. `key` names a key by its id; the key itself never stands in a plan."""

UNFIT: Mapping[Method, str] = {
    Method.REDACT: "NULL in columns that are neither text nor JSON",
    Method.HASH: "NULL in columns of smallint, boolean, floats, enums, ranges",
    Method.TOKENIZE: "NULL in columns of smallint, boolean, floats, enums, ranges",
    Method.PARTIAL: "NULL in columns that are neither text nor JSON",
}
"""What a method leaves in columns of PostgreSQL that cannot hold it, in words (docs/masks.md)."""

CHECKS = frozenset({"luhn"})
"""Check digits that a token can be given."""


def transform(method: Method, value: str | None, params: Mapping[str, Param], key: bytes = b"") -> str | None:
    """Rewrite one text cell.

    NULL stays NULL. In SQL results `drop` is NULL too: a column cannot leave a row that the client was told of.
    """
    if value is None:
        return None
    match method:
        case Method.DROP | Method.NULL:
            return None
        case Method.REDACT:
            return REDACTED
        case Method.HASH:
            # WHY HMAC, not a plain hash: card numbers and mail addresses are few enough to be tried one by one.
            return hmac.digest(key, HASH_DOMAIN + value.encode(), "sha256").hex()
        case Method.TOKENIZE:
            # WHY late: whoever checks policies waits for no ciphers.
            from engine.masking.texts import form_of, tokenized

            return tokenized(value, key, form_of(params), str(params.get("tweak", "")))
        case Method.PARTIAL:
            return _partial(value, *kept_by(params))
        case _:
            assert_never(method)


def kept_by(params: Mapping[str, Param]) -> tuple[int, int]:
    """How many characters at the beginning and at the end stay under `partial`."""
    return _count(params, "keep_first"), _count(params, "keep_last")


def _partial(value: str, first: int, last: int) -> str:
    # INVARIANT: a value no longer than what may be kept is starred whole; `keep last 4` never shows a 4-digit PIN.
    if first + last >= len(value):
        return STAR * len(value)
    return value[:first] + STAR * (len(value) - first - last) + value[len(value) - last :]


def _count(params: Mapping[str, Param], name: str) -> int:
    value = params.get(name, 0)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
