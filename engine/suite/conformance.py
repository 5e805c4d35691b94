"""`conformance`: cases of OPA's own suite answered line by line, by the core that decides.

In: `{"id", "query", "modules", "data", "input"|"input_term", "strict_error", "sort_bindings", "rego_version"?}`. Out:
`{"id", "result"}`, `{"id", "error": {"code", "message"}}` or `{"id", "unsupported": "name of the builtin"}`, with the
`evaluator` that answered. Called by `gateway/cli`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from engine import _native


def answer_lines(lines: Iterable[str | bytes], now_ns: int) -> Iterator[str]:
    """One line for each line, in order, never stopping at a bad one. `now_ns` is what time it is for the cases."""
    for line in lines:
        yield _answer(line.encode("utf-8", "surrogatepass") if isinstance(line, str) else line, now_ns)


def _answer(line: bytes, now_ns: int) -> str:
    try:
        return _native.conformance(line, now_ns).decode()
    except _native.NativeError as error:
        message = str(error.args[0]) if error.args else "the core failed"
        return msgspec.json.encode({"id": None, "error": {"code": error.code, "message": message}}).decode()
