"""The question: who, in which session, on which resource, runs what, when. Becomes Rego's `input` (docs/input.schema.json)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TypeAlias

from engine.command.tree import Effect, ParsedCommand

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
class Counts:
    """What a principal, or one job of theirs, did before this command, over a sliding minute and a sliding hour.

    `commands` were granted, `rows` and `bytes` came back of those that are over, `objects` are the different tables, files, routes
    and so on that they used, with those of this command; `first_uses`: what their kind of job had never done before.
    """

    commands_last_minute: int = 0
    rows_last_minute: int = 0
    bytes_last_minute: int = 0
    denials_last_minute: int = 0
    holds_last_minute: int = 0
    first_uses_last_minute: int = 0
    objects_last_minute: int = 0
    commands_last_hour: int = 0
    rows_last_hour: int = 0
    bytes_last_hour: int = 0
    denials_last_hour: int = 0
    holds_last_hour: int = 0
    first_uses_last_hour: int = 0
    objects_last_hour: int = 0


COUNTS = tuple(one.name for one in fields(Counts))


@dataclass(frozen=True, slots=True)
class FirstUse:
    """Something a command does that jobs of its kind never did: a kind of operation, its effect, its target (type and name)."""

    operation: str
    effect: Effect
    object: str = ""


@dataclass(frozen=True, slots=True)
class Activity(Counts):
    """What the principal did, on all resources and in all sessions; `job`: this job's part of it, or that without a job.

    `kind` is the job's kind, its name without numbers; `known_uses` is how many different things jobs of that kind were granted
    before; `unseen` is what of this command was not among them (the first 20; `unseen_count`: all). Not `exact`: a number may
    differ from what happened, see docs/activity.md. Stands in the input as `context.activity`; the gate alone fills it in.
    """

    job: Counts = field(default_factory=Counts)
    kind: str = ""
    known_uses: int = 0
    unseen: tuple[FirstUse, ...] = ()
    unseen_count: int = 0
    exact: bool = True


def quiet_activity() -> dict[str, Json]:
    """The activity of somebody who did nothing yet, as it stands in a context."""
    counts: dict[str, Json] = dict.fromkeys(COUNTS, 0)
    return {
        **counts,
        "job": dict(counts),
        "kind": "",
        "known_uses": 0,
        "unseen": [],
        "unseen_count": 0,
        "exact": True,
    }


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
