"""What a listener is given."""

from __future__ import annotations

from adapters.http.session import HttpManners
from adapters.web.http2.offer import http2_carriage
from adapters.web.session.settings import Settings
from tests.unit.adapters.web.http2.test_inward import GET, House


def test_a_request_that_cannot_be_read_is_answered_in_the_words_of_the_protocol_with_its_number() -> None:
    offered = http2_carriage(HttpManners(), Settings(tls=True, idle_seconds=7), in_clear=False)
    assert (offered.name, offered.protocol, offered.in_clear) == ("h2", "http", False)
    told: list[tuple[bytes, str]] = []

    def record(shown: bytes, reason: str) -> str:
        told.append((shown, reason))
        return "d-7"

    house = House(offered.multiplexer(record))
    stream = house.ask([*GET, ("connection", "x")])
    assert b'"decision": "d-7"' in house.body(stream)
    house.ask([*GET, ("x-rewrite-url", "/admin")])
    house.ask([*GET[:1], *GET[1:], ("te", "gzip")])
    assert len(told) == 3
    assert house.happened == []
