"""Recordings of a running gateway, made with its own key at times that somebody chooses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.core.ports import Screen
from gateway.config import load_config
from gateway.recording.keys import WrappingKeys, own_secret
from gateway.recording.recorder import About, Recording, Recordings
from tests.e2e.console.house import House

BEGAN = 1_800_000_000 * 10**9


class Stage:
    """A recorder beside the gateway's own."""

    def __init__(self, house: House) -> None:
        config = load_config(house.world.config, house.world.environment())
        self.folder: Path = config.at(config.recording.dir)
        keys = WrappingKeys([own_secret(self.folder)])
        self.recordings = Recordings(self.folder, keys, lambda: BEGAN, lambda progress: None, low_water_bytes=0)

    def begin(self, screen: Screen | None = None) -> Recording:
        about = About("s-played", "ana", "box", "d-1", "build-42")
        return self.recordings.begin(about, screen, lambda: None)

    def at(self, recording: Recording, seconds: float) -> None:
        """Let a recording have gone on for so long."""
        recording._began = time.monotonic() - seconds


@contextmanager
def staged(house: House) -> Iterator[Stage]:
    """A stage, as long as the block lasts."""
    made = Stage(house)
    yield made
    made.recordings.close()


def deployment(house: House) -> str:
    """A terminal with something to see; its id."""
    with staged(house) as stage:
        one = stage.begin(Screen(96, 20, "xterm-256color"))
        one.told({"decision": "d-1", "verdict": "allow", "text": "shell raw"})
        for seconds, shown in enumerate(_DEPLOYMENT):
            stage.at(one, 2.5 * seconds)
            one.output(shown.encode())
        stage.at(one, 2.5 * len(_DEPLOYMENT))
        one.end(0)
        return one.id


_PROMPT = "\x1b[32mana@build\x1b[0m:\x1b[34m~/shop\x1b[0m$ "
_DEPLOYMENT = (
    _PROMPT,
    "git log --oneline -3\r\n\x1b[33m9f2c1aa\x1b[m Settle open orders at night\r\n\x1b[33m51e07d3\x1b[m Say why an order waits\r\n"
    f"\x1b[33mc40b8e2\x1b[m Begin\r\n{_PROMPT}",
    "make test\r\n",
    "\x1b[1mcollected 128 items\x1b[0m\r\n\r\n",
    "tests/test_orders.py \x1b[32m....................................\x1b[0m\x1b[36m [ 41%]\x1b[0m\r\n",
    "tests/test_prices.py \x1b[32m.................\x1b[31mF\x1b[32m................\x1b[0m\x1b[36m [ 78%]\x1b[0m\r\n",
    "\x1b[31mFAILED\x1b[0m tests/test_prices.py::\x1b[1mtest_a_discount_is_taken_once\x1b[0m\r\n"
    f"\x1b[31m1 failed\x1b[0m, \x1b[32m127 passed\x1b[0m in 9.81s\r\n{_PROMPT}",
    "df -h /srv | tail -1\r\n/dev/vda2   \x1b[7m 94% \x1b[0m   /srv\r\n" + _PROMPT,
)
