"""A lane of PostgreSQL in which one text was granted, as a session would have opened it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from adapters.core.ports import Again
from engine._native import Count, EntryForm, Histogram, Leave, PostgresLane, Unwritten
from tests.wire import BOUND, PARSED, Known, described, query, ready, row, tag

TEXT = "SELECT 1"
COMMAND = query(TEXT)
ANSWER = PARSED + BOUND + described("a") + row("1") + tag("SELECT 1") + ready()


def lane_for(form: EntryForm, leave: Leave | None) -> PostgresLane:
    """An open lane that knows `TEXT`, and has this leave."""
    lane = PostgresLane()
    lane.learn(TEXT.encode(), form, for_shape=False, answer=None)
    lane.open(ord("I"), simple=True, extended=True, until=math.inf, names=Known())
    lane.grant(leave)
    return lane


def lane_of(again: Again, leave: Leave | None) -> PostgresLane:
    """The same for an answer of the gate's."""
    return lane_for(again.form, leave)


def leave_to_write(
    log: Unwritten,
    stands: Sequence[tuple[object, str, object]] = (),
    clock: Callable[[], int] = lambda: 5,
    until: int = 6,
    lasts: float = math.inf,
) -> Leave:
    """Leave to write into a log while this stands."""
    return Leave(list(stands), (clock, until, lasts), ("d-", iter(range(1, 1 << 30))), log, (Histogram([1.0]), Count()))


def writer(log: Unwritten) -> PostgresLane:
    """A lane that has leave to write into a log."""
    return lane_for(EntryForm(b"", b',"verdict":"allow"', "postgres", None, hides=False), leave_to_write(log))
