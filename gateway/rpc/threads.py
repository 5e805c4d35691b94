"""The threads that calls run in.

WHY 64 MiB of stack: a decision parses hostile text by recursion (PostgreSQL's grammar, protobuf of its tree), and a stack
that overflows kills the process where a refusal was due. The pages are only reserved, not used, until something goes deep.
WHY all at once: the size of a new thread's stack is a setting of the whole process, so it is set for the moment in which
these are born and put back; a pool that grew later would grow with whatever is set then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

STACK_BYTES = 64 << 20

_P = ParamSpec("_P")
_T = TypeVar("_T")
_sizing = threading.Lock()
_call = threading.local()


def mark_arrived() -> None:
    """Say that the call of this thread has its message and a handler of ours has begun."""
    _call.arrived = True


class CallThreads(ThreadPoolExecutor):
    """A pool of deep threads, all there from the start. Tells of calls that ended before their message was whole."""

    def __init__(self, count: int, name: str, lost: Callable[[str], None]) -> None:
        super().__init__(max_workers=count, thread_name_prefix=name)
        self._lost = lost
        all_there = threading.Barrier(count + 1)
        with _sizing:
            before = threading.stack_size(STACK_BYTES)
            try:
                for _ in range(count):
                    super().submit(all_there.wait)
            finally:
                threading.stack_size(before)
        all_there.wait()

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Run one call of gRPC's. Its arguments hold the handler, which knows the method."""
        method = next((found for arg in args if isinstance(found := getattr(arg, "method", None), str)), "")

        def run() -> _T:
            _call.arrived = False
            result = fn(*args, **kwargs)
            # WHY here: gRPC refuses a message that is too large for the transport without ever asking a handler.
            if method and not _call.arrived:
                self._lost(method)
            return result

        return super().submit(run)
