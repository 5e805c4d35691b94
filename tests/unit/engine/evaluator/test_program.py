"""Every question is answered with a decision, work is done once, and failures deny."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine._native import NativeError
from engine.command.tree import Command, Effect, Operation, ParsedCommand
from engine.decision import Decision, DenyKind, Location, Verdict
from engine.evaluator.keys import Reads
from engine.evaluator.program import Program, TextQuestion
from engine.evaluator.reader import MAX_TEXT_BYTES, CommandReader
from engine.evaluator.results import Rule
from engine.rego.contract import RuleKind
from engine.request import Approval, Principal, Request, Resource, Session
from tests.toy_core import ToyCore, ToyParser, ToyRule, toy_program

ALLOW = ToyRule("allow", "input.command.operations[_].kind", "select", {"code": "READ"})
HOLD = ToyRule("hold", "input.command.operations[_].kind", "update", {"code": "H", "approvers": {"groups": ["dba"]}})
MASK = {"code": "M", "columns": ["a.b.c"], "method": "null"}
QUESTION = TextQuestion(
    Principal("ana"), Session("s"), Resource("orders", "postgres"), "postgres", b"select 1", 1_000_000_000
)
TREE = ParsedCommand.of(Command("postgres", "select 1", "d", (Operation("select", Effect.READ, ("top",)),)))
REQUEST = Request(QUESTION.principal, QUESTION.session, QUESTION.resource, TREE, QUESTION.now)


class Counting:
    """A program with its core and parser in sight."""

    def __init__(self, *rules: ToyRule) -> None:
        self.parser = ToyParser()
        self.core = ToyCore(rules)
        table = [
            Rule(f"toy.{number}", RuleKind(rule.kind), Location("toy.rego", 1)) for number, rule in enumerate(rules)
        ]
        reads = Reads.of(rule.path for rule in rules if rule.since is None)
        self.program = Program(self.core, table, reads, "rev", CommandReader(self.parser))

    def ask(self, text: bytes, **more: Any) -> Decision:
        return self.program.decide_text(replace(QUESTION, text=text, **more)).decision


def test_a_decision_names_the_revision() -> None:
    got = Counting(ALLOW).ask(b"select 1")
    assert (got.verdict, got.revision, got.reasons[0].rule) == (Verdict.ALLOW, "rev", "toy.0/READ")


def test_a_repeated_text_is_neither_parsed_nor_evaluated_again() -> None:
    counting = Counting(ALLOW)
    first = counting.ask(b"select 1")
    assert counting.ask(b"select 1") is first
    assert (counting.parser.parsed, counting.core.runs) == (1, 1)


def test_a_text_of_a_known_shape_is_neither_parsed_nor_evaluated() -> None:
    counting = Counting(ALLOW)
    first = counting.ask(b"select 1")
    for number in range(2, 50):
        assert counting.ask(b"select %d" % number) is first
    assert (counting.parser.parsed, counting.core.runs) == (1, 1)


def test_shapes_do_not_count_when_a_rule_reads_the_text() -> None:
    counting = Counting(ALLOW, ToyRule("deny", "input.command.text", "select 7", {"code": "SEVEN"}))
    assert counting.ask(b"select 1").is_granted
    assert counting.ask(b"select 7").deny_kind is DenyKind.RULE
    assert counting.core.runs == 2


def test_a_text_whose_constants_matter_is_judged_by_itself() -> None:
    counting = Counting(ALLOW)
    counting.ask(b"select 1 !")
    counting.ask(b"select 2 !")
    assert counting.parser.parsed == 2


def test_a_command_that_differs_in_what_no_rule_reads_is_parsed_but_not_evaluated() -> None:
    counting = Counting(ALLOW)
    first = counting.ask(b"select 1")
    assert counting.ask(b"select one") is first
    assert (counting.parser.parsed, counting.core.runs) == (2, 1)
    assert counting.ask(b"delete 1").verdict is Verdict.DENY
    assert counting.core.runs == 2


def test_a_mask_is_planned_for_each_command_of_what_was_said_once() -> None:
    mask = ToyRule("mask", "input.command.operations[_].kind", "select", MASK)
    counting = Counting(ALLOW, mask)
    for number in range(3):
        text = b"select " + b"x" * number
        fresh = Counting(ALLOW, mask)
        assert counting.ask(text) == fresh.ask(text)
    assert (counting.parser.parsed, counting.core.runs) == (3, 1)


@pytest.mark.parametrize(
    "rule",
    [
        ToyRule("allow", "input.command.operations[_].kind", "select", {"code": "READ"}, broken=True),
        ToyRule("allow", "", value={"code": "LATER"}, since=QUESTION.now + 1),
    ],
    ids=["failed", "volatile"],
)
def test_what_failed_or_may_be_over_is_evaluated_again(rule: ToyRule) -> None:
    counting = Counting(rule)
    for text in (b"select 1", b"select one", b"select two"):
        counting.ask(text)
    assert counting.core.runs == 3


def test_a_rule_that_reads_the_text_sees_each() -> None:
    counting = Counting(ToyRule("allow", "input.command.text", "select 1", {"code": "READ"}))
    texts = (b"select one", b"select 1", b"select two")
    assert [counting.ask(text).verdict for text in texts] == [Verdict.DENY, Verdict.ALLOW, Verdict.DENY]


def test_a_held_command_is_evaluated_each_time_and_runs_when_approved() -> None:
    counting = Counting(HOLD)
    assert counting.ask(b"update").verdict is Verdict.HOLD
    assert counting.ask(b"update").verdict is Verdict.HOLD
    approval = Approval("t", ("bo",), ("toy.0/H",), 5)
    assert counting.ask(b"update", approval=approval).verdict is Verdict.ALLOW
    assert counting.ask(b"update").verdict is Verdict.HOLD
    assert (counting.parser.parsed, counting.core.runs) == (1, 4)


def test_a_repeated_tree_is_evaluated_once() -> None:
    counting = Counting(ALLOW)
    first = counting.program.decide(REQUEST)
    assert counting.program.decide(replace(REQUEST, command=ParsedCommand(bytes(TREE.encoded)))) is first
    assert counting.core.runs == 1


def test_a_text_longer_than_a_command_may_be_is_denied() -> None:
    got = Counting(ALLOW).program.decide_text(replace(QUESTION, text=b"x" * (MAX_TEXT_BYTES + 1)))
    assert got.decision.deny_kind is DenyKind.INPUT_INVALID
    assert got.command is None


WRONG: dict[str, dict[str, Any]] = {
    "a nameless principal": {"principal": Principal("")},
    "a time before time": {"now": -1},
    "an approval by the context": {"context": {"approval": {"ticket": "t"}}},
    "too large a context": {"context": {"x": "y" * 300_000}},
    "an approval that is none": {"approval": Approval("", (), (), 1)},
}


@pytest.mark.parametrize("what", sorted(WRONG))
def test_a_request_without_the_right_shape_is_denied_also_after_a_right_one(what: str) -> None:
    counting = Counting(ALLOW)
    assert counting.ask(b"select 1").is_granted
    assert counting.ask(b"select 1", **WRONG[what]).deny_kind is DenyKind.INPUT_INVALID
    assert counting.program.decide(REQUEST).is_granted
    assert counting.program.decide(replace(REQUEST, **WRONG[what])).deny_kind is DenyKind.INPUT_INVALID


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\xc1",
        b"\x80",
        ParsedCommand.of(Command("postgres", "", "", ())).encoded,
        TREE.encoded[:-1],
        TREE.encoded + b"\x00",
    ],
)
def test_bytes_that_are_no_command_are_denied(encoded: bytes) -> None:
    got = toy_program([ALLOW]).decide(replace(REQUEST, command=ParsedCommand(encoded)))
    assert got.deny_kind is DenyKind.INPUT_INVALID


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("INPUT_INVALID", DenyKind.INPUT_INVALID),
        ("TIMEOUT", DenyKind.TIMEOUT),
        ("PANIC", DenyKind.EVAL_ERROR),
        ("SOMETHING_NEW", DenyKind.EVAL_ERROR),
    ],
)
def test_a_core_that_cannot_answer_is_a_deny(code: str, kind: DenyKind) -> None:
    class Failing(ToyCore):
        def evaluate(self, document: bytes, now: int, /) -> bytes:
            error = NativeError("the reason")
            error.code = code
            raise error

        def part(self, command: bytes, /) -> bytes | None:
            raise NativeError("the reason")

    program = Program(Failing([ALLOW]), (), Reads(()), "rev", CommandReader(ToyParser()))
    for got in (program.decide(REQUEST), program.decide_text(QUESTION).decision):
        assert (got.verdict, got.deny_kind, got.cacheable) == (Verdict.DENY, kind, False)


def test_an_empty_program_denies() -> None:
    assert toy_program([]).decide(REQUEST).deny_kind is DenyKind.NO_MATCH


def test_a_failing_rule_denies_and_is_asked_again() -> None:
    counting = Counting(ALLOW, replace(ALLOW, broken=True))
    assert counting.ask(b"select 1").deny_kind is DenyKind.EVAL_ERROR
    counting.ask(b"select 1")
    assert counting.core.runs == 2


def test_every_rule_may_be_asked_uncombined() -> None:
    program = toy_program([ALLOW])
    assert program.evaluate(REQUEST, every_rule=True).answers[0].id == "toy.0/READ"
    assert program.reader.read("postgres", b"select 1", None)


def test_rules_about_what_somebody_did_deny_where_nobody_counted() -> None:
    busy = ToyRule("hold", "input.context.activity.rows_last_hour", 7, {"code": "B", "approvers": {"groups": ["dba"]}})
    counting = Counting(ALLOW, busy)
    assert counting.program.reads_activity
    assert counting.ask(b"select 1").deny_kind is DenyKind.INPUT_INVALID
    for rows, verdict in ((3, Verdict.ALLOW), (7, Verdict.HOLD), (3, Verdict.ALLOW), (8, Verdict.ALLOW)):
        context = {"activity": {"rows_last_hour": rows}}
        assert counting.ask(b"select 1", context=context).verdict is verdict
    assert not Counting(ALLOW).program.reads_activity
