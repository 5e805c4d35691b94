"""Dialogues with a forward proxy: what is looked up, judged, reached, for each request."""

from __future__ import annotations

import pytest

from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Cause
from adapters.http.proxy import proxy_session
from adapters.web.session.settings import Settings
from tests.strategies.http_sessions import DENY
from tests.strategies.proxy_sessions import PUBLIC, House, request


def test_each_request_goes_to_the_address_its_host_was_looked_up_to() -> None:
    house = House(names={"b.test": ("93.184.216.35",)})
    house.client(
        request("GET http://a.test/x?q=1", "host: a.test", "authorization: Basic theirs")
        + request("GET http://b.test/y", "host: b.test")
    )
    assert house.looked_up == ["a.test", "b.test"]
    assert [(one.host, one.port, one.tls, one.addresses) for one in house.reached] == [
        ("a.test", 80, False, (PUBLIC,)),
        ("b.test", 80, False, ("93.184.216.35",)),
    ]
    assert house.asked[0].startswith(b"GET http://a.test/x?q=1 HTTP/1.1\r\nhost: a.test\r\n")
    assert house.up[0].startswith(b"GET /x?q=1 HTTP/1.1\r\nhost: a.test\r\n")
    assert b"authorization: Basic theirs\r\n" in house.up[0]
    assert b"ana" not in house.up[0]
    assert house.admitted == 1
    assert house.statuses == [200, 200]


def test_a_name_that_means_something_else_the_next_time_is_looked_at_again() -> None:
    house = House(names={"a.test": (PUBLIC,)}).client(request("GET http://a.test/", "host: a.test"))
    house.names["a.test"] = ("127.0.0.1",)
    house.client(request("GET http://a.test/", "host: a.test"))
    assert house.statuses == [200, 403]
    assert len(house.reached) == 1


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET http://127.0.0.1/", 403),
        ("GET http://2130706433/", 403),
        ("GET http://0x7f.1/", 403),
        ("GET http://0177.0.0.1/", 403),
        ("GET http://[::1]/", 403),
        ("GET http://[::ffff:127.0.0.1]/", 403),
        ("GET http://inside.test/", 403),
        ("GET http://nobody.test/", 502),
        ("GET http://a.test:22/", 403),
        ("CONNECT a.test:22", 403),
        ("CONNECT a.test", 400),
        ("CONNECT a.test:443/x", 400),
        ("GET /a", 400),
        ("GET http://a.test./", 400),
        ("GET http://u:p@a.test/", 400),
        ("GET ftp://a.test/", 400),
        ("OPTIONS *", 400),
    ],
)
def test_where_it_does_not_go(line: str, status: int) -> None:
    spelt = dict.fromkeys(("127.0.0.1", "inside.test"), ("127.0.0.1",))
    house = House(names={**spelt, "::1": ("::1",), "::ffff:7f00:1": ("::ffff:127.0.0.1",), "nobody.test": ()})
    host = line.partition("://")[2].partition("/")[0].rpartition("@")[2] or line.partition(" ")[2].partition("/")[0]
    house.client(request(line, f"host: {host if host not in ('', '*') else 'a.test'}"))
    assert house.statuses == [status]
    assert house.reached == []
    assert len(house.asked) == 1, "who tried is in the audit"
    assert house.records in ([], ["400"], ["DESTINATION_INSIDE"], ["DESTINATION_UNKNOWN"])


def test_another_host_header_is_another_request() -> None:
    house = House().client(request("GET http://a.test/", "host: b.test"))
    assert (house.statuses, house.reached) == ([400], [])


def test_who_nobody_knows_makes_nothing_be_looked_up() -> None:
    for token in (None, "eve"):
        house = House().client(request("GET http://a.test/", "host: a.test", "authorization: Bearer ana", token=token))
        assert house.statuses == [407]
        assert b"proxy-authenticate: Basic " in house.down
        assert house.looked_up == []


def test_a_connection_is_opened_and_each_request_in_it_judged() -> None:
    house = House(judge=lambda text: DENY if b"/no" in text.split(b"\r\n")[0] else House().judge(text))
    house.client(request("CONNECT a.test:443", "host: a.test:443"))
    assert house.down == b"HTTP/1.1 200 Connection established\r\n\r\n"
    assert house.tls == [(Side.CLIENT, "a.test")]
    assert house.asked == []
    inside = "\r\nhost: a.test\r\nauthorization: Bearer theirs\r\n\r\n"
    house.client(f"GET /x HTTP/1.1{inside}GET /no HTTP/1.1{inside}GET https://a.test/y HTTP/1.1{inside}".encode())
    assert [text.split(b" ")[1] for text in house.asked] == [
        b"https://a.test/x",
        b"https://a.test/no",
        b"https://a.test/y",
    ]
    assert [one.split(b" ")[1] for one in house.up] == [b"/x", b"/y"]
    assert all((one.host, one.tls, one.addresses) == ("a.test", True, (PUBLIC,)) for one in house.reached)
    assert b"authorization: Bearer theirs\r\n" in house.up[0]
    assert house.tls[1:] == [(Side.UPSTREAM, None)] * 2
    assert house.looked_up == ["a.test"], "once, for all of them"
    assert house.admitted == 1
    assert house.statuses == [200, 200, 403, 200]


@pytest.mark.parametrize(
    "head",
    [
        "GET /x HTTP/1.1\r\nhost: b.test",
        "GET /x HTTP/1.1\r\nhost: a.test:8443",
        "GET http://a.test/ HTTP/1.1\r\nhost: a.test",
        "GET https://b.test/ HTTP/1.1\r\nhost: b.test",
        "GET /x HTTP/1.1\r\nhost: a.test\r\nproxy-authorization: Bearer ana",
        "CONNECT b.test:443 HTTP/1.1\r\nhost: b.test:443",
    ],
)
def test_inside_there_is_one_host(head: str) -> None:
    house = House().client(request("CONNECT a.test:443", "host: a.test:443"))
    house.client(f"{head}\r\n\r\n".encode())
    assert len(house.statuses) == 2
    assert house.statuses[1] >= 400
    assert house.reached == []


def test_what_comes_before_the_answer_to_connect_is_refused() -> None:
    house = House().client(request("CONNECT a.test:443", "host: a.test:443") + b"\x16\x03\x01")
    assert (house.statuses, house.tls) == ([400], [])


def test_a_name_is_looked_up_when_it_is_granted_and_not_before() -> None:
    """WHY: a name can carry a message to whoever answers for it."""
    denied = House(judge=lambda text: DENY).client(request("GET http://secret.evil.test/", "host: secret.evil.test"))
    assert (denied.statuses, denied.looked_up) == ([403], [])
    opened = House(judge=lambda text: DENY).client(
        request("CONNECT secret.evil.test:443", "host: secret.evil.test:443")
    )
    opened.client(b"GET /x HTTP/1.1\r\nhost: secret.evil.test\r\n\r\n")
    assert (opened.statuses, opened.looked_up) == ([200, 403], [])


def test_a_connection_that_was_opened_leads_nowhere_inside() -> None:
    house = House(names={"a.test": ("10.0.0.1",)}).client(request("CONNECT a.test:443", "host: a.test:443"))
    house.client(b"GET /x HTTP/1.1\r\nhost: a.test\r\n\r\n")
    assert house.statuses == [200, 403]
    assert (house.reached, house.records) == ([], ["DESTINATION_INSIDE"])


def test_what_was_looked_up_for_a_request_that_is_over_is_nobodys() -> None:
    session = proxy_session(Settings(resource="web"))
    session.handle(saw.TimePassed(), 0.0)
    assert session.is_waiting
    assert session.handle(saw.LookedUp("a.test", (PUBLIC,)), 0.0) == []
    house = House().client(request("CONNECT a.test:443", "host: a.test:443"))
    assert house.session.is_waiting
    assert house.session.handle(saw.LookedUp("b.test", (PUBLIC,)), 0.0) == []


def test_a_connection_that_was_opened_is_ended_like_others() -> None:
    house = House(answers=False).client(request("CONNECT a.test:443", "host: a.test:443"))
    house.client(b"GET /x HTTP/1.1\r\nhost: a.test\r\n\r\n")
    house.saw(saw.StopRequested("because", Cause.KILLED))
    assert house.closed is not None
    assert house.records == ["SESSION_ENDED"]
