"""Somebody at a terminal: a real client (ssh, kubectl) on a pty of this machine."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

SECONDS = 60


class Typist:
    """Types, and reads what is shown."""

    def __init__(
        self, words: Sequence[str], environment: Mapping[str, str] | None = None, size: tuple[int, int] = (24, 80)
    ) -> None:
        self._near, far = pty.openpty()
        self.resize(*size)
        self.client = subprocess.Popen(
            list(words),
            stdin=far,
            stdout=far,
            stderr=far,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm", **(environment or {})},
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(far)
        self.seen = b""
        self._at = 0

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._near, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self._near, text.encode())

    def until(self, pattern: str) -> str:
        """Read on until something is shown; gives what was shown since the last time."""
        deadline = time.monotonic() + SECONDS
        while (found := re.compile(pattern.encode()).search(self.seen, self._at)) is None:
            assert time.monotonic() < deadline, f"{pattern!r} was not shown: {self.seen[self._at :]!r}"
            if not self._more(0.5):
                assert re.compile(pattern.encode()).search(self.seen, self._at), (
                    f"ended before {pattern!r}: {self.seen!r}"
                )
        said = self.seen[self._at : found.end()]
        self._at = found.end()
        return said.decode("utf-8", "replace")

    def end(self) -> int:
        """Read to the end; the exit status of the client."""
        deadline = time.monotonic() + SECONDS
        while self._more(0.5):
            assert time.monotonic() < deadline, f"it did not end: {self.seen[-500:]!r}"
        return self.client.wait(SECONDS)

    def _more(self, seconds: float) -> bool:
        """Whether there may be more to read."""
        ready, _, _ = select.select([self._near], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self._near, 65536)
        except OSError:
            return False
        self.seen += data
        return bool(data)

    def close(self) -> None:
        if self.client.poll() is None:
            self.client.kill()
            self.client.wait(SECONDS)
        os.close(self._near)


@contextmanager
def at_terminal(
    words: Sequence[str], environment: Mapping[str, str] | None = None, size: tuple[int, int] = (24, 80)
) -> Iterator[Typist]:
    """Somebody at a terminal, gone afterwards."""
    typist = Typist(words, environment, size)
    try:
        yield typist
    finally:
        typist.close()
