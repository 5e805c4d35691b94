"""How what is wrong with policies is shown: a line that editors can follow, or fields for machines."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from engine.source import Diagnostic
from gateway.cli.output import plain


def line(one: Diagnostic) -> str:
    """`FILE:LINE:COLUMN: severity CODE: message`, and the help below it."""
    place = one.source if one.span is None else f"{one.source}:{one.span.line}:{one.span.column}"
    helped = f"\n    {one.help}" if one.help else ""
    return f"{place}: {one.severity.value} {one.code}: {one.message}{helped}"


def fields(one: Diagnostic) -> dict[str, object]:
    """The same as fields."""
    found: dict[str, object] = {
        "code": one.code,
        "severity": one.severity.value,
        "message": one.message,
        "file": one.source,
        "help": one.help,
    }
    if one.span is not None:
        found |= {
            "line": one.span.line,
            "column": one.span.column,
            "end_line": one.span.end_line,
            "end_column": one.span.end_column,
        }
    return found


def tell(found: Iterable[Diagnostic]) -> None:
    """Diagnostics on standard error, for commands whose output is something else."""
    for one in found:
        sys.stderr.write(f"{plain(line(one))}\n")
