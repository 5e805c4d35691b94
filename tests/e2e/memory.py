"""How much memory a gateway needs while something goes through it, and the page that says so: `docs/measured/large_values.md`."""

from __future__ import annotations

import re
import threading
from pathlib import Path

from tests.e2e.world import World

PAGE = Path(__file__).parents[2] / "docs/measured/large_values.md"


class Watch:
    """How much memory a process has at most, while it is looked at."""

    def __init__(self, place: World) -> None:
        assert place.process is not None
        self._status = Path(f"/proc/{place.process.pid}/status")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.before = self.most = self._now()

    def _now(self) -> int:
        return int(self._status.read_text().split("VmRSS:")[1].split()[0])

    def _look(self) -> None:
        while not self._over.wait(0.02):
            self.most = max(self.most, self._now())

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def grown(self) -> float:
        """By how much at most (MiB)."""
        return (self.most - self.before) / 1024


def write(title: str, told: str, path: Path = PAGE) -> None:
    """Put what was measured in the place of what stood under the title before."""
    text, part = path.read_text(), f"# {title}\n\n{told.strip()}\n"
    pattern = re.compile(rf"^# {re.escape(title)}\n.*?(?=^# |\Z)", re.MULTILINE | re.DOTALL)
    text = pattern.sub(lambda _: f"{part}\n", text) if pattern.search(text) else f"{text.rstrip()}\n\n{part}"
    path.write_text(f"{text.rstrip()}\n")
