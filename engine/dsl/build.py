"""From Lark's tree to ours. The grammar has checked the shape; here only constants and depth can still be wrong.

Called by `parser.py`, for a whole file or for one item or clause of a file that has mistakes elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from lark import Token, Tree

from engine.dsl import tree as t
from engine.dsl.literals import BadLiteral, read_literal
from engine.rego.contract import RuleKind
from engine.source import Diagnostic, Span

MAX_DEPTH = 40
"""How deep conditions may stand in each other as written; every pass over a tree recurses this deep."""

_STAND_INS = {"STRING": '"?"', "NUMBER": "1", "DURATION": "1m", "SIZE": "1MB"}
"""What stands for a constant without a value, so that it is one mistake and not two."""

Raw: TypeAlias = "Tree[Token]"
Child: TypeAlias = "Tree[Token] | Token | None"


class Builder:
    """Builds nodes of one file; `problems` are what was wrong on the way."""

    def __init__(self, source: str, first_line: int = 1) -> None:
        self.source = source
        self.shift = first_line - 1
        self.problems: list[Diagnostic] = []

    def file(self, raw: Raw) -> t.File:
        header, *items = _trees(raw)
        return t.File(self.header(header), tuple(self.item(item) for item in items), span=self.span(raw))

    def header(self, raw: Raw) -> t.Header:
        if raw.data == "library":
            return t.Header(None, self._title(raw.children[0]), span=self.span(raw))
        package, title, applies = raw.children
        name = tuple(str(part) for part in _tree(package).children)
        where = None if applies is None else self._applies(_tree(applies))
        return t.Header(name, self._title(title), where, span=self.span(raw))

    def items(self, raw: Raw) -> tuple[t.Item, ...]:
        return tuple(self.item(item) for item in _trees(raw))

    def item(self, raw: Raw) -> t.Item:
        span = self.span(raw)
        match raw.data:
            case "import":
                return t.Import(self.literal(_token(raw.children[0])), span=span)
            case "define":
                name, meaning = raw.children
                return t.Define(self.name(name), self.condition(_tree(meaning), 0), span=span)
            case "define_set":
                name, items = raw.children
                return t.Define(self.name(name), self._items(_tree(items)), span=span)
            case "test":
                return self._test(raw)
            case "rule":
                kind, name, title, *clauses = raw.children
                word = RuleKind(str(_tree(kind).children[0]))
                return t.Rule(word, self.name(name), self._title(title), clauses=self._clauses(clauses), span=span)
            case "mask":
                return self._mask(raw)
            case _:
                name, title, limit, value, *clauses = raw.children
                amount = None if value is None else self.value(value)
                what = (
                    self.span_of(_token(limit)) if amount is None else _over(self.span_of(_token(limit)), amount.span)
                )
                stated = t.Limit(self.name(limit), amount, span=what)
                return t.Rule(
                    RuleKind.LIMIT,
                    self.name(name),
                    self._title(title),
                    limit=stated,
                    clauses=self._clauses(clauses),
                    span=span,
                )

    def clause(self, raw: Raw) -> t.Clause:
        span = self.span(raw)
        match raw.data:
            case "when" | "unless":
                return t.When(self.condition(_tree(raw.children[0]), 0), raw.data == "unless", span=span)
            case "approvers":
                *who, quorum = raw.children
                approvers = tuple(self._approver(_tree(one)) for one in who)
                return t.Approvers(approvers, None if quorum is None else self.literal(_token(quorum)), span=span)
            case "expires":
                return t.Expires(self.literal(_token(raw.children[0])), span=span)
            case "permits_equality":
                return t.PermitsEquality(span=span)
            case "withdraw" | "no_withdraw":
                return t.Withdraw(raw.data == "withdraw", span=span)
            case "remember":
                return t.Remember(self.literal(_token(raw.children[0])), span=span)
            case "escalate":
                after, *told, may = raw.children
                to = tuple(self._approver(_tree(one)) for one in told)
                return t.Escalate(self.literal(_token(after)), to, may is not None, span=span)
            case _:
                return t.Remark(t.Note(raw.data), self.literal(_token(raw.children[0])), span=span)

    def condition(self, raw: Raw, depth: int) -> t.Condition:
        span = self.span(raw)
        if depth > MAX_DEPTH:
            help_ = "give a part of it a name with `define`"
            message = f"conditions stand more than {MAX_DEPTH} deep in each other"
            self.problems.append(Diagnostic("TOO_DEEP", message, self.source, span, help=help_))
            return t.Truth(t.Path(("command", "complete"), span=span), span=span)
        match raw.data:
            case "either":
                return t.Or(tuple(self.condition(part, depth + 1) for part in _trees(raw)), span=span)
            case "both":
                return t.And(tuple(self.condition(part, depth + 1) for part in _trees(raw)), span=span)
            case "negated":
                return t.Not(self.condition(_tree(raw.children[0]), depth + 1), span=span)
            case "any" | "every" | "no":
                noun, body = raw.children
                inner = self.condition(_tree(body), depth + 1)
                return t.Quantified(t.Amount(raw.data), self.path(_tree(noun)), inner, span=span)
            case _:
                return self._comparison(raw, span)

    def _comparison(self, raw: Raw, span: Span) -> t.Condition:
        if raw.data == "window":
            start, end, zone, days = raw.children
            when = self._days(days)
            return t.Window(str(start), str(end), self.literal(_token(zone)), when, span=span)
        first, *rest = raw.children
        match raw.data:
            case "compare":
                operator, right = rest
                return t.Compare(self.term(first), str(operator), self.term(right), span=span)
            case "within_set" | "outside_set":
                among = self._among(rest[0])
                return t.Among(self.term(first), among, raw.data == "outside_set", span=span)
            case _:
                return self._of_path(raw, span)

    def _of_path(self, raw: Raw, span: Span) -> t.Condition:
        first, *rest = raw.children
        path = self.path(_tree(first))
        match raw.data:
            case "truth":
                return t.Truth(path, span=span)
            case "is_value":
                return t.Is(path, self.value(rest[0]), span=span)
            case "in_group" | "not_in_group":
                return t.InGroup(path, self._texts(rest[0]), raw.data == "not_in_group", span=span)
            case "overlaps":
                return t.Overlaps(path, self._among(rest[0]), span=span)
            case "like" | "not_like":
                return t.Like(path, self._texts(rest[0]), raw.data == "not_like", span=span)
            case "within" | "not_within":
                return t.Within(path, self._texts(rest[0]), raw.data == "not_within", span=span)
            case _:
                return t.Presence(path, raw.data == "present", span=span)

    def term(self, child: Child) -> t.Term:
        if isinstance(child, Tree) and child.data == "path":
            return self.path(child)
        if isinstance(child, Tree) and child.data == "count":
            return t.Count(self.path(_tree(child.children[0])), span=self.span(child))
        if isinstance(child, Tree) and child.data == "age":
            return t.Age(self.path(_tree(child.children[0])), span=self.span(child))
        return self.value(child)

    def path(self, raw: Raw) -> t.Path:
        parts = tuple(self._part(_token(part)) for part in raw.children)
        return t.Path(parts, span=self.span(raw))

    def value(self, child: Child) -> t.Literal:
        """A constant: a token, or one wrapped as `literal` or `word`."""
        return self.literal(_token(child.children[0] if isinstance(child, Tree) else child))

    def literal(self, token: Token) -> t.Literal:
        span = self.span_of(token)
        try:
            return read_literal(token.type, str(token), span)
        except BadLiteral as bad:
            self.problems.append(Diagnostic(bad.code, str(bad), self.source, span, help=bad.hint))
            return read_literal(token.type, _STAND_INS[token.type], span)

    def name(self, child: Child) -> t.Name:
        token = _token(child)
        return t.Name(str(token), span=self.span_of(token))

    def span_of(self, token: Token) -> Span:
        line, column = (token.line or 1) + self.shift, token.column or 1
        return Span(line, column, (token.end_line or 1) + self.shift, token.end_column or column)

    def span(self, raw: Raw) -> Span:
        meta = raw.meta
        if meta.empty:
            return Span(1 + self.shift, 1, 1 + self.shift, 1)
        return Span(meta.line + self.shift, meta.column, meta.end_line + self.shift, meta.end_column)

    def _part(self, token: Token) -> str:
        return str(self.literal(token).value) if token.type == "STRING" else str(token)

    def _title(self, child: Child) -> t.Literal | None:
        return None if child is None else self.literal(_token(child))

    def _applies(self, raw: Raw) -> t.Applies:
        *protocols, where = raw.children
        condition = None if where is None else self.condition(_tree(where), 0)
        return t.Applies(tuple(self.name(name) for name in protocols), condition, span=self.span(raw))

    def _clauses(self, children: Sequence[Child]) -> tuple[t.Clause, ...]:
        return tuple(self.clause(_tree(child)) for child in children)

    def _mask(self, raw: Raw) -> t.Rule:
        name, title, *rest = raw.children
        parts = [_tree(part) for part in rest]
        places = tuple(self._fields(part) for part in parts if part.data in {*t.Where})
        at = len(places)
        word, *parameters = parts[at].children
        method = t.Method(
            self.name(word), tuple(self._parameter(_tree(one)) for one in parameters), span=self.span(parts[at])
        )
        return t.Rule(
            RuleKind.MASK,
            self.name(name),
            self._title(title),
            places,
            method,
            clauses=tuple(self.clause(part) for part in parts[at + 1 :]),
            span=self.span(raw),
        )

    def _fields(self, raw: Raw) -> t.Fields:
        names = tuple(self.literal(_token(name)) for name in raw.children)
        return t.Fields(t.Where(raw.data), names, span=self.span(raw))

    def _parameter(self, raw: Raw) -> t.Parameter:
        return t.Parameter(raw.data, self.literal(_token(raw.children[0])), span=self.span(raw))

    def _approver(self, raw: Raw) -> t.Approver:
        return t.Approver(raw.data == "group_of", self.literal(_token(raw.children[0])), span=self.span(raw))

    def _items(self, raw: Raw) -> t.Items:
        return t.Items(tuple(self.value(item) for item in raw.children if item is not None), span=self.span(raw))

    def _among(self, child: Child) -> t.Path | t.Items:
        raw = _tree(child)
        return self.path(raw) if raw.data == "path" else self._items(raw)

    def _texts(self, child: Child) -> t.Texts:
        if isinstance(child, Tree):
            return self._items(child)
        token = _token(child)
        return self.literal(token) if token.type == "STRING" else self.name(token)

    def _days(self, child: Child) -> t.Name | t.Items | None:
        if child is None:
            return None
        return self._items(child) if isinstance(child, Tree) else self.name(child)

    def _test(self, raw: Raw) -> t.Test:
        name, *given, run, expect = raw.children
        protocol, text = _tree(run).children
        verdict, *rules = _tree(expect).children
        return t.Test(
            self.literal(_token(name)),
            tuple(self._given(_tree(one)) for one in given),
            t.Run(self.name(protocol), self.literal(_token(text)), span=self.span(_tree(run))),
            t.Expect(
                str(_tree(verdict).children[0]),
                tuple(self.name(rule) for rule in rules if rule is not None),
                span=self.span(_tree(expect)),
            ),
            span=self.span(raw),
        )

    def _given(self, raw: Raw) -> t.Given:
        return t.Given(tuple(self._fact(fact) for fact in _trees(raw)), span=self.span(raw))

    def _fact(self, raw: Raw) -> t.Principal | t.Resource | t.Now | t.Fact:
        span = self.span(raw)
        first, *rest = raw.children
        if raw.data == "field":
            return t.Fact(self.path(_tree(first)), self.value(rest[0]), span=span)
        stated = self.literal(_token(first))
        parts = {part.data: part.children[0] for part in map(_tree, rest)}
        match raw.data:
            case "principal":
                kind, groups = parts.get("principal_kind"), parts.get("groups")
                return t.Principal(
                    stated,
                    None if kind is None else self.name(kind),
                    None if groups is None else self._items(_tree(groups)),
                    span=span,
                )
            case "resource":
                labels, database, role = parts.get("labels"), parts.get("database"), parts.get("role")
                return t.Resource(
                    stated,
                    None if labels is None else self._labels(_tree(labels)),
                    None if database is None else self.literal(_token(database)),
                    None if role is None else self.literal(_token(role)),
                    span=span,
                )
            case _:
                return t.Now(stated, span=span)

    def _labels(self, raw: Raw) -> tuple[tuple[str, t.Literal], ...]:
        pairs = [pair.children for pair in raw.children if isinstance(pair, Tree)]
        return tuple((self._part(_token(name)), self.value(value)) for name, value in pairs)


def _tree(child: Child) -> Raw:
    if not isinstance(child, Tree):
        raise TypeError(f"the grammar promised a rule, not {child!r}")
    return child


def _token(child: Child) -> Token:
    if not isinstance(child, Token):
        raise TypeError(f"the grammar promised a token, not {child!r}")
    return child


def _trees(raw: Raw) -> list[Raw]:
    return [_tree(child) for child in raw.children]


def _over(first: Span, last: Span) -> Span:
    return Span(first.line, first.column, last.end_line, last.end_column)
