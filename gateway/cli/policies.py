"""`check` and `schema`: for those who write policies. Neither needs a gateway."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from engine.compiler.stages import compile_policies
from engine.errors import PolicyRefused
from engine.schema import input_schema_text
from engine.source import Diagnostic, Severity
from engine.suite.sets import policy_sets
from gateway.cli.diagnostics import fields, line
from gateway.cli.output import say, say_json
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
    found = _diagnose(folder)
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
    sys.stdout.write(input_schema_text())


def _diagnose(folder: Path) -> Sequence[Diagnostic]:
    """Everything wrong with every set of policies below the folder: examples are sets of their own."""
    loaded, found = read_folder(folder), list[Diagnostic]()
    for one in policy_sets(loaded.sources, ()):
        try:
            found += compile_policies(one.sources, read_folder(folder / one.root).data).warnings
        except PolicyRefused as error:
            found += error.diagnostics
    return found
