"""Objects in Kubernetes' protobuf as the documents they are in JSON, so that what is judged and what goes on is one text.

The messages are those of `protobuf.tsv`. Refused, never skipped: a field that no message there has, a field twice that stands
once, a kind nobody knows, what is cut off, nested too deep or of another wire type. Called by the Kubernetes adapter.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files

from engine.command.documents.json_text import read_json
from engine.command.documents.refusal import Refused
from engine.command.documents.values import MAX_DEPTH, MAX_NODES, Value

MEDIA = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a message: its name in JSON, `one`, `many`, `map` or `inline`, and of what."""

    name: str
    shape: str
    of: str


_Message = dict[int, _Field]


@cache
def _table() -> tuple[dict[str, _Message], dict[tuple[str, str], str]]:
    """The messages by name, and the names of those that are kinds by apiVersion and kind."""
    messages: dict[str, _Message] = {}
    kinds: dict[tuple[str, str], str] = {}
    name = ""
    for line in (files("engine.command.kubernetes") / "protobuf.tsv").read_text(encoding="utf-8").splitlines():
        if line.startswith("\t"):
            _, number, field, shape, of = line.split("\t")
            messages[name][int(number)] = _Field(field, shape, of)
        elif line and not line.startswith("#"):
            name, api_version = line.split("\t")
            messages[name] = {}
            if api_version != "-":
                kinds[api_version, name.rpartition(".")[2]] = name
    return messages, kinds


def read_protobuf(raw: bytes) -> dict[str, Value]:
    """The document that an object in protobuf is. Raises Refused."""
    if not raw.startswith(_MAGIC):
        raise _bad("the body does not begin as Kubernetes' protobuf does")
    outer = dict(_once(raw[len(_MAGIC) :]))
    type_meta = {number: _text(value) for number, value in _once(_whole(outer.pop(1, b"")))}
    inside = _whole(outer.pop(2, b""))
    if any(_whole(value) for value in outer.values()) or set(outer) - {3, 4} or set(type_meta) - {1, 2}:
        raise _bad("the body is encoded again inside, or its envelope has a field nobody knows")
    api_version, kind = type_meta.get(1, ""), type_meta.get(2, "")
    name = "meta.DeleteOptions" if kind == "DeleteOptions" else _table()[1].get((api_version, kind))
    if name is None:
        raise _bad(f"`{api_version[:100]}` `{kind[:100]}` is no kind that is read in protobuf; send JSON")
    return {"apiVersion": api_version, "kind": kind, **_Reader().message(name, inside, 0)}


class _Reader:
    """Reads one object; counts what it makes."""

    def __init__(self) -> None:
        self._nodes = 0

    def message(self, name: str, data: bytes, depth: int) -> dict[str, Value]:
        known = _table()[0].get(name)
        if known is None or depth > MAX_DEPTH:
            raise _bad(f"`{name}` is not read, or nested too deep")
        made: dict[str, Value] = {}
        for number, value in _fields(data):
            self._nodes += 1
            if self._nodes > MAX_NODES:
                raise _bad("the body has too many values")
            field = known.get(number)
            if field is None:
                raise _bad(f"`{name}` has no field {number} that anybody knows")
            self._put(made, field, value, depth)
        return made

    def _put(self, made: dict[str, Value], field: _Field, value: int | bytes, depth: int) -> None:
        match field.shape:
            case "many":
                many = made.setdefault(field.name, [])
                assert isinstance(many, list)
                many.append(self._value(field.of, value, depth))
                return
            case "map":
                entries = made.setdefault(field.name, {})
                assert isinstance(entries, dict)
                key, inside = self._entry(field, _whole(value), depth)
                new: dict[str, Value] = {key: inside}
                _join(entries, new)
            case "inline":
                _join(made, self.message(field.of, _whole(value), depth + 1))
            case _ if field.of == "strings":
                _join(made, {field.name: [_text(one) for _, one in _fields(_whole(value))]})
            case _:
                _join(made, {field.name: self._value(field.of, value, depth)})

    def _entry(self, field: _Field, data: bytes, depth: int) -> tuple[str, Value]:
        pair = dict(_once(data))
        if set(pair) - {1, 2}:
            raise _bad("an entry of a map has more than a key and a value")
        if field.of == "strings":
            return _text(pair.get(1, b"")), [_text(one) for _, one in _fields(_whole(pair.get(2, b"")))]
        return _text(pair.get(1, b"")), self._value(field.of, pair.get(2, b""), depth)

    def _value(self, of: str, value: int | bytes, depth: int) -> Value:
        match of:
            case "string":
                return _text(value)
            case "bytes":
                return base64.b64encode(_whole(value)).decode("ascii")
            case "int":
                number = _number(value)
                return number - (1 << 64) if number >= 1 << 63 else number
            case "bool":
                return _number(value) != 0
            case "double":
                return _double(_whole(value))
            case "time":
                return _time(_whole(value))
            case "quantity":
                return _text(dict(_once(_whole(value))).get(1, b""))
            case "int_or_string":
                return _int_or_string(_whole(value))
            case "json":
                inside = _whole(dict(_once(_whole(value))).get(1, b""))
                return read_json(inside) if inside else None
            case _:
                return self.message(of, _whole(value), depth + 1)


def _join(made: dict[str, Value], more: dict[str, Value]) -> None:
    # INVARIANT: no value hides another. Readers of protobuf take the last of two, or join them.
    if any(name in made for name in more):
        raise _bad("a field that stands once stands twice")
    made.update(more)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message in order: numbers as they are, everything else as its bytes."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(wire, -1)
        if wire == _BYTES:
            size, at = _varint(data, at)
        if size < 0 or at + size > len(data):
            raise _bad("the body is cut off, or of a wire type that is not read")
        yield number, data[at : at + size]
        at += size


def _once(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The same of a message whose fields stand once."""
    seen: set[int] = set()
    for number, value in _fields(data):
        if number in seen:
            raise _bad("a field that stands once stands twice")
        seen.add(number)
        yield number, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    made = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        made |= (byte & 0x7F) << shift
        if byte < 0x80:
            if made >= 1 << 64:
                break
            return made, at
    raise _bad("the body has a number that is none")


def _whole(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise _bad("a field has a number where it has bytes")
    return value


def _number(value: int | bytes) -> int:
    if not isinstance(value, int):
        raise _bad("a field has bytes where it has a number")
    return value


def _text(value: int | bytes) -> str:
    try:
        return _whole(value).decode("utf-8")
    except UnicodeDecodeError:
        raise _bad("a text is not UTF-8") from None


def _double(value: bytes) -> float:
    if len(value) != 8:
        raise _bad("a field has something else where it has a fraction")
    made: float = struct.unpack("<d", value)[0]
    return made


def _time(data: bytes) -> str | None:
    """A moment as JSON has it; None for the one that was not set."""
    parts = {number: _number(value) for number, value in _once(data)}
    if set(parts) - {1, 2} or parts.get(1, 0) > 1 << 37:
        raise _bad("a moment is none")
    if not parts:
        return None
    moment = _EPOCH + timedelta(seconds=parts.get(1, 0), microseconds=parts.get(2, 0) // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if moment.microsecond else "%Y-%m-%dT%H:%M:%SZ")


def _int_or_string(data: bytes) -> Value:
    parts = dict(_once(data))
    if set(parts) - {1, 2, 3} or parts.get(1, 0) not in (0, 1):
        raise _bad("what is a number or a text is neither")
    if parts.get(1, 0) == 1:
        return _text(parts.get(3, b""))
    number = _number(parts.get(2, 0))
    return number - (1 << 64) if number >= 1 << 63 else number


def _bad(message: str) -> Refused:
    return Refused("protobuf", message)
