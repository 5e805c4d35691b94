"""A bound on the processor's time, for texts made to take long. What grows too fast is slow every time; a busy machine is not."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

TRIES = 3
T = TypeVar("T")


def within(seconds: float, action: Callable[[], T], about: object = "") -> T:
    """What `action` gives, if one of three runs takes less than `seconds` of the process' processor time."""
    took = []
    for _ in range(TRIES):
        began = time.process_time()
        found = action()
        took.append(time.process_time() - began)
        if took[-1] < seconds:
            return found
    raise AssertionError(f"never under {seconds} s: {[round(one, 2) for one in took]}: {str(about)[:500]}")
