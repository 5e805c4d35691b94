"""`scan`: secrets and personal data in a text, for people, as JSON, and line by line."""

from __future__ import annotations

import sys
from bisect import bisect_right
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from engine.masking.page import detectors_page
from engine.masking.patterns import Finding, chosen, scan, scan_lines, scanned_json
from gateway.cli.options import AsJson, AsJsonLines
from gateway.cli.output import answer_lines, complain, plain, say, say_json
from gateway.errors import GatewayError

_SHOWN = 6


class Unreadable(GatewayError):
    """The file to be scanned could not be read."""

    code = "UNREADABLE"


def register(app: typer.Typer) -> None:
    """Add this group's command."""
    app.command(name="scan")(scan_text)


def scan_text(
    file: Annotated[Path | None, typer.Argument(help="The file; standard input when it is not given.")] = None,
    only: Annotated[
        list[str] | None, typer.Option("--type", help="A type or glob, `secret.*`; may be given more than once.")
    ] = None,
    masked: Annotated[bool, typer.Option("--masked", help="Print the text with what was found hidden.")] = False,
    detectors: Annotated[bool, typer.Option("--detectors", help="Print the page of detectors.")] = False,
    as_json: AsJson = False,
    as_json_lines: AsJsonLines = False,
) -> None:
    """Find secrets and personal data in a text; exit code 1 when there is any."""
    if detectors:
        sys.stdout.write(detectors_page())
        return
    if as_json_lines:
        answer_lines(scan_lines)
        return
    wanted = set(chosen(only)) if only else None
    text = _read(file)
    scanned = scan(text)
    found = [one for one in scanned.findings if wanted is None or one.type in wanted]
    if as_json:
        say_json(scanned_json(scanned))
    elif masked:
        sys.stdout.buffer.write(scanned.masked.encode("utf-8", "surrogateescape"))
    else:
        _show(text, found)
    if found:
        raise typer.Exit(1)


def _read(file: Path | None) -> str:
    try:
        raw = sys.stdin.buffer.read() if file is None else file.read_bytes()
    except OSError as error:
        raise Unreadable(f"`{file}` cannot be read: {error.strerror}", help="name a file, or give the text") from error
    return raw.decode("utf-8", "surrogateescape")


def _show(text: str, found: list[Finding]) -> None:
    if not found:
        say("nothing found")
        return
    starts = [0, *(place + 1 for place, char in enumerate(text) if char == "\n")]
    table = Table(box=None, pad_edge=False)
    for column in ("line", "column", "type", "value"):
        table.add_column(column, justify="right" if column in ("line", "column") else "left")
    for one in found:
        line = bisect_right(starts, one.start)
        table.add_row(str(line), str(one.start - starts[line - 1] + 1), one.type, _hint(text[one.start : one.end]))
    Console(highlight=False, markup=False).print(table)
    complain(f"{len(found)} found", help="`--masked` prints the text without them")


def _hint(value: str) -> str:
    """Enough of a value to find it again, and no more."""
    kept = min(_SHOWN, len(value) // 4)
    return plain(f"{value[:kept]}... ({len(value)} characters)".replace("\n", " "))
