"""The first stage: `.gate` sources to Rego modules, and what the core says of those modules back to the `.gate` text.

Called by `stages.py`, and by `explain.py` for why a rule did not match. Whatever the core finds in a lowered module is told where the author wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engine.source import Diagnostic, Severity, Source, Span

# WHY late: who has no `.gate` files does not wait for the language.
if TYPE_CHECKING:
    from engine.dsl.cases import Case
    from engine.dsl.explanation import Unmet
    from engine.dsl.lower import Lowered
    from engine.dsl.typed import Policy
    from engine.request import Json

SUFFIX = ".gate"

MOST_LINES = 20_000
MOST_BYTES = 1 << 20
"""The core reads no longer modules (`engine/native/src/rego/limits.rs`)."""

_OF_CONCERN = frozenset({"NO_INDEX", "MASK_LEAVES_NULL"})
"""Warnings that say something of a lowered module to its author. Others are about how Rego is written by
hand: that undefined silences a guard, for instance, is what lowering prevents."""


@dataclass(frozen=True, slots=True)
class GatePolicies:
    """What `.gate` sources became. With an error among the `diagnostics` there are no `lowered` modules."""

    lowered: Mapping[str, Lowered] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    cases: tuple[Case, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def is_sound(self) -> bool:
        return all(one.severity is not Severity.ERROR for one in self.diagnostics)

    def modules(self) -> list[Source]:
        """The Rego modules, under the names of their `.gate` files."""
        return [one.module for one in self.lowered.values()]

    def locate(self, file: str, line: int) -> tuple[str, int]:
        """Where a line of a module was written: in the `.gate` file, or for a Rego file right there."""
        origin = self.lowered[file].origin(line) if file in self.lowered else None
        return (file, line) if origin is None else (origin.place.source, origin.place.span.line)

    def why_not(self, file: str, line: int, document: Mapping[str, Json], now: int) -> Unmet | None:
        """What kept the rule at a place from matching; None for a rule of Rego, or one that matches."""
        policy = self.policies.get(file)
        if policy is None:
            return None
        from engine.dsl.explanation import first_unmet
        from engine.dsl.reference import World

        for rule in policy.rules:
            if rule.place.span.line == line:
                return first_unmet(rule, World(document, now, {}), self.texts)
        return None

    def translate(self, found: Diagnostic) -> Diagnostic | None:
        """A diagnostic of the core in the author's terms; None for a warning that does not concern them."""
        lowered = self.lowered.get(found.source)
        if lowered is None:
            return found
        if found.severity is Severity.WARNING and found.code not in _OF_CONCERN:
            return None
        origin = lowered.origin(found.span.line) if found.span is not None else None
        if origin is None:
            return replace(found, span=None)
        place = origin.place
        used = "" if place.used_at is None else f" (used by rule `{origin.rule}`)"
        return replace(found, source=place.source, span=place.span, message=found.message + used)


def read_gate_sources(sources: Sequence[Source]) -> GatePolicies:
    """Read and lower the `.gate` files among some sources; the others are no concern of this stage."""
    written = [source for source in sources if source.name.endswith(SUFFIX)]
    if not written:
        return GatePolicies()
    from engine.dsl.lower import lower
    from engine.dsl.resolver import read_policies

    resolved = read_policies(written)
    if not resolved.is_sound:
        return GatePolicies(diagnostics=resolved.diagnostics)
    lowered = {policy.source: lower(policy) for policy in resolved.policies}
    too_long = [_too_long(one) for one in lowered.values() if _is_too_long(one)]
    if too_long:
        return GatePolicies(diagnostics=(*resolved.diagnostics, *too_long))
    policies = {policy.source: policy for policy in resolved.policies}
    texts = {source.name: source.text for source in written}
    return GatePolicies(lowered, policies, texts, resolved.cases, resolved.diagnostics)


def _is_too_long(lowered: Lowered) -> bool:
    return len(lowered.origins) > MOST_LINES or len(lowered.module.text.encode()) > MOST_BYTES


def _too_long(lowered: Lowered) -> Diagnostic:
    size = f"{len(lowered.origins)} lines and {len(lowered.module.text.encode())} bytes"
    message = f"this policy becomes {size} of Rego, more than the {MOST_LINES} and {MOST_BYTES} that one may be"
    return Diagnostic("TOO_LONG", message, lowered.module.name, Span(1, 1, 1, 1), help="split it into several policies")
