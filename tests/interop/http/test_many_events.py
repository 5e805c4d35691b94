"""Very many clients of server-sent events at once, each a stream: all get their events, and memory stays what it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interop.http.two import secured_gateway

MIB = 1024 * 1024
SHORT, LONG = 300, 10_000


def resident() -> int:
    """Bytes of memory that this process (the gateway's) has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def play(folder: Path, count: int, *, every: float, seconds: float) -> tuple[int, int, int]:
    """Memory when all were there, and when they had been for so long; and the bytes of events that came meanwhile."""
    program = (sys.executable, "-m", "tests.interop.http.many_events")
    with subprocess.Popen((*program, "serve", str(every)), stdout=subprocess.PIPE, text=True) as target:
        assert target.stdout is not None
        port = int(target.stdout.readline())
        try:
            with secured_gateway(folder, f"127.0.0.1:{port}") as running:
                words = (*program, "listen", str(running.port), str(count))
                environment = os.environ | {"TOKEN": running.token}
                with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as clients:
                    try:
                        return watched(clients, count, every, seconds)
                    finally:
                        clients.kill()
        finally:
            target.kill()


def watched(clients: subprocess.Popen[str], count: int, every: float, seconds: float) -> tuple[int, int, int]:
    assert clients.stdout is not None
    first = came = 0
    since = 0.0
    for line in clients.stdout:
        said = json.loads(line)
        assert said["lost"] == 0
        if said["begun"] < count:
            continue
        if not first and said["seconds"] - since > 2 * every:
            # Each has had an event: all that there is for each is there.
            first, since, came = resident(), said["seconds"], said["bytes"]
        elif first and said["seconds"] - since > seconds:
            return first, resident(), said["bytes"] - came
    raise AssertionError("the clients have ended")


def test_many_clients_get_their_events_with_flat_memory(tmp_path: Path) -> None:
    before, after, came = play(tmp_path, SHORT, every=0.3, seconds=2)
    assert came > SHORT * 100 * 3
    assert after - before < 8 * MIB


@pytest.mark.long
def test_ten_thousand_clients_get_their_events_with_flat_memory(tmp_path: Path) -> None:
    start = resident()
    before, after, came = play(tmp_path, LONG, every=5, seconds=60)
    print(f"{LONG} clients: {(before - start) / LONG / 1024:.1f} KiB each; {before / MIB:.0f} -> {after / MIB:.0f} MiB")
    print(f"{came / MIB:.0f} MiB of events")
    assert came > LONG * 100 * 8
    assert after - before < before / 20
