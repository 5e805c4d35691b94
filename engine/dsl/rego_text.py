"""Words, constants, paths and terms as they are spelt in Rego. Called by `queries.py` and `lower.py`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias, assert_never

from engine.dsl import typed as m
from engine.request import Json

REGO_WORDS: Final = frozenset(
    {
        *("as", "contains", "default", "else", "every", "false", "if", "import", "in", "not", "null", "package"),
        *("some", "true", "with", "input", "data"),
    }
)
"""Words of Rego that cannot be a part of a package's name or of a dotted path."""


_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

MAX_LINE = 500
"""Characters after which a set or an object goes on on the next line."""

Variables: TypeAlias = Mapping[str, str]
"""The name in Rego of each quantifier's variable."""


def write(value: object) -> str:
    """A constant in Rego, which is as in JSON."""
    return json.dumps(value, ensure_ascii=False)


def write_long(value: Json) -> str:
    """A constant over as many lines as it needs: Rego is not read in lines of any length."""
    text = write(value)
    if len(text) <= MAX_LINE:
        return text
    match value:
        case dict():
            return _filled("{", [f"{write(key)}: {write_long(item)}" for key, item in value.items()], "}")
        case list():
            return _filled("[", [write_long(item) for item in value], "]")
        case _:
            return text


def write_set(items: Iterable[m.Constant]) -> str:
    """A set of constants, over several lines when it is long."""
    texts = [write(item.value) for item in items]
    text = f"{{{', '.join(texts)}}}"
    return text if len(text) <= MAX_LINE else _filled("{", texts, "}")


def _filled(begin: str, items: Sequence[str], end: str) -> str:
    lines, line = [begin], ""
    for position, item in enumerate(items):
        word = item + ("," if position + 1 < len(items) else "")
        if line and len(line) + len(word) > MAX_LINE:
            lines.append(line)
            line = ""
        line += f" {word}" if line else word
    return "\n".join([*lines, line, end])


def write_path(path: m.Path, names: Variables) -> str:
    """A path in Rego."""
    base = m.INPUT if path.base == m.INPUT else names[path.base]
    return base + "".join(_key(key) for key in path.keys)


def _key(key: str) -> str:
    dotted = _IDENTIFIER.fullmatch(key) and key not in REGO_WORDS
    return f".{key}" if dotted else f"[{write(key)}]"


def write_term(term: m.Term, names: Variables) -> str:
    match term:
        case m.Constant():
            return write(term.value)
        case m.Path():
            return write_path(term, names)
        case m.Count():
            return f"count({write_path(term.path, names)})"
        case m.Age():
            return f"time.now_ns() - {write_path(term.path, names)}"
        case _:
            assert_never(term)
