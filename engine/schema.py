"""The shape of `input`, read off the dataclasses: JSON Schema.

`docs/input.schema.json` is `input_schema_text()`, and a test holds it fresh. A field that may be absent is one that is
None by default: nulls never reach a policy. Called by `sallyport schema` and the `.gate` language; the compiler's check of paths
reads what it wrote (`engine/compiler/published.py`).
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

from engine.command.tree import Command, Operation
from engine.request import Activity, Approval, Json, Principal, Resource, Session

_SCALARS: Mapping[object, Mapping[str, Json]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
}


HIDDEN = frozenset({"span"})
"""Fields of an operation that the core takes out of the document: two texts that differ in the length of a number alone
must look the same to a policy that does not read the text."""


def input_schema() -> dict[str, Json]:
    """The JSON Schema (2020-12) of the input document. An object without `properties` may hold anything."""
    sections: dict[str, Json] = {
        "principal": _object(Principal),
        "session": _object(Session),
        "resource": _object(Resource),
        "command": _command(),
        "context": _context(),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:sallyport:input",
        "title": "input",
        "description": "What a policy sees as `input`: who, in which session, on which resource, runs what, when.",
        "type": "object",
        "properties": sections,
        "required": list(sections),
        "additionalProperties": False,
    }


def input_schema_text() -> str:
    """The schema as `docs/input.schema.json` holds it."""
    return json.dumps(input_schema(), indent=2, ensure_ascii=False) + "\n"


def _command() -> dict[str, Json]:
    schema = _object(Command)
    # INVARIANT: a command has an operation, else `every operation ...` would hold of nothing.
    operations: dict[str, Json] = {"type": "array", "items": _object(Operation, hidden=HIDDEN), "minItems": 1}
    properties = schema["properties"]
    return schema | {"properties": {**properties, "operations": operations} if isinstance(properties, dict) else {}}


def _context() -> dict[str, Json]:
    return {
        "type": "object",
        "description": "What else the caller knows; `now` (RFC 3339, UTC) and `approval` are filled in by the engine, `activity` by the gate.",
        "properties": {
            "now": {"type": "string", "format": "date-time"},
            "approval": _object(Approval),
            "activity": _object(Activity),
        },
        "required": ["now"],
        "additionalProperties": True,
    }


def _object(of: type, hidden: frozenset[str] = frozenset()) -> dict[str, Json]:
    hints = get_type_hints(of)
    properties: dict[str, Json] = {}
    required: list[Json] = []
    for field in dataclasses.fields(of):
        if field.name in hidden:
            continue
        properties[field.name] = _schema(hints[field.name])
        if field.default is not None:
            required.append(field.name)
    return {
        "type": "object",
        "description": " ".join((of.__doc__ or "").split()),
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _schema(hint: Any) -> dict[str, Json]:
    if hint in _SCALARS:
        return dict(_SCALARS[hint])
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"type": "string", "enum": [member.value for member in hint]}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _object(hint)
    origin, inside = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        present = [option for option in inside if option is not types.NoneType]
        return _schema(present[0]) if len(present) == 1 else {}
    if origin is tuple:
        return _array(inside)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _schema(inside[1]) or True}
    # What is left is free JSON: anything may stand there.
    return {}


def _array(inside: tuple[Any, ...]) -> dict[str, Json]:
    if len(inside) == 2 and inside[1] is Ellipsis:
        return {"type": "array", "items": _schema(inside[0])}
    return {"type": "array", "prefixItems": [_schema(item) for item in inside], "items": False}
