"""The question: who, in which session, on which resource, runs what, when. Becomes Rego's `input` (docs/input.schema.json)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.command.tree import ParsedCommand

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. `kind`: user, agent or service."""

    name: str
    kind: str = "user"
    groups: tuple[str, ...] = ()
    attributes: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Session:
    """The connection a command came over. `job` ties it to an agent's run. Facts the adapter tracks stand in `state`."""

    id: str
    job: str | None = None
    application: str | None = None
    client_address: str | None = None
    state: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resource:
    """What the command would run on."""

    name: str
    protocol: str
    database: str | None = None
    role: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Approval:
    """A grant that a held command was given; stands in the input as `context.approval` when it is decided again."""

    ticket: str
    approvers: tuple[str, ...]
    rules: tuple[str, ...]
    granted_at: int


@dataclass(frozen=True, slots=True)
class Request:
    """One question. `now` is UTC nanoseconds since the epoch, always handed in."""

    principal: Principal
    session: Session
    resource: Resource
    command: ParsedCommand
    now: int
    context: Mapping[str, Json] = field(default_factory=dict)
    approval: Approval | None = None
