"""A policy as a Rego module, and from where each of its lines comes.

An allow asks that its conditions hold, a guard (deny, hold, mask, limit) that none is refuted (`queries.py`). The
module is an ordinary one: `sallyport lower FILE` prints it, and the compiler takes it like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.dsl import typed as m
from engine.dsl.queries import Helper, Mode, Queries, Query
from engine.dsl.rego_text import write, write_long
from engine.rego.contract import RuleKind
from engine.source import Source


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a line of Rego comes from: a place in a `.gate` file, and the rule it is part of."""

    place: m.Place
    rule: str


@dataclass(frozen=True, slots=True)
class Lowered:
    """A Rego module under the name of its `.gate` file. `origins` has one entry for each line, from 1."""

    module: Source
    origins: tuple[Origin | None, ...]

    def origin(self, line: int) -> Origin | None:
        """From where a line (from 1) comes; for one without an origin of its own, the nearest above."""
        above = self.origins[: max(line, 0)]
        return next((origin for origin in reversed(above) if origin is not None), None)


def lower(policy: m.Policy) -> Lowered:
    """Write a policy as Rego. The policy has no errors."""
    writer = _Writer()
    if policy.title:
        writer.line("# METADATA")
        writer.line(f"# title: {write(policy.title)}")
    writer.line(f"package policies.{policy.name}")
    helpers = 1
    for rule in policy.rules:
        helpers += _rule(rule, writer, helpers)
    text = "\n".join(writer.lines) + "\n"
    return Lowered(Source(policy.source, text), tuple(writer.origins))


def _rule(rule: m.Rule, writer: _Writer, first: int) -> int:
    """Write one rule; how many helpers it needed."""
    queries = Queries(first)
    mode = Mode.HOLDS if rule.kind is RuleKind.ALLOW else Mode.POSSIBLE
    body = queries.all_of(rule.conditions, False, mode, {})
    writer.line("")
    # WHY: each result holds the rule's code, else the results of two rules could be one element of the set.
    head = f"{rule.kind} contains {write_long(dict(rule.result))}"
    writer.block(head, body, Origin(rule.place, rule.name))
    for helper in queries.helpers:
        _helper(helper, writer, rule.name)
    return len(queries.helpers)


def _helper(helper: Helper, writer: _Writer, rule: str) -> None:
    for body in helper.bodies:
        writer.line("")
        writer.block(helper.head, body, Origin(helper.place, rule))


@dataclass(slots=True)
class _Writer:
    lines: list[str] = field(default_factory=list)
    origins: list[Origin | None] = field(default_factory=list)

    def line(self, text: str, origin: Origin | None = None) -> None:
        """A literal; a long one takes several lines."""
        for part in text.split("\n"):
            self.lines.append(part)
            self.origins.append(origin)

    def block(self, head: str, body: Query, origin: Origin) -> None:
        """A rule. The head has its line for itself, so that coverage can tell whether it fired."""
        if not body:
            self.line(head, origin)
            return
        self.line(f"{head} if {{", origin)
        self._body(body, origin.rule, 1)
        self.line("}", origin)

    def _body(self, body: Query, rule: str, depth: int) -> None:
        indent = "\t" * depth
        for line in body:
            origin = Origin(line.place, rule)
            if line.body:
                self.line(f"{indent}{line.text} {{", origin)
                self._body(line.body, rule, depth + 1)
                self.line(f"{indent}}}", origin)
            else:
                self.line(indent + line.text, origin)
