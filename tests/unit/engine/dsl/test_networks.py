"""Which address is in which network, of either family."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dsl.networks import both_families, is_within, read_address

NETWORKS = ("10.0.0.0/8", "0.0.0.0/0", "::/0", "::ffff:0:0/96", "::ffff:10.0.0.0/104", "2001:db8::/32", "::ffc0:0:0/90")


@pytest.mark.parametrize("text", ["", "local", "10.0.0.1/8", "10.0.0.256", "01.2.3.4", "fe80::1%eth0", "10.0.0.1 "])
def test_what_is_no_address_is_none(text: str) -> None:
    assert read_address(text) is None


def test_a_dual_stack_socket_shows_the_same_address() -> None:
    plain, mapped = read_address("10.1.2.3"), read_address("::ffff:10.1.2.3")
    assert plain == mapped
    assert plain is not None
    assert is_within(plain, "10.0.0.0/8")
    assert not is_within(plain, "192.168.0.0/16")


@given(st.ip_addresses(), st.sampled_from(NETWORKS))
def test_an_address_is_in_one_of_both_families_where_it_is_within(address: object, network: str) -> None:
    text = str(address)
    found = read_address(text)
    assert found is not None
    plain = [
        ip_address(text) in ip_network(one)
        for one in both_families(network)
        if ip_network(one).version == ip_address(text).version
    ]
    assert is_within(found, network) is any(plain)
