"""Where a request comes from: as far as the hops are ours, and nobody's word beyond."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.forwarding import MAX_HOPS, Proxies

OURS = Proxies(("10.0.0.0/8", "fd00::/8", "192.0.2.7"))


@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        # Nobody of ours is between: whatever is written there is the client's own.
        ("203.0.113.5", ["198.51.100.1"], "203.0.113.5"),
        ("203.0.113.5", ["10.0.0.1"], "203.0.113.5"),
        # One of ours is: whom it saw.
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("192.0.2.7", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("fd00::1", ["2001:db8::9"], "2001:db8::9"),
        # What stands before that is what the client wrote.
        ("10.0.0.1", ["1.1.1.1, 2.2.2.2, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.0.0.1", ["10.2.2.2, 10.9.9.9"], "10.2.2.2"),
        # Ports, as some proxies write them.
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db8::9]:4711"], "2001:db8::9"),
        # What is no address: it is behind our proxy, and nobody knows where.
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, _hidden, 10.0.0.4"], "10.0.0.4"),
        ("10.0.0.1", ["198.51.100.1,"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        (None, ["198.51.100.1"], None),
        ("a-name", ["198.51.100.1"], "a-name"),
    ],
)
def test_it_is_the_last_hop_that_is_not_ours(peer: str | None, headers: list[str], client: str | None) -> None:
    assert OURS.client(peer, headers) == client


def test_without_proxies_of_ours_nothing_is_believed() -> None:
    assert Proxies().client("10.0.0.1", ["198.51.100.1"]) == "10.0.0.1"


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=4))
def test_what_a_client_writes_changes_nothing_of_what_our_proxy_saw(written: str, more: list[str]) -> None:
    assert OURS.client("10.0.0.1", [*more, written, "198.51.100.1"]) == "198.51.100.1"
    assert OURS.client("203.0.113.5", [*more, written]) == "203.0.113.5"


def test_a_header_of_any_length_is_looked_at_for_so_many_hops() -> None:
    long = ", ".join(["198.51.100.1", *(f"10.0.{number // 250}.{number % 250}" for number in range(100_000))])
    found = OURS.client("10.0.0.1", [long])
    assert found is not None
    assert found.startswith("10.0."), f"the {MAX_HOPS}th"


@pytest.mark.parametrize("network", ["", "10.0.0.0/40", "example.com"])
def test_what_is_no_network_is_none(network: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Proxies((network,))
