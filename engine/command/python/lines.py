"""Programs in command lines: `python3 -I -c '...'` is read as the program it is, beside the line that runs it.

What the shell's own reader says stays: the operations of the program follow, and only where nothing else was opaque and the
program was seen to the bottom does the command become complete. Called by `engine/command/parse.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from engine.command.python.parse import parse_python
from engine.command.shell.tree import Shell
from engine.command.tree import Command, Effect, Operation, ParsedCommand

_PYTHON: Final = re.compile(r"(?:.*/)?python(?:3(?:\.\d{1,2})?)?")
_ALONE: Final = frozenset("BEIOPSbdqsuv")
"""Options of one letter without a value, after which a program still means what it says."""
_MESSAGE: Final = "code in an argument is not understood"
_MOST: Final = 20


def with_programs(parsed: ParsedCommand) -> ParsedCommand:
    """The tree of a shell text with the operations of the programs in it."""
    if b"run_code" not in parsed.encoded or b"python" not in parsed.encoded:
        return parsed
    command = parsed.command
    operations: list[Operation] = []
    features: set[str] = set()
    understood: set[int] = set()
    read = 0
    for one in command.operations:
        code = None if read >= _MOST else program_of(one)
        if code is None:
            operations.append(one)
            continue
        read += 1
        text, isolated = code
        inner = parse_python(text).command
        features.update(inner.features)
        if one.shell is not None and one.shell.signs and _runs_nothing(one.shell, inner):
            kept = tuple(sign for sign in one.shell.signs if sign != "download_and_run")
            one = replace(one, shell=replace(one.shell, signs=kept))
        if inner.complete and one.shell is not None and not one.shell.env and (isolated or not _imports(inner)):
            understood.add(one.span[0])
            kept = tuple(sign for sign in one.shell.signs if sign != "opaque_code")
            one = replace(one, effect=Effect.EXECUTE, shell=replace(one.shell, signs=kept))
        operations.append(one)
        operations += [
            replace(step, via=(*one.via, "wrapper:python", *step.via[1:]), span=one.span) for step in inner.operations
        ]
    if not read:
        return parsed
    numbered = tuple(replace(one, statement=number) for number, one in enumerate(operations))
    made = replace(command, operations=numbered, features=tuple(sorted({*command.features, *features})))
    return ParsedCommand.of(_complete(made) if _is_seen(command, understood) else made)


def program_of(one: Operation) -> tuple[str, bool] | None:
    """The program that an operation of the shell runs, and whether it is isolated from its folder; None without a text."""
    if one.kind != "run_code" or one.shell is None or not one.shell.argv:
        return None
    program, *words = one.shell.argv
    if program is None or not _PYTHON.fullmatch(program):
        return None
    letters = set[str]()
    for place, word in enumerate(words):
        if word is None or not word.startswith("-") or word == "--":
            return None
        last = word.endswith("c")
        given = set(word[1:-1] if last else word[1:])
        if not given <= _ALONE:
            return None
        letters |= given
        if last:
            return _text(words[place + 1 :], isolated="I" in letters)
    return None


def _text(words: Sequence[str | None], *, isolated: bool) -> tuple[str, bool] | None:
    return None if not words or words[0] is None else (words[0], isolated)


def _runs_nothing(shell: Shell, inner: Command) -> bool:
    """Whether a program only reads and reckons, so that what is piped into it is data and never run.

    WHY imports do not count: a module of its folder is code, but not what was fetched; the line stays opaque for it.
    """
    return inner.complete and not shell.env and all(step.effect is Effect.READ for step in inner.operations)


def _imports(command: Command) -> bool:
    """Whether a program imports something, which may lie in its folder."""
    return any(one.kind.startswith("import_") for one in command.operations)


def _is_seen(command: Command, understood: set[int]) -> bool:
    """Whether nothing was opaque in a line but programs that were understood."""
    # INVARIANT: with any other problem, any other language inside, two programs at one place: what it was stays.
    return (
        bool(understood)
        and len(command.problems) == len(understood)
        and all(one.code == "opaque_code" and one.message == _MESSAGE for one in command.problems)
        and {one.at for one in command.problems} == understood
        and all(
            one.shell is not None and (one.effect is not Effect.UNKNOWN or one.span[0] in understood)
            for one in command.operations
        )
    )


def _complete(command: Command) -> Command:
    features = tuple(feature for feature in command.features if feature != "opaque_code")
    return replace(command, complete=True, problems=(), features=features)
