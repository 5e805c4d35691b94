"""`lower` and `fmt`: for those who write policies in the policy language."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.source import Diagnostic, Source
from gateway.cli.diagnostics import tell
from gateway.cli.output import say
from gateway.errors import PolicyUnusable
from gateway.policy_store.gate_files import gate_files, read_file, read_with_imports


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(lower)
    app.command()(fmt)


def lower(
    file: Annotated[Path, typer.Argument(help="A `.gate` file.")],
    lines: Annotated[bool, typer.Option("--lines", help="Say after each line where it comes from.")] = False,
) -> None:
    """Print the Rego that a `.gate` file means."""
    from engine.dsl.lower import lower as lowered
    from engine.dsl.resolver import read_policies

    sources, problems = read_with_imports(file)
    resolved = read_policies(sources)
    if problems or not resolved.is_sound:
        tell([*problems, *resolved.diagnostics])
        raise typer.Exit(1)
    for policy in resolved.policies:
        if policy.source != file.as_posix():
            continue
        made = lowered(policy)
        for number, text in enumerate(made.module.text.splitlines(), 1):
            origin = made.origin(number) if lines and text else None
            came = "" if origin is None else f"  # {origin.place.source}:{origin.place.span.line}"
            sys.stdout.write(f"{text}{came}\n")
        return
    say(f"# {file}: a library; it means something where it is imported")


def fmt(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders; `-` is standard input.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; fail when something would change.")] = False,
) -> None:
    """Write `.gate` files the one way they are written. Comments stay. Rego files are left alone."""
    if paths == [Path("-")]:
        _format_input()
        return
    changed = broken = 0
    for path in gate_files(paths or [Path("policies")]):
        source = read_file(path)
        if isinstance(source, Diagnostic):
            tell([source])
            broken += 1
            continue
        text = _formatted(source)
        if text is None:
            broken += 1
        elif text != source.text:
            changed += 1
            say(f"{path}: {'would change' if check else 'changed'}")
            if not check:
                _write(path, text)
    if broken or (check and changed):
        raise typer.Exit(1)


def _format_input() -> None:
    from engine.source import decode_source

    source = decode_source("-", sys.stdin.buffer.read())
    if isinstance(source, Diagnostic):
        tell([source])
        raise typer.Exit(1)
    text = _formatted(source)
    if text is None:
        raise typer.Exit(1)
    sys.stdout.write(text)


def _formatted(source: Source) -> str | None:
    """The text as it is written; None, its mistakes told, when it cannot be read."""
    from engine.dsl.parser import parse
    from engine.dsl.printer import print_file

    parsed = parse(source)
    if parsed.file is None or parsed.diagnostics:
        tell(parsed.diagnostics)
        return None
    return print_file(parsed.file)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise PolicyUnusable(f"`{path}` cannot be written ({error.strerror})") from error
