"""`lower` and `fmt`: for those who write policies in the policy language."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.source import Diagnostic, Source
from gateway.cli.diagnostics import fields, tell
from gateway.cli.options import AsJson
from gateway.cli.output import say, say_json
from gateway.errors import PolicyUnusable
from gateway.policy_store.gate_files import gate_files, read_file, read_with_imports

if TYPE_CHECKING:
    from engine.dsl.lower import Lowered


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(lower)
    app.command()(fmt)


def lower(
    file: Annotated[Path, typer.Argument(help="A `.gate` file.")],
    lines: Annotated[bool, typer.Option("--lines", help="Say after each line where it comes from.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the Rego that a `.gate` file means."""
    from engine.dsl.lower import lower as lowered
    from engine.dsl.resolver import read_policies

    sources, problems = read_with_imports(file)
    resolved = read_policies(sources)
    if problems or not resolved.is_sound:
        told = [*problems, *resolved.diagnostics]
        if as_json:
            say_json({"file": file.as_posix(), "diagnostics": [fields(one) for one in told]})
        tell([] if as_json else told)
        raise typer.Exit(1)
    for policy in resolved.policies:
        if policy.source != file.as_posix():
            continue
        made = lowered(policy)
        if as_json:
            say_json(_lowered_json(file, made))
            return
        for number, text in enumerate(made.module.text.splitlines(), 1):
            origin = made.origin(number) if lines and text else None
            came = "" if origin is None else f"  # {origin.place.source}:{origin.place.span.line}"
            sys.stdout.write(f"{text}{came}\n")
        return
    if as_json:
        say_json({"file": file.as_posix(), "rego": None, "lines": []})
    else:
        say(f"# {file}: a library; it means something where it is imported")


def _lowered_json(file: Path, made: Lowered) -> dict[str, object]:
    """The module, and where each of its lines was written."""
    lines = []
    for number in range(1, len(made.module.text.splitlines()) + 1):
        origin = made.origin(number)
        if origin is not None:
            place = origin.place
            lines.append({"line": number, "file": place.source, "at": place.span.line, "rule": origin.rule})
    return {"file": file.as_posix(), "rego": made.module.text, "lines": lines}


def fmt(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders; `-` is standard input.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; fail when something would change.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write `.gate` files the one way they are written. Comments stay. Rego files are left alone."""
    if paths == [Path("-")]:
        _format_input()
        return
    changed, broken = list[str](), list[Diagnostic]()
    for path in gate_files(paths or [Path("policies")]):
        source = read_file(path)
        text = source if isinstance(source, Diagnostic) else _formatted(source)
        if not isinstance(text, str):
            broken += [text] if isinstance(text, Diagnostic) else text
        elif isinstance(source, Source) and text != source.text:
            changed.append(path.as_posix())
            if not check:
                _write(path, text)
    if as_json:
        say_json({"changed": changed, "written": not check, "diagnostics": [fields(one) for one in broken]})
    else:
        tell(broken)
        for name in changed:
            say(f"{name}: {'would change' if check else 'changed'}")
    if broken or (check and changed):
        raise typer.Exit(1)


def _format_input() -> None:
    from engine.source import decode_source

    source = decode_source("-", sys.stdin.buffer.read())
    if isinstance(source, Diagnostic):
        tell([source])
        raise typer.Exit(1)
    text = _formatted(source)
    if not isinstance(text, str):
        tell(text)
        raise typer.Exit(1)
    sys.stdout.write(text)


def _formatted(source: Source) -> str | Sequence[Diagnostic]:
    """The text as it is written; its mistakes when it cannot be read."""
    from engine.dsl.parser import parse
    from engine.dsl.printer import print_file

    parsed = parse(source)
    if parsed.file is None or parsed.diagnostics:
        return parsed.diagnostics
    return print_file(parsed.file)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise PolicyUnusable(f"`{path}` cannot be written ({error.strerror})") from error
