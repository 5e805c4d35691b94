"""What a remembered approval covers: commands of one shape, of one job of one principal that one prompt set off. Pure.

Two commands are alike when they differ in literals alone: the parser's key of their shape is the same, and so is the whole tree
but for the text, its digest and where things stand in it. Called by the gate through `recalling`.
"""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import msgspec

from engine.command.tree import Command, Effect, ParsedCommand
from engine.request import Resource, Session

# WHY late: tickets hold a likeness.
if TYPE_CHECKING:
    from gateway.approvals.states import Binding

_UNSEEN = ("unknown", "opaque", "dynamic", "custom_operator", "sql_text", "secret_literal")
"""With what a kind, a feature or a type of target begins that says: nobody saw this to the bottom, or nobody should see it again."""
_ENCODER = msgspec.msgpack.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True)
class Likeness:
    """What has to be the same. `shape` and `meaning` are digests, `prompt` one of the text, empty where nobody stated one."""

    principal: str
    resource: str
    protocol: str
    job: str
    prompt: str
    revision: str
    shape: str
    meaning: str

    @property
    def key(self) -> str:
        """One digest of all of it."""
        return _digest(astuple(self))


def likeness_of(
    binding: Binding, command: ParsedCommand, shape: bytes | None, resource: Resource, session: Session
) -> Likeness | None:
    """What a command is like; None for one that is approved by itself or not at all.

    `shape` is the parser's key: texts that share it differ in literals alone; None where it cannot say. INVARIANT: without a job,
    or where the tree says that something of it was not seen, nothing is like anything.
    """
    if shape is None or not binding.job or not _is_seen(command.command):
        return None
    tree = {name: value for name, value in command.document().items() if name not in ("text", "digest")}
    operations = tree["operations"]
    if not isinstance(operations, list):
        return None
    tree["operations"] = [{name: value for name, value in one.items() if name != "span"} for one in operations]
    place = (resource.database, resource.role, session.state.get("role"), session.state.get("search_path"))
    return Likeness(
        principal=binding.principal,
        resource=binding.resource,
        protocol=binding.protocol,
        job=binding.job,
        prompt=binding.prompt,
        revision=binding.revision,
        shape=hashlib.sha256(shape).hexdigest(),
        meaning=_digest((tree, place)),
    )


def _is_seen(command: Command) -> bool:
    """Whether the tree was read to its bottom, and no literal had a say in it."""
    if not command.complete or command.problems or not command.operations:
        return False
    if command.sql is None or command.sql.constants_matter:
        return False
    kinds = [one.kind for one in command.operations]
    types = [target.type for one in command.operations for target in one.targets]
    return not any(word.startswith(_UNSEEN) for word in (*kinds, *types, *command.features)) and not any(
        one.effect is Effect.UNKNOWN for one in command.operations
    )


def _digest(what: object) -> str:
    return hashlib.sha256(_ENCODER.encode(what)).hexdigest()
