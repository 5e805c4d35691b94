"""Few heaps for many threads: what glibc's allocator is told before a gateway's threads begin.

glibc gives threads up to eight heaps a core. Each keeps what was freed in it for itself, so a gateway whose hundreds of threads take turns
holds the same room several times over, and more of it each hour. Python lets one thread run at a time: heaps of their own gain little.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Mapping

ARENAS = 2
_M_ARENA_MAX = -8
"""The number of `mallopt` in glibc's `malloc.h`; other C libraries have no such function."""
_BY_ENVIRONMENT = ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES")


def keep_arenas_few(environment: Mapping[str, str]) -> None:
    """Call it before threads begin. Whoever said something else in the environment is listened to."""
    if any(name in environment for name in _BY_ENVIRONMENT):
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)
