"""What a forward proxy may do unless somebody says otherwise."""

from __future__ import annotations

from gateway.config.proxy import ANYWHERE, Proxy


def test_a_proxy_goes_to_public_places_on_the_ports_of_the_web_and_opens_nothing() -> None:
    assert Proxy() == Proxy(ports=(80, 443), inside=(), opaque=(), ca_certificate=None, ca_key=None)
    assert ANYWHERE == "*"
