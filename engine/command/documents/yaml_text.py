"""YAML as Kubernetes reads it, from the parser's events: bounded, without tags of its own, keys once.

Refused: duplicate keys, keys that are no text, merge keys, unknown tags, an alias inside its own anchor, too many
values with aliases counted each time (a billion laughs is a billion), too deep, too long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from engine.command.documents.refusal import Refused
from engine.command.documents.values import LARGEST, MAX_DEPTH, MAX_NODES, SMALLEST, Value

MAX_BYTES = 512 * 1024
"""Above this a YAML text is refused: a manifest of that size is generated, and can be sent as JSON."""
MAX_DOCUMENTS = 1000

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON")
_FALSE = re.compile(r"n|N|no|No|NO|false|False|FALSE|off|Off|OFF")
_INTEGER = re.compile(r"[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?")
_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset({"str", "int", "float", "bool", "null", "map", "seq", "timestamp", "binary"})


def read_yaml(raw: bytes) -> list[Value]:
    """The documents of a YAML text; empty ones are left out. Raises Refused."""
    if len(raw) > MAX_BYTES:
        raise Refused("yaml_size", f"the YAML is longer than {MAX_BYTES} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("yaml_encoding", "the YAML is not UTF-8", error.start) from None
    try:
        return [document for document in _documents(text) if document is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark is not None else ""
        raise Refused("yaml_syntax", f"the YAML cannot be read{line}") from None
    except (ValueError, OverflowError):
        raise Refused("yaml_syntax", "the YAML cannot be read") from None


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read."""

    made: list[Value] | dict[str, Value]
    anchor: str | None
    key: str | None = None
    size: int = 1


@dataclass(slots=True)
class _Reader:
    open: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Value, int]] = field(default_factory=dict)
    nodes: int = 0
    result: Value = None

    def take(self, value: Value, size: int, anchor: str | None) -> None:
        """A finished value: into what is open, or the document itself."""
        if anchor is not None:
            self.anchors[anchor] = (value, size)
        if not self.open:
            self.result = value
            return
        place = self.open[-1]
        place.size += size
        if isinstance(place.made, list):
            place.made.append(value)
        elif place.key is None:
            place.key = _key(value, place.made)
        else:
            place.made[place.key] = value
            place.key = None

    def count(self, more: int) -> None:
        self.nodes += more
        if self.nodes > MAX_NODES:
            raise Refused("yaml_size", f"the YAML has more than {MAX_NODES} values, aliases counted each time")

    def begin(self, made: list[Value] | dict[str, Value], anchor: str | None) -> None:
        if len(self.open) >= MAX_DEPTH:
            raise Refused("yaml_depth", f"the YAML is nested deeper than {MAX_DEPTH}")
        self.open.append(_Open(made, anchor))

    def end(self) -> None:
        done = self.open.pop()
        self.take(done.made, done.size, done.anchor)

    def alias(self, anchor: str) -> None:
        known = self.anchors.get(anchor)
        if known is None:
            raise Refused("yaml_alias", "the YAML has an alias of something that is not finished or not there")
        self.count(known[1])
        if self._depth_of(known[0]) + len(self.open) > MAX_DEPTH:
            raise Refused("yaml_depth", f"the YAML is nested deeper than {MAX_DEPTH}")
        self.take(known[0], known[1], None)

    def _depth_of(self, value: Value) -> int:
        depth, level = 0, [value]
        while level:
            depth += 1
            inside: list[Value] = []
            for item in level:
                inside.extend(item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
            level = inside
        return depth


def _documents(text: str) -> Iterator[Value]:
    reader = _Reader()
    documents = 0
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        match event:
            case yaml.DocumentStartEvent():
                reader = _Reader(nodes=reader.nodes)
                documents += 1
                if documents > MAX_DOCUMENTS:
                    raise Refused("yaml_size", f"the YAML has more than {MAX_DOCUMENTS} documents")
            case yaml.DocumentEndEvent():
                yield reader.result
            case yaml.ScalarEvent():
                reader.count(1)
                reader.take(_scalar(event), 1, event.anchor)
            case yaml.SequenceStartEvent():
                _check_tag(event.tag)
                reader.count(1)
                reader.begin([], event.anchor)
            case yaml.MappingStartEvent():
                _check_tag(event.tag)
                reader.count(1)
                reader.begin({}, event.anchor)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                reader.end()
            case yaml.AliasEvent():
                reader.alias(event.anchor or "")
            case yaml.StreamStartEvent() | yaml.StreamEndEvent():
                continue
            case _:
                raise Refused("yaml_syntax", "the YAML has something that is not known")


def _key(value: Value, made: dict[str, Value]) -> str:
    match value:
        case str():
            key = value
        case bool():
            key = "true" if value else "false"
        case int() | float():
            key = str(value)
        case _:
            raise Refused("yaml_key", "the YAML has a key that is no text")
    if key == "<<":
        raise Refused("yaml_merge", "the YAML merges mappings (`<<`), which readers do differently")
    if key in made:
        raise Refused("yaml_duplicate_key", f"the key `{key[:60]}` stands twice in one YAML mapping")
    return key


def _check_tag(tag: str | None) -> str | None:
    if tag is None or tag == "!":
        return None
    name = tag.removeprefix(_TAG)
    if name == tag or name not in _PLAIN_TAGS:
        raise Refused("yaml_tag", f"the YAML has the tag `{tag[:60]}`")
    return name


def _scalar(event: yaml.ScalarEvent) -> Value:
    name = _check_tag(event.tag)
    text: str = event.value
    if name in ("str", "binary", "timestamp") or (name is None and not event.implicit[0]):
        return text
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    if len(text) <= 64 and _INTEGER.fullmatch(text):
        return _integer(text)
    if len(text) <= 64 and _FLOAT.fullmatch(text):
        return _float(text)
    return text


def _integer(text: str) -> Value:
    digits = text.replace("_", "").lower()
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    radix = {"0b": 2, "0o": 8, "0x": 16}.get(digits[:2])
    if radix is not None:
        digits = digits[2:]
    elif len(digits) > 1 and digits.startswith("0") and all(digit in "01234567" for digit in digits):
        radix = 8
    if not digits:
        return text
    number = sign * int(digits, radix or 10)
    return number if SMALLEST <= number <= LARGEST else float(number)


def _float(text: str) -> Value:
    number = float(text.replace("_", "") or "nan") if any(char.isdigit() for char in text) else text
    if isinstance(number, float) and number in (float("inf"), float("-inf")):
        raise Refused("yaml_number", f"the number `{text[:40]}` is beyond what readers hold")
    return number
