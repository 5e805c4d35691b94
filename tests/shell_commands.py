"""What tests ask of shell trees, in a word."""

from __future__ import annotations

from engine.command.shell.parse import parse_shell
from engine.command.shell.tree import Shell
from engine.command.tree import Command, Operation


def command(text: str | bytes) -> Command:
    return parse_shell(text).command


def facts(operation: Operation) -> Shell:
    return operation.shell or Shell()


def programs(text: str) -> list[str | None]:
    return [facts(operation).program for operation in command(text).operations]


def kinds(text: str) -> list[str]:
    return [operation.kind for operation in command(text).operations]


def signs(text: str) -> set[str]:
    return {sign for operation in command(text).operations for sign in facts(operation).signs}


def seen(text: str) -> set[str]:
    """Every program and wrapper that a tree names."""
    found: set[str] = set()
    for operation in command(text).operations:
        shell = facts(operation)
        found |= {word for word in (shell.program, *shell.wrappers) if word is not None}
    return found
