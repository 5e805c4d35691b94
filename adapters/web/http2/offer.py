"""How a protocol over HTTP takes clients of HTTP/2, and speaks it to targets: what its listener is given besides its sessions."""

from __future__ import annotations

from collections.abc import Callable

from adapters.core.carried import Carriage, Multiplexer, Sharing
from adapters.web.http2.frames import PREFACE
from adapters.web.http2.inward import Inward, Limits
from adapters.web.http2.outward import Outward
from adapters.web.session.manners import Manners
from adapters.web.session.settings import Settings
from engine.command.documents.refusal import Refused
from engine.command.http.wire import body_length, read_head

TO_TARGETS = Sharing("h2", Outward)
"""Requests to a target share connections of HTTP/2."""


def http2_carriage(manners: Manners, settings: Settings, *, in_clear: bool, takes_websockets: bool = False) -> Carriage:
    """HTTP/2 for clients of these manners. `in_clear`: without TLS too, for those who know beforehand (h2c). `takes_websockets`: on streams too."""
    limits = Limits(settings.head_seconds, settings.idle_seconds)

    def check(head: bytes) -> None:
        request = read_head(head.removesuffix(b"\r\n\r\n"))
        body_length(request)
        manners.check(request)

    def multiplexer(record: Callable[[bytes, str], str]) -> Multiplexer:
        def refusal(refused: Refused, shown: bytes) -> bytes:
            decision_id = record(shown, refused.message)
            return manners.refusals.not_read(refused.code, refused.message, decision_id=decision_id)

        return Inward(
            is_tls=settings.tls, check=check, refusal=refusal, limits=limits, takes_websockets=takes_websockets
        )

    return Carriage("h2", PREFACE, in_clear, manners.protocol, multiplexer)
