"""JSON exactly: what two readers could read differently is refused (RFC 8259 and what it leaves open).

Refused: duplicate names, NaN and infinities, numbers beyond 64 bits, a byte order mark, text after the value, lone
surrogates, what is no UTF-8, too deep, too many values.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter

from engine.command.documents.refusal import Refused
from engine.command.documents.values import LARGEST, MAX_DEPTH, MAX_NODES, SMALLEST, Value

_STRUCTURE = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_json(raw: bytes) -> Value:
    """The value of a JSON text. Raises Refused."""
    if raw.startswith(b"\xef\xbb\xbf"):
        raise Refused("json_byte_order_mark", "the JSON begins with a byte order mark", 0)
    _measure(raw)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("json_encoding", "the JSON is not UTF-8", error.start) from None
    try:
        return _checked(
            json.loads(
                text,
                object_pairs_hook=_object,
                parse_constant=_constant,
                parse_float=_float,
                parse_int=_integer,
            )
        )
    except json.JSONDecodeError as error:
        code = "json_trailing_data" if error.msg == "Extra data" else "json_syntax"
        raise Refused(code, f"the JSON cannot be read: {error.msg.lower()}", error.pos) from None
    except RecursionError:
        raise Refused("json_depth", "the JSON is nested too deep") from None


def _measure(raw: bytes) -> None:
    """Depth and number of values before anything is built. WHY: the reader of the standard library recurses."""
    depth = commas = 0
    for found in _STRUCTURE.finditer(raw):
        match found[0]:
            case b"{" | b"[":
                depth += 1
                commas += 1
                if depth > MAX_DEPTH:
                    raise Refused("json_depth", f"the JSON is nested deeper than {MAX_DEPTH}", found.start())
            case b"}" | b"]":
                depth -= 1
            case b",":
                commas += 1
            case _:
                continue
        if commas > MAX_NODES:
            raise Refused("json_size", f"the JSON has more than {MAX_NODES} values", found.start())


def _object(pairs: list[tuple[str, Value]]) -> Value:
    made = dict(pairs)
    if len(made) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = counts.most_common(1)[0][0]
        raise Refused("json_duplicate_key", f"the name `{twice[:60]}` stands twice in one JSON object")
    return made


def _constant(word: str) -> Value:
    raise Refused("json_number", f"`{word}` is no number of JSON")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Refused("json_number", f"the number `{text[:40]}` is beyond what readers hold")
    return number


def _integer(text: str) -> int:
    number = int(text) if len(text) <= 20 else LARGEST + 1
    if not SMALLEST <= number <= LARGEST:
        raise Refused("json_number", f"the number `{text[:40]}` is beyond 64 bits")
    return number


def _checked(value: Value) -> Value:
    waiting = [value]
    while waiting:
        here = waiting.pop()
        if isinstance(here, str):
            _check_text(here)
        elif isinstance(here, list):
            waiting.extend(here)
        elif isinstance(here, dict):
            for key, inside in here.items():
                _check_text(key)
                waiting.append(inside)
    return value


def _check_text(text: str) -> None:
    if _SURROGATE.search(text):
        raise Refused("json_surrogate", "the JSON has half of a surrogate pair")
