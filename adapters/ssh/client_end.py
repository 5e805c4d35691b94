"""A client's end of a channel as whatever runs sees it: the channel itself, or a terminal before it that is recorded first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from adapters.core.ports import Recording, Screen
from adapters.errors import RecorderFailed
from adapters.terminal.discipline import cooked

MAX_SIDE = 2000
"""Columns or rows of a terminal; what a client says beyond is taken for this."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal as a client asked for it. `modes` are those of RFC 4254 (8)."""

    screen: Screen
    modes: dict[int, int] = field(default_factory=dict)


class ClientEnd(Protocol):
    """Where output, words of ours and the end go."""

    def write(self, data: bytes, datatype: int | None = None) -> None: ...

    def write_stderr(self, data: bytes) -> None: ...

    def exit(self, status: int) -> None: ...

    def exit_with_signal(self, signal: str, core_dumped: bool = False, msg: str = "") -> None: ...

    def is_closing(self) -> bool: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Display:
    """A client's terminal of which everything that is shown is recorded first.

    INVARIANT: what could not be recorded is not shown; `failed` is told once. Words of ours, and with `cooks` output too, get the carriage
    returns that a terminal needs.
    """

    def __init__(
        self, client: ClientEnd, recording: Recording | None, failed: Callable[[], None], *, cooks: bool
    ) -> None:
        self._client = client
        self.recording = recording
        self._failed = failed
        self.cooks = cooks
        self._has_failed = False
        self.shown = 0

    def write(self, data: bytes, datatype: int | None = None) -> None:
        """Show something."""
        if self._has_failed or not data:
            return
        said = cooked(data) if self.cooks else data
        if self.recording is not None:
            try:
                self.recording.output(said)
            except RecorderFailed:
                self.fail()
                return
        self.shown += len(data)
        if not self._client.is_closing():
            self._client.write(said)

    def write_stderr(self, data: bytes) -> None:
        """Show a word of ours."""
        if self.cooks:
            self.write(data)
        else:
            self.write(cooked(data))

    def fail(self) -> None:
        """The recorder cannot go on."""
        if not self._has_failed:
            self._has_failed = True
            self._failed()

    def exit(self, status: int) -> None:
        self._client.exit(status)

    def exit_with_signal(self, signal: str, core_dumped: bool = False, msg: str = "") -> None:
        self._client.exit_with_signal(signal, core_dumped, msg)

    def is_closing(self) -> bool:
        return self._client.is_closing()

    def pause_reading(self) -> None:
        self._client.pause_reading()

    def resume_reading(self) -> None:
        self._client.resume_reading()


def screen_of(kind: str, columns: int, rows: int) -> Screen:
    """A terminal's size as it can be used. Whoever has none to tell says 0."""
    return Screen(min(max(columns, 1), MAX_SIDE) if columns else 80, min(max(rows, 1), MAX_SIDE) if rows else 24, kind)
