"""Calls run in deep threads, and calls that never arrive are told of."""

from __future__ import annotations

import threading
from pathlib import Path

from gateway.rpc.threads import STACK_BYTES, CallThreads, mark_arrived


class Handler:
    method = "/x/Decide"


def test_all_threads_are_there_at_once_and_the_process_keeps_its_own_setting() -> None:
    before = threading.stack_size()
    with CallThreads(3, "deep", lambda method: None) as threads:
        assert threading.stack_size() == before
        assert sum(thread.name.startswith("deep") for thread in threading.enumerate()) == 3
        assert threads.submit(lambda: 7).result(30) == 7


def test_a_thread_is_as_deep_as_it_says() -> None:
    def depth_of_stack() -> int:
        maps = Path(f"/proc/self/task/{threading.get_native_id()}/maps").read_text().splitlines()
        sizes = [line.split()[0].split("-") for line in maps]
        return max(int(end, 16) - int(start, 16) for start, end in sizes)

    with CallThreads(1, "deep", lambda method: None) as threads:
        assert threads.submit(depth_of_stack).result(30) >= STACK_BYTES


def test_a_call_that_did_not_arrive_is_told_of() -> None:
    lost: list[str] = []
    with CallThreads(1, "deep", lost.append) as threads:
        threads.submit(lambda handler: mark_arrived(), Handler()).result(30)
        assert lost == []
        threads.submit(lambda handler: None, Handler()).result(30)
        threads.submit(lambda: None).result(30)
    assert lost == ["/x/Decide"]
