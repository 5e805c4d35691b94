"""The words of the key."""

from __future__ import annotations

from gateway.config.http2 import Http2
from gateway.config.model import Listener, ResourceProtocol


def test_clients_choose_it_where_nothing_is_said() -> None:
    assert [one.value for one in Http2] == ["off", "tls", "clear"]
    assert Listener(ResourceProtocol.HTTP, "127.0.0.1:1").http2 is Http2.TLS
