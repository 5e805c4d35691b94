"""`python -m bench.profile [--mode prepared] [--clients 8]`: where the gateway's processor time of a transaction goes.

pgbench runs through Sallyport while `perf` takes samples of it. Printed as a table in Markdown: microseconds of processor a
transaction, by what was executed (in user space) or asked for (in the kernel).
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench import pgbench, servers

RATE = 2999
"""Samples a second: no divisor of what a kernel's own clocks do."""

USER = (
    ("the interpreter", r"libpython|/python3|_asyncio|_struct"),
    ("the core", r"_native\."),
    ("OpenSSL", r"libssl|libcrypto|/_ssl\."),
    ("the event loop", r"/loop\."),
)
"""Of user space: what is executed, by the file it stands in."""
KERNEL = (
    ("kernel: the audit onto the disk", r"fdatasync|fsync"),
    ("kernel: writing the audit", r"ext4|xfs|btrfs|shmem|generic_perform_write"),
    ("kernel: sending", r"tcp_sendmsg|sock_write_iter|sock_sendmsg"),
    ("kernel: receiving", r"tcp_recvmsg|sock_read_iter|sock_recvmsg"),
    ("kernel: waiting for sockets", r"epoll"),
    ("kernel: locks of threads", r"futex"),
)
"""Of the kernel: what was asked for, by what is called on the way."""


def group_of(stack: str) -> str:
    """What a sample belongs to; `stack` is as `perf script` prints it, the innermost first."""
    innermost = stack.split("\n", 1)[0]
    if "[kernel" in innermost:
        return next((name for name, calls in KERNEL if re.search(calls, stack)), "kernel: the rest")
    return next((name for name, files in USER if re.search(files, innermost)), "libraries and the rest")


def samples(recorded: Path) -> Iterator[str]:
    """The stacks of all samples."""
    said = subprocess.run(
        ["perf", "script", "-i", str(recorded), "-F", "ip,sym,dso"], capture_output=True, text=True, check=True
    )
    for block in said.stdout.split("\n\n"):
        stack = block.strip("\n")
        if stack:
            yield stack


def measure(mode: str, clients: int, seconds: int) -> tuple[Counter[str], float]:
    """How many samples each group has, and the microseconds of processor a transaction."""
    if shutil.which("perf") is None:
        raise servers.Missing("perf is not installed (Debian: apt-get install linux-perf)")
    with pgbench.all_ways() as (ways, password, folder):
        way, log, recorded = ways["sallyport"], folder / "log", folder / "perf.data"
        pgbench.pgbench(way.address, way.database, password, mode, clients, 2, log)
        pgbench.latencies(log)
        command = ["perf", "record", "-q", "-F", str(RATE), "-g", "-o", str(recorded), "-p", str(way.pid)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as recording:
            before = pgbench.processor_seconds(way.pid)
            pgbench.pgbench(way.address, way.database, password, mode, clients, seconds, log)
            after = pgbench.processor_seconds(way.pid)
            recording.send_signal(2)
        done = len(pgbench.latencies(log))
        if before is None or after is None or not done:
            raise servers.Missing("nobody says how much of the processor the gateway has had")
        return Counter(group_of(stack) for stack in samples(recorded)), (after - before) * 1e6 / done


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("--mode", default="prepared", choices=pgbench.MODES)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=6)
    arguments = parser.parse_args()
    try:
        found, cost = measure(arguments.mode, arguments.clients, arguments.seconds)
    except servers.Missing as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 3
    total = found.total()
    print(f"| {arguments.mode}, {arguments.clients} clients | us a transaction | share |\n|---|---|---|")
    for name, number in found.most_common():
        print(f"| {name} | {cost * number / total:.1f} | {100 * number / total:.0f} % |")
    print(f"| together | {cost:.1f} | |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
