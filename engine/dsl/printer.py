"""Writes a `.gate` file the one way it is written: `sallyport fmt`.

Two spaces inside a rule, a blank line between items, lines of at most 100 characters where they can be broken, every
comment kept. `parse(print(tree))` is `tree`, and printing what is printed changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from engine.dsl import tree as t
from engine.dsl.layout import WIDTH, condition_lines, print_path, set_lines
from engine.dsl.literals import quote

_INDENT = "  "


def print_file(file: t.File) -> str:
    """The canonical text of a file."""
    lines = list(_header(file.header))
    before: t.Item | None = None
    for item in file.items:
        if not _adjoin(before, item):
            lines.append("")
        lines += _item(item)
        before = item
    if file.below:
        lines += ["", *_comments(file.below, "")]
    return "\n".join(lines) + "\n"


def _adjoin(before: t.Item | None, item: t.Item) -> bool:
    """Imports stand together, and definitions do; between all others is a blank line."""
    if item.above or before is None:
        return False
    both = (t.Import, t.Define)
    return isinstance(before, both) and isinstance(item, both) and type(before) is type(item)


def _header(header: t.Header) -> Iterator[str]:
    words = ["library"] if header.name is None else ["policy", ".".join(header.name)]
    if header.title is not None:
        words.append(header.title.text)
    yield from _commented(header, [" ".join(words)], "")
    applies = header.applies
    if applies is None:
        return
    line = f"applies to {', '.join(name.text for name in applies.protocols)}"
    if applies.where is None:
        yield from _commented(applies, [line], "")
        return
    lead = f"{line} where "
    first, *more = condition_lines(applies.where, len(lead))
    if more:
        # The condition gets lines of its own, as deep as a clause.
        first, *more = condition_lines(applies.where, len(_INDENT) + len("where "))
        yield from _commented(
            applies,
            [line, f"{_INDENT}where {first}", *_deeper(more, 2 if isinstance(applies.where, t.And | t.Or) else 1)],
            "",
        )
    else:
        yield from _commented(applies, [lead + first], "")


def _item(item: t.Item) -> Iterator[str]:
    match item:
        case t.Import():
            yield from _commented(item, [f"import {item.file.text}"], "")
        case t.Define():
            yield from _commented(item, _define(item), "")
        case t.Rule():
            yield from _rule(item)
        case t.Test():
            yield from _commented(item, [f"test {item.name.text}"], "")
            for given in item.given:
                yield from _commented(given, _given(given), _INDENT)
            yield from _commented(item.run, [f"run {item.run.protocol.text} {item.run.text.text}"], _INDENT)
            by = f" by {', '.join(name.text for name in item.expect.rules)}" if item.expect.rules else ""
            yield from _commented(item.expect, [f"expect {item.expect.verdict}{by}"], _INDENT)
        case _:
            assert_never(item)


def _define(item: t.Define) -> list[str]:
    lead = f"define {item.name.text} = "
    if isinstance(item.meaning, t.Items):
        first, *more = set_lines(item.meaning, len(lead))
        return [lead + first, *more]
    first, *more = condition_lines(item.meaning, len(lead))
    if not more:
        return [lead + first]
    lines = condition_lines(item.meaning, len(_INDENT))
    return [lead.rstrip(), *_deeper(lines, 1)]


def _rule(rule: t.Rule) -> Iterator[str]:
    title = "" if rule.title is None else f" {rule.title.text}"
    head = f"{rule.kind} {rule.name.text}{title}"
    body = [*_mask(rule, rule.method)] if rule.method is not None else []
    if rule.limit is not None:
        value = "" if rule.limit.value is None else f" {rule.limit.value.text}"
        body += _commented(rule.limit, [rule.limit.name.text + value], _INDENT)
    if len(body) == 1 and not (title or rule.beside or (rule.method and rule.clauses)):
        # A short one stands on one line: `limit row_cap rows 10000`.
        joined = f"{head} {body[0].strip()}"
        if len(joined) <= WIDTH:
            head, body = joined, []
    yield from _commented(rule, [head], "")
    yield from body
    for clause in rule.clauses:
        yield from _commented(clause, _clause(clause), _INDENT)


def _mask(rule: t.Rule, method: t.Method) -> Iterator[str]:
    """Fields and method on one line where they fit; a comment on either keeps them apart."""
    parameters = "".join(f" {one.name.replace('_', ' ')} {one.value.text}" for one in method.parameters)
    how = f"with {method.name.text}{parameters}"
    *others, last = [
        (fields, f"{fields.where} {', '.join(name.text for name in fields.names)}") for fields in rule.fields
    ]
    for fields, line in others:
        yield from _commented(fields, _filled(fields, line), _INDENT)
    fields, line = last
    fits = len(_INDENT) + len(line) + 1 + len(how) <= WIDTH
    if fits and not others and not (fields.beside or method.above):
        yield from _comments(fields.above, _INDENT)
        yield from _commented(method, [f"{line} {how}"], _INDENT)
        return
    yield from _commented(fields, _filled(fields, line), _INDENT)
    yield from _commented(method, [how], _INDENT)


def _filled(fields: t.Fields, line: str) -> list[str]:
    """The names of a mask's fields, as many on a line as fit."""
    if len(_INDENT) + len(line) <= WIDTH:
        return [line]
    lines, line = [], str(fields.where)
    for position, name in enumerate(fields.names):
        word = f" {name.text}{',' if position + 1 < len(fields.names) else ''}"
        if len(_INDENT) + len(line) + len(word) > WIDTH and position:
            lines.append(line)
            line = _INDENT
        line += word
    return [*lines, line]


def _clause(clause: t.Clause) -> list[str]:
    match clause:
        case t.When():
            lead = "unless " if clause.negative else "when "
            first, *more = condition_lines(clause.condition, len(_INDENT) + len(lead))
            # What is joined goes on deeper; the parenthesis of a single one ends below its `when`.
            return [lead + first, *_deeper(more, 1 if isinstance(clause.condition, t.And | t.Or) else 0)]
        case t.Remark():
            return [f"{clause.note} {clause.text.text}"]
        case t.Approvers():
            return [
                f"approvers {_people(clause.approvers)}"
                + ("" if clause.quorum is None else f" quorum {clause.quorum.text}")
            ]
        case t.Expires():
            return [f"expires {clause.after.text}"]
        case t.Withdraw():
            return ["requester may withdraw" if clause.allowed else "requester may not withdraw"]
        case t.PermitsEquality():
            return ["permits equality"]
        case t.Remember():
            return [f"remember {clause.longest.text}"]
        case t.Escalate():
            may = " who may approve" if clause.may_approve else ""
            return [f"escalate after {clause.after.text} to {_people(clause.to)}{may}"]
        case _:
            assert_never(clause)


def _people(people: Sequence[t.Approver]) -> str:
    return ", ".join(f"{'group' if one.is_group else 'user'} {one.name.text}" for one in people)


def _given(given: t.Given) -> list[str]:
    facts = [_fact(fact) for fact in given.facts]
    line = f"given {', '.join(facts)}"
    if len(_INDENT) + len(line) <= WIDTH:
        return [line]
    first, *more = [f"{fact}," for fact in facts[:-1]] + facts[-1:]
    return [f"given {first}", *_deeper(more, 1)]


def _fact(fact: t.Principal | t.Resource | t.Now | t.Fact) -> str:
    match fact:
        case t.Principal():
            kind = "" if fact.kind is None else f" kind {fact.kind.text}"
            groups = "" if fact.groups is None else f" groups {{{', '.join(one.text for one in fact.groups.items)}}}"
            return f"principal {fact.name.text}{kind}{groups}"
        case t.Resource():
            parts = [f"resource {fact.name.text}"]
            if fact.labels is not None:
                pairs = ", ".join(f"{_key(name)}: {value.text}" for name, value in fact.labels)
                parts.append(f"labels {{{pairs}}}")
            parts += [f"database {fact.database.text}"] if fact.database is not None else []
            parts += [f"role {fact.role.text}"] if fact.role is not None else []
            return " ".join(parts)
        case t.Now():
            return f"now {fact.at.text}"
        case t.Fact():
            return f"{print_path(fact.path)} = {fact.value.text}"
        case _:
            assert_never(fact)


def _key(name: str) -> str:
    plain = name[:1].isalpha() and name.isascii() and all(sign.isalnum() or sign in "_-" for sign in name)
    return name if plain else quote(name)


def _deeper(lines: list[str], steps: int) -> list[str]:
    return [_INDENT * steps + line for line in lines]


def _comments(comments: tuple[str, ...], indent: str) -> Iterator[str]:
    for comment in comments:
        yield f"{indent}# {comment}".rstrip()


def _commented(node: t.Commented, lines: list[str], indent: str) -> Iterator[str]:
    yield from _comments(node.above, indent)
    *most, last = (indent + line for line in lines)
    yield from most
    yield f"{last}  # {node.beside}" if node.beside else last
