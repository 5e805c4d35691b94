"""kill -9 while commands come over SSH: whatever ran on the target stands in the audit as an allow.

The gateway dies at random moments while clients work; each command leaves a name of its own in a file of the target.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import subprocess
import uuid
from pathlib import Path

import asyncssh
import pytest

from gateway.demo.cluster import free_port
from tests.e2e.world import ROOT, sallyport
from tests.interop.ssh.place import Place, placed, until_it_listens

CLIENTS = 3


async def work(place: Place, marks: Path, names: list[str]) -> None:
    """Run commands one after the other until the gateway is gone."""
    with contextlib.suppress(asyncssh.Error, OSError):
        async with asyncssh.connect(
            "127.0.0.1",
            place.port,
            username="ana+box",
            client_keys=[str(place.folder / "ana")],
            known_hosts=str(place.folder / "gateway_hosts"),
            config=None,
        ) as connection:
            while True:
                name = uuid.uuid4().hex
                done = await connection.run(f"echo {name} >> {marks}")
                if done.exit_status != 0:
                    return
                names.append(name)


async def one_life(place: Place, marks: Path, seconds: float) -> list[str]:
    """Start the gateway, let clients work, kill it. Returns the names whose commands clients saw end well."""
    log = (place.folder / "gateway.log").open("ab")
    config = str(place.folder / "sallyport.toml")
    process = subprocess.Popen([*sallyport(), "up", "--config", config], cwd=ROOT, stdout=log, stderr=log)
    log.close()
    try:
        await asyncio.to_thread(until_it_listens, place.port, process, place.folder / "gateway.log")
        names: list[str] = []
        clients = [asyncio.create_task(work(place, marks, names)) for _ in range(CLIENTS)]
        async with asyncio.timeout(60):
            while not names:
                await asyncio.wait(clients, timeout=0.02)
        await asyncio.wait(clients, timeout=seconds)
    finally:
        process.kill()
        process.wait()
    await asyncio.wait(clients, timeout=30)
    return names


def lives(times: int, seed: int) -> tuple[int, int]:
    """So many lives on one audit. Returns how many commands ran and how many ends clients saw."""
    chance = random.Random(seed)
    with placed(with_gateway=False) as place:
        place.port = free_port()
        file = place.folder / "sallyport.toml"
        file.write_text(file.read_text().replace("127.0.0.1:0", f"127.0.0.1:{place.port}"))
        marks = place.folder / "marks"
        seen = [name for _ in range(times) for name in asyncio.run(one_life(place, marks, chance.uniform(0.05, 0.5)))]
        ran = marks.read_text().split()
        recorded = {entry.text for entry in place.decisions() if entry.verdict == "allow"}
    missing = [name for name in ran if f"echo {name} >> {marks}" not in recorded]
    assert missing == [], f"{len(missing)} of {len(ran)} commands ran without an entry"
    assert set(seen) <= set(ran)
    return len(ran), len(seen)


@pytest.mark.timeout(300)
def test_nothing_ran_that_the_audit_does_not_know_after_kill_9() -> None:
    ran, seen = lives(2, seed=20261128)
    assert ran >= seen > 0


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_nothing_ran_that_the_audit_does_not_know_after_sixty_kills() -> None:
    ran, seen = lives(60, seed=11)
    assert ran >= seen > 0
