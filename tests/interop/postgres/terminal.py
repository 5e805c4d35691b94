"""psql on a terminal of its own, so that Ctrl-C, \\watch and the Tab key are what they are for people."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

DEADLINE = 40.0


class Terminal:
    """A program on a pseudo terminal. `until` reads what it shows."""

    def __init__(self, *command: str, env: Mapping[str, str]) -> None:
        ours, theirs = pty.openpty()
        self._ours = ours
        self._shown = ""
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **env, "TERM": "dumb", "PAGER": "cat", "PSQL_HISTORY": "/dev/null"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._ours)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        os.kill(self._process.pid, signal.SIGINT)

    def until(self, words: str) -> str:
        """What was shown since the last time, up to these words."""
        deadline = time.monotonic() + DEADLINE
        while words not in self._shown:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self._ours], [], [], max(left, 0))
            assert ready, f"`{words}` was not shown, but: {self._shown[-1500:]}"
            try:
                self._shown += os.read(self._ours, 1 << 16).decode(errors="replace")
            except OSError:
                raise AssertionError(f"the program ended: {self._shown[-1500:]}") from None
        before, _, self._shown = self._shown.partition(words)
        return before
