"""A server shows its new certificate to the next connection, and goes on with the old one where the new cannot be used."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from gateway.app.certificates import FACES, Certificates, served
from gateway.config import Config
from gateway.config.model import Faces, ServerTls
from gateway.errors import ConfigInvalid
from tests.certificates import Authority, Issued

FILES = ServerTls("own.crt", "own.key")


def put(folder: Path, issued: Issued) -> None:
    (folder / "own.crt").write_bytes(issued.certificate)
    (folder / "own.key").write_bytes(issued.key)


def serial(issued: Issued) -> int:
    return x509.load_pem_x509_certificate(issued.certificate).serial_number


async def shown(context: ssl.SSLContext) -> int:
    """The number of the certificate that the next client is shown."""
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
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
    assert certificates.reload(config)
    assert await shown(context) == serial(second)
    assert certificates.ends() == {FACES: end.timestamp()}


async def test_what_cannot_be_used_leaves_the_old_one_serving(tmp_path: Path) -> None:
    authority, certificates = Authority(), Certificates()
    config = replace(Config(), folder=tmp_path, faces=Faces("127.0.0.1:0", FILES))
    first, second = authority.issue("gw", "dns:gw"), authority.issue("gw", "dns:gw")
    put(tmp_path, first)
    context = certificates.context(config, FILES, FACES)
    for broken in (Issued(second.certificate, first.key), Issued(b"", b""), of_another_kind()):
        put(tmp_path, broken)
        assert not certificates.reload(config)
        assert await shown(context) == serial(first)


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
