"""Addresses are split, or are none; loopback is what only this machine reaches."""

from __future__ import annotations

import pytest

from gateway.config.addresses import is_loopback, split_address, untrustworthy


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("db:5432", ("db", 5432)),
        ("[::1]:80", ("::1", 80)),
        ("::1:80", None),
        ("db", None),
        ("db:99999", None),
        (":80", None),
        ("a b:80", None),
    ],
)
def test_addresses_are_split_or_refused(text: str, parts: tuple[str, int] | None) -> None:
    assert split_address(text) == parts


def test_loopback_is_what_only_this_machine_reaches() -> None:
    assert [host for host in ("localhost", "127.9.9.9", "::1", "0.0.0.0", "10.0.0.1", "db") if is_loopback(host)] == [
        "127.9.9.9",
        "::1",
    ]


def test_a_network_that_is_trusted_is_one_and_not_everywhere() -> None:
    told = dict(untrustworthy(["10.0.0.0/8", "192.0.2.7", "fd00::/8", "10.0.0.7/8", "x", "0.0.0.0/0", "::/0", ""]))
    assert sorted(told) == [4, 5, 6, 7]
    assert "everywhere" in told[5]
