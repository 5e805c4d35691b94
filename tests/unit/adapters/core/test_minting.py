"""Certificates for hosts, signed by an authority that a client trusts."""

from __future__ import annotations

import datetime
import ssl

import pytest

from adapters.core.minting import MAX_HOSTS, RENEWED, AuthorityUnusable
from adapters.core.minting import Authority as Minting
from adapters.core.tls import Tls
from tests.certificates import Authority

NOW = datetime.datetime.now(datetime.UTC)
SIGNS = Authority()


def minting(now: list[datetime.datetime] | None = None) -> Minting:
    times = now or [NOW]
    return Minting(SIGNS.pem, SIGNS.key, lambda: times[-1])


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=SIGNS.pem.decode())
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def acquainted(server: ssl.SSLContext, name: str) -> Tls:
    """The client's side of a handshake that comes about."""
    ours = Tls(server, server_side=True, server_hostname=None)
    theirs = Tls(trusting(), server_side=False, server_hostname=name)
    theirs.start()
    for _ in range(4):
        ours.take(theirs.to_send())
        theirs.take(ours.to_send())
    assert theirs.is_secure
    return theirs


@pytest.mark.parametrize(
    "host", ["shop.example", "127.0.0.1", "2001:db8::1", "a" * 60 + "." + "b" * 60 + ".example", "_x.example"]
)
def test_a_client_of_the_authority_believes_that_it_is_the_host(host: str) -> None:
    acquainted(minting().context(host), host)


def test_a_client_that_wants_another_host_is_not_served() -> None:
    with pytest.raises(ssl.SSLError):
        acquainted(minting().context("shop.example"), "other.example")


def test_a_hosts_certificate_is_kept_for_a_while() -> None:
    now = [NOW]
    here = minting(now)
    first = here.context("a.example")
    assert here.context("a.example") is first
    now.append(NOW + RENEWED + datetime.timedelta(seconds=1))
    assert here.context("a.example") is not first


def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.core.minting.MAX_HOSTS", 2)
    assert MAX_HOSTS > 2
    here = minting()
    first = here.context("a.example")
    for host in ("b.example", "a.example", "c.example"):
        here.context(host)
    assert here.context("a.example") is first
    assert len(here._made) == 2


def test_what_cannot_sign_is_refused() -> None:
    leaf, other = SIGNS.issue("x", "dns:x"), Authority()
    for certificate, key in ((b"", SIGNS.key), (SIGNS.pem, b""), (leaf.certificate, leaf.key), (SIGNS.pem, other.key)):
        with pytest.raises(AuthorityUnusable):
            Minting(certificate, key, lambda: NOW)
