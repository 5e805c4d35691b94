"""Recorded decisions made again by other policies: what is the same, what flips, and who notices. Pure.

The caller reads a log and states each entry as `Recorded`; `replay` asks a program again, at the recorded time, and says
how the two answers differ. `Impact` adds up, and adds to other impacts, so that several processes can share a log.
What cannot be decided again is counted with its reason, never guessed. Called by `gateway/cli`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from engine.decision import Decision
from engine.evaluator.program import Program, TextQuestion
from engine.request import Request

MAX_KEPT_FLIPS = 10_000
"""Flips that are listed one by one; all are counted."""
MAX_TEXT = 400
NO_RULE = "no rule"


class Change(StrEnum):
    """How an answer differs. `VERDICT`: another verdict. `EFFECT`: masks or limits. `REASON`: only the rules that had a say."""

    SAME = "same"
    REASON = "reason"
    EFFECT = "effect"
    VERDICT = "verdict"


class Gap(StrEnum):
    """Why an entry cannot be decided again."""

    REDACTED = "redacted"
    OVERRULED = "overruled"
    TIMEOUT = "timeout"
    CATALOG = "catalog"
    TREE = "tree"
    TEXT = "text"
    INPUT = "input"
    ACTIVITY = "activity"
    SHREDDED = "shredded"


TOLD: Mapping[Gap, str] = {
    Gap.REDACTED: "the log hides a secret in the command",
    Gap.OVERRULED: "the gate refused by itself; policies had no say",
    Gap.TIMEOUT: "the decision ran out of time, which does not repeat",
    Gap.CATALOG: "the catalog that names were read by was not kept",
    Gap.TREE: "an adapter's ready-made command was not kept",
    Gap.TEXT: "the command is not as it was sent",
    Gap.INPUT: "the entry is of a version that did not hold the whole input",
    Gap.ACTIVITY: "the policies ask what somebody did lately, which nobody counted then",
    Gap.SHREDDED: "what was asked cannot be read any more",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What of a decision somebody notices, or reads later. All sorted, so that order never counts."""

    verdict: str
    deny_kind: str | None = None
    rules: tuple[tuple[str, str], ...] = ()
    limits: tuple[tuple[str, str], ...] = ()
    masks: tuple[tuple[int, str], ...] = ()

    @classmethod
    def of(cls, decision: Decision) -> Answer:
        """The answer that a decision is."""
        return cls.stated(
            decision.verdict.value,
            None if decision.deny_kind is None else decision.deny_kind.value,
            [(reason.rule or reason.code, reason.kind) for reason in decision.reasons],
            [(obligation.type, obligation.value) for obligation in decision.obligations],
            [(item.output, item.method) for item in decision.mask_plan],
        )

    @classmethod
    def stated(
        cls,
        verdict: str,
        deny_kind: str | None,
        rules: Iterable[tuple[str, str]],
        limits: Iterable[tuple[str, object]],
        masks: Iterable[tuple[int | None, str]],
    ) -> Answer:
        """The same from the parts that a log holds. Masks on values anywhere come first, as output -1."""
        return cls(
            verdict,
            deny_kind,
            tuple(sorted(rules)),
            tuple(sorted((kind, msgspec.json.encode(value, order="sorted").decode()) for kind, value in limits)),
            tuple(sorted((-1 if output is None else output, method) for output, method in masks)),
        )


@dataclass(frozen=True, slots=True)
class Recorded:
    """One entry of a log: what was asked, and what was answered."""

    id: str
    asked: TextQuestion | Request
    answer: Answer
    text: str = ""


@dataclass(frozen=True, slots=True)
class Flip:
    """One decision that comes out otherwise."""

    id: str
    time: int
    principal: str
    resource: str
    text: str
    change: Change
    before: Answer
    after: Answer

    @property
    def transition(self) -> str:
        """`allow -> deny`; `mask -> mask` where only masks or limits differ."""
        return f"{self.before.verdict} -> {self.after.verdict}"

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules behind it: those that have a say now (`+`), those that have none any more (`-`)."""
        before, after = {rule for rule, _ in self.before.rules}, {rule for rule, _ in self.after.rules}
        gained = [f"+{rule}" for rule in sorted(after - before)]
        lost = [f"-{rule}" for rule in sorted(before - after)]
        return (*gained, *lost) or (NO_RULE,)


@dataclass(slots=True)
class Impact:
    """What a change of policies does to recorded decisions."""

    decided: int = 0
    same: int = 0
    reasons: int = 0
    flips: list[Flip] = field(default_factory=list)
    gaps: Counter[Gap] = field(default_factory=Counter)
    transitions: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    principals: Counter[str] = field(default_factory=Counter)
    resources: Counter[str] = field(default_factory=Counter)

    @property
    def flipped(self) -> int:
        """Decisions whose verdict, masks or limits are others now."""
        return self.transitions.total()

    def miss(self, gap: Gap) -> None:
        """Count an entry that cannot be decided again."""
        self.gaps[gap] += 1

    def add(self, recorded: Recorded, after: Answer) -> Change:
        """Count one decision that was made again."""
        self.decided += 1
        change = compare(recorded.answer, after)
        if change is Change.SAME:
            self.same += 1
        elif change is Change.REASON:
            self.reasons += 1
        else:
            self._flip(recorded, after, change)
        return change

    def join(self, other: Impact) -> None:
        """Add what somebody else counted."""
        self.decided += other.decided
        self.same += other.same
        self.reasons += other.reasons
        self.flips += other.flips[: max(0, MAX_KEPT_FLIPS - len(self.flips))]
        for mine, theirs in zip(self._counters(), other._counters(), strict=True):
            mine.update(theirs)
        self.gaps.update(other.gaps)

    def _counters(self) -> Sequence[Counter[str]]:
        return (self.transitions, self.rules, self.principals, self.resources)

    def _flip(self, recorded: Recorded, after: Answer, change: Change) -> None:
        asked = recorded.asked
        principal, resource = asked.principal.name, asked.resource.name
        text = recorded.text if len(recorded.text) <= MAX_TEXT else f"{recorded.text[: MAX_TEXT - 1]}…"
        flip = Flip(recorded.id, asked.now, principal, resource, text, change, recorded.answer, after)
        self.transitions[flip.transition] += 1
        self.principals[principal] += 1
        self.resources[resource] += 1
        self.rules.update(flip.rules)
        if len(self.flips) < MAX_KEPT_FLIPS:
            self.flips.append(flip)


def compare(before: Answer, after: Answer) -> Change:
    """How two answers to one question differ, by what differs most."""
    if before.verdict != after.verdict:
        return Change.VERDICT
    if (before.limits, before.masks) != (after.limits, after.masks):
        return Change.EFFECT
    if (before.rules, before.deny_kind) != (after.rules, after.deny_kind):
        return Change.REASON
    return Change.SAME


def replay(program: Program, recorded: Iterable[Recorded | Gap], impact: Impact) -> None:
    """Decide again, and count. Never raises: what was asked once is answered again, if only with a denial."""
    for one in recorded:
        if isinstance(one, Gap):
            impact.miss(one)
        elif program.names_activity and "activity" not in one.asked.context:
            impact.miss(Gap.ACTIVITY)
        elif isinstance(one.asked, Request):
            impact.add(one, Answer.of(program.decide(one.asked)))
        else:
            impact.add(one, Answer.of(program.decide_text(one.asked).decision))
