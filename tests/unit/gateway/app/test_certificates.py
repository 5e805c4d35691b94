"""A server shows its new certificate to the next connection, and goes on with the old one where the new cannot be used."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from adapters.core.core_tls import ServedTls, target_tls
from adapters.core.ports import Target
from engine._native import NativeError
from gateway.app.certificates import FACES, RPC, Certificates, served
from gateway.config import Config
from gateway.config.model import Faces, ServerTls
from gateway.errors import ConfigInvalid
from tests.certificates import Authority, Issued
from tests.chains import make

FILES = ServerTls("own.crt", "own.key")


def put(folder: Path, issued: Issued) -> None:
    (folder / "own.crt").write_bytes(issued.certificate)
    (folder / "own.key").write_bytes(issued.key)


def serial(issued: Issued) -> int:
    return x509.load_pem_x509_certificate(issued.certificate).serial_number


async def shown(context: ssl.SSLContext, ciphers: str = "ALL") -> int:
    """The number of the certificate that the next client is shown."""
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        client.maximum_version = ssl.TLSVersion.TLSv1_2  # WHY: there the ciphers say which kind of key may be shown
        client.set_ciphers(ciphers)
        _, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1], ssl=client)
        raw = writer.get_extra_info("ssl_object").getpeercert(True)
        writer.close()
    return x509.load_der_x509_certificate(raw).serial_number


async def test_the_next_connection_is_shown_the_new_certificate(tmp_path: Path) -> None:
    authority, certificates = Authority(), Certificates()
    config = replace(Config(), folder=tmp_path, faces=Faces("127.0.0.1:0", FILES))
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    first, second = authority.issue("gw", "dns:gw"), authority.issue("gw", "dns:gw", end=end)
    put(tmp_path, first)
    context = certificates.context(config, FILES, FACES)
    assert await shown(context) == serial(first)
    put(tmp_path, second)
    assert await shown(context) == serial(first), "not before it is asked for"
    assert certificates.renew(config, FILES, FACES)
    assert await shown(context) == serial(second)
    assert not certificates.renew(config, FILES, FACES)
    assert certificates.ends() == {FACES: end.timestamp()}
    assert (certificates.is_served(FACES), certificates.is_served(RPC)) == (True, False)


async def test_what_cannot_be_used_leaves_the_old_one_serving(tmp_path: Path) -> None:
    authority, certificates = Authority(), Certificates()
    config = replace(Config(), folder=tmp_path, faces=Faces("127.0.0.1:0", FILES))
    first, second = authority.issue("gw", "dns:gw"), authority.issue("gw", "dns:gw")
    put(tmp_path, first)
    context = certificates.context(config, FILES, FACES)
    for broken in (Issued(second.certificate, first.key), Issued(b"", b"")):
        put(tmp_path, broken)
        with pytest.raises(ConfigInvalid):
            certificates.check(config, FILES, FACES)
        with pytest.raises(ConfigInvalid):
            certificates.renew(config, FILES, FACES)
        assert await shown(context) == serial(first)


async def test_another_kind_of_key_leaves_nothing_of_the_old_one(tmp_path: Path) -> None:
    authority, certificates = Authority(), Certificates()
    config = replace(Config(), folder=tmp_path, faces=Faces("127.0.0.1:0", FILES))
    first, second = authority.issue("gw", "dns:gw"), of_another_kind()
    put(tmp_path, first)
    context = certificates.context(config, FILES, FACES)
    put(tmp_path, second)
    certificates.check(config, FILES, FACES)
    assert certificates.renew(config, FILES, FACES)
    for ciphers in ("ECDHE+aRSA", "ALL"):
        assert await shown(context, ciphers) == serial(second)
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        await shown(context, "ECDHE+aECDSA")
    put(tmp_path, first)
    assert certificates.renew(config, FILES, FACES)
    assert await shown(context, "ECDHE+aECDSA") == serial(first)


class Client:
    """Somebody with a certificate who connects again and again, and resumes what it did before where it may."""

    def __init__(self, issued: Issued | None, folder: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.check_hostname, self._context.verify_mode = False, ssl.CERT_NONE
        self._context.maximum_version = ssl.TLSVersion.TLSv1_2  # WHY: its sessions can be had without another word
        self._session: ssl.SSLSession | None = None
        if issued is not None:
            (folder / "client.pem").write_bytes(issued.certificate + issued.key)
            self._context.load_cert_chain(folder / "client.pem")

    def name_at(self, context: ssl.SSLContext) -> str | None:
        """Whom a server takes it for: the common name of its certificate. Raises ssl.SSLError where it is not let in."""
        up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = context.wrap_bio(up, down, server_side=True)
        client = self._context.wrap_bio(down, up, server_side=False, session=self._session)
        is_done = False
        while not is_done:
            is_done = all([shaken(client), shaken(server)])
        self._session = client.session
        found = server.getpeercert() or {}
        names = [value for part in found.get("subject", ()) for key, value in part if key == "commonName"]
        return str(names[0]) if names else None


def shaken(end: ssl.SSLObject) -> bool:
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def test_another_authority_of_clients_counts_from_the_next_connection_on(tmp_path: Path) -> None:
    old, new, certificates = Authority("old"), Authority("new"), Certificates()
    files = replace(FILES, client_ca="people.pem")
    config = replace(Config(), folder=tmp_path, faces=Faces("127.0.0.1:0", files))
    put(tmp_path, Authority().issue("gw", "dns:gw"))
    (tmp_path / "people.pem").write_bytes(old.pem)
    context = certificates.context(config, files, FACES)
    ana, bo, nobody = (Client(of, tmp_path) for of in (old.issue("ana"), new.issue("bo"), None))
    assert ana.name_at(context) == "ana"
    assert ana.name_at(context) == "ana", "resumed"
    assert nobody.name_at(context) is None
    with pytest.raises(ssl.SSLError):
        bo.name_at(context)

    (tmp_path / "people.pem").write_bytes(old.pem + new.pem)
    assert certificates.renew(config, files, FACES)
    assert not certificates.renew(config, files, FACES)
    assert (ana.name_at(context), bo.name_at(context)) == ("ana", "bo")

    (tmp_path / "people.pem").write_bytes(new.pem)
    assert certificates.renew(config, files, FACES)
    with pytest.raises(ssl.SSLError):
        ana.name_at(context)
    assert bo.name_at(context) == "bo"

    (tmp_path / "people.pem").write_bytes(b"nothing")
    with pytest.raises(ConfigInvalid):
        certificates.renew(config, files, FACES)
    assert bo.name_at(context) == "bo"

    # Nobody is asked for a certificate any more, and then again.
    assert certificates.renew(config, FILES, FACES)
    assert (ana.name_at(context), bo.name_at(context)) == (None, None)
    (tmp_path / "people.pem").write_bytes(old.pem)
    assert certificates.renew(config, files, FACES)
    assert ana.name_at(context) == "ana"


async def test_what_was_agreed_on_by_alpn_is_of_the_new_one_too(tmp_path: Path) -> None:
    certificates = Certificates()
    config = replace(Config(), folder=tmp_path, faces=Faces("127.0.0.1:0", FILES))
    put(tmp_path, Authority().issue("gw", "dns:gw"))
    context = certificates.context(config, FILES, FACES)
    context.set_alpn_protocols(["h2", "http/1.1"])
    for _ in range(2):
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        client.set_alpn_protocols(["h2"])
        up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
        ends = client.wrap_bio(down, up, server_side=False), context.wrap_bio(up, down, server_side=True)
        while not all(list(map(shaken, ends))):
            continue
        assert [end.selected_alpn_protocol() for end in ends] == ["h2", "h2"]
        put(tmp_path, Authority().issue("gw", "dns:gw"))
        assert certificates.renew(config, FILES, FACES)


def test_a_socket_is_served_by_the_one_behind_it(tmp_path: Path) -> None:
    config = replace(Config(), folder=tmp_path, faces=Faces("127.0.0.1:0", FILES))
    put(tmp_path, Authority().issue("gw", "dns:gw"))
    context = Certificates().context(config, FILES, FACES)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        served_socket = context.wrap_socket(ours, server_side=True, do_handshake_on_connect=False)
        assert served_socket.context is not context
        served_socket.detach()


def shown_in_core(served: ServedTls, folder: Path, authority: Authority, client: Issued | None = None) -> int:
    """The number of the certificate that the next client is shown. Raises NativeError where the client is not let in."""
    target = Target("gw", 1, "", ca_file=str(folder / "ca.pem"))
    (folder / "ca.pem").write_bytes(authority.pem)
    if client is not None:
        target = replace(target, certificate=client.certificate.decode(), private_key=client.key.decode())
    ours, theirs = served.connection(None), target_tls(target).connection("gw")
    theirs.start()
    for _ in range(3):
        ours.take(theirs.to_send())
        theirs.take(ours.to_send())
    assert theirs.peer_certificate is not None
    return x509.load_der_x509_certificate(theirs.peer_certificate).serial_number


def test_the_core_shows_the_new_certificate_from_the_next_connection_on(tmp_path: Path) -> None:
    authority, certificates = Authority(), Certificates()
    people, files = Authority("people"), replace(FILES, client_ca="people.pem")
    config = replace(Config(), folder=tmp_path, faces=Faces("127.0.0.1:0", files))
    first, second = authority.issue("gw", "dns:gw"), authority.issue("gw", "dns:gw")
    put(tmp_path, first)
    (tmp_path / "people.pem").write_bytes(people.pem)
    served = certificates.in_core(config, files, FACES)
    assert certificates.is_served(FACES)
    assert shown_in_core(served, tmp_path, authority, people.issue("ana")) == serial(first)
    for broken in (Issued(second.certificate, first.key), Issued(b"", b"")):
        put(tmp_path, broken)
        for look in (certificates.check, certificates.renew):
            with pytest.raises(ConfigInvalid):
                look(config, files, FACES)
    put(tmp_path, second)
    assert shown_in_core(served, tmp_path, authority) == serial(first), "not before it is asked for"
    certificates.check(config, files, FACES)
    assert certificates.renew(config, files, FACES)
    assert shown_in_core(served, tmp_path, authority) == serial(second)
    assert not certificates.renew(config, files, FACES)
    (tmp_path / "people.pem").write_bytes(Authority("others").pem)
    assert certificates.renew(config, files, FACES)
    with pytest.raises(NativeError, match="no authority"):
        shown_in_core(served, tmp_path, authority, people.issue("ana"))


def test_what_the_core_does_not_serve_is_refused_in_words_and_leaves_the_old_one(tmp_path: Path) -> None:
    authority, certificates = Authority(), Certificates()
    config = replace(Config(), folder=tmp_path, faces=Faces("127.0.0.1:0", FILES))
    first, other = authority.issue("gw", "dns:gw"), make("gw", kind="p521")
    put(tmp_path, first)
    served = certificates.in_core(config, FILES, FACES)
    put(tmp_path, Issued(other.pem, other.key_pem))
    assert Certificates().context(config, FILES, FACES)
    for look in (certificates.check, certificates.renew, Certificates().in_core):
        with pytest.raises(ConfigInvalid, match="of a kind that is not taken"):
            look(config, FILES, FACES)
    assert shown_in_core(served, tmp_path, authority) == serial(first)


def of_another_kind() -> Issued:
    key, now = rsa.generate_private_key(65_537, 2_048), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gw")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    return Issued(made.public_bytes(pem), key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))


def test_what_is_no_certificate_is_refused_at_the_start(tmp_path: Path) -> None:
    config = replace(Config(), folder=tmp_path, faces=Faces("127.0.0.1:0", FILES))
    assert list(served(config)) == [(FACES, FILES)]
    with pytest.raises(ConfigInvalid, match="faces"):
        Certificates().context(config, FILES, FACES)
    put(tmp_path, Authority().issue("gw"))
    with pytest.raises(ConfigInvalid, match="client_ca"):
        Certificates().note(config, replace(FILES, client_ca="own.key"), FACES)
