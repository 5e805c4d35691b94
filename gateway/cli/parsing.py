"""`parse`: a text of some protocol as the command tree that policies see. What it prints on a terminal: docs/seeing.md."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from engine.command.http.openapi import compile_openapi
from engine.command.parse import Names, parse_command, parse_lines
from engine.command.show import Line, Role, tree_lines
from engine.command.sql.parse import read_catalog
from engine.command.tree import Command
from gateway.cli.checking import read_catalog_file
from gateway.cli.coloured import say_tree
from gateway.cli.options import AsJson, AsJsonLines
from gateway.cli.output import answer_lines, complain, say_json
from gateway.errors import GatewayError

PROTOCOLS = ("postgres", "shell", "kubernetes", "http", "mcp", "python", "mysql", "sqlserver", "bigquery", "snowflake")


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(parse)


def parse(
    text: Annotated[str | None, typer.Argument(help="The command; standard input when it is not given.")] = None,
    protocol: Annotated[str, typer.Option(help=f"One of {', '.join(PROTOCOLS)}.")] = "postgres",
    catalog: Annotated[
        Path | None,
        typer.Option(help="A JSON file with what names mean on the database (docs/lineage.md); for postgres."),
    ] = None,
    openapi: Annotated[Path | None, typer.Option(help="An OpenAPI document as JSON; for http.")] = None,
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
    names = _names(protocol, catalog, openapi)
    given = sys.stdin.buffer.read() if text is None else text.encode("utf-8", "surrogateescape")
    parsed = parse_command(protocol, given, names)
    if as_json:
        say_json(parsed.document())
    else:
        say_tree(tree_lines(parsed.command))
        say_tree(_advice(parsed.command, names))
    if not parsed.command.complete:
        raise typer.Exit(1)


def _names(protocol: str, catalog: Path | None, openapi: Path | None) -> Names | None:
    """What names mean, by the file that was given. Raises GatewayError, InputInvalid for one that cannot be read."""
    for option, file, own in (("catalog", catalog, "postgres"), ("openapi", openapi, "http")):
        if file is not None and protocol != own:
            complain(f"`--{option}` is for the protocol `{own}`")
            raise typer.Exit(2)
    if catalog is not None:
        return read_catalog(read_catalog_file(catalog))
    return None if openapi is None else compile_openapi(_document(openapi))


def _document(file: Path) -> object:
    try:
        return msgspec.json.decode(file.read_bytes())
    except OSError as error:
        raise GatewayError(f"`{file}` cannot be read: {error.strerror or error}") from None
    except msgspec.DecodeError as error:
        raise GatewayError(f"`{file}`: {error}", help="an OpenAPI document is given as JSON") from None


def _advice(command: Command, names: Names | None) -> Iterator[Line]:
    """What would show more."""
    if command.protocol == "postgres" and names is None and command.sql is not None and command.sql.outputs:
        unproven = any(output.origins and not output.proven for output in command.sql.outputs)
        if unproven:
            yield (("no catalog was given: with `--catalog FILE` columns are traced to their tables", Role.FAINT),)
