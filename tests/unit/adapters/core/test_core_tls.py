"""TLS in the core: against OpenSSL from either side, whole, in pieces, broken, with strangers; and as an end has it."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509 import DNSName

from adapters.core import events as saw
from adapters.core.core_tls import Asking, Proof, ServedTls, Serving, reason, target_tls
from adapters.core.ends import End
from adapters.core.events import Side
from adapters.core.ports import Target
from adapters.core.tls import Connection, Stacked, Tls, end_point
from engine._native import NativeError, TlsClient, TlsServer
from tests.certificates import Authority, Issued
from tests.chains import make, new_key
from tests.unit.adapters.core.test_ends import Hearer
from tests.unit.adapters.core.test_relay import Wire


class Place:
    """A server's certificate, who trusts it, and files of both."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority()
        self.issued = self.authority.issue("server", "dns:localhost")
        self.ca_file = str(folder / "ca.pem")
        (folder / "ca.pem").write_bytes(self.authority.pem)
        (folder / "server.pem").write_bytes(self.issued.certificate + self.issued.key)
        self.openssl_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.openssl_server.load_cert_chain(folder / "server.pem")
        self.openssl_client = ssl.create_default_context(cafile=self.ca_file)
        self.served = ServedTls(Proof(self.issued.certificate, self.issued.key))
        self.target = Target("localhost", 1, "u", ca_file=self.ca_file)

    def pair(self, kind: str) -> tuple[Connection, Connection]:
        """A server's side and a client's: `of the core`, or which of the two is OpenSSL's."""
        server: Connection = self.served.connection(None)
        client: Connection = target_tls(self.target).connection("localhost")
        if kind == "server":
            server = Tls(self.openssl_server, server_side=True, server_hostname=None)
        if kind == "client":
            client = Tls(self.openssl_client, server_side=False, server_hostname="localhost")
        client.start()
        return server, client


KINDS = ["of the core", "server", "client"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("tls"))


def shake(server: Connection, client: Connection) -> None:
    for _ in range(4):
        assert server.take(client.to_send()) == b""
        assert client.take(server.to_send()) == b""
    assert server.is_secure
    assert client.is_secure


@pytest.fixture(params=KINDS)
def acquainted(request: pytest.FixtureRequest, place: Place) -> tuple[Connection, Connection]:
    both = place.pair(request.param)
    shake(*both)
    return both


Pair = tuple[Connection, Connection]


@pytest.mark.parametrize("length", [1, 100, 16_384, 16_385, 300_000])
def test_what_is_sealed_comes_out_as_it_was(acquainted: Pair, length: int) -> None:
    server, client = acquainted
    text = bytes(number % 251 for number in range(length))
    assert server.take(client.seal(text)) == text
    assert client.take(server.seal(text)) == text
    assert client.seal(b"") == b""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_pieces_of_any_size_give_the_same(place: Place, kind: str, size: int) -> None:
    server, client = place.pair(kind)
    for _ in range(4):
        for sender, receiver in ((client, server), (server, client)):
            data = sender.to_send()
            for at in range(0, len(data), size):
                receiver.take(data[at : at + size])
    sealed = client.seal(b"one") + client.seal(b"two" * 9_000)
    pieces = [server.take(sealed[at : at + size]) for at in range(0, len(sealed), size)]
    assert b"".join(pieces) == b"one" + b"two" * 9_000


def test_plain_is_what_gives_clear_text_and_nothing_else(place: Place) -> None:
    server, client = place.pair("client")
    assert not server.is_plain
    shake(server, client)
    assert not server.is_plain
    sealed = client.seal(b"one")
    assert (server.take(sealed), server.is_plain, server.has_words) == (b"one", True, False)
    sealed = client.seal(b"two")
    assert (server.take(sealed[:9]), server.is_plain) == (b"", False)
    assert (server.take(sealed[9:]), server.is_plain) == (b"two", True)
    assert (server.take(client.seal(b"a") + client.seal(b"b")), server.is_plain) == (b"ab", True)
    assert (server.take(client.seal(b"bye") + client.farewell()), server.is_plain, server.is_over) == (
        b"bye",
        False,
        True,
    )
    assert (server.take(b"more"), server.is_plain) == (b"", False)


def test_a_farewell_ends_the_other_side_behind_the_last_words(acquainted: Pair) -> None:
    server, client = acquainted
    assert server.take(client.seal(b"bye") + client.farewell()) == b"bye"
    assert server.is_over
    assert client.take(server.seal(b"and you") + server.farewell()) == b"and you"
    assert client.is_over


def test_who_said_farewell_says_nothing_more(place: Place) -> None:
    server, client = place.pair("client")
    shake(server, client)
    assert server.farewell() != b""
    assert server.farewell() == b""
    with pytest.raises(NativeError, match="behind the end"):
        server.seal(b"more")


def test_before_the_handshake_nothing_is_sealed_and_no_farewell_said(place: Place) -> None:
    server = place.served.connection(None)
    assert (server.farewell(), server.is_secure, server.peer_certificate, server.chosen_protocol) == (
        b"",
        False,
        None,
        None,
    )
    with pytest.raises(NativeError) as failed:
        server.seal(b"too soon")
    assert failed.value.code == "TLS"


def test_an_altered_record_is_an_error_and_gives_nothing_ever_after(place: Place) -> None:
    server, client = place.pair("client")
    shake(server, client)
    sealed = bytearray(client.seal(b"first") + client.seal(b"delete"))
    sealed[-1] ^= 1
    with pytest.raises(NativeError, match="cannot be opened") as failed:
        server.take(bytes(sealed))
    assert failed.value.code == "TLS"
    with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
        client.take(server.to_send())
    for again in (server.take, server.seal):
        with pytest.raises(NativeError):
            again(b"more")
    assert server.farewell() == b""


@pytest.mark.parametrize(
    "wrong", [b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\x08\0\x03\0\0user\0ann\0\0", b"\x16\x03\x01\xff\xff" + b"x" * 70_000]
)
def test_what_is_no_tls_is_an_error_with_an_alert(place: Place, wrong: bytes) -> None:
    server = place.served.connection(None)
    with pytest.raises(NativeError) as failed:
        server.take(wrong)
    assert failed.value.code == "TLS"
    assert server.to_send().startswith(b"\x15\x03")


def test_a_certificate_for_another_name_is_refused_in_words(place: Place) -> None:
    server = Tls(place.openssl_server, server_side=True, server_hostname=None)
    client = target_tls(place.target).connection("elsewhere")
    client.start()
    server.take(client.to_send())
    with pytest.raises(NativeError) as failed:
        client.take(server.to_send())
    assert reason(failed.value) == "the certificate is refused: it is for another name than was asked for (CERTIFICATE)"
    assert not client.is_secure
    with pytest.raises(ssl.SSLError, match="BAD_CERTIFICATE"):
        server.take(client.to_send())
    assert reason(ValueError("s3cret")) == "ValueError"


@pytest.mark.parametrize("host", ["", "a b", "a..b", "x" * 64 + ".example", "localhost."])
def test_a_host_that_is_no_name_is_refused(place: Place, host: str) -> None:
    with pytest.raises(NativeError):
        target_tls(place.target).connection(host)
    with pytest.raises(NativeError, match="names the host"):
        target_tls(place.target).connection(None)


def test_both_sides_bind_to_the_certificate_of_the_server(place: Place) -> None:
    server, client = place.pair("of the core")
    assert isinstance(client, Asking)
    before = client.end_point
    assert before is None
    shake(server, client)
    shown = client.peer_certificate
    assert shown is not None
    assert server.end_point == client.end_point == end_point(shown)


def test_a_name_is_asked_for_as_dns_has_it(place: Place) -> None:
    client = target_tls(place.target).connection("b\u00fccher.example")
    client.start()
    assert b"xn--bcher-kva.example" in client.to_send()


def test_a_client_may_prove_itself_with_a_certificate_and_its_name_is_told(place: Place) -> None:
    own, foreign = place.authority.issue("ana"), Authority().issue("ana")
    served = ServedTls(Proof(place.issued.certificate, place.issued.key, place.authority.pem))

    def names(issued: Issued | None, key: Issued | None = None) -> str | None:
        server, shown = served.connection(None), None if issued is None else issued.certificate.decode()
        key_text = (key or issued or own).key.decode()
        target = Target("localhost", 1, "", ca_file=place.ca_file, private_key=key_text, certificate=shown)
        client = target_tls(target).connection("localhost")
        client.start()
        shake(server, client)
        return server.peer_name

    assert names(own) == "ana"
    assert names(None) is None
    with pytest.raises(NativeError, match="by another key"):
        names(foreign)
    with pytest.raises(NativeError, match="not the certificate's") as failed:
        names(own, foreign)
    assert failed.value.code == "CONFIG"
    # Of the one moment, and not of what was before.
    served.change(Proof(place.issued.certificate, place.issued.key, Authority("others").pem))
    with pytest.raises(NativeError, match="no authority"):
        names(own)
    served.change(Proof(place.issued.certificate, place.issued.key))
    assert names(own) is None


def test_who_changes_to_what_cannot_be_used_serves_what_was_before(place: Place) -> None:
    served = ServedTls(Proof(place.issued.certificate, place.issued.key))
    other = place.authority.issue("server", "dns:localhost")
    for broken in (Proof(other.certificate, place.issued.key), Proof(other.certificate, b""), Proof(b"", other.key)):
        with pytest.raises((NativeError, ValueError)):
            served.change(broken)
    client = target_tls(place.target).connection("localhost")
    client.start()
    shake(served.connection(None), client)
    assert client.end_point == served.connection(None).end_point


def forms(kind: str) -> list[bytes]:
    """A key as files have it."""
    key = new_key(kind)
    kinds = [PrivateFormat.PKCS8, *([] if kind == "ed25519" else [PrivateFormat.TraditionalOpenSSL])]
    return [key.private_bytes(Encoding.PEM, form, NoEncryption()) for form in kinds]


@pytest.mark.parametrize("kind", ["rsa2048", "rsa3072", "p256", "p384", "ed25519"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_keys_of_each_kind_and_form_serve(kind: str, version: ssl.TLSVersion) -> None:
    for form in forms(kind):
        key = load_pem_private_key(form, None)
        made = make("server", key=key, names=[DNSName("localhost")])  # type: ignore[arg-type]  # of these kinds
        client = ssl.create_default_context(cadata=made.pem.decode())
        client.maximum_version = version
        shake(ServedTls(Proof(made.pem, form)).connection(None), started(client))


def started(context: ssl.SSLContext) -> Tls:
    client = Tls(context, server_side=False, server_hostname="localhost")
    client.start()
    return client


@pytest.mark.parametrize(
    ("chain", "key", "words"),
    [
        (b"", None, "there is no certificate"),
        (b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", None, "broken PEM"),
        (None, b"", "there is no key"),
        (None, b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "of a kind"),
    ],
)
def test_what_cannot_be_shown_is_said_in_words(
    place: Place, chain: bytes | None, key: bytes | None, words: str
) -> None:
    with pytest.raises(NativeError, match=words) as failed:
        TlsServer(place.issued.certificate if chain is None else chain, place.issued.key if key is None else key)
    assert failed.value.code == "CONFIG"


@pytest.mark.parametrize("kind", ["p521", "ed448", "rsa1024"])
def test_a_key_of_another_kind_is_refused_in_words(kind: str) -> None:
    made = make("server", kind=kind)
    with pytest.raises(NativeError, match="expected RSA of 2048 to 4096 bits"):
        TlsServer(made.pem, made.key_pem)


def test_a_key_with_a_passphrase_is_refused(place: Place) -> None:
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

    key = new_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    with pytest.raises(NativeError, match="without a passphrase"):
        TlsServer(place.issued.certificate, key)


def test_without_authorities_nobody_is_asked_for() -> None:
    for texts in ([], [b""], [b"nothing"]):
        with pytest.raises(NativeError, match="no certificate of an authority"):
            TlsClient(texts, True)
    with pytest.raises(NativeError, match="broken PEM"):
        TlsClient([b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"], True)


def test_what_is_served_inside_is_agreed_on_or_the_client_turned_away(place: Place) -> None:
    served = ServedTls(Proof(place.issued.certificate, place.issued.key))
    served.set_alpn_protocols(["postgresql"])
    served.change(Proof(place.issued.certificate, place.issued.key))
    for offered, chosen in ((["h2", "postgresql"], "postgresql"), ([], None)):
        context = ssl.create_default_context(cafile=place.ca_file)
        if offered:
            context.set_alpn_protocols(offered)
        server, client = served.connection(None), started(context)
        shake(server, client)
        assert server.chosen_protocol == client.chosen_protocol == chosen
    context = ssl.create_default_context(cafile=place.ca_file)
    context.set_alpn_protocols(["h2"])
    server, client = served.connection(None), started(context)
    with pytest.raises(NativeError, match="ALPN"):
        server.take(client.to_send())
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        client.take(server.to_send())


def test_nothing_is_resumed(place: Place) -> None:
    context = ssl.create_default_context(cafile=place.ca_file)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context.maximum_version = version
        server, client = place.served.connection(None), started(context)
        shake(server, client)
        session = client._object.session
        assert session is None or (not session.has_ticket and session.id in (b"", session.id))
        again = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost", session=session)
        assert not again.session_reused


def test_how_a_target_is_reached_is_read_again_when_its_authorities_change(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(Authority().pem)
    target = Target("a", 1, "u", ca_file=str(file))
    first = target_tls(target)
    assert target_tls(target) is first
    os.utime(file, ns=(1, 1))
    assert target_tls(target) is not first
    with pytest.raises(OSError, match="none"):
        target_tls(Target("a", 1, "u", ca_file=str(tmp_path / "none.pem")))


def test_the_systems_authorities_are_those_that_openssl_finds(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adapters.core import core_tls

    other = Authority()
    (tmp_path / "0a1b2c3d.0").write_bytes(place.authority.pem)
    (tmp_path / "README").write_bytes(other.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path / 'none'}:{tmp_path}")
    assert core_tls._of_the_system() == [place.authority.pem]
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "README"))
    assert core_tls._of_the_system() == [other.pem, place.authority.pem]
    core_tls._target_tls.cache_clear()
    client = target_tls(Target("localhost", 1, "u")).connection("localhost")
    client.start()
    shake(place.served.connection(None), client)
    core_tls._target_tls.cache_clear()


def test_keys_stay_out_of_what_is_printed(place: Place) -> None:
    assert "PRIVATE" not in repr(Proof(b"", place.issued.key))


# --- as an end has it


def asked(place: Place) -> tuple[End, Hearer, Wire, Tls]:
    """A client's end that was asked for TLS, and the client."""
    hearer, wire = Hearer(), Wire()
    end = End(hearer, Side.CLIENT)
    end.connection_made(wire)
    end.start_tls(place.served, server_side=True, server_hostname=None)
    return end, hearer, wire, started(place.openssl_client)


def secured(place: Place) -> tuple[End, Hearer, Wire, Tls]:
    end, hearer, wire, client = asked(place)
    for _ in range(4):
        for_end, for_client = client.to_send(), wire.out
        wire.out = b""
        if for_end:
            end.data_received(for_end)
        client.take(for_client)
    assert hearer.heard == [saw.TlsStarted(Side.CLIENT, None, None, place.served.connection(None).end_point)]
    hearer.heard.clear()
    return end, hearer, wire, client


def test_an_end_hears_clear_text_and_writes_sealed(place: Place) -> None:
    end, hearer, wire, client = secured(place)
    end.data_received(client.seal(b"select 1"))
    assert hearer.heard == [saw.BytesReceived(Side.CLIENT, b"select 1")]
    end.out += [b"a ", b"row"]
    end.flush()
    assert b"a row" not in wire.out
    assert client.take(wire.out) == b"a row"
    wire.out = b""
    end.drop()
    client.take(wire.out)
    assert client.is_over


def test_clear_text_where_tls_was_asked_for_is_a_failure(place: Place) -> None:
    end, hearer, wire, _ = asked(place)
    end.data_received(b"\0\0\0\x08\0\x03\0\0user\0ann\0\0")
    assert hearer.heard == [(Side.CLIENT, NativeError)]
    assert wire.out.startswith(b"\x15\x03")


def test_a_broken_record_ends_the_connection_without_a_word(place: Place) -> None:
    end, hearer, wire, client = secured(place)
    sealed = client.seal(b"select 1")
    end.data_received(sealed[:-1] + bytes((sealed[-1] ^ 1,)))
    assert hearer.heard == []
    assert wire.closing


def test_a_host_that_cannot_be_asked_for_is_a_failure(place: Place) -> None:
    hearer, wire = Hearer(), Wire()
    end = End(hearer, Side.UPSTREAM)
    end.connection_made(wire)
    end.start_tls(target_tls(place.target), server_side=False, server_hostname="a b")
    assert hearer.heard == [(Side.UPSTREAM, NativeError)]
    assert wire.out == b""


def test_tls_of_the_core_carries_other_tls(place: Place) -> None:
    outer = place.pair("of the core")
    shake(*outer)
    inner = Tls(place.openssl_server, server_side=True, server_hostname=None)
    server, client = Stacked(outer[0], inner), Stacked(outer[1], place.pair("server")[1])
    client.start()
    for _ in range(4):
        server.take(client.to_send())
        client.take(server.to_send())
    assert server.take(client.seal(b"inside")) == b"inside"
    assert isinstance(outer[0], Serving)
