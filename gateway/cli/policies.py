"""`check`, `inspect` and `schema`: for those who write policies. None needs a gateway."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.checking import DEFAULT_FOLDER, Format, Wanted, check_folder
from gateway.cli.options import AsJson
from gateway.cli.output import say, say_json

Path_ = Annotated[Path, typer.Argument(help="The policy folder.")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(check)
    app.command()(inspect)
    app.command()(schema)


def check(
    folder: Path_ = DEFAULT_FOLDER,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    format: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
    as_json: AsJson = False,
    catalog: Annotated[
        Path | None,
        typer.Option(
            help="A JSON file with columns and types (docs/masks.md): also warn where a mask leaves NULL in them."
        ),
    ] = None,
) -> None:
    """Compile a policy folder and list everything that is wrong with it."""
    code = check_folder(Wanted(folder, strict, Format.JSON if as_json else format, catalog))
    if code:
        raise typer.Exit(code)


def inspect(folder: Path_ = DEFAULT_FOLDER, as_json: AsJson = False) -> None:
    """List the parts of the input that policies read: what an adapter must send for them to decide."""
    from engine.compiler.stages import PolicyRule, compile_policies
    from engine.suite.sets import policy_sets
    from gateway.policy_store.folder import read_folder

    rules = list[PolicyRule]()
    for one in policy_sets(read_folder(folder).sources, ()):
        rules += compile_policies(one.sources, read_folder(folder / one.root).data).rules
    policies: dict[str, set[str]] = {}
    for rule in rules:
        policies.setdefault(rule.package.removeprefix("policies."), set()).update(rule.reads)
    if as_json:
        say_json(
            {
                "reads": sorted({path for reads in policies.values() for path in reads}),
                "policies": {name: sorted(reads) for name, reads in sorted(policies.items())},
                "rules": [
                    {
                        "policy": rule.package.removeprefix("policies."),
                        "kind": rule.kind.value,
                        "code": rule.code,
                        "file": rule.file,
                        "line": rule.line,
                        "reads": sorted(rule.reads),
                        "runs_always": rule.is_always,
                    }
                    for rule in rules
                ],
            }
        )
        return
    for name, reads in sorted(policies.items()):
        say(name)
        for path in sorted(reads):
            say(f"  {path}")


def schema(as_json: AsJson = False) -> None:
    """Print the JSON Schema of the input document: what a policy sees as `input`. With --json on one line."""
    from engine.schema import input_schema, input_schema_text

    if as_json:
        say_json(input_schema())
    else:
        sys.stdout.write(input_schema_text())
