"""Problems as GitHub's workflow commands (`::error file=...::`), which show them beside the lines they concern."""

from __future__ import annotations

from collections.abc import Iterable

from engine.source import Diagnostic, Severity
from engine.suite.report import Report, failure_lines


def of_report(report: Report, root: str) -> str:
    """An annotation for each failure, then the numbers. `root` is the folder that files are named from."""
    lines = [_of_diagnostic(mistake, root) for mistake in report.mistakes]
    for one in report.outcomes:
        if not one.passed:
            title = f"{one.suite}: {one.name}"
            lines.append(_command("error", _path(root, one.source), one.line, None, title, failure_lines(one)))
    lines.append(f"{report.passed} passed, {report.failed} failed")
    return "\n".join(lines) + "\n"


def of_diagnostics(found: Iterable[Diagnostic], root: str) -> str:
    """An annotation for each diagnostic."""
    return "".join(f"{_of_diagnostic(one, root)}\n" for one in found)


def _of_diagnostic(one: Diagnostic, root: str) -> str:
    kind = "error" if one.severity is Severity.ERROR else "warning"
    line = one.span.line if one.span is not None else 1
    column = one.span.column if one.span is not None else None
    told = [one.message, *([one.help] if one.help else [])]
    return _command(kind, _path(root, one.source), line, column, one.code, told)


def _path(root: str, name: str) -> str:
    return name if root in ("", ".") else f"{root.rstrip('/')}/{name}"


def _command(kind: str, file: str, line: int, column: int | None, title: str, told: list[str]) -> str:
    at = f"line={line}" if column is None else f"line={line},col={column}"
    return f"::{kind} file={_property(file)},{at},title={_property(title)}::{_data(chr(10).join(told))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
