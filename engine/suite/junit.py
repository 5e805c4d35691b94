"""A run of suites as JUnit's XML, as Jenkins, GitLab and GitHub's reporters read it."""

from __future__ import annotations

from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from engine.suite.report import Report, failure_lines, place
from engine.suite.runner import Outcome

UNREADABLE = "files"


def junit(report: Report, timestamp: str) -> str:
    """The document: a suite for each suite of each file, and one for files that could not be read."""
    totals = f'tests="{len(report.outcomes) + len(report.mistakes)}" failures="{report.failed - len(report.mistakes)}"'
    seconds = sum(one.seconds for one in report.outcomes)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="sallyport" {totals} errors="{len(report.mistakes)}" time="{seconds:.3f}">',
    ]
    ordered = sorted(report.outcomes, key=_suite)
    for (source, suite), group in groupby(ordered, key=_suite):
        lines += _suite_lines(suite, source, list(group), timestamp)
    if report.mistakes:
        count = len(report.mistakes)
        lines.append(
            f'<testsuite name="{UNREADABLE}" tests="{count}" failures="0" errors="{count}" skipped="0" '
            f'time="0.000" timestamp="{timestamp}">'
        )
        for mistake in report.mistakes:
            lines += [
                f'<testcase name={_attribute(place(mistake))} classname="{UNREADABLE}" time="0.000">',
                f'<error message={_attribute(mistake.message)} type="{mistake.code}"/>',
                "</testcase>",
            ]
        lines.append("</testsuite>")
    lines.append("</testsuites>")
    return "\n".join(lines) + "\n"


def _suite(outcome: Outcome) -> tuple[str, str]:
    return outcome.source, outcome.suite


def _suite_lines(suite: str, source: str, outcomes: list[Outcome], timestamp: str) -> list[str]:
    failed = sum(not one.passed for one in outcomes)
    seconds = sum(one.seconds for one in outcomes)
    lines = [
        f'<testsuite name={_attribute(suite)} tests="{len(outcomes)}" failures="{failed}" errors="0" skipped="0" '
        f'time="{seconds:.3f}" timestamp="{timestamp}" file={_attribute(source)}>'
    ]
    for one in outcomes:
        head = (
            f"<testcase name={_attribute(one.name)} classname={_attribute(suite)} "
            f'file={_attribute(source)} line="{one.line}" time="{one.seconds:.3f}"'
        )
        if one.passed:
            lines.append(f"{head}/>")
            continue
        first = one.differences[0].splitlines()[0]
        told = _printable("\n".join(failure_lines(one)))
        lines += [
            f"{head}>",
            f'<failure message={_attribute(first)} type="expectation">{escape(told)}</failure>',
            "</testcase>",
        ]
    lines.append("</testsuite>")
    return lines


def _attribute(text: str) -> str:
    return quoteattr(_printable(text), {"\n": "&#10;", "\t": "&#9;", "\r": "&#13;"})


def _printable(text: str) -> str:
    """Without what XML 1.0 cannot hold."""
    return "".join(sign if _is_xml(ord(sign)) else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _is_xml(code: int) -> bool:
    return code in (9, 10, 13) or 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or code > 0xFFFF
