"""kill -9 under load: every allow that a client saw answered stands in the audit.

The gateway is killed at random moments while clients work; what each client got an answer to is compared with what the
audit says. `make long` kills 500 times (SALLYPORT_KILLS says otherwise), the ordinary run 10.
"""

from __future__ import annotations

import os
import random
import threading
import time
import uuid

import psycopg
import pytest

from tests.e2e.world import ROOT, World, world

CLIENTS = 3
KILLS = int(os.environ.get("SALLYPORT_KILLS", "500"))


class Client(threading.Thread):
    """Runs statements that each carry a name of their own, and remembers which were answered."""

    def __init__(self, conninfo: str) -> None:
        super().__init__(daemon=True)
        self.conninfo = conninfo
        self.answered: list[str] = []
        self.under_way = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            with psycopg.connect(self.conninfo, autocommit=True) as connection:
                while True:
                    name = uuid.uuid4().hex
                    row = connection.execute(f"SELECT '{name}' AS name").fetchone()
                    assert row == (name,)
                    self.answered.append(name)
                    self.under_way.set()
        except psycopg.OperationalError as error:
            # The kill. Anything else is a failure of the test.
            if not self.answered:
                self.failure = error
        except AssertionError as error:
            self.failure = error
        finally:
            self.under_way.set()


def kill_once(place: World, chance: random.Random) -> set[str]:
    """One life of the gateway. Returns the names of the statements that clients saw answered."""
    place.start()
    clients = [Client(place.conninfo()) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        assert client.under_way.wait(180), "a client got no answer within three minutes"
    threading.Event().wait(chance.uniform(0.01, 0.5))
    place.kill()
    for client in clients:
        client.join(60)
        assert not client.is_alive()
        assert client.failure is None, client.failure
    return {name for client in clients for name in client.answered}


def kill_many(times: int, seed: int) -> list[int]:
    """So many lives on one audit; fails when it lacks an answer that a client saw. Returns the answers of each life."""
    chance = random.Random(seed)
    with world() as place:
        lives = list[set[str]]()
        for number in range(1, times + 1):
            lives.append(kill_once(place, chance))
            if not number % 50:
                print(f"{number} kills", flush=True)
        assert place.verify_audit() == 0, "the audit is not whole after the kills"
        granted = (entry for entry in place.entries() if entry.get("verdict") in ("allow", "mask"))
        texts = (str(entry.get("text", "")) for entry in granted)
        recorded = {text.split("'")[1] for text in texts if text.startswith("SELECT '")}
    for number, seen in enumerate(lives):
        missing = seen - recorded
        assert not missing, f"life {number}: {len(missing)} of {len(seen)} answered allows are not in the audit"
    return [len(seen) for seen in lives]


@pytest.mark.timeout(600)
def test_no_answered_allow_is_missing_from_the_audit_after_kill_9() -> None:
    lives = kill_many(10, seed=20261121)
    assert all(lives)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_no_answered_allow_is_missing_after_five_hundred_kills() -> None:
    began = time.monotonic()
    lives = kill_many(KILLS, seed=7)
    minutes = (time.monotonic() - began) / 60
    lines = [
        "# kill -9 under load",
        "",
        f"{len(lives)} kills, {CLIENTS} clients, {sum(lives)} answered allows seen by clients, 0 missing from the audit.",
        f"{minutes:.0f} minutes, and `audit verify` at the end says that the log is whole.",
        "",
    ]
    (ROOT / "docs/measured/kill.md").write_text("\n".join(lines))
    print("\n" + "\n".join(lines[2:]))
