"""What is gathered while a request or a kubectl line is read: operations, features, whether all of it was seen."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.command.tree import Operation, Problem


@dataclass(slots=True)
class Line:
    """Operations in the order they were found."""

    operations: list[Operation] = field(default_factory=list)
    features: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    is_complete: bool = True

    def problem(self, code: str, message: str) -> None:
        """Note what is not understood; the command is then not complete."""
        self.problems.append(Problem(code, message))
        self.is_complete = False

    def unseen(self, feature: str) -> None:
        """Note what cannot be seen."""
        self.features.add(feature)
        self.is_complete = False
