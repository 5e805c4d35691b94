"""What evaluating policies on one request gives: which rules answered what, which failed. Data only.

`evaluate.py` makes it, `combine.py` turns it into a decision, `explain.py` shows it.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.decision import Location
from engine.rego.contract import HoldResult, RuleKind, RuleResult


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a policy. `package` stands without `policies.`; `on_error` is the hold its policy asks for when it fails.

    `code` is known before the rule says anything only where it stands literally in the rule's head.
    """

    package: str
    kind: RuleKind
    location: Location
    on_error: HoldResult | None = None
    code: str | None = None

    @property
    def name(self) -> str:
        """How to call a rule that said nothing."""
        return f"{self.package}/{self.code}" if self.code is not None else f"{self.package}:{self.location.line}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A rule that matched, and one element of what it said."""

    rule: Rule
    result: RuleResult

    @property
    def id(self) -> str:
        return f"{self.rule.package}/{self.result.code}"


@dataclass(frozen=True, slots=True)
class Failed:
    """A candidate rule that could not be evaluated, or answered in a wrong shape. `rule` is None when it is not known which.

    `code` is the core's when it gave up by itself (`TIMEOUT`, `LIMIT`, `PANIC` ...): then other rules may not have run
    at all, and no policy can wave that through.
    """

    rule: Rule | None
    message: str
    code: str = ""

    @property
    def on_error(self) -> HoldResult | None:
        """The hold that stands for this failure, if its policy asks for one and may."""
        return None if self.rule is None or self.code else self.rule.on_error


@dataclass(frozen=True, slots=True)
class Results:
    """Everything the candidate rules said. `volatile`: a candidate read the time or other things no cache may hold."""

    answers: tuple[Answer, ...] = ()
    failed: tuple[Failed, ...] = ()
    volatile: bool = False
    candidates: int = 0

    @property
    def has_masks(self) -> bool:
        """Whether what these results mean depends on the command itself."""
        return any(answer.rule.kind is RuleKind.MASK for answer in self.answers)
