"""The recording of what one client is shown: begun, filled and ended as its session wishes. Called by `relay`.

INVARIANT: nothing is sent that was not recorded first. Once a recording failed, whatever the reason, nothing more of it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import assert_never

from adapters.core import effects as do
from adapters.core.ports import GateSession, Recording
from adapters.errors import RecorderFailed


def unsent(rest: Iterable[do.Effect]) -> Iterator[do.Effect]:
    """Of what a session wished behind a part of a result that could not be recorded: what sends and shows nothing."""
    for effect in rest:
        if not isinstance(effect, do.Send | do.ShowPart | do.Show):
            yield effect


class Tape:
    """At most one recording at a time."""

    def __init__(self, failed: Callable[[], object]) -> None:
        """`failed` is called once for each recording that fails, from any thread."""
        self._tell = failed
        self._recording: Recording | None = None
        self._has_failed = False

    def perform(self, effect: do.Recorded, gate: GateSession, send: Callable[[bytes], None]) -> None:
        """Do what is wished; `send` is the way to the client. Raises RuntimeError where something is shown before it is recorded."""
        if isinstance(effect, do.StartRecording):
            self.end(None)
            self._has_failed = False
        elif self._has_failed:
            return
        try:
            self._perform(effect, gate, send)
        except RecorderFailed:
            self._fail()

    def _perform(self, effect: do.Recorded, gate: GateSession, send: Callable[[bytes], None]) -> None:
        if isinstance(effect, do.StartRecording):
            self._recording = gate.record(effect.decision_id, effect.screen, self._fail)
            return
        recording = self._recording
        if recording is None:
            raise RuntimeError("something is to be recorded where nothing is")
        match effect:
            case do.Show(shown, sent):
                if shown:
                    recording.output(shown)
                if sent and not self._has_failed:
                    send(sent)
            case do.RecordSize(columns, rows):
                recording.resized(columns, rows)
            case do.RecordFact(said):
                recording.told(said)
            case do.EndRecording(status):
                self.end(status)
            case _:
                assert_never(effect)

    def _fail(self) -> None:
        if not self._has_failed:
            self._has_failed = True
            self._tell()

    def end(self, status: int | None) -> None:
        """The recording is over, where there is one."""
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.end(status)
