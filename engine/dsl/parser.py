"""Reads a `.gate` file: text to tree, with every syntax error at once and never an exception.

When the whole file does not parse, it is cut at its rules and each part is read alone, so that one mistake does not
hide the others; within a part reading goes on at the next clause. Not here: names and types (`resolver.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

from lark import Lark
from lark.exceptions import UnexpectedInput

from engine.dsl import tree as t
from engine.dsl.build import Builder, Raw
from engine.dsl.comments import attach, find_comments
from engine.dsl.unexpected import explain
from engine.source import Diagnostic, Source, Span

MAX_CHARACTERS = 1 << 20
MAX_LINES = 20_000
MAX_LINE = 2_000
"""A longer line is no policy somebody wrote; the caps also bound what a hostile file can cost."""
MAX_MISTAKES = 100
"""After as many syntax errors in one file nobody reads on."""

_ITEM = re.compile(
    r"^[ \t]*(?:(?:deny|hold|allow|mask|limit|define)[ \t]+(?P<name>[A-Za-z_][\w-]*)|(?:import|test)[ \t]+\")", re.M
)
_CLAUSE = re.compile(r"^[ \t]*(?:when|unless|hint|detail|code|approvers|expires|requester|remember|escalate)\b", re.M)
_DEFINE = re.compile(r"[ \t]*define[ \t]+([A-Za-z_][\w-]*)")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What could be read. With errors, `file` holds the items without one, if there is a header.

    `lost` are the defines that could not be read: a use of them is no further mistake.
    """

    file: t.File | None
    diagnostics: tuple[Diagnostic, ...] = ()
    lost: frozenset[str] = frozenset()


def parse(source: Source) -> Parsed:
    """Read a file. Never raises; `diagnostics` are in the order of the text."""
    too_big = tuple(_over_cap(source))
    if too_big:
        return Parsed(None, too_big)
    try:
        raw = _grammar().parse(source.text, start="file")
    except UnexpectedInput as error:
        return _in_parts(source, error)
    builder = Builder(source.name)
    file = builder.file(raw)
    return Parsed(attach(file, find_comments(source.text)), tuple(builder.problems))


def is_word(text: str) -> bool:
    """Whether a name is a word of the language itself: a value of a closed list that is one is written in quotes."""
    return text in _keywords()


@cache
def _grammar() -> Lark:
    text = files("engine.dsl").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(
        text,
        parser="lalr",
        lexer="contextual",
        start=["file", "items", "clause"],
        propagate_positions=True,
        maybe_placeholders=True,
    )


@cache
def _words() -> dict[str, str]:
    """Lark's name of each keyword and sign -> its spelling."""
    found = {}
    for terminal in _grammar().terminals:
        if terminal.pattern.type == "str":
            found[terminal.name] = terminal.pattern.value
    return found


@cache
def _keywords() -> frozenset[str]:
    return frozenset(word for word in _words().values() if word.isalpha())


def _over_cap(source: Source) -> Iterator[Diagnostic]:
    text = source.text
    if len(text) > MAX_CHARACTERS:
        message = f"this file has {len(text)} characters, more than {MAX_CHARACTERS}"
        yield Diagnostic("TOO_LONG", message, source.name, Span(1, 1, 1, 1), help="split it into several files")
        return
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        message = f"this file has {len(lines)} lines, more than {MAX_LINES}"
        yield Diagnostic("TOO_LONG", message, source.name, Span(1, 1, 1, 1), help="split it into several files")
        return
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE // 4 and (size := len(line.encode("utf-8", "surrogatepass"))) > MAX_LINE:
            message = f"this line has {size} bytes, more than {MAX_LINE}"
            span = Span(number, 1, number, len(line) + 1)
            yield Diagnostic("TOO_LONG", message, source.name, span, help="break the line: line breaks count as blanks")


@dataclass(frozen=True, slots=True)
class _Part:
    start: str
    text: str
    first_line: int


def _in_parts(source: Source, error: UnexpectedInput) -> Parsed:
    """Read a file that has a mistake part by part."""
    problems: list[Diagnostic] = []
    items: list[t.Item] = []
    header: t.Header | None = None
    lost: set[str] = set()
    for part in _parts(source.text):
        if len(problems) >= MAX_MISTAKES:
            break
        raw = _read(part, source.name, problems)
        builder = Builder(source.name, part.first_line)
        if raw is None:
            define = _DEFINE.match(part.text)
            lost.update(define.groups() if define else ())
        elif part.start == "file":
            begun = builder.file(raw)
            header = begun.header
            items += begun.items
        else:
            items += builder.items(raw)
        problems += builder.problems
    if not problems:
        problems.append(explain(error, source.text, source.name, 1, _words()))
    file = None if header is None else t.File(header, tuple(items), span=header.span)
    return Parsed(file, tuple(problems), frozenset(lost))


def _parts(text: str) -> Iterator[_Part]:
    """A file cut before each of its items. The first part is the header, even when it is missing."""
    starts = [found.start() for found in _ITEM.finditer(text)]
    if not starts or text[: starts[0]].strip():
        starts.insert(0, 0)
        kind = "file"
    else:
        yield _Part("file", "", 1)
        kind = "items"
    line = text.count("\n", 0, starts[0]) + 1
    for start, end in pairwise([*starts, len(text)]):
        yield _Part(kind, text[start:end], line)
        kind = "items"
        line += text.count("\n", start, end)


def _read(part: _Part, name: str, problems: list[Diagnostic]) -> Raw | None:
    """The tree of one part; or None, its mistakes noted: the first one, then those of the clauses below it."""
    raw = _attempt(part, name, problems)
    if raw is not None or part.start != "items":
        return raw
    below = problems[-1].span
    clauses = [found.start() for found in _CLAUSE.finditer(part.text)]
    for start, end in pairwise([*clauses, len(part.text)]):
        line = part.first_line + part.text.count("\n", 0, start)
        if below is not None and line > below.line:
            _attempt(_Part("clause", part.text[start:end], line), name, problems)
    return None


def _attempt(part: _Part, name: str, problems: list[Diagnostic]) -> Raw | None:
    try:
        return _grammar().parse(part.text, start=part.start)
    except UnexpectedInput as error:
        problems.append(explain(error, part.text, name, part.first_line, _words()))
        return None
