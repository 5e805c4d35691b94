"""The engine: commands and policies in, decisions out. No event loop, clock, disk or socket here.

The public face: `parse_command` reads a text, `compile_policies` makes a `Program` of policy sources, and a program
decides on a `Request` (a tree) or a `TextQuestion` (a text) with a `Decision`. Everything else is inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.command.parse import TextParser, parse_command
from engine.command.tree import Command, ParsedCommand
from engine.compiler.stages import compile_policies as _compile
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


def command_reader() -> CommandReader:
    """A reader of texts of every protocol, with its parse cache; programs of several revisions may share one."""
    return CommandReader(TextParser())


def compile_policies(
    sources: Sequence[Source], data: Mapping[str, Json] | None = None, *, reader: CommandReader | None = None
) -> Program:
    """Compile policies with their data. Raises PolicyRefused with every diagnostic, NativeFailure when the core fails."""
    return Program.of(_compile(sources, data), reader or command_reader())
