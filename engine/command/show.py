"""A command tree for people: what Sallyport sees in a command, as lines of parts, each with the role it plays.

`sallyport parse` prints it: `tree_text` is the plain text, `gateway/cli/coloured.py` gives the roles their colours on a terminal. Text
from the command is shown with its control characters escaped, so a command cannot draw on the reader's terminal.
"""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TypeAlias, TypeVar

from engine.command.shell.tree import Assignment, Redirect
from engine.command.tree import Command, Effect, Operation, Output, Sql, Target

T = TypeVar("T")

MAX_TEXT = 400
MAX_LINES = 12
MAX_LISTED = 40
UNSEEN = "?"
"""What stands for a word, name or value that is only known when the command runs."""


class Role(StrEnum):
    """What a part of a line is, so that the eye finds what matters. `unseen`: what nobody could see or prove."""

    PLAIN = "plain"
    LABEL = "label"
    FAINT = "faint"
    KIND = "kind"
    LOOKS = "looks"
    CHANGES = "changes"
    GRAVE = "grave"
    UNSEEN = "unseen"
    OBJECT = "object"
    ORIGIN = "origin"
    SIGN = "sign"


Part: TypeAlias = tuple[str, Role]
Line: TypeAlias = tuple[Part, ...]

_EFFECTS: Mapping[Effect, Role] = {
    Effect.READ: Role.LOOKS,
    Effect.SESSION: Role.LOOKS,
    Effect.WRITE: Role.CHANGES,
    Effect.CREATE: Role.CHANGES,
    Effect.DELETE: Role.GRAVE,
    Effect.EXECUTE: Role.GRAVE,
    Effect.GRANT: Role.GRAVE,
    Effect.UNKNOWN: Role.UNSEEN,
}
_COMPUTED = ("${", "$()")
"""How the shell's reader writes the part of a target that only the run will tell."""
_WORDS = frozenset({"argv", "arguments"})
_NOTEWORTHY = frozenset(
    {
        *("signs", "strong verbs", "wildcards", "override", "privileged", "host network", "host pid", "host ipc"),
        *("host paths", "host ports", "capabilities", "escalation", "unconfined", "run as root"),
    }
)


def tree_text(command: Command) -> str:
    """The tree as plain text, a line for each operation, target, fact, column and problem."""
    return "".join(f"{''.join(text for text, _ in line)}\n" for line in tree_lines(command))


def tree_lines(command: Command) -> Iterator[Line]:
    """The tree as lines of parts. No part has a line break or another control character in it."""
    yield from _head(command)
    yield (("operations:", Role.LABEL),)
    shown = list(_some(command.operations))
    yield from _branches(shown)
    yield from _more(command.operations)
    if command.sql is not None:
        yield from _sql(command.sql)
    if command.http is not None:
        yield (("http:", Role.LABEL),)
        yield from (_indented("  ", line) for line in _facts(command.http))
    if command.mcp is not None:
        yield (("mcp:", Role.LABEL),)
        yield from (_indented("  ", line) for line in _facts(command.mcp))


def _head(command: Command) -> Iterator[Line]:
    cut = command.text if len(command.text) <= MAX_TEXT else f"{command.text[:MAX_TEXT]}..."
    lines = cut.splitlines() or [""]
    if len(lines) == 1:
        yield ((command.protocol, Role.LABEL), ("  ", Role.PLAIN), (_plain(lines[0]), Role.PLAIN))
    else:
        yield ((command.protocol, Role.LABEL),)
        yield from ((("  | ", Role.FAINT), (_plain(line), Role.PLAIN)) for line in lines[:MAX_LINES])
        if len(lines) > MAX_LINES:
            yield (("  | ... and more lines", Role.FAINT),)
    seen = ("yes", Role.LOOKS) if command.complete else ("no, some of it could not be seen", Role.UNSEEN)
    features: Line = (("   features: ", Role.LABEL), (", ".join(command.features), Role.SIGN))
    yield (("complete: ", Role.LABEL), seen, *(features if command.features else ()))
    for problem in command.problems:
        place = f" at byte {problem.at}" if problem.at is not None else ""
        yield ((f"problem: {problem.code}{place}: {_plain(problem.message)}", Role.UNSEEN),)


def _branches(operations: Sequence[Operation]) -> Iterator[Line]:
    """The operations as a tree: what stands inside another, and is reached through it, stands further in."""
    depths = _depths(operations)
    for at, operation in enumerate(operations):
        depth = depths[at]
        # A bar goes down where another operation of that depth follows before a shallower one.
        bars = "".join("│  " if _goes_on(depths, at, level) else "   " for level in range(depth))
        last = not _goes_on(depths, at, depth)
        yield _indented(f"{bars}{'└─ ' if last else '├─ '}", _title(operation))
        below = f"{bars}{'   ' if last else '│  '}{'│  ' if depths[at + 1 : at + 2] > [depth] else '   '}"
        yield from (_indented(below, line) for line in _details(operation))


def _depths(operations: Sequence[Operation]) -> list[int]:
    depths, around = list[int](), list[Operation]()
    for one in operations:
        while around and not _holds(around[-1], one):
            around.pop()
        depths.append(len(around))
        around.append(one)
    return depths


def _holds(outer: Operation, inner: Operation) -> bool:
    """Whether one operation is reached through another: more steps, and its place in the text (where it has one) inside."""
    (start, end), (first, last) = outer.span, inner.span
    is_inside = (first, last) == (0, 0) or (start <= first and last <= end)
    return len(inner.via) > len(outer.via) and is_inside


def _goes_on(depths: Sequence[int], at: int, level: int) -> bool:
    for depth in depths[at + 1 :]:
        if depth <= level:
            return depth == level
    return False


def _title(operation: Operation) -> Line:
    clauses = [word for word, value in (("where", operation.has_where), ("limit", operation.has_limit)) if value]
    effect = _EFFECTS[operation.effect]
    parts: list[Part] = [
        (operation.kind, Role.UNSEEN if effect is Role.UNSEEN else Role.KIND),
        (" ", Role.PLAIN),
        (f"({operation.effect})", effect),
        (f" via {' > '.join(_plain(step) for step in operation.via)}", Role.FAINT),
    ]
    if operation.has_where is False and operation.kind in ("update", "delete"):
        parts.append(("  [no where]", Role.GRAVE))
    if clauses:
        parts.append((f"  [{', '.join(clauses)}]", Role.FAINT))
    return tuple(parts)


def _details(operation: Operation) -> Iterator[Line]:
    yield from (_target(target) for target in _some(operation.targets))
    yield from _more(operation.targets)
    for facts in (operation.kubernetes, operation.shell, operation.python):
        if facts is not None:
            yield from _facts(facts)


def _target(target: Target) -> Line:
    known = "" if target.resolved or target.type not in ("table", "view") else " (not in the catalog)"
    name = _plain(target.name)
    role = Role.UNSEEN if name.startswith(UNSEEN) or any(sign in name for sign in _COMPUTED) else Role.OBJECT
    return ((f"{target.access} {target.type} ", Role.PLAIN), (name, role), (known, Role.UNSEEN))


def _sql(sql: Sql) -> Iterator[Line]:
    for word, names in (("reads", sql.reads), ("writes", sql.writes), ("filters by", sql.filters)):
        if names:
            more = f" ... and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
            yield (
                (f"{word}: ", Role.LABEL),
                (", ".join(_plain(name) for name in _some(names)), Role.OBJECT),
                (more, Role.FAINT),
            )
    if sql.outputs:
        proof = ("proven", Role.LOOKS) if sql.outputs_proven else ("not proven", Role.UNSEEN)
        yield (("result (", Role.LABEL), proof, ("):", Role.LABEL))
        yield from (_indented("  ", _output(output)) for output in _some(sql.outputs))
        yield from _more(sql.outputs)
    elif sql.outputs is None:
        yield (("result: ", Role.LABEL), ("nobody can know", Role.UNSEEN))


def _output(output: Output) -> Line:
    origins = ", ".join(_plain(origin) for origin in _some(output.origins)) or "nothing in the database"
    through = f" through {_plain(output.function)}" if output.derived and output.function else ""
    how = through or (" computed" if output.derived else "")
    return (
        (_plain(output.name or UNSEEN), Role.KIND),
        (" from ", Role.PLAIN),
        (origins, Role.ORIGIN),
        (how, Role.PLAIN),
        ("" if output.proven else " (not proven)", Role.UNSEEN),
    )


def _facts(facts: object) -> Iterator[Line]:
    """The fields that say something, a line each; facts inside facts stand further in."""
    for field in dataclasses.fields(facts):  # type: ignore[arg-type]  # only dataclasses come here
        value = getattr(facts, field.name)
        name = field.name.replace("_", " ")
        if dataclasses.is_dataclass(value):
            yield ((f"{name}:", Role.PLAIN),)
            yield from (_indented("  ", line) for line in _facts(value))
        elif value is True:
            yield ((name, Role.SIGN if name in _NOTEWORTHY else Role.PLAIN),)
        elif value not in (None, False, (), {}, ""):
            yield ((f"{name}: ", Role.PLAIN), *_values(name, value))


def _values(name: str, value: object) -> Iterator[Part]:
    """A value, with what is only known at run time apart from what is."""
    words = value if isinstance(value, tuple) else (value,)
    for at, word in enumerate(words[:MAX_LISTED]):
        if at:
            yield (" ", Role.PLAIN)
        if word is None:
            yield (UNSEEN, Role.UNSEEN)
        else:
            shown = shlex.quote(word) if name in _WORDS and isinstance(word, str) else None
            yield (_value(word) if shown is None else _value(shown), Role.SIGN if name in _NOTEWORTHY else Role.OBJECT)
    if len(words) > MAX_LISTED:
        yield (f" ... and {len(words) - MAX_LISTED} more", Role.FAINT)


def _value(value: object) -> str:
    match value:
        case Mapping():
            shown = ", ".join(f"{_plain(str(key))}={_value(one)}" for key, one in list(value.items())[:MAX_LISTED])
            return shown + (f" ... and {len(value) - MAX_LISTED} more" if len(value) > MAX_LISTED else "")
        case tuple():
            more = f" ... and {len(value) - MAX_LISTED} more" if len(value) > MAX_LISTED else ""
            return " ".join(_value(one) for one in value[:MAX_LISTED]) + more
        case Redirect():
            return f"{value.descriptor or ''}{value.operator} {_value(value.target)}"
        case Assignment():
            return f"{_plain(value.name)}={_value(value.value)}"
        case None:
            return UNSEEN
        case _:
            text = str(value)
            return _plain(text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}...") or "''"


def _indented(before: str, line: Line) -> Line:
    return ((before, Role.FAINT), *line)


def _some(items: tuple[T, ...]) -> Iterable[T]:
    return items[:MAX_LISTED]


def _more(items: tuple[object, ...]) -> Iterator[Line]:
    if len(items) > MAX_LISTED:
        yield ((f"... and {len(items) - MAX_LISTED} more", Role.FAINT),)


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
