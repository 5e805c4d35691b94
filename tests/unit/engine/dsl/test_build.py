"""Trees of what was written."""

from __future__ import annotations

import pytest

from engine.dsl import tree as t
from engine.dsl.build import MAX_DEPTH
from engine.dsl.parser import parse
from engine.rego.contract import RuleKind
from engine.source import Source, Span


def file(text: str) -> t.File:
    parsed = parse(Source("p.gate", text))
    assert parsed.file is not None, parsed.diagnostics
    return parsed.file


def condition(text: str) -> t.Condition:
    (rule,) = file(f"policy p\ndeny a when {text}").items
    assert isinstance(rule, t.Rule)
    (clause,) = rule.clauses
    assert isinstance(clause, t.When)
    return clause.condition


A, B, C = (t.Truth(t.Path((name,))) for name in "abc")
X = t.Literal(t.LiteralKind.TEXT, "x", '"x"')
WORD = t.Literal(t.LiteralKind.WORD, "read", "read")
ONE = t.Literal(t.LiteralKind.NUMBER, 1, "1")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", A),
        ("a and b or c", t.Or((t.And((A, B)), C))),
        ("a and (b or c)", t.And((A, t.Or((B, C))))),
        ("a and b and c", t.And((A, B, C))),
        ("not a and b", t.And((t.Not(A), B))),
        ("any operation has a and b", t.And((t.Quantified(t.Amount.ANY, t.Path(("operation",)), A), B))),
        ("no x.y has not a", t.Quantified(t.Amount.NO, t.Path(("x", "y")), t.Not(A))),
        ("every target has (a or b)", t.Quantified(t.Amount.EVERY, t.Path(("target",)), t.Or((A, B)))),
        ("effect read", t.Is(t.Path(("effect",)), WORD)),
        ('a."b c".d == "x"', t.Compare(t.Path(("a", "b c", "d")), "==", X)),
        ("1 <= count a", t.Compare(ONE, "<=", t.Count(t.Path(("a",))))),
        ("age of a > 15m", t.Compare(t.Age(t.Path(("a",))), ">", t.Literal(t.LiteralKind.DURATION, 900_000, "15m"))),
        ('a in {read, "x",}', t.Among(t.Path(("a",)), t.Items((WORD, X)))),
        ('"x" not in a.b', t.Among(X, t.Path(("a", "b")), True)),
        ('principal in group "x"', t.InGroup(t.Path(("principal",)), X)),
        ("principal not in group g", t.InGroup(t.Path(("principal",)), t.Name("g"), True)),
        ("a overlaps {read}", t.Overlaps(t.Path(("a",)), t.Items((WORD,)))),
        ('a like "x"', t.Like(t.Path(("a",)), X)),
        ('a not like {"x"}', t.Like(t.Path(("a",)), t.Items((X,)), True)),
        ('a within "x"', t.Within(t.Path(("a",)), X)),
        ('a not within "x"', t.Within(t.Path(("a",)), X, True)),
        ("a is present", t.Presence(t.Path(("a",)), True)),
        ("a is absent", t.Presence(t.Path(("a",)), False)),
        ('between 09:00 and 18:00 in "x"', t.Window("09:00", "18:00", X)),
        ('between 09:00 and 18:00 in "x" on weekdays', t.Window("09:00", "18:00", X, t.Name("weekdays"))),
        ('between 09:00 and 18:00 in "x" on {read}', t.Window("09:00", "18:00", X, t.Items((WORD,)))),
    ],
)
def test_a_condition_is_read_as_it_is_meant(text: str, tree: t.Condition) -> None:
    assert condition(text) == tree


def test_a_header_with_all_its_parts() -> None:
    header = file('policy a.b "x" applies to postgres, shell where a').header
    assert header == t.Header(("a", "b"), X, t.Applies((t.Name("postgres"), t.Name("shell")), A))
    assert file('library "x"').header == t.Header(None, X)


QUARTER = t.Literal(t.LiteralKind.DURATION, 900_000, "15m")


def test_a_hold_with_all_its_clauses() -> None:
    (rule,) = file(
        'policy p hold h "x" when a unless b hint "x" detail "x" code "x" approvers group "x", user "x" quorum 1 '
        "expires 15m requester may not withdraw remember 15m "
        'escalate after 15m to group "x", user "x" escalate after 15m to user "x" who may approve'
    ).items
    assert rule == t.Rule(
        RuleKind.HOLD,
        t.Name("h"),
        X,
        clauses=(
            t.When(A),
            t.When(B, negative=True),
            t.Remark(t.Note.HINT, X),
            t.Remark(t.Note.DETAIL, X),
            t.Remark(t.Note.CODE, X),
            t.Approvers((t.Approver(True, X), t.Approver(False, X)), ONE),
            t.Expires(QUARTER),
            t.Withdraw(False),
            t.Remember(QUARTER),
            t.Escalate(QUARTER, (t.Approver(True, X), t.Approver(False, X))),
            t.Escalate(QUARTER, (t.Approver(False, X),), may_approve=True),
        ),
    )


def test_masks_and_limits() -> None:
    mask, limit, bare = file(
        'policy p mask m columns "x", "x" values secret.* with partial keep first 1 keep last 1 key "x" unless a '
        "limit l rows 1 when a limit b read_only"
    ).items
    pattern = t.Literal(t.LiteralKind.WORD, "secret.*", "secret.*")
    parameters = (t.Parameter("keep_first", ONE), t.Parameter("keep_last", ONE), t.Parameter("key", X))
    assert mask == t.Rule(
        RuleKind.MASK,
        t.Name("m"),
        None,
        (t.Fields(t.Where.COLUMNS, (X, X)), t.Fields(t.Where.VALUES, (pattern,))),
        t.Method(t.Name("partial"), parameters),
        clauses=(t.When(A, negative=True),),
    )
    assert limit == t.Rule(RuleKind.LIMIT, t.Name("l"), limit=t.Limit(t.Name("rows"), ONE), clauses=(t.When(A),))
    assert bare == t.Rule(RuleKind.LIMIT, t.Name("b"), limit=t.Limit(t.Name("read_only")))


def test_imports_definitions_and_tests() -> None:
    imported, defined, named, test = file(
        'policy p import "x" define d = a define s = {read} '
        'test "x" given principal "x" kind agent groups {"x"}, resource "x" labels {a: "x"} database "x" role "x" '
        'given now "x", context.t = 1 run postgres "x" expect deny by d, e'
    ).items
    assert imported == t.Import(X)
    assert defined == t.Define(t.Name("d"), A)
    assert named == t.Define(t.Name("s"), t.Items((WORD,)))
    assert test == t.Test(
        X,
        (
            t.Given(
                (
                    t.Principal(X, t.Name("agent"), t.Items((X,))),
                    t.Resource(X, (("a", X),), X, X),
                )
            ),
            t.Given((t.Now(X), t.Fact(t.Path(("context", "t")), ONE))),
        ),
        t.Run(t.Name("postgres"), X),
        t.Expect("deny", (t.Name("d"), t.Name("e"))),
    )


def test_spans_are_lines_and_columns_from_one() -> None:
    (rule,) = file("policy p\n\n  deny abc\n    when xyz\n").items
    assert isinstance(rule, t.Rule)
    assert rule.span == Span(3, 3, 4, 13)
    assert rule.name.span == Span(3, 8, 3, 11)


def test_depth_has_a_limit_and_is_told_once() -> None:
    deep = "(" * 5 + "not " * (MAX_DEPTH + 1) + "a" + ")" * 5
    parsed = parse(Source("p.gate", f"policy p\ndeny a when {deep}"))
    assert [one.code for one in parsed.diagnostics] == ["TOO_DEEP"]
    assert isinstance(condition("not " * MAX_DEPTH + "a"), t.Not)


def test_a_constant_without_a_value_is_a_diagnostic() -> None:
    parsed = parse(Source("p.gate", 'policy p\ndeny a "\\ud800" when a == 99999999999999999999999\n'))
    assert [one.code for one in parsed.diagnostics] == ["ESCAPE", "AMOUNT"]
