"""The recordings of a gateway in this process, as who has the key reads them; and the rules that demand them."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from gateway.errors import RecordingBroken
from gateway.recording import shelf
from gateway.recording.exchanges import Asked, Done, Line, Over, Shown, read_line
from tests.interop.http.running import Running

RULES = """\
package policies.kept

limit contains {"code": "KEPT", "type": "record", "value": "results"}
"""


@dataclass
class Kept:
    """What a gateway records from now on."""

    running: Running
    before: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.before = frozenset(path.stem for path in self._files())

    def _files(self) -> list[shelf.Path]:
        config = self.running.gateway.config
        return shelf.files(config.at(config.recording.dir))

    def names(self) -> list[str]:
        return [path.stem for path in self._files() if path.stem not in self.before]

    def plain(self) -> bytes:
        """All lines of all of them, as far as they go."""
        found: list[bytes] = []
        for path in self._files():
            if path.stem not in self.before:
                try:
                    found.extend(shelf.lines(path, self.running.gateway._recording_keys))
                except RecordingBroken as error:
                    found.append(b"" if error.code == "UNFINISHED" else str(error).encode())
        return b"".join(found)

    def lines(self, count: int = 1) -> list[Line]:
        """The lines of so many recordings, once all of them are whole."""
        deadline, pause = time.monotonic() + 60, threading.Event()
        while True:
            found = [read_line(line) for line in self.plain().splitlines()]
            if sum(isinstance(one, Over) for one in found) == count:
                return found
            assert time.monotonic() < deadline, found
            pause.wait(0.02)


def asked(found: list[Line]) -> list[Asked]:
    return [one for one in found if isinstance(one, Asked)]


def done(found: list[Line], decision: str) -> Done:
    return next(one for one in found if isinstance(one, Done) and one.id == decision)


def shown(found: list[Line], decision: str) -> str:
    return "".join(one.text for one in found if isinstance(one, Shown) and one.id == decision)


def parts(found: list[Line], decision: str) -> list[Shown]:
    return [one for one in found if isinstance(one, Shown) and one.id == decision]
