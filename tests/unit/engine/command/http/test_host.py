"""Hosts in every spelling, and what kind of place they are."""

from __future__ import annotations

import pytest

from engine.command.documents.refusal import Refused
from engine.command.http.host import MAX_HOST, MAX_KNOWN, _known_features, parse_host, place_features

LOOPBACK = ["127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "①②⑦.⓪.⓪.①",
            "127。0。0。1", "%31%32%37.0.0.1", "127.0.0.1.", "0x7F.0x0.0.01"]  # fmt: skip


@pytest.mark.parametrize("spelling", LOOPBACK)
def test_an_address_has_one_spelling(spelling: str) -> None:
    assert parse_host(spelling, is_special=True) == "127.0.0.1"


@pytest.mark.parametrize(
    ("given", "serialised"),
    [
        ("EXAMPLE.com", "example.com"),
        ("ＥＸＡＭＰＬＥ．com", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("faß.de", "xn--fa-hia.de"),
        ("a.b.", "a.b."),
        ("[::1]", "[::1]"),
        ("[0:0:0:0:0:0:0:1]", "[::1]"),
        ("[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
        ("[1:0:0:2:0:0:0:3]", "[1:0:0:2::3]"),
        ("[2001:DB8::]", "[2001:db8::]"),
        ("[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]"),
    ],
)
def test_names_and_addresses_are_serialised_as_urls_do(given: str, serialised: str) -> None:
    assert parse_host(given, is_special=True) == serialised


@pytest.mark.parametrize(
    "host",
    ["", "a b", "a/b", "a%2fb", "a%00b", "a\\b", "a#b", "a?b", "a@b", "a:b", "a<b", "a|b", "a^b", "[", "[::1", "[::1%eth0]", "[1:2]",
     "1.2.3.4.5", "256.0.0.1", "1.2.3.09", "0x1ffffffff", "4294967296", "1..2", "xn--a", "xn--\u00e9", "a\u200db", "\u00ad",
     "[::127.0.0.256]", "a" * 2000, "1.2.3.08", "0xg"],
)  # fmt: skip
def test_what_is_no_host_is_refused(host: str) -> None:
    if host == "0xg":
        assert parse_host(host, is_special=True) == "0xg"
        return
    with pytest.raises(Refused):
        parse_host(host, is_special=True)


def test_hosts_of_other_schemes_are_kept_and_escaped() -> None:
    assert parse_host("Ex%41mple\u00e9", is_special=False) == "Ex%41mple%C3%A9"
    with pytest.raises(Refused):
        parse_host("a b", is_special=False)


@pytest.mark.parametrize(
    ("host", "features"),
    [
        ("example.com", set()),
        ("93.184.216.34", {"address_host"}),
        ("localhost", {"loopback_host", "internal_host"}),
        ("a.localhost", {"loopback_host", "internal_host"}),
        ("localtest.me", {"loopback_host", "internal_host"}),
        ("0.0.0.0", {"loopback_host", "private_host", "internal_host", "address_host"}),
        ("[::1]", {"loopback_host", "private_host", "internal_host", "address_host"}),
        ("10.1.2.3", {"private_host", "internal_host", "address_host"}),
        ("100.64.0.1", {"private_host", "internal_host", "address_host"}),
        ("metadata.google.internal", {"metadata_host", "internal_host"}),
        ("metadata.google.internal.", {"metadata_host", "internal_host"}),
        ("db.svc", {"internal_host"}),
        ("intranet", {"internal_host"}),
    ],
)
def test_what_kind_of_place_a_host_is(host: str, features: set[str]) -> None:
    assert place_features(host) == features


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "[::ffff:a9fe:a9fe]", "[fd00:ec2::254]", "100.100.100.200", "169.254.169.254.nip.io", "[64:ff9b::a9fe:a9fe]",
     "a.169-254-169-254.sslip.io", "[2002:a9fe:a9fe::]", "192.0.0.192", "metadata"],
)  # fmt: skip
def test_metadata_services_are_known_in_every_spelling(host: str) -> None:
    assert {"metadata_host", "internal_host"} <= place_features(host)


def test_what_is_kept_of_hosts_has_an_end_and_says_the_same_again() -> None:
    for number in range(2 * MAX_KNOWN):
        parse_host(f"{number}.example.org", is_special=True)
        place_features(f"{number}.example.org")
    assert parse_host.cache_info().currsize == _known_features.cache_info().currsize == MAX_KNOWN
    assert place_features("LOCALHOST.") == place_features("LOCALHOST.") == {"loopback_host", "internal_host"}
    long = "a" * MAX_HOST + ".internal"
    assert place_features(long) == {"internal_host"}
    assert _known_features.cache_info().currsize == MAX_KNOWN
    for _ in range(2):
        with pytest.raises(Refused):
            parse_host("1.2.3.4.5", is_special=True)
    assert parse_host("a b".replace(" ", "%41"), is_special=True) == "aab"
    assert parse_host("aAb", is_special=False) == "aAb"
