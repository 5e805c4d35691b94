"""What the extended protocol decided about one run of frames, before any of them goes up. Filled and read by `pipeline`."""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.postgres.session.limits import Limits
from adapters.postgres.session.names import Portal, Run, Statement
from adapters.postgres.session.turns import Refused


@dataclass(slots=True)
class Plan:
    """What was decided about one run of frames, by the frames' numbers."""

    data: bytes
    frames: list[tuple[int, int, int]]
    cut: int
    """Frames from this one on do not go up."""
    statements: dict[bytes, Statement | None]
    """What names of statements mean at the frame being decided, where this group made them."""
    portals: set[bytes]
    """Names of portals that this group made or closed."""
    unbound: dict[bytes, int] = field(default_factory=dict)
    """Statements parsed in this run and not bound yet: their question is still to be asked."""
    bound: dict[int, Portal | bytes] = field(default_factory=dict)
    """For a Bind the portal it makes, or the error when its statement is not known."""
    unsent: dict[int, Run] = field(default_factory=dict)
    """For a Bind what was granted and has not gone up."""
    limits: dict[int, Limits] = field(default_factory=dict)
    """For a Bind what has to be in force before it."""
    moved: bool = False
    """Something decided in this run will change what names mean to what stands behind it."""
    refused: Refused | None = None
    poisoned_name: bytes = b""

    def refuse(self, number: int, refused: Refused, name: bytes) -> None:
        """The frame with this number is refused; of several refusals the first in order counts."""
        if number < self.cut:
            self.cut, self.refused, self.poisoned_name = number, refused, name
