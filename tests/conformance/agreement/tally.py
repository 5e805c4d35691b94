"""One question asked of a corpus, and what came of it, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """One row of the tables.

    `cases` are compared: `agree`, differ for a cause that is stated (`explained`, cause -> cases) or for none
    (`unexplained`, their texts, which are never published). `must_refuse` are cases nobody may let through, `passed` the
    texts of those that were not refused.
    """

    corpus: str
    asked: str
    cases: int = 0
    agree: int = 0
    explained: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)
    must_refuse: int = 0
    passed: list[str] = field(default_factory=list)

    @property
    def refused(self) -> int:
        return self.must_refuse - len(self.passed)

    @property
    def share(self) -> float:
        """Of the compared cases those that agree, or of those to be refused the refused ones."""
        return self.agree / self.cases if self.cases else self.refused / self.must_refuse if self.must_refuse else 0.0

    @property
    def is_sound(self) -> bool:
        return not self.unexplained and not self.passed

    def compare(self, agrees: bool, cause: str | None, text: str) -> None:
        """Count a case; `cause` is why it differs, None where nobody knows."""
        self.cases += 1
        if agrees:
            self.agree += 1
        elif cause is None:
            self.unexplained.append(text)
        else:
            self.explained[cause] += 1

    def demand(self, is_refused: bool, text: str) -> None:
        """Count a case that must be refused."""
        self.must_refuse += 1
        if not is_refused:
            self.passed.append(text)

    def document(self) -> Mapping[str, object]:
        """The row for machines: numbers and causes."""
        return {
            "corpus": self.corpus,
            "asked": self.asked,
            "cases": self.cases,
            "agree": self.agree,
            "explained": dict(self.explained.most_common()),
            "unexplained": len(self.unexplained),
            "must_refuse": self.must_refuse,
            "refused": self.refused,
        }
