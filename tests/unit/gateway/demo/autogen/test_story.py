"""What the demonstration with a team must show, and the table that tells it."""

from __future__ import annotations

from dataclasses import replace

from engine.command.parse import parse_command
from engine.request import Json
from gateway.demo.autogen.story import EXPECTED, Judged, Step, differences, judged, table

STEP = Step("analyst", "postgres", "SELECT 1", "1")


def entry(step: Step, verdict: str, rule: str, **more: Json) -> dict[str, Json]:
    digest = parse_command(step.protocol, step.command).command.digest
    said: dict[str, Json] = {"kind": "decision", "protocol": step.protocol, "digest": digest, "text": "***"}
    return said | {"verdict": verdict, "rules": [[rule, verdict]], "job": "j"} | more


def as_expected() -> list[Judged]:
    saw = ("open | 3", "x | ****1234", "no WHERE .. say which rows you mean", "8 | paid", "orders.csv")
    saw += (
        "refused before it ran: this program reads data and sends",
        "may run",
        "3 orders, on average 2",
        "does more than look",
    )
    return [
        Judged(Step("x", one.protocol, "c", seen), one.verdict, (one.rule,), "j", None)
        for one, seen in zip(EXPECTED, saw, strict=True)
    ]


def test_a_step_is_told_with_what_the_audit_says_of_its_command() -> None:
    (found,) = judged([STEP], [{"kind": "session"}, entry(STEP, "allow", "p/READ")])
    assert (found.verdict, found.rules, found.job) == ("allow", ("p/READ",), "j")


def test_an_entry_is_of_one_step_alone() -> None:
    first, second = judged([STEP, STEP], [entry(STEP, "deny", "p/NO"), entry(STEP, "allow", "p/READ")])
    assert (first.verdict, second.verdict) == ("deny", "allow")


def test_a_command_that_the_audit_does_not_know_was_judged_by_nobody() -> None:
    other = entry(replace(STEP, command="SELECT 2"), "allow", "p/READ")
    (found,) = judged([STEP], [other, entry(replace(STEP, protocol="shell"), "allow", "p/READ")])
    assert (found.verdict, found.rules, found.job) == ("nothing", (), None)


def test_what_is_as_it_must_be_has_no_differences() -> None:
    assert differences(as_expected()) == []


def test_every_difference_is_named() -> None:
    found = as_expected()
    found[0] = replace(found[0], verdict="deny")
    found[1] = replace(found[1], rules=())
    found[2] = replace(found[2], step=replace(found[2].step, saw="nothing"))
    wrong = differences(found)
    assert [line.partition(":")[0] for line in wrong] == ["step 1", "step 2", "step 3"]
    assert differences(found[:3]) == [f"3 steps instead of {len(EXPECTED)}"]


def test_the_table_has_a_line_for_each_step() -> None:
    found = [*as_expected()[:3], replace(as_expected()[3], approver="lena")]
    lines = table(found).splitlines()
    assert lines[0].split()[:3] == ["step", "who", "command"]
    assert len(lines) == 6
    assert "hold, approved by lena" in lines[5]
    assert "sql/CHANGES" in lines[5]
