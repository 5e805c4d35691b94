"""Problems become workflow commands; nothing in them can begin another one."""

from __future__ import annotations

from engine.source import Diagnostic, Severity, Span
from engine.suite.annotations import of_diagnostics, of_report
from engine.suite.report import Report
from engine.suite.runner import Outcome

MISTAKE = Diagnostic("SYNTAX", "100% wrong\n::set-env name=x::y", "a,b.rego", Span(4, 7, 4, 9), help="mend it")


def test_a_diagnostic_stands_beside_its_line() -> None:
    assert of_diagnostics([MISTAKE], "policies") == (
        "::error file=policies/a%2Cb.rego,line=4,col=7,title=SYNTAX::100%25 wrong%0A::set-env name=x::y%0Amend it\n"
    )


def test_a_warning_is_one_and_a_file_without_a_place_has_line_one() -> None:
    told = of_diagnostics([Diagnostic("NO_INDEX", "slow", "a.rego", severity=Severity.WARNING)], ".")
    assert told == "::warning file=a.rego,line=1,title=NO_INDEX::slow\n"


def test_failures_are_annotated_and_counted() -> None:
    red = Outcome("shop", "writes: all", "s.yaml", 9, ("expected deny, got allow",))
    lines = of_report(Report((Outcome("shop", "reads", "s.yaml", 3), red), (MISTAKE,)), "policies/").splitlines()
    assert lines[1] == "::error file=policies/s.yaml,line=9,title=shop%3A writes%3A all::expected deny, got allow"
    assert lines[2] == "1 passed, 2 failed"
