"""TLS over bytes: both sides of one connection talk through memory, whole, in pieces, broken, and with strangers."""

from __future__ import annotations

import hashlib
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from adapters.core import events as saw
from adapters.core.ends import End
from adapters.core.events import Side
from adapters.core.ports import Target
from adapters.core.tls import ServerContext, Stacked, Tls, end_point, upstream_context
from tests.certificates import Authority
from tests.unit.adapters.core.test_ends import Hearer
from tests.unit.adapters.core.test_relay import Wire


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's and a client's that trusts it."""
    folder: Path = tmp_path_factory.mktemp("tls")
    authority = Authority()
    issued = authority.issue("server", "dns:localhost")
    (folder / "ca.pem").write_bytes(authority.pem)
    (folder / "server.pem").write_bytes(issued.certificate + issued.key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    return server, ssl.create_default_context(cafile=str(folder / "ca.pem"))


def pair(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> tuple[Tls, Tls]:
    server = Tls(contexts[0], server_side=True, server_hostname=None)
    client = Tls(contexts[1], server_side=False, server_hostname="localhost")
    client.start()
    return server, client


def acquainted(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> tuple[Tls, Tls]:
    server, client = pair(contexts)
    for _ in range(4):
        assert server.take(client.to_send()) == b""
        assert client.take(server.to_send()) == b""
    assert server.is_secure
    assert client.is_secure
    return server, client


@pytest.mark.parametrize("length", [1, 100, 16_384, 16_385, 300_000])
def test_what_is_sealed_comes_out_as_it_was(contexts: tuple[ssl.SSLContext, ssl.SSLContext], length: int) -> None:
    server, client = acquainted(contexts)
    text = bytes(number % 251 for number in range(length))
    assert server.take(client.seal(text)) == text
    assert client.take(server.seal(text)) == text


def signed(digest: hashes.HashAlgorithm | None) -> bytes:
    """A certificate (DER) whose signature digests so."""
    key = ec.generate_private_key(ec.SECP256R1()) if digest is not None else ed25519.Ed25519PrivateKey.generate()
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")]), datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return made.sign(key, digest).public_bytes(Encoding.DER)


def test_a_certificate_is_bound_to_by_the_digest_of_its_signature() -> None:
    for digest, name in ((hashes.SHA256(), "sha256"), (hashes.SHA384(), "sha384"), (hashes.SHA512(), "sha512")):
        certificate = signed(digest)
        assert end_point(certificate) == hashlib.new(name, certificate).digest()
    assert end_point(signed(None)) is None
    assert end_point(b"no certificate") is None


def test_both_sides_bind_to_the_certificate_of_the_server(tmp_path: Path) -> None:
    authority = Authority()
    issued = authority.issue("server", "dns:localhost")
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    (tmp_path / "server.pem").write_bytes(issued.certificate + issued.key)
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    context.end_point = end_point(x509.load_pem_x509_certificate(issued.certificate).public_bytes(Encoding.DER))
    server, client = acquainted((context, ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))))
    assert server.end_point is not None
    assert server.end_point == client.end_point == Stacked(client, client).end_point
    server, _ = acquainted(pair_of_contexts(tmp_path))
    assert server.end_point is None


def pair_of_contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The same with a server's that says nothing of its certificate."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    return server, ssl.create_default_context(cafile=str(folder / "ca.pem"))


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_pieces_of_any_size_give_the_same(contexts: tuple[ssl.SSLContext, ssl.SSLContext], size: int) -> None:
    server, client = pair(contexts)
    for _ in range(4):
        for sender, receiver in ((client, server), (server, client)):
            data = sender.to_send()
            for at in range(0, len(data), size):
                receiver.take(data[at : at + size])
    sealed = client.seal(b"one") + client.seal(b"two" * 9_000)
    assert (
        b"".join(server.take(sealed[at : at + size]) for at in range(0, len(sealed), size)) == b"one" + b"two" * 9_000
    )


def test_plain_is_what_gives_clear_text_and_nothing_else(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, client = acquainted(contexts)
    assert not server.is_plain
    sealed = client.seal(b"one")
    assert (server.take(sealed), server.is_plain) == (b"one", True)
    sealed = client.seal(b"two")
    assert (server.take(sealed[:9]), server.is_plain) == (b"", False)
    assert (server.take(sealed[9:]), server.is_plain) == (b"two", True)
    assert (server.take(client.seal(b"a") + client.seal(b"b")), server.is_plain) == (b"ab", False)
    assert (server.take(client.seal(b"bye") + client.farewell()), server.is_plain) == (b"bye", False)
    assert server.is_over
    assert (server.take(b"more"), server.is_plain) == (b"", False)


def test_an_end_alone_is_not_plain(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, client = acquainted(contexts)
    assert (server.take(client.farewell()), server.is_plain, server.is_over) == (b"", False, True)


def test_a_farewell_ends_the_other_side_behind_the_last_words(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    server, client = acquainted(contexts)
    assert server.take(client.seal(b"bye") + client.farewell()) == b"bye"
    assert server.is_over


def test_an_altered_record_is_an_error_and_gives_nothing(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, client = acquainted(contexts)
    sealed = bytearray(client.seal(b"delete"))
    sealed[-1] ^= 1
    with pytest.raises(ssl.SSLError):
        server.take(bytes(sealed))


def test_a_name_that_the_certificate_does_not_have_is_refused(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    server = Tls(contexts[0], server_side=True, server_hostname=None)
    client = Tls(contexts[1], server_side=False, server_hostname="elsewhere")
    client.start()
    server.take(client.to_send())
    with pytest.raises(ssl.SSLCertVerificationError):
        client.take(server.to_send())
    assert not client.is_secure


# --- as an end has it


def secured(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> tuple[End, Hearer, Wire, Tls]:
    """A client's end that has TLS, and the client."""
    end, hearer, wire, client = asked(contexts)
    for _ in range(4):
        for_end, for_client = client.to_send(), wire.out
        wire.out = b""
        if for_end:
            end.data_received(for_end)
        client.take(for_client)
    assert hearer.heard == [saw.TlsStarted(Side.CLIENT)]
    hearer.heard.clear()
    wire.out = client.take(wire.out)
    return end, hearer, wire, client


def asked(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> tuple[End, Hearer, Wire, Tls]:
    hearer, wire = Hearer(), Wire()
    end = End(hearer, Side.CLIENT)
    end.connection_made(wire)
    end.start_tls(contexts[0], server_side=True, server_hostname=None)
    client = Tls(contexts[1], server_side=False, server_hostname="localhost")
    client.start()
    return end, hearer, wire, client


def test_an_end_hears_clear_text_and_writes_sealed(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    end, hearer, wire, client = secured(contexts)
    end.data_received(client.seal(b"select 1"))
    assert hearer.heard == [saw.BytesReceived(Side.CLIENT, b"select 1")]
    end.out += [b"a ", b"row"]
    end.flush()
    assert b"a row" not in wire.out
    assert client.take(wire.out) == b"a row"


def test_what_follows_the_handshake_at_once_is_heard_behind_it(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    end, hearer, wire, client = asked(contexts)
    end.data_received(client.to_send())
    client.take(wire.out)
    end.data_received(client.to_send() + client.seal(b"startup"))
    assert hearer.heard == [saw.TlsStarted(Side.CLIENT), saw.BytesReceived(Side.CLIENT, b"startup")]


def test_clear_text_where_tls_was_asked_for_is_a_failure(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    end, hearer, _, _ = asked(contexts)
    end.data_received(b"\0\0\0\x08\0\x03\0\0user\0ann\0\0")
    assert [heard[0] for heard in hearer.heard if isinstance(heard, tuple)] == [Side.CLIENT]
    assert not any(isinstance(heard, saw.BytesReceived) for heard in hearer.heard)


def test_a_peer_that_leaves_in_the_handshake_is_a_failure(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    end, hearer, _, _ = asked(contexts)
    assert end.is_shaking_hands
    assert not end.eof_received()
    assert hearer.heard == [(Side.CLIENT, ConnectionResetError)]


def test_a_broken_record_ends_the_connection_without_a_word(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    end, hearer, wire, client = secured(contexts)
    sealed = client.seal(b"select 1")
    end.data_received(sealed[:-1] + bytes((sealed[-1] ^ 1,)))
    assert hearer.heard == []
    assert wire.closing


def test_a_closed_end_says_so_inside_tls(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    end, _, wire, client = secured(contexts)
    end.drop()
    client.take(wire.out)
    assert client.is_over
    assert wire.log[-1] == "close"


def test_the_context_for_a_target_is_read_again_when_its_authorities_change(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(Authority().pem)
    target = Target("a", 1, "u", ca_file=str(file))
    first = upstream_context(target)
    assert upstream_context(target) is first
    assert first.verify_mode is ssl.CERT_REQUIRED
    assert first.check_hostname
    os.utime(file, ns=(1, 1))
    assert upstream_context(target) is not first
    assert not upstream_context(Target("a", 1, "u", ca_file=str(file), verify_host=False)).check_hostname


def test_a_client_may_prove_itself_with_a_certificate_and_its_name_is_told(tmp_path: Path) -> None:
    authority, stranger = Authority(), Authority()
    issued, own, foreign = authority.issue("server", "dns:localhost"), authority.issue("ana"), stranger.issue("ana")
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    (tmp_path / "server.pem").write_bytes(issued.certificate + issued.key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "server.pem")
    server.load_verify_locations(tmp_path / "ca.pem")
    server.verify_mode = ssl.CERT_OPTIONAL

    def target(certificate: bytes | None, key: bytes) -> Target:
        chain = None if certificate is None else certificate.decode()
        return Target("localhost", 1, "", ca_file=str(tmp_path / "ca.pem"), private_key=key.decode(), certificate=chain)

    assert acquainted((server, upstream_context(target(own.certificate, own.key))))[0].peer_name == "ana"
    assert acquainted((server, upstream_context(target(None, own.key))))[0].peer_name is None
    with pytest.raises(ssl.SSLError):
        acquainted((server, upstream_context(target(foreign.certificate, foreign.key))))
    with pytest.raises(ssl.SSLError):
        upstream_context(target(own.certificate, foreign.key))


@pytest.mark.parametrize("size", [1, 4096, 1 << 20])
def test_tls_inside_tls_carries_what_was_said(contexts: tuple[ssl.SSLContext, ssl.SSLContext], size: int) -> None:
    outer = acquainted(contexts)
    server = Stacked(outer[0], Tls(contexts[0], server_side=True, server_hostname=None))
    client = Stacked(outer[1], Tls(contexts[1], server_side=False, server_hostname="localhost"))
    client.start()

    def pass_on(data: bytes, to: Stacked) -> bytes:
        return b"".join(to.take(data[at : at + size]) for at in range(0, len(data), size))

    for _ in range(4):
        assert pass_on(client.to_send(), server) == b""
        assert pass_on(server.to_send(), client) == b""
    assert server.is_secure
    assert client.is_secure
    text = bytes(range(256)) * 200
    assert pass_on(client.seal(text), server) == text
    assert pass_on(server.seal(text), client) == text
    assert server.peer_name is None
    assert not server.is_over
    assert pass_on(client.farewell(), server) == b""
    assert server.is_over
