"""`check`, `test`, `decide`, `explain`, `schema`: for those who write policies. All work on a folder, none needs a gateway."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import PolicyRefused
from engine.source import Diagnostic, Severity
from gateway.cli.diagnostics import fields, line
from gateway.cli.output import say, say_json
from gateway.policy_store.folder import PolicyFolder as Folder
from gateway.policy_store.folder import read_folder


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


Shape = Annotated[Format, typer.Option("--format", help="How to print.")]
Path_ = Annotated[Path, typer.Argument(help="The policy folder.")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(check)
    app.command()(schema)


def check(
    folder: Path_ = Path("policies"),
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    format: Shape = Format.TEXT,
) -> None:
    """Compile a policy folder and list everything that is wrong with it."""
    found = _diagnose(read_folder(folder))
    if format is Format.JSON:
        say_json({"diagnostics": [fields(one) for one in found]})
    else:
        for one in found:
            say(line(one))
        if not found:
            say(f"{folder}: fine")
    if any(strict or one.severity is Severity.ERROR for one in found):
        raise typer.Exit(1)


def schema() -> None:
    """Print the JSON Schema of the input document: what a policy sees as `input`."""
    from engine.schema import input_schema_text

    sys.stdout.write(input_schema_text())


def _diagnose(folder: Folder) -> Sequence[Diagnostic]:
    from engine.compiler.stages import compile_policies

    try:
        return compile_policies(folder.sources, folder.data).warnings
    except PolicyRefused as error:
        return error.diagnostics
