"""The engine: commands and policies in, decisions out. No event loop, clock, disk or socket here.

The public face: `parse_command` reads a text, `compile_policies` makes a `Program` of policy sources, and a program
decides on a `Request` (a tree) or a `TextQuestion` (a text) with a `Decision`. Everything else is inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.command.parse import parse_command
    from engine.command.tree import Command, ParsedCommand
    from engine.decision import Decision, DenyKind, Verdict
    from engine.errors import EngineError, InputInvalid, NativeFailure, PolicyRefused
    from engine.evaluator.cache import Judgement
    from engine.evaluator.program import Program, TextQuestion
    from engine.evaluator.reader import CommandReader
    from engine.request import Approval, Json, Principal, Request, Resource, Session
    from engine.source import Source

__all__ = [
    "Approval",
    "Command",
    "CommandReader",
    "Decision",
    "DenyKind",
    "EngineError",
    "InputInvalid",
    "Judgement",
    "NativeFailure",
    "ParsedCommand",
    "PolicyRefused",
    "Principal",
    "Program",
    "Request",
    "Resource",
    "Session",
    "Source",
    "TextQuestion",
    "Verdict",
    "compile_policies",
    "command_reader",
    "parse_command",
]

# WHY late: a command line that only checks policies must not wait for all that decides.
_HOME = {
    "engine.command.parse": ("parse_command",),
    "engine.command.tree": ("Command", "ParsedCommand"),
    "engine.decision": ("Decision", "DenyKind", "Verdict"),
    "engine.errors": ("EngineError", "InputInvalid", "NativeFailure", "PolicyRefused"),
    "engine.evaluator.cache": ("Judgement",),
    "engine.evaluator.program": ("Program", "TextQuestion"),
    "engine.evaluator.reader": ("CommandReader",),
    "engine.request": ("Approval", "Json", "Principal", "Request", "Resource", "Session"),
    "engine.source": ("Source",),
}
_HOMES = {name: home for home, names in _HOME.items() for name in names}


def __getattr__(name: str) -> object:
    """A name of the face, from where it lives, the first time somebody asks."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module `engine` has no `{name}`")
    found: object = getattr(import_module(home), name)
    globals()[name] = found
    return found


def command_reader() -> CommandReader:
    """A reader of texts of every protocol, with its parse cache; programs of several revisions may share one."""
    from engine.command.parse import TextParser
    from engine.evaluator.reader import CommandReader

    return CommandReader(TextParser())


def compile_policies(
    sources: Sequence[Source], data: Mapping[str, Json] | None = None, *, reader: CommandReader | None = None
) -> Program:
    """Compile policies with their data. Raises PolicyRefused with every diagnostic, NativeFailure when the core fails."""
    from engine.compiler.stages import compile_policies
    from engine.evaluator.program import Program

    return Program.of(compile_policies(sources, data), reader or command_reader())
