"""What of a request a set of policies can read, and bytes that are equal only when all of that is equal.

The compiler lists the paths each rule reads, helpers included (`input.principal.groups[_]`, `input.context`). A section
of the request is reduced to what lies on those paths; two requests with equal reductions look the same to every rule.
INVARIANT: a path that cannot be read here counts as everything.

Used by `cache.py` and `program.py`. Commands are reduced by the core (`Program.part`): there is a new one each time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from engine.request import Json

Path: TypeAlias = "tuple[str | None, ...]"
"""Steps below `input`: a name, or None for any element."""

_ANY = None
_STEP = re.compile(r"""\.([A-Za-z_][A-Za-z0-9_]*)|\[(_)\]|\[("(?:[^"\\]|\\.)*")\]""")

LITERALS: tuple[Path, ...] = (("command", "text"), ("command", "digest"))
"""Where two commands may differ that have the same shape, that is: differ in literals alone. Spans differ too, and the
core shows them to no policy (`engine/schema.py`)."""

ACTIVITY: Path = ("context", "activity")
"""Where it stands what somebody did lately: known to the gate alone, and only when something reads it."""

_ENCODER = msgspec.msgpack.Encoder()


def parse_path(text: str) -> Path:
    """A path as the core prints it, `input.a.b[_]["c-d"]`; what is written otherwise stands for everything: ()."""
    if not text.startswith("input"):
        return ()
    steps: list[str | None] = []
    at = len("input")
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            return ()
        name, anything, quoted = found.groups()
        if quoted is not None:
            try:
                name = json.loads(quoted)
            except ValueError:
                return ()
        steps.append(_ANY if anything else name)
        at = found.end()
    return tuple(steps)


def overlaps(one: Path, other: Path) -> bool:
    """Whether a document's part at one path holds, or lies in, the part at the other."""
    return all(a is _ANY or b is _ANY or a == b for a, b in zip(one, other, strict=False))


@dataclass(frozen=True, slots=True)
class Reads:
    """All that a program's rules read of a request."""

    paths: tuple[Path, ...]

    @classmethod
    def of(cls, printed: Iterable[str]) -> Reads:
        found = sorted({parse_path(text) for text in set(printed)}, key=_order)
        least: list[Path] = []
        for path in found:
            if not any(path[: len(above)] == above for above in least):
                least.append(path)
        return cls(tuple(least))

    @property
    def literals(self) -> bool:
        """Whether a rule may read what differs between two commands of the same shape."""
        return any(overlaps(path, literal) for path in self.paths for literal in LITERALS)

    @property
    def activity(self) -> bool:
        """Whether a rule may read what somebody did lately."""
        return any(overlaps(path, ACTIVITY) for path in self.paths)

    @property
    def names_activity(self) -> bool:
        """Whether a rule reads exactly that, so that it means nothing without."""
        return any(path[: len(ACTIVITY)] == ACTIVITY for path in self.paths)

    @property
    def activity_numbers(self) -> tuple[str, ...]:
        """The numbers of `context.activity` that rules read by name, as `rows_last_hour`, `job.denials_last_hour`; `` stands for all."""
        found = {
            ".".join(step for step in path[len(ACTIVITY) :] if step is not _ANY)
            for path in self.paths
            if overlaps(path, ACTIVITY)
        }
        return tuple(sorted(found))

    def below(self, section: str) -> tuple[Path, ...]:
        """The paths read in one section; a single () for all of it, none when nothing of it is read."""
        inside: list[Path] = []
        for path in self.paths:
            if not path or path[0] is _ANY:
                return ((),)
            if path[0] == section:
                inside.append(path[1:])
        return tuple(inside)


def reduced(paths: tuple[Path, ...], section: Json) -> bytes:
    """Bytes that are equal for two sections only when no rule reading these paths can tell them apart."""
    return _ENCODER.encode([_part(path, section) for path in paths])


def _part(path: Path, value: Json) -> Json:
    """What stands at a path, with as much of the way as tells of its absence. [] is nothing, [x] is x."""
    if not path:
        return [value]
    step, rest = path[0], path[1:]
    match value:
        case dict() if step is not _ANY:
            return [_part(rest, value[step])] if step in value else []
        case list() if step is _ANY:
            return [[_part(rest, item) for item in value]]
        case _:
            # Not the kind of thing the path expects: all of it, marked as such.
            return [value, 0]


def _order(path: Path) -> tuple[int, str]:
    return (len(path), repr(path))
