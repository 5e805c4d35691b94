"""What somebody looks for in the audit, and whether an entry is it. This is the meaning; the index only saves reading. Pure.

Names of objects and rules are found by their whole name or by its end behind a `.` or `/` (`orders` finds `shop.public.orders`), texts by
whole words in any order (a text without one wants nothing); all without regard to case. What nobody can read any more is found by none of its content.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from engine.errors import EngineError
from engine.evaluator.reader import CommandReader, Names
from gateway.audit.catalogs import KeptCatalogs, Reference
from gateway.audit.entry import Entry, Kind
from gateway.errors import AuditUnavailable

MAX_WORDS = 1_000
"""Different words of one text by which it is found: its first."""
MAX_WORD = 100
MAX_OBJECTS = 200
"""Names of objects by which one command is found: its first."""
MAX_NAME = 400
MAX_TEXT = 256 << 10
_WORD = re.compile(r"\w+")
_END = re.compile(r"[./]")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a command does to what, as far as it can be told again."""

    effects: frozenset[str] = frozenset()
    objects: frozenset[str] = frozenset()


NOTHING = Facts()


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for; None and empty texts want nothing. Times are UTC nanoseconds, `since` included, `until` not."""

    kind: Kind = Kind.DECISION
    principal: str | None = None
    resource: str | None = None
    job: str | None = None
    session: str | None = None
    verdict: str | None = None
    rule: str | None = None
    effect: str | None = None
    object: str | None = None
    text: str = ""
    since: int | None = None
    until: int | None = None

    def admits(self, entry: Entry, facts: Facts) -> bool:
        """Whether an entry is one of those."""
        wanted = (
            (self.principal, entry.principal),
            (self.resource, entry.resource),
            (self.job, entry.job),
            (self.session, entry.session),
            (self.verdict, entry.verdict),
        )
        return (
            entry.kind is self.kind
            and all(want is None or want == have for want, have in wanted)
            and (self.since is None or entry.time >= self.since)
            and (self.until is None or entry.time < self.until)
            and (self.rule is None or folded(self.rule) in rule_names(entry))
            and (self.effect is None or self.effect in facts.effects)
            and (self.object is None or folded(self.object) in facts.objects)
            and (not self.text or words_of(self.text) <= words_of(entry.text))
        )

    @property
    def asks_facts(self) -> bool:
        """Whether commands have to be read again to tell."""
        return self.effect is not None or self.object is not None


class FactReader:
    """Tells what recorded commands do, by reading them as they were read then."""

    def __init__(self, reader: CommandReader, catalogs: KeptCatalogs) -> None:
        self._reader, self._catalogs = reader, catalogs

    def facts(self, entry: Entry) -> Facts:
        """What an entry's command does; nothing where it cannot be read (any more). Never raises."""
        if entry.kind is not Kind.DECISION or entry.unreadable:
            return NOTHING
        try:
            encoded = entry.tree or self._reader.read(entry.protocol, _bytes(entry.text), self._names(entry)).encoded
            operations = _TREE.decode(encoded).operations
        except (EngineError, msgspec.MsgspecError, UnicodeDecodeError):
            return NOTHING
        names = dict.fromkeys(target.name[:MAX_NAME] for one in operations for target in one.targets)
        objects = [end for name in list(names)[:MAX_OBJECTS] for end in _ends(folded(name))]
        return Facts(frozenset(one.effect for one in operations), frozenset(objects))

    def _names(self, entry: Entry) -> Names | None:
        if not entry.had_catalog:
            return None
        try:
            return self._catalogs.find(Reference(entry.catalog, entry.names))
        except AuditUnavailable:
            return None  # WHY: the entry is still found by the names that stand in its text


def words_of(text: str) -> frozenset[str]:
    """The words by which a text is found."""
    found: dict[str, None] = {}
    for match in _WORD.finditer(text[:MAX_TEXT]):
        found[folded(match.group()[:MAX_WORD])] = None
        if len(found) >= MAX_WORDS:
            break
    return frozenset(found)


def rule_names(entry: Entry) -> frozenset[str]:
    """The names by which an entry's rules are found."""
    return frozenset(end for rule, _ in entry.rules for end in _ends(folded(rule[:MAX_NAME])))


def folded(text: str) -> str:
    """A name or word, without regard to case."""
    return text.casefold()


def _ends(name: str) -> Iterator[str]:
    """A name, and what of it stands behind each dot or slash."""
    yield name
    for match in _END.finditer(name):
        if name[match.end() :]:
            yield name[match.end() :]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


class _Target(msgspec.Struct):
    name: str


class _Operation(msgspec.Struct):
    effect: str
    targets: tuple[_Target, ...] = ()


class _Tree(msgspec.Struct):
    operations: tuple[_Operation, ...]


_TREE = msgspec.msgpack.Decoder(_Tree)
