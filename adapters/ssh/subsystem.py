"""A channel that is an SFTP server: asked for, opened on the target, then spoken to by asyncssh's handler over `files`."""

from __future__ import annotations

from typing import cast

import asyncssh
from asyncssh.stream import SSHServerStreamSession

from adapters.ssh.asking import Asker, NotGranted
from adapters.ssh.files import GuardedFiles, open_files
from adapters.ssh.upstream import TargetUnusable
from adapters.ssh.visit import Visit
from adapters.terminal import messages

SFTP = "sftp"
VERSION = 3
"""What OpenSSH speaks; later versions have operations that nobody judges."""
MAX_EARLY_INPUT = 64 * 1024
HIGH_WATER = 1 << 20
"""Bytes that wait for a client: above, what it asks for waits too. WHY more than the library's: one answer may be four times as much."""
MAX_UNSENT = 8 << 20
"""Bytes that wait all the same, as answers of a few words: whoever goes on asking then is left."""


class FilesRun:
    """One SFTP channel."""

    def __init__(self, visit: Visit, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        self._visit = visit
        self._client = channel
        self._asker = Asker(visit, self._tell)
        self._early: list[bytes] = []
        self._early_size = 0
        self._has_ended = False
        self._has_left = False
        self._files: GuardedFiles | None = None
        self._inner: SSHServerStreamSession[bytes] | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether it serves and none of its operations is held."""
        return self._inner is not None and not self._asker.is_waiting

    def start(self) -> None:
        """Ask for it; when it is granted, serve."""
        self._visit.spawn(self._open())

    async def _open(self) -> None:
        try:
            files = await open_files(self._visit, self._asker, lambda: self._end("", 0))
        except NotGranted as error:
            self._end(str(error), messages.REFUSED)
            return
        except TargetUnusable as error:
            self._end(messages.target_trouble(str(error)), messages.LOST)
            return
        if self._has_left:
            await files.exit()
            return
        self._serve(files)

    def _serve(self, files: GuardedFiles) -> None:
        # WHY a cast: `files` says why it is no child of the library's class.
        server = cast(asyncssh.SFTPServer, files)
        self._client.set_write_buffer_limits(high=HIGH_WATER)
        inner: SSHServerStreamSession[bytes] = SSHServerStreamSession(None, lambda channel: server, VERSION)
        self._files = files
        inner.connection_made(self._client)
        inner.session_started()
        self._inner = inner
        for data in self._early:
            inner.data_received(data, None)
        self._early.clear()
        if self._has_ended:
            inner.eof_received()
        self._client.resume_reading()

    def _tell(self, text: str) -> None:
        if not self._client.is_closing():
            self._client.write_stderr(text.encode())

    def _end(self, said: str, status: int) -> None:
        if said:
            self._tell(said)
        # WHY not `is_closing`: a client that said its last word is still there to hear the status.
        self._client.exit(status)

    # --- the client's side

    def take_input(self, data: bytes) -> None:
        """What the client's SFTP says."""
        if self._inner is not None:
            if self._client.get_write_buffer_size() > MAX_UNSENT:
                self._visit.cut("a client asks without end and takes no answers")
                return
            self._inner.data_received(data, None)
            return
        self._early.append(data)
        self._early_size += len(data)
        if self._early_size > MAX_EARLY_INPUT:
            self._client.pause_reading()

    def end_input(self) -> None:
        """The client says no more: what still waits for people is not wanted any more."""
        self._has_ended = True
        self._asker.leave()
        if self._inner is not None:
            self._inner.eof_received()

    def client_is_full(self, is_full: bool) -> None:
        """The client cannot take more for now, or can again."""
        if self._inner is None or self._files is None:
            return
        self._files.client_is_full(is_full)
        if is_full:
            self._inner.pause_writing()
        else:
            self._inner.resume_writing()

    def signal(self, name: str) -> None:
        """Signals mean nothing to files."""

    def leave(self, reason: str) -> None:
        """The client is gone."""
        self._has_left = True
        self._asker.leave()
        if self._files is not None:
            self._files.abandon()
        if self._inner is not None:
            self._inner.connection_lost(None)
