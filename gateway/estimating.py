"""What a held statement of PostgreSQL would touch, found out for whoever approves it. Called by the gate, built by `app`.

The gate says which statement is held, and is told once; nothing waits for it. INVARIANT: whatever happens here, or does not, neither
releases nor refuses anything. A planner is asked only where planning runs nothing that people made: here it is looked whether the
statement's text is such (`wish_of`), in `adapters.postgres.planner` whether what stands behind its relations is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeAlias

from adapters.core.ports import Question, Target
from adapters.postgres.planner import NoPlan, Wish
from engine.command.tree import Command, Effect, Operation, ParsedCommand
from gateway.approvals.estimate import PENDING, Estimate, no_estimate, read_plan
from gateway.asked import Asked
from gateway.telemetry import logger

MAX_RUNNING = 100
"""Statements that are asked about at once, on all targets."""
PLANNED = frozenset({"select", "select_for_update", "insert", "update", "delete", "merge"})
"""Kinds that EXPLAIN takes, and of which it runs nothing."""
HARMLESS = frozenset({"locking_clause", "secret_literal", "system_statistics", "whole_row"})
"""What else a statement may have. Everything that is not here may make planning run something, or is not known to run nothing."""
_SYSTEM = frozenset({"pg_catalog", "information_schema"})

Told: TypeAlias = Callable[[str, Estimate], None]
"""Takes an answer for a ticket. Called once, on a thread that may wait. Never raises."""


class Asks(Protocol):
    """What plans statements: `adapters.postgres.planner.Planner`."""

    async def plan(self, target: Target, wish: Wish) -> str:
        """The plan in JSON. Raises NoPlan."""


class Estimating:
    """The estimates of one gateway."""

    def __init__(self, planner: Asks, target_of: Callable[[Asked], Target | None]) -> None:
        """`target_of` is where a question would run."""
        self._planner = planner
        self._target_of = target_of
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: set[asyncio.Task[None]] = set()

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Ask planners on this loop from now on."""
        self._loop = loop

    def first(self, asked: Asked, command: ParsedCommand) -> Estimate | None:
        """What a new ticket says of it: nothing (no statement of PostgreSQL), why there is none, or that it is being asked for."""
        if not isinstance(asked.question, Question) or asked.question.protocol != "postgres":
            return None
        wish = wish_of(asked, command.command)
        return no_estimate(wish) if isinstance(wish, str) else PENDING

    def begin(self, ticket_id: str, asked: Asked, command: ParsedCommand, told: Told) -> None:
        """Ask for what `first` said is asked for. Returns at once, from any thread; never raises."""
        wish, loop = wish_of(asked, command.command), self._loop
        target = self._target_of(asked)
        if isinstance(wish, str):
            return
        if loop is None or target is None or len(self._running) >= MAX_RUNNING:
            told(ticket_id, no_estimate("no planner can be asked at the moment"))
            return
        try:
            loop.call_soon_threadsafe(self._start, ticket_id, target, wish, told)
        except RuntimeError:
            logger("estimating").info("a planner is not asked: the gateway stops", ticket=ticket_id)

    def _start(self, ticket_id: str, target: Target, wish: Wish, told: Told) -> None:
        task = asyncio.get_running_loop().create_task(self._ask(ticket_id, target, wish, told))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _ask(self, ticket_id: str, target: Target, wish: Wish, told: Told) -> None:
        try:
            found = read_plan(await self._planner.plan(target, wish))
        except NoPlan as error:
            found = no_estimate(str(error))
        except ValueError:
            found = no_estimate("the database's plan cannot be read")
        await asyncio.get_running_loop().run_in_executor(None, told, ticket_id, found)


def wish_of(asked: Asked, command: Command) -> Wish | str:
    """What a planner is to be asked, or in words why none is. Pure."""
    question, sql = asked.question, command.sql
    if not isinstance(question, Question) or asked.caller:
        return "it did not come over a connection of this gateway's"
    why = _unfit(command)
    if why is not None or sql is None:
        return why or "it is no SQL"
    path, role = question.state.get("search_path"), question.state.get("role")
    if question.catalog is None or not isinstance(path, list) or not isinstance(role, str):
        return "what its names mean is known to its session alone"
    relations = [_named(one) for one in sql.relations if one.partition(".")[0] not in _SYSTEM]
    known = [one for one in relations if one is not None]
    if len(known) != len(relations):
        return "a relation in it is not known"
    try:
        text = question.text.decode()
    except UnicodeDecodeError:
        return "it is no text"
    return Wish(text, tuple(map(str, path)), role, tuple(sorted(set(known))), question.parameters or ())


def _unfit(command: Command) -> str | None:
    """What of a statement's text keeps it from being planned."""
    sql, operations = command.sql, command.operations
    if not command.complete or command.problems:
        return "it could not be read to the bottom"
    if sql is None or sql.statements != 1 or sql.is_multi:
        return "there is more than one statement in it"
    first = next((one for one in operations if one.via == ("top",)), None)
    if first is None or first.kind not in PLANNED:
        return f"a planner is not asked about `{operations[0].kind if first is None else first.kind}`"
    strange = sorted(set(command.features) - HARMLESS)
    if strange:
        return f"planning it could run something (`{strange[0]}`)"
    return next((why for one in operations if (why := _runs(one)) is not None), None)


def _runs(operation: Operation) -> str | None:
    """What planning an operation could run."""
    made = next((target for target in operation.targets if target.type == "type"), None)
    if made is not None:
        return f"`{made.name}` is a type that people made"
    if operation.kind in PLANNED:
        return None
    if operation.kind != "call_function":
        return f"a planner is not asked about `{operation.kind}`"
    for target in operation.targets:
        is_ours = target.type == "function" and target.schema == "pg_catalog" and target.resolved
        if not is_ours or operation.effect is not Effect.READ:
            return f"planning it could run `{target.name}`"
    return None


def _named(relation: str) -> tuple[str, str] | None:
    """`schema.name` as a tree writes it, in its parts; None where a part is not known, or the two cannot be told apart."""
    schema, dot, name = relation.partition(".")
    is_plain = bool(dot and schema and name) and '"' not in relation and "." not in name and "?" not in (schema, name)
    return (schema, name) if is_plain else None
