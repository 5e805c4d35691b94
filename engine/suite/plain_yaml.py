"""YAML as plain JSON values: no dates, no `yes` for true, no key twice, bounded; with the lines of a list's items.

Called by `cases.py`. Not here: what the values mean.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from engine.errors import SuiteInvalid
from engine.request import Json
from engine.source import Source

MAX_VALUES = 200_000
MAX_DEPTH = 50

_SCALARS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("null", re.compile(r"(?:null|~|)")),
    ("bool", re.compile(r"(?:true|false)")),
    ("int", re.compile(r"[-+]?(?:0|[1-9][0-9]*)")),
    ("float", re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")),
)
_MOST_DIGITS = 18


class _Loader(yaml.SafeLoader):
    """Composes nodes; scalars are resolved here, not by YAML 1.1's rules."""


_Loader.yaml_implicit_resolvers = {}


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as a value. `lines`: for each key at the top that holds a list, the 1-based line of each item."""

    value: Json
    lines: dict[str, tuple[int, ...]]


def read_yaml(source: Source) -> Document:
    """Read one document. Raises SuiteInvalid with file and line of what is wrong."""
    try:
        loader = _Loader(source.text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise SuiteInvalid(source.name, line, error.problem or error.context or "this is no YAML") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise SuiteInvalid(source.name, 1, f"this is no YAML ({type(error).__name__})") from None
    if node is None:
        return Document(None, {})
    return Document(_Reading(source.name).value(node, 0), _lines(node))


class _Reading:
    """One file's values, counted: an alias used many times is many values."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0

    def value(self, node: yaml.Node, depth: int) -> Json:
        self._count += 1
        if self._count > MAX_VALUES or depth > MAX_DEPTH:
            raise self._wrong(node, "the file holds too much")
        match node:
            case yaml.ScalarNode():
                return self._scalar(node)
            case yaml.SequenceNode():
                return [self.value(item, depth + 1) for item in node.value]
            case yaml.MappingNode():
                return self._mapping(node, depth)
            case _:
                raise self._wrong(node, "this is no value")

    def _mapping(self, node: yaml.MappingNode, depth: int) -> Json:
        fields: dict[str, Json] = {}
        for key_node, item in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                raise self._wrong(key_node, "a key is no text")
            if key in fields:
                raise self._wrong(key_node, f"the key `{key}` stands twice")
            fields[key] = self.value(item, depth + 1)
        return fields

    def _scalar(self, node: yaml.ScalarNode) -> Json:
        text: str = node.value
        if node.tag.startswith("!") or (node.style is None and node.tag not in (_STR, "?")):
            raise self._wrong(node, f"the tag `{node.tag}` has no meaning here")
        kind = next((name for name, form in _SCALARS if form.fullmatch(text)), "str") if node.style is None else "str"
        match kind:
            case "null":
                return None
            case "bool":
                return text == "true"
            case "int" if len(text) <= _MOST_DIGITS:
                return int(text)
            case "float" if len(text) <= _MOST_DIGITS:
                return float(text)
            case "int" | "float":
                raise self._wrong(node, "a number is too long")
            case _:
                return text

    def _wrong(self, node: yaml.Node, what: str) -> SuiteInvalid:
        return SuiteInvalid(self._name, node.start_mark.line + 1, what)


_STR = "tag:yaml.org,2002:str"


def _lines(node: Any) -> dict[str, tuple[int, ...]]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {
        str(key.value): tuple(item.start_mark.line + 1 for item in value.value)
        for key, value in node.value
        if isinstance(value, yaml.SequenceNode)
    }
