"""The words of the key."""

from __future__ import annotations

from gateway.config.http2 import Http2, TargetHttp2
from gateway.config.model import Listener, Resource, ResourceProtocol


def test_clients_choose_it_where_nothing_is_said() -> None:
    assert [one.value for one in Http2] == ["off", "tls", "clear"]
    assert Listener(ResourceProtocol.HTTP, "127.0.0.1:1").http2 is Http2.TLS


def test_targets_are_not_spoken_to_in_it_where_nothing_is_said() -> None:
    assert [one.value for one in TargetHttp2] == ["off", "auto", "always"]
    assert Resource("shop", ResourceProtocol.HTTP, "shop:443").http2 is TargetHttp2.OFF
