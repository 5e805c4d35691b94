"""The listener is one of `core`, whose sessions speak Kubernetes."""

from __future__ import annotations

from adapters.core.listening import Address
from adapters.kubernetes.listener import kubernetes_listener
from tests.unit.adapters.core.test_listening import Keeper, ask


async def test_it_answers_in_statuses() -> None:
    listener = kubernetes_listener(Address(), Keeper(), "prod")
    await listener.start()
    got = await ask(listener.port, b"GET /api HTTP/1.1\r\nHost: a\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 401 ")
    assert b'"kind": "Status"' in got
    await listener.drain(1)
