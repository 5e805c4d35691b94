"""What servers send besides errors: descriptions of results, tags, states."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from adapters.postgres.messages.frames import Back, frame, only_text, refuse, text_at

_FIELD = struct.Struct("!IhIhih")
_I16 = struct.Struct("!h")

IDLE = ord("I")
IN_TRANSACTION = ord("T")
FAILED = ord("E")


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a result. `relation` and `number` say which base column it is, 0 when it is none."""

    name: str
    relation: int
    number: int
    type_oid: int
    format: int


def decode_row_description(body: bytes) -> tuple[Field, ...]:
    if len(body) < 2:
        raise refuse("a RowDescription is too short")
    count: int = _I16.unpack_from(body, 0)[0]
    at = 2
    fields: list[Field] = []
    for _ in range(count):
        name, at = text_at(body, at)
        if len(body) < at + _FIELD.size:
            raise refuse("a RowDescription ends inside a field")
        relation, number, type_oid, _, _, format = _FIELD.unpack_from(body, at)
        fields.append(Field(name.decode("utf-8", "replace"), relation, number, type_oid, format))
        at += _FIELD.size
    if at != len(body):
        raise refuse("something follows the last field of a RowDescription")
    return tuple(fields)


def decode_data_row(body: bytes) -> tuple[bytes | None, ...]:
    """The cells of one row; for the gateway's own small questions."""
    if len(body) < 2:
        raise refuse("a row is too short")
    count: int = _I16.unpack_from(body, 0)[0]
    at = 2
    cells: list[bytes | None] = []
    for _ in range(count):
        if len(body) < at + 4:
            raise refuse("a row ends inside a cell")
        length: int = struct.unpack_from("!i", body, at)[0]
        at += 4
        if length < 0:
            cells.append(None)
            continue
        if len(body) < at + length:
            raise refuse("a row ends inside a cell")
        cells.append(body[at : at + length])
        at += length
    return tuple(cells)


def decode_status(body: bytes) -> tuple[str, str]:
    """ParameterStatus: a setting and its value."""
    name, at = text_at(body, 0)
    value = only_text(body[at:])
    return name.decode("utf-8", "replace"), value.decode("utf-8", "replace")


def encode_status(name: str, value: str) -> bytes:
    return frame(Back.PARAMETER_STATUS, name.encode() + b"\0" + value.encode() + b"\0")


def encode_ready(status: int) -> bytes:
    return frame(Back.READY, bytes((status,)))


def encode_tag(tag: bytes) -> bytes:
    return frame(Back.COMMAND_COMPLETE, tag + b"\0")


def rows_of(tag: bytes) -> int:
    """The number of rows a tag speaks of (`INSERT 0 5`, `SELECT 3`), 0 when it speaks of none."""
    last = tag.rpartition(b" ")[2]
    return int(last) if last.isdigit() else 0
