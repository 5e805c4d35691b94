"""A command stated as a ready tree instead of a text: `command: {protocol: postgres, tree: {operations: [...], ...}}`.

For suites that try what no text of a protocol comes to today, and for protocols whose parser is still to come. The keys
are those of the JSON form of `engine/command/tree.py`; what is not stated has its plain value. Used by `runner.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from engine.command.tree import Command, ParsedCommand
from engine.errors import InputInvalid
from engine.request import Json

_FIELDS = ("protocol", "tree")


def has_tree(stated: Json) -> bool:
    """Whether a stated command is a tree."""
    return isinstance(stated, dict) and "tree" in stated


def tree_of(stated: Json) -> ParsedCommand:
    """The command. Raises InputInvalid for a tree that has a field too many, or one of a wrong type."""
    if not isinstance(stated, dict) or not isinstance(stated.get("tree"), dict):
        raise InputInvalid("`command.tree` is no object")
    for key in stated:
        if key not in _FIELDS:
            raise InputInvalid(f"`command` with a tree has no field `{key[:60]}`; it has {', '.join(_FIELDS)}")
    tree = stated["tree"]
    protocol = stated.get("protocol")
    if not isinstance(protocol, str) or not isinstance(tree, dict):
        raise InputInvalid("`command.protocol` is missing or no text")
    text = tree.get("text", "")
    digest = hashlib.sha256(f"{protocol}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()
    operations = tree.get("operations")
    if isinstance(operations, list):
        operations = [{"via": ["top"], **one} if isinstance(one, dict) else one for one in operations]
    whole = {"text": text, "digest": digest, **tree, "operations": operations, "protocol": protocol}
    try:
        command = msgspec.convert(whole, Command)
    except msgspec.ValidationError as error:
        raise InputInvalid(f"`command.tree` is no command tree: {error}") from None
    _check_fields(whole, msgspec.to_builtins(command), "command.tree")
    return ParsedCommand.of(command)


def _check_fields(stated: object, known: object, where: str) -> None:
    """INVARIANT: a misspelled field is an error; passed over it could turn a test green."""
    if isinstance(stated, Mapping) and isinstance(known, Mapping):
        for key, value in stated.items():
            if key not in known:
                raise InputInvalid(f"`{where}` has no field `{str(key)[:60]}`")
            _check_fields(value, known[key], f"{where}.{key}")
    elif isinstance(stated, list) and isinstance(known, list | tuple):
        for at, (one, other) in enumerate(zip(stated, known, strict=True)):
            _check_fields(one, other, f"{where}[{at}]")
