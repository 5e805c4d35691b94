"""The threads that calls run in.

WHY 64 MiB of stack: a decision parses hostile text by recursion (PostgreSQL's grammar, protobuf of its tree), and a stack
that overflows kills the process where a refusal was due. The pages are only reserved, not used, until something goes deep.
WHY all at once: the size of a new thread's stack is a setting of the whole process, so it is set for the moment in which
these are born and put back; a pool that grew later would grow with whatever is set then.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

STACK_BYTES = 64 << 20

_sizing = threading.Lock()


def deep_threads(count: int, name: str) -> ThreadPoolExecutor:
    """A pool of `count` deep threads, all there from the start."""
    threads = ThreadPoolExecutor(count, thread_name_prefix=name)
    all_there = threading.Barrier(count + 1)
    with _sizing:
        before = threading.stack_size(STACK_BYTES)
        try:
            for _ in range(count):
                threads.submit(all_there.wait)
        finally:
            threading.stack_size(before)
    all_there.wait()
    return threads
