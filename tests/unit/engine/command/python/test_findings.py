"""Operations that look alike are one, and there are no more than anybody can hold."""

from __future__ import annotations

from engine.command.parse import parse_command
from engine.command.python.findings import MAX_OPERATIONS, Findings, Found


def test_what_looks_alike_is_one_with_a_count() -> None:
    findings = Findings()
    for place in range(3):
        findings.add(Found("compute", "builtins.len", ("top",), (place, place + 1)), 1)
    (one,) = findings.operations
    assert one.python is not None
    assert (one.python.calls, one.span, one.python.module) == (3, (0, 1), "builtins")


def test_a_kind_that_nobody_sees_is_a_problem() -> None:
    findings = Findings()
    findings.add(Found("compute", "builtins.len", ("top",), (0, 1)), 1)
    assert findings.is_complete()
    findings.add(Found("call_dynamic", None, ("top",), (5, 6)), 1)
    assert not findings.is_complete()
    assert findings.problems["dynamic_call"].at == 5
    assert findings.has({"call_dynamic"})
    assert not findings.has({"import"})


def test_there_is_a_most_and_it_is_said() -> None:
    findings = Findings()
    for number in range(MAX_OPERATIONS + 5):
        findings.add(Found("compute", f"f{number}", ("top",), (0, 1)), 1)
    assert len(findings.operations) == MAX_OPERATIONS
    assert "too_many_operations" in findings.problems


def test_commands_of_other_languages_follow_with_their_problems() -> None:
    findings = Findings()
    findings.nest(parse_command("shell", "ls; $x").command, ("top", "process"), (3, 9), "process_unseen")
    assert [one.via[:2] for one in findings.operations] == [("top", "process")] * 2
    assert {one.span for one in findings.operations} == {(3, 9)}
    assert "process_unseen" in findings.problems
