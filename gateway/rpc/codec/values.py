"""JSON values as messages: 64-bit integers stay integers, what JSON cannot say is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import assert_never

from google.protobuf.internal.containers import MessageMap

from engine.request import Json
from gateway.rpc.limits import MAX_DEPTH, MAX_VALUES
from gateway.rpc.refusals import bad_input, too_large
from grpc_proto.sallyport.decision.v1 import decision_pb2 as pb

_INTEGERS = range(-(1 << 63), 1 << 63)


def read_map(fields: Mapping[str, pb.Value], where: str) -> dict[str, Json]:
    """The JSON object of a map of values. `where` names it in a refusal."""
    if not fields:
        return {}
    budget = _Budget(where)
    return {key: budget.read(fields[key], 1) for key in fields}


def read_value(value: pb.Value, where: str) -> Json:
    """The JSON value of a message."""
    return _Budget(where).read(value, 1)


class _Budget:
    """Counts what was read of one map, so that nesting and breadth stay bounded together."""

    __slots__ = ("left", "where")

    def __init__(self, where: str) -> None:
        self.left = MAX_VALUES
        self.where = where

    def read(self, value: pb.Value, depth: int) -> Json:
        self.left -= 1
        if self.left < 0:
            raise too_large(f"values in {self.where}", MAX_VALUES + 1, MAX_VALUES)
        match value.WhichOneof("kind"):
            case "text":
                return value.text
            case "integer":
                return value.integer
            case "boolean":
                return value.boolean
            case "number":
                if not math.isfinite(value.number):
                    raise bad_input(f"{self.where}: a number that JSON cannot say (infinite or not a number)")
                return value.number
            case "null":
                if value.null != pb.Value.NULL:
                    raise bad_input(f"{self.where}: null has no such value")
                return None
            case "list":
                self._deeper(depth)
                return [self.read(item, depth + 1) for item in value.list.items]
            case "object":
                self._deeper(depth)
                fields = value.object.fields
                return {key: self.read(fields[key], depth + 1) for key in fields}
            case None:
                raise bad_input(f"{self.where}: a value without a kind (null is a kind)")
            case other:
                assert_never(other)

    def _deeper(self, depth: int) -> None:
        if depth >= MAX_DEPTH:
            raise too_large(f"nesting of {self.where}", depth + 1, MAX_DEPTH)


def write_map(into: MessageMap[str, pb.Value], fields: Mapping[str, Json]) -> None:
    """Fill a map of values. Raises CallRefused for what a value cannot hold."""
    for key, item in fields.items():
        write(into[key], item, 1)


def write(into: pb.Value, value: Json, depth: int = 1) -> None:
    """Fill one value."""
    match value:
        case None:
            into.null = pb.Value.NULL
        case bool():
            into.boolean = value
        case int():
            if value not in _INTEGERS:
                raise bad_input("an integer that does not fit 64 bits")
            into.integer = value
        case float():
            into.number = value
        case str():
            into.text = value
        case list():
            _shallow(depth)
            into.list.SetInParent()
            for item in value:
                write(into.list.items.add(), item, depth + 1)
        case dict():
            _shallow(depth)
            into.object.SetInParent()
            for key, item in value.items():
                write(into.object.fields[key], item, depth + 1)
        case _:
            assert_never(value)


def _shallow(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise too_large("nesting of a value", depth + 1, MAX_DEPTH)
