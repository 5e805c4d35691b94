"""The driver of connections that may carry several: one client's socket, a relay for each stream on it.

What the client chose is seen in TLS (ALPN) or in its first bytes. A client that carries nothing is handed to a relay, and is
like any other from then on. Else a `Multiplexer` turns its bytes to streams, and each stream is a connection of its own to the
relay that drives it: sessions, gate, targets know nothing of one another. Only who has come in is shared (`lodging`). Its turns: `turns`.

Called by `listening`. Whatever goes wrong in here ends the connection, and all that it carries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from adapters.core import events as saw
from adapters.core.carried import Carriage, Multiplexer
from adapters.core.driven import Session
from adapters.core.ends import End
from adapters.core.events import Event, Side
from adapters.core.lodging import Lodging
from adapters.core.ports import Cause, Question
from adapters.core.reaching import CONNECT_TIMEOUT
from adapters.core.relay import Relay
from adapters.core.stream_ends import StreamTransport
from adapters.core.surroundings import Surroundings
from adapters.core.turns import Ended, Turns

MAX_RELAYS = 300
"""Streams' relays at once, with those that have not ended quite: above, the connection ends."""

log = structlog.get_logger(__name__)


class Carrier:
    """One client's connection, from accept to close. Satisfies `ends.Hearer`."""

    def __init__(
        self,
        carriage: Carriage,
        open_session: Callable[[], Session],
        surroundings: Surroundings,
        *,
        client_address: str | None,
        finished: Callable[[Carrier], None],
    ) -> None:
        self._carriage = carriage
        self._open_session = open_session
        self._with = surroundings
        self._client_address = client_address
        self._finished = finished
        self._loop = asyncio.get_running_loop()
        self._lodging = Lodging(surroundings.doorkeeper, self._loop, self._login_over)
        self._peer_name: str | None = None
        self._first = b""
        self._relay: Relay | None = None
        self._mux: Multiplexer | None = None
        self._relays: set[Relay] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closing: str | None = None
        self.client = End(self, Side.CLIENT)
        self._turns = Turns(
            self.client, opened=self._open, ended=self._stream_over, settle=self._settle, fail=self._close
        )
        self.closed = asyncio.Event()

    # --- from the socket

    def take(self, event: Event) -> None:
        """What happens on the socket but bytes."""
        match event:
            case saw.TimePassed():
                self._timer = self._loop.call_later(CONNECT_TIMEOUT, self._close, "too slow")
                if self._with.client_tls is not None:
                    self.client.start_tls(self._with.client_tls, server_side=True, server_hostname=None)
            case saw.TlsStarted(_, name):
                self._peer_name = name
                if self.client.chosen_protocol == self._carriage.name:
                    self._carry()
                else:
                    self._hand_over(event)
            case _:
                self._close("the client left")

    def hear(self, side: Side, data: bytes) -> None:
        """Bytes of the client, in clear."""
        if self._mux is not None:
            self._turns.work(data)
            return
        self._first += data
        preface = self._carriage.preface
        if self._first.startswith(preface):
            self._carry()
        elif not preface.startswith(self._first):
            self._hand_over(saw.TimePassed())

    def lost(self, side: Side) -> None:
        """The socket is gone for good."""
        self._close("the client's connection was lost")
        self._finish()

    def is_full(self, side: Side, full: bool) -> None:
        """The socket cannot take more for now. WHY not read either: what a client says makes answers."""
        self.client.read_while("it takes no answers", not full)
        self._turns.is_full(full)

    def tls_failed(self, side: Side, error: Exception) -> None:
        """TLS does not come about."""
        log.warning("TLS could not be started", side=side.name, error=type(error).__name__)
        self._close("TLS failed")

    # --- from the listener

    def stop(self, reason: str, cause: Cause = Cause.DRAIN) -> None:
        """Ask the connection to end soon: no new streams, those that are open as their sessions see it."""
        if self._relay is not None:
            self._relay.stop(reason, cause)
        elif self._mux is None:
            self._close(reason)
        else:
            self._mux.retire()
            for relay in list(self._relays):
                relay.stop(reason, cause)
            self._turns.wake()

    def cut(self, reason: str) -> None:
        """End the connection now."""
        if self._relay is not None:
            self._relay.cut(reason)
        else:
            self._close(reason)

    # --- which way

    def _hand_over(self, event: Event) -> None:
        """The client carries nothing: it is a relay's from now on."""
        self._end_timer()
        relay = Relay(
            self._open_session(),
            self._with,
            client_address=self._client_address,
            finished=lambda _: self._finish(),
            client=self.client,
        )
        self._relay = relay
        self.client.tell(relay)
        relay.take(event)
        if self._first:
            first, self._first = self._first, b""
            relay.hear(Side.CLIENT, first)

    def _carry(self) -> None:
        self._end_timer()
        self._mux = self._carriage.multiplexer(self._refused)
        first, self._first = self._first, b""
        self._turns.begin(self._mux, first)

    def _refused(self, shown: bytes, reason: str) -> str:
        """Have a request that cannot be read written into the audit of who is signed in; the number of the entry."""
        session = self._lodging.latest
        if session is None:
            return ""
        return session.refuse(Question(self._carriage.protocol, shown or b"\0"), reason).decision_id

    def _login_over(self, reason: str) -> None:
        """A login was ended by somebody else: as when its own connection ends."""
        if self._mux is not None:
            self._mux.retire()
            self._turns.wake()

    # --- streams

    def _settle(self) -> None:
        if self._mux is None or self._mux.is_over or len(self._relays) > MAX_RELAYS:
            self._close("the connection is over")

    def _stream_over(self, one: Ended, stream: StreamTransport) -> None:
        stream.gone()

    def _open(self, number: int) -> None:
        door = self._lodging.door()
        surroundings = replace(self._with, doorkeeper=door)
        relay = Relay(
            self._open_session(),
            surroundings,
            client_address=self._client_address,
            finished=self._relays.discard,
        )
        door.stream = relay
        mux = self._mux
        assert mux is not None
        stream = self._turns.streams[number] = StreamTransport(number, mux, relay.client, self._turns.wake)
        self._relays.add(relay)
        relay.client.connection_made(stream)
        is_tls = self._with.client_tls is not None
        relay.take(saw.TlsStarted(Side.CLIENT, self._peer_name) if is_tls else saw.TimePassed())

    # --- ends

    def _end_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self, reason: str) -> None:
        if self._closing is not None:
            return
        self._closing = reason
        self._end_timer()
        self._turns.close()
        for relay in list(self._relays):
            relay.cut(reason)
        self._lodging.close(reason)
        self.client.depart(self._loop, self._finish)

    def _finish(self) -> None:
        if not self.closed.is_set():
            self.closed.set()
            self._finished(self)
