"""What becomes of a text that was submitted at a guarded shell, before anybody is asked about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from adapters.terminal.shell_state import MAX_TEXT, exit_of, is_unfinished, refusal_of_line, screen_program
from engine.command.parse import parse_command
from engine.command.shell.alike import other_reading
from engine.command.tree import Command


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing was typed."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """More lines are needed before it is a command."""


@dataclass(frozen=True, slots=True)
class Exit:
    """The shell is to end with this status."""

    status: int


@dataclass(frozen=True, slots=True)
class NotHere:
    """It wants what a guarded shell does not have."""

    reason: str


@dataclass(frozen=True, slots=True)
class OnScreen:
    """It is a program that needs the whole screen, and nothing else."""

    program: str


@dataclass(frozen=True, slots=True)
class Line:
    """It is a command to be asked about."""

    command: Command


Submission: TypeAlias = Nothing | Unfinished | Exit | NotHere | OnScreen | Line


def submission(text: str, status: int, *, is_bash: bool = True) -> Submission:
    """What a text is, after a line that ended with a status. `is_bash`: so is what runs it; else some `sh`."""
    if not text.strip():
        return Nothing()
    command = parse_command("shell", text.encode()).command
    if is_unfinished(text, command) and len(text) < MAX_TEXT:
        return Unfinished()
    ends = exit_of(command, status)
    if ends is not None:
        return Exit(ends)
    refusal = refusal_of_line(command) or (None if is_bash else other_reading(text, command))
    if refusal is not None:
        return NotHere(refusal)
    program = screen_program(command)
    return Line(command) if program is None else OnScreen(program)
