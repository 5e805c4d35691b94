"""A command tree as text for people: what Sallyport sees in a command. Plain text; `sallyport parse` prints it and
`gateway/cli/coloured.py` gives it colours on a terminal.

Text from the command is shown with its control characters escaped, so a command cannot draw on the reader's terminal.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from engine.command.tree import Command, Operation, Output, Sql, Target

T = TypeVar("T")

MAX_TEXT = 400
MAX_LISTED = 40


def tree_text(command: Command) -> str:
    """The tree, a line for each operation, target, column and problem."""
    return "\n".join(_lines(command)) + "\n"


def _lines(command: Command) -> Iterator[str]:
    yield f"{command.protocol}  {_quoted(command.text)}"
    yield f"complete: {_yes(command.complete)}" + (
        f"   features: {', '.join(command.features)}" if command.features else ""
    )
    for problem in command.problems:
        place = f" at byte {problem.at}" if problem.at is not None else ""
        yield f"problem: {problem.code}{place}: {_plain(problem.message)}"
    yield "operations:"
    for operation in _some(command.operations):
        yield from _operation(operation)
    yield from _more(command.operations)
    if command.sql is not None:
        yield from _sql(command.sql)
    if command.http is not None:
        yield "http:"
        yield from _facts(command.http, "  ")
    if command.mcp is not None:
        yield "mcp:"
        yield from _facts(command.mcp, "  ")


def _operation(operation: Operation) -> Iterator[str]:
    indent = "  " * len(operation.via)
    clauses = [word for word, value in (("where", operation.has_where), ("limit", operation.has_limit)) if value]
    missing = ["no where"] if operation.has_where is False and operation.kind in ("update", "delete") else []
    notes = f"  [{', '.join(clauses + missing)}]" if clauses or missing else ""
    yield f"{indent}{operation.kind} ({operation.effect}) via {' > '.join(operation.via)}{notes}"
    for target in _some(operation.targets):
        yield f"{indent}  {_target(target)}"
    yield from (f"{indent}  {line}" for line in _more(operation.targets))
    if operation.kubernetes is not None:
        yield from _facts(operation.kubernetes, f"{indent}  ")
    if operation.shell is not None:
        yield from _facts(operation.shell, f"{indent}  ")
    if operation.python is not None:
        yield from _facts(operation.python, f"{indent}  ")


def _target(target: Target) -> str:
    known = "" if target.resolved else " (not in the catalog)" if target.type in ("table", "view") else ""
    return f"{target.access} {target.type} {_plain(target.name)}{known}"


def _sql(sql: Sql) -> Iterator[str]:
    for word, names in (("reads", sql.reads), ("writes", sql.writes), ("filters by", sql.filters)):
        if names:
            yield f"{word}: {', '.join(_plain(name) for name in _some(names))}" + "".join(
                f" {line}" for line in _more(names)
            )
    if sql.outputs:
        yield f"result ({'proven' if sql.outputs_proven else 'not proven'}):"
        for output in _some(sql.outputs):
            yield f"  {_output(output)}"
        yield from _more(sql.outputs)
    elif sql.outputs is None:
        yield "result: nobody can know"


def _facts(facts: object, indent: str) -> Iterator[str]:
    """The fields that say something, a line each; facts inside facts stand further in."""
    for field in dataclasses.fields(facts):  # type: ignore[arg-type]  # only dataclasses come here
        value = getattr(facts, field.name)
        name = field.name.replace("_", " ")
        if dataclasses.is_dataclass(value):
            yield f"{indent}{name}:"
            yield from _facts(value, f"{indent}  ")
        elif value is True:
            yield f"{indent}{name}"
        elif value not in (None, False, (), {}, ""):
            yield f"{indent}{name}: {_value(value)}"


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        shown = ", ".join(f"{_plain(str(key))}={_value(inside)}" for key, inside in list(value.items())[:MAX_LISTED])
        return shown + (f" ... and {len(value) - MAX_LISTED} more" if len(value) > MAX_LISTED else "")
    if isinstance(value, tuple):
        more = f" ... and {len(value) - MAX_LISTED} more" if len(value) > MAX_LISTED else ""
        return " ".join(_value(one) for one in value[:MAX_LISTED]) + more
    text = "?" if value is None else str(value)
    return _plain(text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}...") or "''"


def _output(output: Output) -> str:
    name = _plain(output.name or "?")
    origins = ", ".join(_plain(origin) for origin in _some(output.origins)) or "nothing in the database"
    through = f" through {_plain(output.function)}" if output.derived and output.function else ""
    return f"{name} from {origins}{through}" + ("" if output.proven else " (not proven)")


def _some(items: tuple[T, ...]) -> Iterable[T]:
    return items[:MAX_LISTED]


def _more(items: tuple[object, ...]) -> Iterator[str]:
    if len(items) > MAX_LISTED:
        yield f"... and {len(items) - MAX_LISTED} more"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _quoted(text: str) -> str:
    shown = text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}..."
    return _plain(shown.replace("\n", " "))
