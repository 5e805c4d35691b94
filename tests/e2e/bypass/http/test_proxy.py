"""Ways around a forward proxy (96, 97, 103), on a real listener before real targets: nothing is reached that was not granted."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import pytest

from tests.e2e.bypass.http.test_bypass import statuses
from tests.interop.http.proxied import Proxied, proxied


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    with proxied(tmp_path_factory.mktemp("around")) as made:
        yield made


@pytest.fixture(autouse=True)
def _forgets(proxy: Proxied) -> None:
    proxy.forget()
    proxy.names["rebind.test"] = ["127.0.0.1"]


def asked(proxy: Proxied, target: str, host: str | None = None, method: str = "GET") -> list[int]:
    place = target.partition("://")[2].partition("/")[0].rpartition("@")[2] or target
    return statuses(proxy.raw(f"{method} {target}", f"Host: {host or place}", "Connection: close"))


INSIDE = (
    *(
        "10.0.0.7",
        "169.254.169.254",
        "0xa9fea9fe",
        "2852039166",
        "0251.0376.0251.0376",
        "169.254.43518",
        "[::ffff:169.254.169.254]",
    ),
    *(
        "127.0.0.2",
        "127.2",
        "0x7f000002",
        "2130706434",
        "0177.0.0.2",
        "[::1]",
        "[::ffff:7f00:2]",
        "[64:ff9b::7f00:2]",
        "[::]",
        "0",
    ),
    *(
        "192.168.1.1",
        "172.16.0.1",
        "100.100.100.200",
        "[fd00:ec2::254]",
        "[fe80::1]",
    ),
)


@pytest.mark.parametrize("host", INSIDE)
def test_no_spelling_leads_inside(proxy: Proxied, host: str) -> None:
    for port in (proxy.plain.port, proxy.secure.port):
        assert asked(proxy, f"http://{host}:{port}/x") == [403]
        assert asked(proxy, f"https://{host}:{port}/x") == [403]
        assert asked(proxy, f"{host}:{port}", method="CONNECT") == [403]
    assert proxy.seen() == []
    assert proxy.running.decisions()[-1].principal == "ana", "who tried is in the audit"


@pytest.mark.parametrize(
    "addresses", [["10.0.0.7"], ["127.0.0.1", "10.0.0.7"], ["169.254.169.254"], ["127.0.0.2"], [], ["0.0.0.0"]]
)
def test_no_name_leads_inside(proxy: Proxied, addresses: list[str]) -> None:
    names = ("shop.test", "secure.test", "pinned.test")
    proxy.names |= dict.fromkeys(names, addresses)
    try:
        refused = [403] if addresses else [502]
        assert asked(proxy, proxy.http()) == refused
        assert asked(proxy, f"pinned.test:{proxy.secure.port}", method="CONNECT") == refused
        assert "DESTINATION_" in proxy.curl(proxy.https())[1]
    finally:
        proxy.names |= {name: ["127.0.0.1"] for name in names}
    assert proxy.seen() == []


def test_a_name_that_is_not_granted_is_not_looked_up(proxy: Proxied) -> None:
    assert asked(proxy, proxy.http("secret.evil.test")) == [403]
    assert "403" in proxy.curl(proxy.https("secret.evil.test"), "-i")[1]
    assert proxy.looked_up == []


@pytest.mark.parametrize("port", [0, 1, 22, 25, 5432, 6443, 65535])
def test_other_ports_are_not_reached(proxy: Proxied, port: int) -> None:
    assert set(asked(proxy, f"http://shop.test:{port}/")) <= {400, 403}
    assert set(asked(proxy, f"secure.test:{port}", method="CONNECT")) <= {400, 403}
    assert asked(proxy, f"pinned.test:{port}", method="CONNECT") in ([400], [403])
    assert proxy.seen() == []


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("http://shop.test:{port}/", "other.test"),
        ("http://shop.test:{port}/", "shop.test:1"),
        ("http://other.test:{port}/", "shop.test"),
        ("http://shop.test@other.test:{port}/", "other.test:{port}"),
        ("http://ana:x@shop.test:{port}/", "shop.test:{port}"),
        ("http://shop.test:{port}\\@other.test/", "shop.test:{port}"),
        ("http://shop.test.:{port}/", "shop.test.:{port}"),
        ("HTTP://shop.test:{port}/", "shop.test:{port}"),
        ("http:shop.test:{port}/", "shop.test:{port}"),
        ("//shop.test:{port}/", "shop.test:{port}"),
        ("/x", "shop.test:{port}"),
        ("*", "shop.test:{port}"),
        ("file:///etc/passwd", "shop.test:{port}"),
        ("gopher://shop.test:{port}/", "shop.test:{port}"),
        ("http://shop.test:{port}/a/../x", "shop.test:{port}"),
        ("http://shop%2etest:{port}/%2e%2e/x", "shop.test:{port}"),
    ],
)
def test_what_can_be_read_as_two_hosts_is_refused(proxy: Proxied, target: str, host: str) -> None:
    made = asked(proxy, target.format(port=proxy.plain.port), host.format(port=proxy.plain.port))
    assert made == [400]
    assert proxy.seen() == []


def test_another_host_is_not_reached_by_any_word_of_ours(proxy: Proxied) -> None:
    assert asked(proxy, proxy.http("other.test")) == [403]
    proxy.curl(proxy.https("other.test"))
    assert proxy.seen() == []
    for header in ("X-Forwarded-Host: other.test", "Forwarded: host=other.test", "X-Original-URL: http://other.test/"):
        proxy.raw(f"GET {proxy.http()}", f"Host: shop.test:{proxy.plain.port}", header, "Connection: close")
    assert all("x-forwarded-host" not in one.headers and "forwarded" not in one.headers for one in proxy.plain.seen)


def test_a_name_that_changes_its_mind_is_not_asked_again(proxy: Proxied) -> None:
    proxy.names["shop.test"] = ["127.0.0.1"]
    assert asked(proxy, proxy.http()) == [200]
    assert proxy.looked_up == ["shop.test"], "once: what was looked at is what was connected to"
    proxy.names["shop.test"] = ["10.0.0.7"]
    assert asked(proxy, proxy.http()) == [403]
    proxy.names["shop.test"] = ["127.0.0.1"]
    assert proxy.seen() == ["/x"]


def opened(proxy: Proxied, host: str) -> socket.socket:
    """A connection behind a CONNECT that was answered."""
    made = socket.create_connection(("127.0.0.1", proxy.running.port), timeout=10)
    place = f"{host}:{proxy.secure.port}"
    made.sendall(
        f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nProxy-Authorization: Bearer {proxy.running.token}\r\n\r\n".encode()
    )
    got = b""
    while b"\r\n\r\n" not in got:
        piece = made.recv(4096)
        assert piece, got
        got += piece
    assert b" 200 " in got
    return made


def trusting(proxy: Proxied, authority: str, *, checks: bool = True) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(proxy.folder / authority))
    context.check_hostname = checks
    return context


@pytest.mark.parametrize(
    ("host", "authority", "name"),
    [
        ("secure.test", "proxy.crt", "other.test"),
        ("secure.test", "proxy.crt", "www.secure.test"),
        ("pinned.test", "web.crt", "other.test"),
        ("pinned.test", "web.crt", "secure.test"),
        ("pinned.test", "web.crt", "127.0.0.1"),
    ],
)
def test_another_name_in_tls_is_not_served(proxy: Proxied, host: str, authority: str, name: str) -> None:
    context = trusting(proxy, authority, checks=False)
    with opened(proxy, host) as connection, pytest.raises(OSError):
        context.wrap_socket(connection, server_hostname=name)
    assert proxy.seen() == []


@pytest.mark.parametrize(
    "data",
    [b"GET /x HTTP/1.1\r\nHost: secure.test\r\n\r\n", b"SSH-2.0-x\r\n", bytes(200), b"\x16\x03\x01\x00\x05hello"],
)
@pytest.mark.parametrize("host", ["secure.test", "pinned.test"])
def test_behind_a_connect_there_is_tls_and_nothing_else(proxy: Proxied, host: str, data: bytes) -> None:
    with opened(proxy, host) as connection:
        connection.sendall(data)
        got = b""
        try:
            while piece := connection.recv(4096):
                got += piece
        except ConnectionError:
            pass
    assert b"HTTP/1.1" not in got
    assert proxy.seen() == []


@pytest.mark.parametrize(
    "head",
    [
        "GET /x HTTP/1.1\r\nHost: other.test:{port}",
        "GET /x HTTP/1.1\r\nHost: secure.test",
        "GET https://other.test:{port}/x HTTP/1.1\r\nHost: other.test:{port}",
        "GET http://secure.test:{port}/x HTTP/1.1\r\nHost: secure.test:{port}",
        "CONNECT other.test:{port} HTTP/1.1\r\nHost: other.test:{port}",
        "GET /x HTTP/1.1\r\nHost: secure.test:{port}\r\nTransfer-Encoding: chunked\r\nContent-Length: 4",
        "DELETE /x HTTP/1.1\r\nHost: secure.test:{port}",
        "GET /x HTTP/1.1\r\nHost: secure.test:{port}\r\nProxy-Authorization: Bearer x",
    ],
)
def test_inside_there_is_one_host_and_every_request_is_judged(proxy: Proxied, head: str) -> None:
    context = trusting(proxy, "proxy.crt")
    with (
        opened(proxy, "secure.test") as connection,
        context.wrap_socket(connection, server_hostname="secure.test") as inside,
    ):
        inside.sendall(head.format(port=proxy.secure.port).encode() + b"\r\n\r\n")
        got = inside.recv(65536)
    assert got.startswith(b"HTTP/1.1 4")
    assert proxy.seen() == []


def test_the_token_never_goes_on(proxy: Proxied) -> None:
    proxy.curl(proxy.http())
    proxy.curl(proxy.https())
    assert len(proxy.seen()) == 2
    for one in (*proxy.plain.seen, *proxy.secure.seen):
        assert proxy.running.token not in str(one.headers)
        assert "proxy-authorization" not in one.headers
    assert not any(proxy.running.token in entry.text for entry in proxy.running.decisions())
