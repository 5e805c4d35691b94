"""kubectl in command lines: what a line asks of the API server, beside the line that runs it.

So that one policy over resources holds for requests, for kubectl lines and for kubectl anywhere in a shell. What the shell's own
reader says stays: the requests follow, reached through `wrapper:kubectl`, and the command is no more complete than each of its kubectl
lines. Called by `engine/command/parse.py`.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from itertools import zip_longest
from typing import Final

from engine.command.kubernetes.kubectl import is_kubectl, kubectl_line
from engine.command.kubernetes.line import Line
from engine.command.shell.tree import Shell
from engine.command.tree import Command, Operation, ParsedCommand

MAX_REQUESTS: Final = 500
"""Requests that are listed of one text; a text with more is not complete."""

STEP: Final = "wrapper:kubectl"
"""The step of `via` behind which requests of such a line stand: they are not what the text itself asks of the API server."""

MAX_WORDS: Final = 500
"""The shell's reader shows no more words of a line (`engine/native/src/shell/walk/simple.rs`): what stands behind them nobody sees."""

_ELSEWHERE: Final = Command("shell", "", "", (), complete=True)
"""What a container runs is among the shell's own operations: kubectl's reader need not list it again."""


def with_requests(parsed: ParsedCommand) -> ParsedCommand:
    """The tree of a text with the requests of the kubectl lines of shell in it."""
    if b"kubectl" not in parsed.encoded and b"cluster" not in parsed.encoded:
        return parsed
    command = parsed.command
    line = Line(list(command.operations), set(command.features), list(command.problems), command.complete)
    if not list_requests(line):
        return parsed
    return ParsedCommand.of(
        replace(
            command,
            operations=tuple(replace(one, statement=number) for number, one in enumerate(line.operations)),
            features=tuple(sorted(line.features)),
            problems=tuple(line.problems),
            complete=line.is_complete and not line.problems,
        )
    )


def list_requests(line: Line) -> bool:
    """Put behind each operation of a shell that runs kubectl what that asks of the API server; False where none does."""
    programs = {one.shell.program for one in line.operations if one.shell is not None}
    listed: list[Operation] = []
    count = 0
    for one, behind in zip_longest(line.operations, line.operations[1:]):
        listed.append(one)
        if one.shell is None or not runs_kubectl(one) or is_read_again(one, behind):
            continue
        if count > MAX_REQUESTS:
            continue
        part = kubectl_line(one.shell.argv, lambda _: _ELSEWHERE)
        count += len(part.operations)
        if count > MAX_REQUESTS:
            line.problem("too_many_objects", f"kubectl lines of the text make more than {MAX_REQUESTS} requests")
            continue
        if len(one.shell.argv) >= MAX_WORDS:
            part.problem("too_many_objects", f"a kubectl line has {MAX_WORDS} words or more")
        line.features |= part.features
        line.problems += [problem for problem in part.problems if problem not in line.problems]
        line.is_complete &= part.is_complete and _is_listed(one.shell, part, programs)
        via = (*one.via, STEP)
        listed += [replace(step, via=(*via, *step.via[1:]), span=one.span) for step in part.operations]
    line.operations = listed
    return count > 0


def runs_kubectl(one: Operation) -> bool:
    """Whether an operation of a shell runs kubectl, or what is called so."""
    facts = one.shell
    return facts is not None and facts.program is not None and bool(facts.argv) and is_kubectl(facts.program)


def is_read_again(one: Operation, behind: Operation | None) -> bool:
    """Whether an operation is a program called like kubectl, and the one behind it what its words would do to kubectl itself."""
    if one.shell is None or behind is None or behind.shell is None:
        return False
    is_same_place = behind.span == one.span and behind.shell.argv[1:] == one.shell.argv[1:]
    return is_same_place and behind.shell.program != one.shell.program and runs_kubectl(behind)


def _is_listed(shell: Shell, part: Line, programs: Set[str | None]) -> bool:
    """Whether what a container is told to run is among the programs of the text.

    INVARIANT: where kubectl takes a word for a program and the shell's reader did not, the text is not complete.
    """
    told = [one.kubernetes.argv[0] for one in part.operations if one.kubernetes is not None and one.kubernetes.argv]
    return all(word is None or word not in shell.argv or word in programs for word in told)
