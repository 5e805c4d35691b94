"""Calls run in deep threads."""

from __future__ import annotations

import threading
from pathlib import Path

from gateway.rpc.threads import STACK_BYTES, deep_threads


def test_all_threads_are_there_at_once_and_the_process_keeps_its_own_setting() -> None:
    before = threading.stack_size()
    with deep_threads(3, "deep") as threads:
        assert threading.stack_size() == before
        assert sum(thread.name.startswith("deep") for thread in threading.enumerate()) == 3
        assert threads.submit(lambda: 7).result(30) == 7


def test_a_thread_is_as_deep_as_it_says() -> None:
    def depth_of_stack() -> int:
        maps = Path(f"/proc/self/task/{threading.get_native_id()}/maps").read_text().splitlines()
        sizes = [line.split()[0].split("-") for line in maps]
        return max(int(end, 16) - int(start, 16) for start, end in sizes)

    with deep_threads(1, "deep") as threads:
        assert threads.submit(depth_of_stack).result(30) >= STACK_BYTES
