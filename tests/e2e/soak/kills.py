"""kill -9 while the clients of a soak do everything at once: one log over many lives of a gateway, held against the target's record."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from pathlib import Path

from tests.e2e.soak.harness import Soaked, Tally, Target, end_what_is_left, look_at

CLIENTS = 6
FIRST_ANSWER = 120.0
"""Seconds until somebody must have been answered, on a machine that does much else."""
LAST_WORD = 60.0
"""Seconds after which no client may still wait for a gateway that is dead."""
PAGE = Path(__file__).parents[3] / "docs/measured/kills.md"
HEAD = """\
# kill -9 over SSH, Kubernetes and HTTP

`make long SELECT=tests/e2e/soak/test_kills.py` (SALLYPORT_KILLS for another number): six clients do everything that those of the soak do, the gateway is
killed under them and started again on the same log. At the end the log is held against what the target wrote down, and `audit verify` says that
it is whole. PostgreSQL has [a page of its own](kill.md).

| protocol | kills | minutes | commands in the target's record, of them without a grant | answers clients have, of them not in the audit | that must not have run, and ran |
|---|---|---|---|---|---|
"""


async def _life(target: Target, number: int, tally: Tally, chance: random.Random) -> None:
    """Clients work until the gateway is killed under them."""
    over, before = asyncio.Event(), len(tally.answered)
    clients = [
        target.client(number * CLIENTS + one, tally, random.Random(chance.random()), 0.01) for one in range(CLIENTS)
    ]
    running = [asyncio.create_task(client.run(over)) for client in clients]
    try:
        async with asyncio.timeout(FIRST_ANSWER):
            while len(tally.answered) == before:
                await asyncio.sleep(0.01)
        await asyncio.sleep(chance.uniform(0.0, 0.6))
    finally:
        over.set()
        target.gateway.kill()
    async with asyncio.timeout(LAST_WORD):
        await asyncio.gather(*running)
    await end_what_is_left()


def kill_many(times: int, seed: int, prepared: Callable[[], contextlib.AbstractContextManager[Target]]) -> Soaked:
    """So many lives on one audit. What was wrong stands in what comes back; what clients complain of is the kill."""
    chance, found = random.Random(seed), Soaked(0.0, Tally())
    with prepared() as target:
        for number in range(times):
            if number:
                target.gateway.start()
            asyncio.run(_life(target, number, found.tally, chance))
            if number % 20 == 19:
                print(f"{number + 1} kills", flush=True)
        found.is_sealed = target.gateway.verify_audit() == 0
        look_at(found, target)
    return found


def nothing_is_missing(found: Soaked) -> None:
    """Whatever ran was granted, whatever was answered is known, and the log is whole."""
    assert found.forbidden == [], "these were denied or nobody approved them, and they ran"
    assert found.unrecorded == [], f"these ran, and the audit has no grant of them: {found.unrecorded[:3]}"
    assert found.unanswered == [], "a client has an answer to these, and the audit has nothing"
    assert found.is_sealed, "the audit is not whole"
    assert found.ran > 0
    assert found.tally.answered


def write(name: str, found: Soaked, times: int, minutes: float, path: Path = PAGE) -> None:
    """Put the line of a protocol in the place of what stood there before."""
    start = f"| {name} |"
    text = path.read_text() if path.exists() else HEAD
    lines = [line for line in text.splitlines() if not line.startswith(start)]
    told = f"{start} {times} | {minutes:.0f} | {found.ran:,}, {len(found.unrecorded)} | "
    told += f"{len(found.tally.answered):,}, {len(found.unanswered)} | {len(found.forbidden)} |"
    path.write_text("\n".join([*lines, told, ""]))
