"""Where a proxy goes, and where it does not whatever a name says."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from adapters.core.ports import Target
from adapters.http.destinations import ProxyRules, destination, named, pinned, rules_of
from engine.command.documents.refusal import Refused
from engine.command.http.target import Where, read_target
from engine.command.http.wire import read_head

PUBLIC = "93.184.216.34"
RULES = ProxyRules(
    inside=(ip_network("10.1.0.0/16"), ip_network("fd00:1::/32")), opaque=("a.example", "*.b.example"), authority="x"
)
BASE = Target("*", 0, "", own=RULES, ca_file="ca")


def where(line: str) -> Where:
    return read_target(read_head(f"{line} HTTP/1.1".encode()))


def pin(*addresses: str, port: int = 443, rules: ProxyRules = RULES) -> Target:
    return pinned(destination(Target("*", 0, "", own=rules), "shop.example", port, is_secure=True), addresses)


def code(*addresses: str, port: int = 443, rules: ProxyRules = RULES) -> str:
    with pytest.raises(Refused) as caught:
        pin(*addresses, port=port, rules=rules)
    return caught.value.code


def test_what_a_request_names() -> None:
    assert named(where("GET http://shop.example/a")) == ("shop.example", 80, False)
    assert named(where("GET https://shop.example:8443/a")) == ("shop.example", 8443, True)
    assert named(where("GET http://[2001:DB8::1]/")) == ("2001:db8::1", 80, False)
    assert named(where("CONNECT shop.example:443"), is_tunnel=True) == ("shop.example", 443, True)


@pytest.mark.parametrize(
    "spelling",
    ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.1", "0x7f000001", "%31%32%37.1", "１２７.0.0.1"],
)
def test_an_address_has_one_spelling_here(spelling: str) -> None:
    assert named(Where("/", "http", read_host(spelling))) == ("127.0.0.1", 80, False)


def read_host(text: str) -> str:
    from engine.command.http.host import parse_host

    return parse_host(text, is_special=True)


@pytest.mark.parametrize(
    "place",
    [
        Where("/"),
        Where("/", None, "a"),
        Where("/", "http"),
        Where("/", "http", "a.example."),
        Where("/", "http", "a..b"),
    ],
)
def test_what_names_no_host_goes_nowhere(place: Where) -> None:
    with pytest.raises(Refused):
        named(place)


def test_a_request_is_pinned_to_the_addresses_that_were_looked_at() -> None:
    made = destination(BASE, "shop.example", 443, is_secure=True)
    assert made.addresses == ()
    made = pinned(made, [PUBLIC, "2606:2800::1"])
    assert (made.host, made.port, made.tls, made.addresses) == ("shop.example", 443, True, (PUBLIC, "2606:2800::1"))
    assert made.ca_file == "ca"


def test_an_address_is_pinned_to_itself_and_looked_at_at_once() -> None:
    assert destination(BASE, PUBLIC, 443, is_secure=True).addresses == (PUBLIC,)
    assert destination(BASE, "2606:2800::1", 443, is_secure=True).addresses == ("2606:2800::1",)
    for address in ("127.0.0.1", "::1", "::ffff:10.0.0.1"):
        with pytest.raises(Refused):
            destination(BASE, address, 443, is_secure=True)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "10.2.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "169.254.1.1",
        ),
        *(
            "100.64.0.1",
            "100.100.100.200",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.192",
            "168.63.129.16",
        ),
        *(
            "::1",
            "::",
            "fe80::1",
            "fe80::1%eth0",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
        ),
        *("64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1", "2001::1", "no address", "2606:2800::1%eth0"),
    ],
)
def test_what_is_not_public_is_not_reached(address: str) -> None:
    assert code(address) == "destination_inside"
    assert code(PUBLIC, address) == "destination_inside", "nor where the name has a public address too"


def test_what_is_listed_is_reached() -> None:
    assert pin("10.1.2.3").addresses == ("10.1.2.3",)
    assert pin("fd00:1::5").addresses == ("fd00:1::5",)
    assert code("10.2.0.1") == "destination_inside"


def test_a_metadata_service_is_listed_by_its_very_address() -> None:
    wide = ProxyRules(inside=(ip_network("169.254.0.0/16"),))
    assert pin("169.254.1.1", rules=wide).addresses == ("169.254.1.1",)
    assert code("169.254.169.254", rules=wide) == "destination_inside"
    assert pin("169.254.169.254", rules=ProxyRules(inside=(ip_network("169.254.169.254/32"),)))


def test_ports_and_names_that_are_none() -> None:
    assert code(PUBLIC, port=22) == "destination_port"
    assert code() == "destination_unknown"


def test_whose_tls_is_opened() -> None:
    assert RULES.is_opened("shop.example")
    assert RULES.is_opened("b.example")
    assert not RULES.is_opened("a.example")
    assert not RULES.is_opened("x.b.example")
    assert RULES.is_opened("xb.example")
    assert not ProxyRules().is_opened("shop.example")


def test_another_resource_has_no_rules() -> None:
    with pytest.raises(Refused):
        rules_of(Target("a", 1, ""))
