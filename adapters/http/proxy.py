"""A client's connection to a forward proxy: a conversation whose every request is for a host of its own, looked up when it is granted.

The conversation asks for one target as any does; here that becomes the one its request is for, at the addresses that were looked at. Pure.
"""

from __future__ import annotations

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.effects import Effect
from adapters.core.events import Event, Side
from adapters.http.destinations import pinned
from adapters.http.proxying import ProxyManners
from adapters.web.session.conversation import Conversation
from adapters.web.session.settings import Settings
from engine.command.documents.refusal import Refused


class ProxySession:
    """One client's connection."""

    short_way = None

    def __init__(self, settings: Settings) -> None:
        self._manners = ProxyManners()
        self._spoken = Conversation(self._manners, settings)
        self._looking: str | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its client: nothing runs for it, nothing is held."""
        return self._spoken.is_waiting

    def handle(self, event: Event, now: float) -> list[Effect]:
        """What is to be done because of an event."""
        match event:
            case saw.LookedUp(host, addresses):
                return self._looked_up(host, addresses, now)
            case saw.TlsStarted(Side.CLIENT, _):
                # WHY without the name: who uses a proxy says so in each request.
                return self._said(saw.TlsStarted(Side.CLIENT), now)
            case saw.UpstreamOpened():
                here = self._manners.destination
                if here is None:
                    raise RuntimeError("a target was reached that nobody asked for")
                return [do.StartTls(Side.UPSTREAM)] if here.tls else self._said(saw.TlsStarted(Side.UPSTREAM), now)
            case _:
                return self._said(event, now)

    def _looked_up(self, host: str, addresses: tuple[str, ...], now: float) -> list[Effect]:
        here = self._manners.destination
        if here is None or host != self._looking:
            return []  # WHY: who asked for it has left it
        self._looking = None
        try:
            self._manners.destination = pinned(here, addresses)
        except Refused as refusal:
            return self._said(saw.UpstreamFailed(refusal.message, refusal.code.upper()), now)
        return [do.OpenUpstream(self._manners.destination)]

    def _said(self, event: Event, now: float) -> list[Effect]:
        return [self._meant(effect) for effect in self._spoken.handle(event, now)]

    def _meant(self, effect: Effect) -> Effect:
        here = self._manners.destination
        match effect:
            case do.OpenUpstream() if here is not None and here.addresses:
                return do.OpenUpstream(here)
            case do.OpenUpstream():
                if here is None:
                    raise RuntimeError("a request goes on that is for no host")
                self._looking = here.host
                return do.LookUp(here.host, here.port)
            case do.CloseUpstream():
                self._looking = None
            case _:
                pass
        return effect


def proxy_session(settings: Settings) -> ProxySession:
    """One client's connection."""
    return ProxySession(settings)
