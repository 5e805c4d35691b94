"""A connection through a target (`ssh -L`, `-W`, `-D`): asked about by destination, then carried unread.

What goes through it nobody sees; the entry says where to, and at the end how many bytes.
"""

from __future__ import annotations

import time
from collections import deque

import asyncssh

from adapters.core.ports import Answer, Outcome
from adapters.ssh.asking import Asker, NotGranted
from adapters.ssh.facts import file_question
from adapters.ssh.upstream import TargetUnusable
from adapters.ssh.visit import Visit

MAX_HOST = 255


class Pipe(asyncssh.SSHTCPSession[bytes]):
    """One end of a carried connection: what comes in here goes out of the other."""

    def __init__(self) -> None:
        self._channel: asyncssh.SSHTCPChannel[bytes] | None = None
        self._other: Pipe | None = None
        self._waiting: deque[bytes] = deque()
        self._has_ended = False
        self._is_gone = False
        self._is_full = False
        self.moved = 0

    def join(self, other: Pipe) -> None:
        """Connect two ends, whatever they have heard by now."""
        self._other, other._other = other, self
        self._hand_over()
        other._hand_over()

    def connection_made(self, chan: asyncssh.SSHTCPChannel[bytes]) -> None:
        self._channel = chan
        if self._other is not None:
            # WHY only here: the client's end has its channel after the target's may have spoken.
            self._other._hand_over()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self.moved += len(data)
        self._waiting.append(data)
        self._hand_over()

    def eof_received(self) -> bool:
        self._has_ended = True
        self._hand_over()
        return True

    def pause_writing(self) -> None:
        self._is_full = True
        if self._other is not None:
            self._other._read_on()

    def resume_writing(self) -> None:
        self._is_full = False
        if self._other is not None:
            self._other._read_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_gone = True
        self._hand_over()

    def _hand_over(self) -> None:
        """Give the other end what was heard, as soon as it is there."""
        other = self._other
        to = None if other is None else other._channel
        if to is not None:
            # INVARIANT: in order, though a write may have more heard in here.
            while self._waiting:
                data = self._waiting.popleft()
                if not to.is_closing():
                    to.write(data)
            if self._has_ended and not to.is_closing():
                to.write_eof()
            if self._is_gone:
                self._other = None
                to.close()
        self._read_on()

    def _read_on(self) -> None:
        """Hear more where the other end takes it. What is heard all the same is bounded by the window of the channel."""
        other, channel = self._other, self._channel
        if channel is None:
            return
        if other is None or other._channel is None or other._is_full:
            channel.pause_reading()
        else:
            channel.resume_reading()


class ClientPipe(Pipe):
    """The client's end; tells what became of the connection once it is over."""

    def __init__(self, visit: Visit, decision_id: str) -> None:
        super().__init__()
        self._visit = visit
        self._decision_id = decision_id
        self._began = time.perf_counter()
        self._is_told = False
        self.far: Pipe | None = None
        visit.leaving.add(self.leave)

    def leave(self) -> None:
        """The client is gone. WHY told apart: while the target is reached, the library knows of no channel that could be lost."""
        self.connection_lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._is_told:
            return
        self._is_told = True
        self._visit.leaving.discard(self.leave)
        moved = self.moved + (self.far.moved if self.far is not None else 0)
        outcome = Outcome(bytes=moved, duration=time.perf_counter() - self._began)
        self._visit.gate.finished(self._decision_id, outcome)
        self._visit.closed()


async def open_forward(visit: Visit, host: str, port: int) -> asyncssh.SSHTCPSession[bytes]:
    """The session of a granted connection, which the visit counts already and no more once it is over. Raises ChannelOpenError with the reason
    otherwise."""
    is_granted = False
    try:
        answer = await _granted(visit, host, port)
        is_granted = True
    finally:
        if not is_granted:
            visit.closed()
    near, far = ClientPipe(visit, answer.decision_id), Pipe()
    try:
        connection = await visit.upstream.connection()
        await connection.create_connection(lambda: far, host, port, encoding=None)
        near.far = far
    except (asyncssh.Error, OSError, TargetUnusable) as error:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "the target cannot connect there") from error
    finally:
        if near.far is None:
            near.connection_lost(None)
    near.join(far)
    return near


async def _granted(visit: Visit, host: str, port: int) -> Answer:
    if len(host) > MAX_HOST:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "no such host")
    asker = Asker(visit, lambda said: None)
    visit.leaving.add(asker.leave)
    try:
        return await asker.granted(file_question("connect", host, str(port)))
    except NotGranted as error:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, str(error).strip()) from None
    finally:
        visit.leaving.discard(asker.leave)
