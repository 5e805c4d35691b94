"""Executable GraphQL documents, as far as a gateway must know them: operations, their names, their root fields.

A small reader of the whole grammar (October 2021) that keeps only that. Aliases, fragments and inline fragments are
followed to the root fields they stand for. Bounded in tokens and depth.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from engine.command.documents.refusal import Refused

MAX_TOKENS = 20_000
MAX_DEPTH = 60
MAX_FIELDS = 500

_TOKEN = re.compile(
    r"(?:[\ufeff\t \r\n,]|\#[^\r\n]*)*"
    r"(?:(?P<name>[_A-Za-z][_0-9A-Za-z]*)|(?P<dots>\.\.\.)|(?P<mark>[!$&()\[\]{}|:=@])"
    r'|(?P<block>"""(?:[^"\\]|\\.|"(?!""))*""")|(?P<text>"(?:[^"\\\r\n]|\\.)*")'
    r"|(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![.\w]))|(?P<end>\Z))",
    re.DOTALL,
)


@dataclass(slots=True)
class Selection:
    """The root fields of a selection set, and the fragments it spreads."""

    fields: list[str] = field(default_factory=list)
    spreads: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: query, mutation or subscription; its name; its root fields by their own names, not their aliases."""

    type: str
    name: str | None
    fields: tuple[str, ...]


def read_graphql(text: str) -> list[Operation]:
    """The operations of a document. Raises Refused."""
    reader = _Reader(text)
    found: list[tuple[str, str | None, Selection]] = []
    fragments: dict[str, Selection] = {}
    while reader.kind != "end":
        if reader.word == "{":
            found.append(("query", None, reader.selection(0)))
        elif reader.word in ("query", "mutation", "subscription") and reader.kind == "name":
            found.append(reader.operation())
        elif reader.word == "fragment" and reader.kind == "name":
            name, selection = reader.fragment()
            if name in fragments:
                raise Refused("graphql", f"the fragment `{name[:60]}` stands twice")
            fragments[name] = selection
        else:
            raise Refused("graphql", "the document has something that is no operation or fragment")
    if not found:
        raise Refused("graphql", "the document has no operation")
    names = [name for _, name, _ in found]
    if len(found) > 1 and (None in names or len(set(names)) != len(names)):
        raise Refused("graphql", "several operations need names of their own")
    return [Operation(kind, name, _root_fields(selection, fragments)) for kind, name, selection in found]


def _root_fields(selection: Selection, fragments: dict[str, Selection]) -> tuple[str, ...]:
    fields: dict[str, None] = dict.fromkeys(selection.fields)
    waiting, seen = list(selection.spreads), set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        inside = fragments.get(name)
        if inside is None:
            raise Refused("graphql", f"the fragment `{name[:60]}` is not in the document")
        fields.update(dict.fromkeys(inside.fields))
        waiting.extend(inside.spreads)
    if len(fields) > MAX_FIELDS:
        raise Refused("graphql", "the operation has too many root fields")
    return tuple(fields)


class _Reader:
    """Tokens one by one. `kind` and `word` are those of the next token."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._tokens = 0
        self.kind = ""
        self.word = ""
        self.step()

    def step(self) -> None:
        """On to the next token."""
        found = _TOKEN.match(self._text, self._at)
        self._tokens += 1
        if found is None or self._tokens > MAX_TOKENS:
            raise Refused("graphql", "the document cannot be read, or is too long")
        self._at = found.end()
        self.kind = str(found.lastgroup)
        self.word = found[self.kind]

    def take(self, word: str) -> None:
        if self.word != word or self.kind not in ("mark", "dots", "name"):
            raise Refused("graphql", f"the document has something else where `{word}` is expected")
        self.step()

    def name(self) -> str:
        if self.kind != "name":
            raise Refused("graphql", "the document has something else where a name is expected")
        word = self.word
        self.step()
        return word

    def is_mark(self, mark: str) -> bool:
        return self.kind in ("mark", "dots") and self.word == mark

    def operation(self) -> tuple[str, str | None, Selection]:
        kind = self.name()
        name = self.name() if self.kind == "name" else None
        if self.is_mark("("):
            self.balanced()
        self.directives()
        return kind, name, self.selection(0)

    def fragment(self) -> tuple[str, Selection]:
        self.step()
        name = self.name()
        if name == "on":
            raise Refused("graphql", "a fragment has no name")
        self.take("on")
        self.name()
        self.directives()
        return name, self.selection(0)

    def directives(self) -> None:
        while self.is_mark("@"):
            self.step()
            self.name()
            if self.is_mark("("):
                self.balanced()

    def balanced(self) -> None:
        """Over an argument or variable list: whatever stands in it, its brackets match."""
        closing = {"(": ")", "[": "]", "{": "}"}
        stack: list[str] = []
        while True:
            if self.kind == "end":
                raise Refused("graphql", "the document ends inside brackets")
            if self.kind == "mark" and self.word in closing:
                stack.append(closing[self.word])
                if len(stack) > MAX_DEPTH:
                    raise Refused("graphql", "the document is nested too deep")
            elif self.kind == "mark" and self.word in ")]}" and self.word != stack.pop():
                raise Refused("graphql", "the document has brackets that do not match")
            self.step()
            if not stack:
                return

    def selection(self, depth: int) -> Selection:
        if depth > MAX_DEPTH:
            raise Refused("graphql", "the document is nested too deep")
        self.take("{")
        found = Selection()
        while not self.is_mark("}"):
            if self.is_mark("..."):
                self.step()
                self._spread(found, depth)
            else:
                found.fields.append(self._field(depth))
        self.step()
        if not found.fields and not found.spreads:
            raise Refused("graphql", "the document has an empty selection")
        return found

    def _spread(self, found: Selection, depth: int) -> None:
        if self.kind == "name" and self.word != "on":
            found.spreads.append(self.name())
            self.directives()
            return
        if self.kind == "name":
            self.step()
            self.name()
        self.directives()
        inside = self.selection(depth + 1)
        found.fields.extend(inside.fields)
        found.spreads.extend(inside.spreads)

    def _field(self, depth: int) -> str:
        name = self.name()
        if self.is_mark(":"):
            self.step()
            name = self.name()
        if self.is_mark("("):
            self.balanced()
        self.directives()
        if self.is_mark("{"):
            self.selection(depth + 1)
        return name
