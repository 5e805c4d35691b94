"""A decision out of the cache is the one that would be made now, whatever changed since it was kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.command.tree import Command, Effect, Operation, ParsedCommand, Sql
from engine.compiler.stages import compile_policies
from engine.evaluator.keys import Reads, reduced
from engine.evaluator.program import Program, TextQuestion
from engine.evaluator.reader import CommandReader
from engine.request import Approval, Principal, Request, Resource, Session
from engine.source import Source
from tests.toy_core import ToyNames, ToyParser, ToyRule, shown, toy_program

NOW = 1_000_000_000
TEXTS = (b"select 1", b"select 11", b"select 2", b"delete 1", b"select 1 !", b"select 2 !", b"drop")

PATHS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("input.principal.name", ("ana", "bo")),
    ("input.principal.kind", ("user", "agent")),
    ("input.principal.groups[_]", ("dba", "dev")),
    ("input.principal.attributes.team.name", ("core",)),
    ("input.session.id", ("s1",)),
    ("input.session.job", ("j",)),
    ("input.session.application", ("psql",)),
    ("input.session.client_address", ("::1",)),
    ('input.session.state["transaction"]', ("open",)),
    ("input.resource.name", ("orders",)),
    ("input.resource.protocol", ("postgres",)),
    ("input.resource.database", ("shop",)),
    ("input.resource.role", ("app",)),
    ("input.resource.labels.environment", ("prod",)),
    ("input.context.hour", (9,)),
    ("input.context.now", ("1970-01-01T00:00:01.000000000Z",)),
    ("input.command.text", ("select 1", "delete 1")),
    ("input.command.digest", (b"select 1".hex(),)),
    ("input.command.operations[_].kind", ("select", "delete")),
    ("input.command.sql.relations[_]", ("public.t", "other.t")),
)
VALUES: dict[str, dict[str, Any]] = {
    "allow": {"code": "A"},
    "deny": {"code": "D"},
    "hold": {"code": "H", "approvers": {"groups": ["dba"]}},
    "mask": {"code": "M", "columns": ["a.b.c"], "method": "null"},
    "limit": {"code": "L", "type": "rows", "value": 5},
}


@st.composite
def toy_rules(draw: st.DrawFn) -> ToyRule:
    kind = draw(st.sampled_from(["allow", "allow", "deny", "deny", "hold", "mask", "limit"]))
    if draw(st.integers(0, 9)) == 0:
        return ToyRule(kind, "", value=VALUES[kind], since=NOW + draw(st.integers(0, 2)))
    path, values = draw(st.sampled_from(PATHS))
    broken = draw(st.integers(0, 9)) == 0
    return ToyRule(kind, path, draw(st.sampled_from(values)), VALUES[kind], broken=broken)


principals = st.builds(
    Principal,
    name=st.sampled_from(["ana", "bo"]),
    kind=st.sampled_from(["user", "agent"]),
    groups=st.sampled_from([(), ("dba",), ("dev", "dba")]),
    attributes=st.sampled_from([{}, {"team": {"name": "core"}}, {"team": "core"}]),
)
sessions = st.builds(
    Session,
    id=st.sampled_from(["s1", "s2"]),
    job=st.sampled_from([None, "j"]),
    application=st.sampled_from([None, "psql"]),
    client_address=st.sampled_from([None, "::1"]),
    state=st.sampled_from([{}, {"transaction": "open"}, {"transaction": "idle"}]),
)
resources = st.builds(
    Resource,
    name=st.sampled_from(["orders", "cards"]),
    protocol=st.sampled_from(["postgres", "ssh"]),
    database=st.sampled_from([None, "shop"]),
    role=st.sampled_from([None, "app"]),
    labels=st.sampled_from([{}, {"environment": "prod"}, {"environment": "dev"}]),
)
questions = st.builds(
    TextQuestion,
    principal=principals,
    session=sessions,
    resource=resources,
    protocol=st.sampled_from(["postgres", "postgres", "shell"]),
    text=st.sampled_from(TEXTS),
    now=st.integers(NOW, NOW + 2),
    names=st.sampled_from([None, None, ToyNames("other.t"), ToyNames("v2")]),
    context=st.sampled_from([{}, {}, {"hour": 9}, {"hour": 10}, {"hour": 9, "more": 1}]),
    approval=st.sampled_from([None, None, None, Approval("t", ("bo",), ("toy.0/H", "toy.1/H"), 1)]),
)


def mutated(draw: st.DrawFn, question: TextQuestion) -> TextQuestion:
    """The question with one thing changed, often just the one that a rule reads."""
    other = draw(questions)
    name = draw(
        st.sampled_from(["principal", "session", "resource", "protocol", "text", "now", "names", "context", "approval"])
    )
    if name in ("principal", "session", "resource") and draw(st.booleans()):
        part = getattr(question, name)
        field = draw(st.sampled_from([slot for slot in part.__slots__ if slot != "__weakref__"]))
        return replace(question, **{name: replace(part, **{field: getattr(getattr(other, name), field)})})
    return replace(question, **{name: getattr(other, name)})


@st.composite
def dialogues(draw: st.DrawFn) -> list[TextQuestion]:
    """Questions of which each differs from an earlier one in one thing, or in nothing."""
    asked = [draw(questions)]
    for _ in range(draw(st.integers(1, 6))):
        earlier = draw(st.sampled_from(asked))
        asked.append(earlier if draw(st.integers(0, 3)) == 0 else mutated(draw, earlier))
    return asked


def as_request(program: Program, question: TextQuestion) -> Request:
    return Request(
        question.principal,
        question.session,
        question.resource,
        program.reader.read(question.protocol, question.text, question.names),
        question.now,
        question.context,
        question.approval,
    )


def holds_for(rules: list[ToyRule], asked: list[TextQuestion], forget: str | None = None) -> None:
    """Ask one program everything in turn, and a new one each question alone."""
    warm = toy_program(rules, forget=forget)
    for question in asked:
        fresh = toy_program(rules)
        expected = fresh.decide(as_request(fresh, question))
        judged = warm.decide_text(question)
        assert judged.decision == expected
        assert warm.decide(as_request(warm, question)) == expected
        if judged.exact and judged.command is not None:
            assert judged.command.command.text == question.text.decode()


@settings(max_examples=200)
@given(st.lists(toy_rules(), min_size=1, max_size=4), dialogues())
def test_a_kept_decision_equals_a_fresh_one_whatever_changed(rules: list[ToyRule], asked: list[TextQuestion]) -> None:
    holds_for(rules, asked)


BASE = TextQuestion(
    Principal("ana", "user", ("dba",), {"team": {"name": "core"}}),
    Session("s1", "j", "psql", "::1", {"transaction": "open"}),
    Resource("orders", "postgres", "shop", "app", {"environment": "prod"}),
    "postgres",
    b"select 1",
    NOW,
    None,
    {"hour": 9},
)
CHANGED: dict[str, TextQuestion] = {
    "input.principal.name": replace(BASE, principal=replace(BASE.principal, name="bo")),
    "input.principal.kind": replace(BASE, principal=replace(BASE.principal, kind="agent")),
    "input.principal.groups[_]": replace(BASE, principal=replace(BASE.principal, groups=("dev",))),
    "input.principal.attributes.team.name": replace(BASE, principal=replace(BASE.principal, attributes={})),
    "input.session.id": replace(BASE, session=replace(BASE.session, id="s2")),
    "input.session.job": replace(BASE, session=replace(BASE.session, job=None)),
    "input.session.application": replace(BASE, session=replace(BASE.session, application=None)),
    "input.session.client_address": replace(BASE, session=replace(BASE.session, client_address=None)),
    'input.session.state["transaction"]': replace(BASE, session=replace(BASE.session, state={"transaction": "idle"})),
    "input.resource.name": replace(BASE, resource=replace(BASE.resource, name="cards")),
    "input.resource.protocol": replace(BASE, resource=replace(BASE.resource, protocol="ssh")),
    "input.resource.database": replace(BASE, resource=replace(BASE.resource, database=None)),
    "input.resource.role": replace(BASE, resource=replace(BASE.resource, role=None)),
    "input.resource.labels.environment": replace(BASE, resource=replace(BASE.resource, labels={})),
    "input.context.hour": replace(BASE, context={"hour": 10}),
    "input.command.text": replace(BASE, text=b"select 2"),
    "input.command.digest": replace(BASE, text=b"select 2"),
    "input.command.operations[_].kind": replace(BASE, text=b"delete 1"),
    "input.command.sql.relations[_]": replace(BASE, names=ToyNames("other.t")),
}


@pytest.mark.parametrize("path", sorted(CHANGED))
def test_a_key_that_forgets_one_path_gives_a_stale_decision(path: str) -> None:
    """The control: what the property looks for happens as soon as a key is too small."""
    values = next(values for known, values in PATHS if known == path)
    rules = [ToyRule("allow", path, value, VALUES["allow"]) for value in values[:1]]
    holds_for(rules, [BASE, CHANGED[path], BASE])
    with pytest.raises(AssertionError):
        holds_for(rules, [BASE, CHANGED[path]], forget=path)


OF_THE_COMMAND: dict[str, list[TextQuestion]] = {
    "names": [BASE, replace(BASE, names=ToyNames("other.t"))],
    "text": [replace(BASE, text=b"drop"), replace(BASE, text=b"select 1", names=ToyNames("other.t"))],
    "protocol": [BASE, replace(BASE, protocol="shell")],
    "literals": [replace(BASE, text=b"select 1 !"), replace(BASE, text=b"select 2 !")],
}


@pytest.mark.parametrize("what", sorted(OF_THE_COMMAND))
def test_what_fixes_the_tree_is_part_of_the_key(what: str) -> None:
    rules = [
        ToyRule("allow", "input.command.sql.relations[_]", "other.t", VALUES["allow"]),
        ToyRule("deny", "input.command.protocol", "shell", VALUES["deny"]),
    ]
    holds_for(rules, OF_THE_COMMAND[what])
    holds_for(rules, OF_THE_COMMAND[what][::-1])


def test_the_tree_of_another_text_is_called_so() -> None:
    program = toy_program([ToyRule("allow", "input.principal.name", "ana", VALUES["allow"])])
    first, second = (program.decide_text(replace(BASE, text=text)) for text in (b"select 1", b"select 2"))
    assert first.exact
    assert not second.exact
    assert second.command == first.command
    assert program.decide_text(BASE).exact


def test_what_the_clock_decided_is_not_kept() -> None:
    rules = [ToyRule("allow", "", value=VALUES["allow"], since=NOW + 1)]
    for texts in ((b"select 1", b"select 1"), (b"select 1", b"select 2")):
        asked = [replace(BASE, text=text, now=NOW + later) for later, text in enumerate(texts)]
        holds_for(rules, asked)
        holds_for(rules, asked[::-1])


def test_each_path_has_its_control_but_the_time() -> None:
    assert {path for path, _ in PATHS} - set(CHANGED) == {"input.context.now"}


CONDITIONS = (
    'input.principal.name == "ana"',
    '"dba" in input.principal.groups',
    'object.get(input.principal, "kind", "") == "agent"',
    "is_named(input.principal)",
    'not input.session.job == "j"',
    'input.session.state.transaction == "open"',
    'input.resource.labels.environment in {"prod"}',
    'not input.resource.labels.environment != "prod"',
    "count(input.context) > 1",
    "input.context.hour >= 10",
    'input.context.now == "1970-01-01T00:00:01.000000001Z"',
    'input.context.now > "1970-01-01T00:00:01.000000000Z"',
    "time.now_ns() >= 1000000001",
    "is_late",
    'some op in input.command.operations\n\top.kind == "select"',
    'every op in input.command.operations {\n\t\top.effect == "read"\n\t}',
    'input.command.sql.relations[_] == "other.t"',
    'contains(input.command.text, "1")',
    'regex.match("[1-9]1", sprintf("%v", [input.command]))',
    'contains(sprintf("%v", [input.command.operations]), "9")',
    'contains(sprintf("%v", [input]), "prod")',
    'input[x].kind == "agent"',
)
HELPERS = """
is_named(someone) if someone.name == "ana"

is_late if time.now_ns() >= 1000000002
"""
HEADS = {
    "allow": '{"code": "A"}',
    "deny": '{"code": "D"}',
    "hold": '{"code": "H", "approvers": {"groups": ["dba"]}}',
    "limit": '{"code": "L", "type": "rows", "value": count(input.principal.groups)}',
}


@st.composite
def rego_policies(draw: st.DrawFn) -> str:
    rules = ["package policies.toy", HELPERS]
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["allow", "allow", "deny", "hold", "limit"]))
        body = "\n\t".join(draw(st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=2, unique=True)))
        rules.append(f"{kind} contains {HEADS[kind]} if {{\n\t{body}\n}}\n")
    return "\n".join(rules)


@settings(max_examples=100)
@given(rego_policies(), dialogues())
def test_a_kept_decision_of_real_policies_equals_a_fresh_one(policy: str, asked: list[TextQuestion]) -> None:
    compiled = compile_policies([Source("toy.rego", policy)])
    reader = CommandReader(ToyParser())
    warm = Program.of(compiled, reader)
    for question in asked:
        expected = Program.of(compiled, reader).decide(as_request(warm, question))
        assert warm.decide_text(question).decision == expected
        assert warm.decide(as_request(warm, question)) == expected


@pytest.mark.parametrize("condition", CONDITIONS[11:14] + CONDITIONS[10:11])
def test_real_policies_that_read_the_time_are_asked_each_time(condition: str) -> None:
    policy = f"package policies.toy\n{HELPERS}\nallow contains {HEADS['allow']} if {{\n\t{condition}\n}}\n"
    program = Program.of(compile_policies([Source("toy.rego", policy)]), CommandReader(ToyParser()))
    seen = [program.decide_text(replace(BASE, now=NOW + later)).decision.verdict for later in (0, 1, 2, 3)]
    assert len(set(seen)) == 2


def test_real_policies_that_walk_the_operations_still_know_shapes() -> None:
    policy = f"""package policies.toy

allow contains {HEADS["allow"]} if {{
	count(input.command.operations) > 0
	every op in input.command.operations {{
		reads(op)
	}}
}}

reads(op) if op.effect == "read"
"""
    program = Program.of(compile_policies([Source("toy.rego", policy)]), CommandReader(ToyParser()))
    assert program.decide_text(BASE).exact
    assert not program.decide_text(replace(BASE, text=b"select 2")).exact


commands = st.builds(
    Command,
    protocol=st.just("postgres"),
    text=st.sampled_from(["select 1", "delete 1"]),
    digest=st.sampled_from(["aa", b"select 1".hex()]),
    operations=st.sampled_from(
        [
            (Operation(kind, Effect.READ, ("top",), span=span),)
            for kind in ("select", "delete")
            for span in ((0, 8), (0, 9))
        ]
    ),
    features=st.sampled_from([(), ("whole_row",)]),
    complete=st.booleans(),
    sql=st.sampled_from([None, Sql(relations=("other.t",))]),
)


STEPS = st.sampled_from(
    [".sql", ".relations", ".operations", ".kind", ".span", ".features", ".via", "[_]", ".complete"]
)
PATHS_OF_COMMANDS = st.one_of(
    st.sampled_from([".operations[_].kind", ".operations", ".sql.relations[_]", ".sql", ".complete", ".digest", ""]),
    st.lists(STEPS, min_size=1, max_size=4).map("".join),
).map("input.command{}".format)


@settings(max_examples=300)
@given(st.lists(PATHS_OF_COMMANDS, min_size=1, max_size=4), commands, commands)
def test_the_parts_of_two_commands_are_equal_only_where_no_rule_can_tell_them_apart(
    paths: list[str], one: Command, other: Command
) -> None:
    conditions = "\n".join(f"\tcount([1 | x := {path}; x == {number}]) == 9" for number, path in enumerate(paths))
    policy = f"package policies.toy\n\nallow contains {HEADS['allow']} if {{\n{conditions}\n}}\n"
    core = compile_policies([Source("toy.rego", policy)], has_schema=False).core
    below = Reads.of(paths).below("command")
    parts = [core.part(ParsedCommand.of(command).encoded) for command in (one, other)]
    plain = [
        reduced(below, shown(msgspec.msgpack.decode(ParsedCommand.of(command).encoded))) for command in (one, other)
    ]
    assert (parts[0] is None) == (below == ((),))
    if parts[0] is not None and parts[0] == parts[1]:
        assert plain[0] == plain[1]


@given(st.lists(toy_rules(), min_size=1, max_size=4), st.lists(st.tuples(questions, commands), min_size=2, max_size=6))
@example([ToyRule("allow", "input.command.text", "select 1", VALUES["allow"])], [])
def test_a_kept_decision_on_a_tree_equals_a_fresh_one(
    rules: list[ToyRule], asked: list[tuple[TextQuestion, Command]]
) -> None:
    warm = toy_program(rules)
    for question, command in asked + asked:
        request = replace(as_request(warm, question), command=ParsedCommand.of(command))
        assert warm.decide(request) == toy_program(rules).decide(request)
