"""A run of suites as TAP version 14: a line for each case, a YAML block below each that failed."""

from __future__ import annotations

import json

from engine.suite.report import Report, failure_lines, place


def tap(report: Report) -> str:
    """The document. A file that cannot be read is a failed point, too."""
    lines = ["TAP version 14", f"1..{len(report.outcomes) + len(report.mistakes)}"]
    for number, one in enumerate(report.outcomes, 1):
        lines.append(f"{'ok' if one.passed else 'not ok'} {number} - {_words(f'{one.suite}: {one.name}')}")
        if not one.passed:
            lines += _block(one.source, one.line, failure_lines(one))
    for number, mistake in enumerate(report.mistakes, len(report.outcomes) + 1):
        lines.append(f"not ok {number} - {_words(place(mistake))}")
        lines += _block(mistake.source, mistake.span.line if mistake.span else 1, [mistake.message])
    return "\n".join(lines) + "\n"


def _block(file: str, line: int, told: list[str]) -> list[str]:
    # Strings of JSON are strings of YAML: nothing in them can end the block.
    lines = ["  ---", f"  at: {json.dumps(f'{file}:{line}')}", "  message: |-"]
    lines += [f"    {_one_line(part)}" for part in told]
    return [*lines, "  ..."]


def _words(text: str) -> str:
    return _one_line(text).replace("\\", "\\\\").replace("#", "\\#")


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
