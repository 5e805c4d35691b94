"""What is particular to a protocol in a command tree, as maps of values: one codec for every dataclass of such facts.

The names and types are those of docs/input.schema.json; what does not fit them is refused, with the field it is about.
Called by `commands`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from engine.request import Json
from gateway.rpc.codec.values import read_map, write_map
from gateway.rpc.refusals import bad_input
from grpc_proto.sallyport.decision.v1 import decision_pb2 as pb

Facts = TypeVar("Facts")


def read_facts(message: pb.ValueMap, kind: type[Facts], where: str) -> Facts:
    """The facts of a message. Raises CallRefused when they are none of that kind, or hold a field it does not have."""
    plain = read_map(message.fields, where)
    try:
        found = msgspec.convert(plain, kind, strict=True)
    except msgspec.ValidationError as error:
        raise bad_input(f"{where}: {error}") from None
    strange = _strange(plain, _plain(found))
    if strange is not None:
        raise bad_input(f"{where}: there is no field `{strange}`")
    return found


def write_facts(into: pb.ValueMap, facts: object) -> None:
    """Fill the message of facts; what is None is absent."""
    into.SetInParent()
    write_map(into.fields, {name: value for name, value in _plain(facts).items() if value is not None})


def _plain(facts: object) -> dict[str, Json]:
    found: dict[str, Json] = msgspec.msgpack.decode(msgspec.msgpack.encode(facts))
    return found


def _strange(given: Mapping[str, Json], known: Mapping[str, Json]) -> str | None:
    """A field that was given and that nobody knows, at any depth."""
    for name, value in given.items():
        if name not in known:
            return name
        inside = known[name]
        if isinstance(value, dict) and isinstance(inside, dict):
            deeper = _strange(value, inside)
            if deeper is not None:
                return deeper
    return None
