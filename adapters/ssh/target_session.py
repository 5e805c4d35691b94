"""The target's end of one thing that runs there: tells whoever runs it what came and how it ended."""

from __future__ import annotations

from typing import Protocol

import asyncssh


class Runner(Protocol):
    """Whoever has something run on the target."""

    def attach(self, target: asyncssh.SSHClientChannel[bytes]) -> None:
        """It runs."""

    def show(self, data: bytes, datatype: int | None) -> None:
        """Its output."""

    def target_is_full(self, is_full: bool) -> None:
        """It does not read its input for now, or does again."""

    def target_ended(self, status: int | None, signal: tuple[str, bool, str, str] | None) -> None:
        """It is over: how, or None and None when nobody knows."""


class TargetSession(asyncssh.SSHClientSession[bytes]):
    """The target's end of one thing that runs there."""

    def __init__(self, run: Runner) -> None:
        self._run = run
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._status: int | None = None
        self._signal: tuple[str, bool, str, str] | None = None
        self._began = self._is_whole = False

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def session_started(self) -> None:
        self._began = True
        if self._channel is not None:
            self._run.attach(self._channel)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self._run.show(data, datatype)

    def eof_received(self) -> bool:
        # WHY not told yet: a client that has no more input either closes the channel then, and the exit status, on its way
        # already, would find nobody. The close behind it is an end of output too.
        self._is_whole = True
        return True

    def pause_writing(self) -> None:
        self._run.target_is_full(True)

    def resume_writing(self) -> None:
        self._run.target_is_full(False)

    def exit_status_received(self, status: int) -> None:
        self._status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        self._signal = (signal, core_dumped, msg, lang)

    def connection_lost(self, exc: Exception | None) -> None:
        # WHY not before it began: whoever asked for it is told by an exception.
        if not self._began:
            return
        if exc is not None and not self._is_whole:
            # INVARIANT: what broke off never ends well: the library drops what nobody had room for when the connection is lost, and a
            # status may have come before that.
            self._status = self._signal = None
        self._run.target_ended(self._status, self._signal)
