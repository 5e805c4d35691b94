"""What glibc's allocator is told before a gateway's threads begin: few heaps, and large pieces given back at once.

glibc gives threads up to eight heaps a core. Each keeps what was freed in it for itself, so a gateway whose hundreds of threads take turns
holds the same room several times over, and more of it each hour. Python lets one thread run at a time: heaps of their own gain little.

A large piece is mapped by itself and given back when it is freed, until glibc has seen one freed: pieces of that size (up to 32 MB) lie in the
heaps from then on, between small ones that stay. With bodies of a megabyte going through, heaps grow for hours. So the limit is fixed.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Mapping

ARENAS = 2
MAPPED = 256 * 1024
"""Bytes from which on a piece is mapped by itself. WHY above 256,000: so much is read from a socket at once, with each call."""
TRIMMED = 2 * MAPPED
"""Free bytes at the end of a heap that are given back: as glibc itself relates the two."""
_BY_ENVIRONMENT = "GLIBC_TUNABLES"
_OPTIONS = (
    ("MALLOC_ARENA_MAX", -8, ARENAS),
    ("MALLOC_MMAP_THRESHOLD_", -3, MAPPED),
    ("MALLOC_TRIM_THRESHOLD_", -1, TRIMMED),
)
"""Variable, number of the option of `mallopt` in glibc's `malloc.h`, value; other C libraries have no such function."""


def tell_allocator(environment: Mapping[str, str]) -> None:
    """Call it before threads begin. Whoever said something else in the environment is listened to."""
    if _BY_ENVIRONMENT in environment:
        return
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for name, option, value in _OPTIONS:
            if name not in environment:
                mallopt(option, value)
