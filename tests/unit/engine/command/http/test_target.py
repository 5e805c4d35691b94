"""Targets and hosts together."""

from __future__ import annotations

import pytest

from engine.command.documents.refusal import Refused
from engine.command.http.target import Where, read_target
from engine.command.http.wire import WireRequest


def where(target: str, host: str | None = "h.test", method: str = "GET") -> Where:
    headers = () if host is None else (("host", host),)
    return read_target(WireRequest(method, target, "1.1", headers, b""))


def test_a_path_with_its_host() -> None:
    found = where("/a?b=1", "H.TEST:8080")
    assert (found.path, found.host, found.port, found.query, found.scheme) == (
        "/a",
        "h.test",
        8080,
        {"b": ("1",)},
        None,
    )


def test_a_whole_url_with_the_same_host() -> None:
    found = where("https://h.test:443/a?b", "h.test")
    assert (found.path, found.host, found.port, found.scheme) == ("/a", "h.test", None, "https")
    assert where("http://H.test", None).path == "/"
    assert where("http://h.test?x=1", "h.test:80").query == {"x": ("1",)}


@pytest.mark.parametrize(
    ("target", "host"),
    [("http://other.test/", "h.test"), ("http://h.test:81/", "h.test"), ("http://h.test@other.test/", "h.test"), ("http://127.0.0.1/", "localhost")],
)  # fmt: skip
def test_a_url_with_another_host_than_the_header_is_refused(target: str, host: str) -> None:
    with pytest.raises(Refused) as refused:
        where(target, host)
    assert refused.value.code == "host_differs"


@pytest.mark.parametrize(
    ("target", "host"),
    [("a", "h"), ("/a#/../b", "h"), ("*", "h"), ("ftp://h/", None), ("HTTP://h/", None), ("http://a@b@h/", None), ("http:\\\\h/", None),
     ("http://h\\x/", None), ("http:///x", None), ("//h/a", "h"), ("/", "a b"), ("/", "a/b"), ("/", "a@b"), ("/", ""), ("/", "h:99999"),
     ("/", "h:1:2"), ("/", "[::1"), ("/", "256.0.0.1"), ("http://h/../a", None), ("http://h/%2e", None), ("/?a=%", "h")],
)  # fmt: skip
def test_other_targets_and_hosts_are_refused(target: str, host: str | None) -> None:
    with pytest.raises(Refused):
        where(target, host)


def test_features_of_the_place_and_the_query() -> None:
    assert {"metadata_host", "internal_host"} <= where("/", "169.254.169.254").features
    assert {"loopback_host"} <= where("http://0x7f.1/", None).features
    assert where("/?a=1&a=2;b&token=x", "h.test").features == {"repeated_parameter", "semicolon_query", "access_token"}
    assert "credentials_in_url" in where("http://u:p@h.test/", "h.test").features
    assert where("/", None).features == {"no_host"}
    assert where("/a?b#c", "h.test").features == {"fragment"}
    assert where("/a?b#c", "h.test").raw_query == "b"


def test_the_server_as_a_whole_is_asked_with_options() -> None:
    assert where("*", method="OPTIONS").path == "*"


def test_connect_names_a_host_and_a_port() -> None:
    found = where("10.0.0.1:22", "10.0.0.1:22", "CONNECT")
    assert (found.path, found.host, found.port) == ("", "10.0.0.1", 22)
    for target, host in (("h", "h"), ("h:1", "i:1"), ("h:1", "h:2"), ("/x", "h"), ("h:99999", "h")):
        with pytest.raises(Refused):
            where(target, host, "CONNECT")
