"""Plain values of documents, and walks over them that no document can make long or deep.

Readers promise `MAX_DEPTH` and `MAX_NODES`, so a walk that recurses is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"

MAX_DEPTH = 64
"""Nesting of a document. Kubernetes objects need 20; a deeper one is made to hurt."""
MAX_NODES = 100_000
"""Values in one document, aliases counted each time they stand."""
LARGEST = 2**64 - 1
SMALLEST = -(2**63)


def members(value: Value) -> Iterator[tuple[str, Value, dict[str, Value]]]:
    """Every member of every object at any depth: its key, its value, the object it stands in."""
    waiting = [value]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            for key, inside in here.items():
                yield key, inside, here
            waiting.extend(reversed(list(here.values())))
        elif isinstance(here, list):
            waiting.extend(reversed(here))


def texts(value: Value) -> tuple[str, ...]:
    """The texts of a list, or the one text, as they stand; anything else is passed over."""
    items = value if isinstance(value, list) else [value]
    return tuple(item for item in items if isinstance(item, str))


def is_true(value: Value) -> bool:
    """Whether some reader of the document would take a value for true. YAML 1.1 has many words for it."""
    if isinstance(value, str):
        return value.lower() in {"true", "yes", "on", "y"}
    return value is True or (isinstance(value, int | float) and value != 0)
