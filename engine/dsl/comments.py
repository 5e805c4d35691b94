"""Comments: found beside the grammar, and given to the line they speak of.

A comment on a line of its own stands above the next clause or item; one after code stands beside what that line ends.
Called by `parser.py`; `printer.py` writes them back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from engine.dsl.tree import Applies, Commented, File, Header, Item, Rule, Test

_TOKENS = re.compile(r'"(?:\\.|[^"\\\n])*"|#[^\n]*|\n')


@dataclass(frozen=True, slots=True)
class Comment:
    """`text` without the `#` and the blanks around; `alone` on its line."""

    line: int
    text: str
    alone: bool


@dataclass(slots=True)
class _Place:
    """A node that may carry comments, and those it got. `head` is the last line that is its own, not its parts'."""

    node: Commented
    first: int
    last: int
    head: int
    above: list[str] = field(default_factory=list)
    beside: str = ""


def find_comments(text: str) -> tuple[Comment, ...]:
    """Every comment of a text, in order; `#` inside a text in quotes is none."""
    found: list[Comment] = []
    line, start = 1, 0
    for token in _TOKENS.finditer(text):
        if token[0] == "\n":
            line, start = line + 1, token.end()
        elif token[0].startswith("#"):
            found.append(Comment(line, token[0][1:].strip(), not text[start : token.start()].strip()))
    return tuple(found)


def without_comments(text: str) -> str:
    """A piece of a policy as it is without its comments."""
    return _TOKENS.sub(lambda found: "" if found[0].startswith("#") else found[0], text)


def attach(file: File, comments: tuple[Comment, ...]) -> File:
    """The same file, each comment on the node it speaks of; those after everything are `below` the file."""
    if not comments:
        return file
    places = [_place(node) for node in _nodes(file)]
    below: list[str] = []
    for comment in comments:
        _give(comment, places, below)
    given = iter(places)
    header = _header(file.header, given)
    items = tuple(_item(item, given) for item in file.items)
    return replace(file, header=header, items=items, below=tuple(below))


def _give(comment: Comment, places: list[_Place], below: list[str]) -> None:
    inside = [place for place in places if place.first <= comment.line <= place.last]
    if not comment.alone and inside:
        # The innermost node of the line; a rule's own line ends with its head.
        place = next((p for p in reversed(inside) if p.head == comment.line), inside[-1])
        if place.head == comment.line and not place.beside:
            place.beside = comment.text
        else:
            place.above.append(comment.text)
        return
    leaf = next((p for p in inside if not _parts(p.node)), None)
    target = leaf or next((place for place in places if place.first >= comment.line), None)
    if target is None:
        below.append(comment.text)
    else:
        target.above.append(comment.text)


def _place(node: Commented) -> _Place:
    return _Place(node, node.span.line, node.span.end_line, _head(node))


def _head(node: Commented) -> int:
    match node:
        case Header(title=title):
            return node.span.line if title is None else title.span.end_line
        case Rule(name=name, title=title):
            return name.span.end_line if title is None else title.span.end_line
        case Test(name=name):
            return name.span.end_line
        case _:
            return node.span.end_line


def _nodes(file: File) -> Iterator[Commented]:
    for node in (file.header, *file.items):
        yield node
        yield from _parts(node)


def _parts(node: Commented) -> tuple[Commented, ...]:
    match node:
        case Header(applies=applies):
            return (applies,) if applies is not None else ()
        case Rule():
            middle = tuple(part for part in (node.method, node.limit) if part is not None)
            return (*node.fields, *middle, *node.clauses)
        case Test():
            return (*node.given, node.run, node.expect)
        case _:
            return ()


_Node = TypeVar("_Node", bound=Commented)


def _commented(node: _Node, given: Iterator[_Place]) -> _Node:
    place = next(given)
    return replace(node, above=tuple(place.above), beside=place.beside)


def _header(header: Header, given: Iterator[_Place]) -> Header:
    own = _commented(header, given)
    applies: Applies | None = own.applies
    return own if applies is None else replace(own, applies=_commented(applies, given))


def _item(item: Item, given: Iterator[_Place]) -> Item:
    own = _commented(item, given)
    match own:
        case Rule():
            return replace(
                own,
                fields=tuple(_commented(part, given) for part in own.fields),
                method=None if own.method is None else _commented(own.method, given),
                limit=None if own.limit is None else _commented(own.limit, given),
                clauses=tuple(_commented(part, given) for part in own.clauses),
            )
        case Test():
            return replace(
                own,
                given=tuple(_commented(part, given) for part in own.given),
                run=_commented(own.run, given),
                expect=_commented(own.expect, given),
            )
        case _:
            return own
