"""`parse`: a text of some protocol as the command tree that policies see."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Annotated

import typer

from engine.command.parse import parse_command, parse_lines
from engine.command.show import tree_text
from gateway.cli.coloured import say_tree
from gateway.cli.options import AsJson, AsJsonLines
from gateway.cli.output import answer_lines, complain, say_json

PROTOCOLS = ("postgres", "shell", "kubernetes", "http", "mcp", "python", "mysql", "sqlserver", "bigquery", "snowflake")


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(parse)


def parse(
    text: Annotated[str | None, typer.Argument(help="The command; standard input when it is not given.")] = None,
    protocol: Annotated[str, typer.Option(help=f"One of {', '.join(PROTOCOLS)}.")] = "postgres",
    as_json: AsJson = False,
    as_json_lines: AsJsonLines = False,
) -> None:
    """Show what a command would do: its operations, what they touch, and what could not be understood."""
    if protocol not in PROTOCOLS:
        complain(f"`{protocol}` is no protocol of commands", help=f"expected one of {', '.join(PROTOCOLS)}")
        raise typer.Exit(2)
    if as_json_lines:

        def answers(lines: Iterable[bytes]) -> Iterator[str]:
            return parse_lines(protocol, lines)

        answer_lines(answers)
        return
    given = sys.stdin.buffer.read() if text is None else text.encode("utf-8", "surrogateescape")
    parsed = parse_command(protocol, given)
    if as_json:
        say_json(parsed.document())
    else:
        say_tree(tree_text(parsed.command))
    if not parsed.command.complete:
        raise typer.Exit(1)
