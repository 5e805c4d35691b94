"""What a command does to what, as two lists: the objects that are counted, and the uses that a kind of job is known by. Pure.

An object is a table, a file, a route: something that holds data or can be acted on; not a function, a program or a setting. A use
is a kind of operation on anything at all. Called by `gateway.counting`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from engine.command.tree import ParsedCommand
from engine.errors import InputInvalid
from engine.masking.patterns import hide_secrets
from engine.request import Resource, Session

MAX_NAMED = 200
"""Objects, and uses, of one command that are looked at one by one."""
MAX_SAID = 200
"""Characters of a use as people read it."""
NO_OBJECTS = frozenset(
    {
        *("function", "operator", "type", "program", "column", "setting", "method", "capability", "module"),
        *("variable", "protocol", "field", "channel"),
    }
)
"""Types of targets that are means, not objects."""
_NUMBERED = re.compile(
    r"(?<=/)(?:[0-9]+|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{16,})(?=/|\Z)"
)
"""A step of a path that only tells one thing from another of its kind."""


class _Target(msgspec.Struct):
    type: str
    name: str


class _Operation(msgspec.Struct):
    kind: str
    effect: str
    targets: tuple[_Target, ...] = ()


class _Tree(msgspec.Struct):
    operations: tuple[_Operation, ...]
    complete: bool = False


_TREE = msgspec.msgpack.Decoder(_Tree)


@dataclass(frozen=True, slots=True)
class Use:
    """A kind of operation on something. `key` stands for it together with its resource; `object` is for people."""

    key: bytes
    operation: str
    effect: str
    object: str


@dataclass(frozen=True, slots=True)
class Touched:
    """What one command does. `unnamed`: objects beyond those that were looked at, or that nobody could see; `more`: such uses."""

    objects: tuple[int, ...] = ()
    unnamed: int = 0
    uses: tuple[Use, ...] = ()
    more: int = 0


def touched_by(tree: ParsedCommand, resource: Resource, session: Session) -> Touched:
    """What a command does on a resource. Raises InputInvalid for what is no tree."""
    try:
        found = _TREE.decode(tree.encoded)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputInvalid(f"the command is no command tree: {error}") from None
    place = f"{resource.name}\0{resource.database or ''}\0"
    path = f"\0{session.state.get('search_path')!r}"
    objects: set[int] = set()
    uses: dict[bytes, Use] = {}
    beyond: set[tuple[str, str]] = set()
    more = 0
    for kind, effect, target in _steps(found):
        # WHY the path: without a catalog `?.orders` is whatever it finds first there.
        where = path if target is not None and "?" in target.name else ""
        if target is not None and target.type not in NO_OBJECTS:
            if len(objects) < MAX_NAMED:
                objects.add(int.from_bytes(_digest(f"{place}{target.type}\0{target.name}{where}", 8)))
            else:
                beyond.add((target.type, target.name))
        if len(uses) < MAX_NAMED:
            use = _use(place, kind, effect, target, where)
            uses.setdefault(use.key, use)
        else:
            more += 1
    unseen = 0 if found.complete else 1
    return Touched(tuple(objects), len(beyond) + unseen, tuple(uses.values()), more)


def _steps(tree: _Tree) -> Iterator[tuple[str, str, _Target | None]]:
    for operation in tree.operations:
        if not operation.targets:
            yield operation.kind, operation.effect, None
        for target in operation.targets:
            yield operation.kind, operation.effect, target


def _use(place: str, kind: str, effect: str, target: _Target | None, where: str) -> Use:
    name = "" if target is None else f"{target.type} {_shape(target)}"
    key = _digest(f"{place}{kind}\0{effect}\0{name}{where}", 16)
    said = hide_secrets(name[: 4 * MAX_SAID])
    return Use(key, kind, effect, said if len(said) <= MAX_SAID else f"{said[: MAX_SAID - 1]}…")


def _shape(target: _Target) -> str:
    """The name, without what tells one thing from another of its kind where such names are made anew all the time."""
    match target.type:
        case "route":
            return _NUMBERED.sub("*", target.name)
        case "pod":
            return f"{target.name.rpartition('/')[0]}/*"
        case _:
            return target.name


def _digest(text: str, size: int) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()
