"""Keys of masks and tokens and the certificate of a listener are changed by SIGHUP under an open session, on a real PostgreSQL."""

from __future__ import annotations

import secrets
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.demo.cluster import free_port
from tests.certificates import Authority
from tests.e2e.world import ALLOW_READS, ROOT, World, sallyport, world

POLICY = (
    ALLOW_READS
    + """
mask contains {
	"code": "MAIL",
	"reason": "mail addresses are tokens",
	"columns": ["public.people.mail"],
	"method": "tokenize",
	"params": {"key": "k"},
} if input.command.protocol == "postgres"
"""
)
KEYS = """
[identity.tokens]
keys = [{keys}]

[[masking.key]]
id = "k"
secret = "file:mask.key"

[[listener]]
protocol = "postgres"
bind = "127.0.0.1:{port}"
auth = "token"
tls = {{ certificate = "own.crt", key = "own.key" }}
"""


def secret_file(path: Path, content: bytes) -> None:
    path.touch(0o600)
    path.write_bytes(content)


def new_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture
def place() -> Iterator[tuple[World, int]]:
    with world(POLICY) as here:
        port, authority = free_port(), Authority()
        (here.folder / "plain.toml").write_text(here.config.read_text())
        configure(here, port, "token1.pem")
        secret_file(here.folder / "token1.pem", new_key())
        secret_file(here.folder / "token2.pem", new_key())
        secret_file(here.folder / "mask.key", secrets.token_bytes(32).hex().encode())
        issued = authority.issue("gateway", "dns:localhost")
        (here.folder / "own.crt").write_bytes(issued.certificate)
        secret_file(here.folder / "own.key", issued.key)
        with psycopg.connect(
            f"host=127.0.0.1 port={here.cluster.port} user={here.cluster.user} dbname=postgres sslmode=require",
            password=here.cluster.password,
            autocommit=True,
        ) as owner:
            owner.execute("CREATE TABLE people (mail text)")
            owner.execute("INSERT INTO people VALUES ('ana@example.org')")
        here.start()
        yield here, port


def configure(here: World, port: int, *keys: str) -> None:
    named = ", ".join(f'"file:{key}"' for key in keys)
    plain = (here.folder / "plain.toml").read_text()
    here.config.write_text(plain + KEYS.format(keys=named, port=port))


def token_of(here: World) -> str:
    done = subprocess.run(
        [*sallyport(), "token", "--resource", "world", "--as", "ana", "--config", str(here.config)],
        cwd=ROOT,
        env=here.environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def served(port: int) -> int:
    """The number of the certificate that PostgreSQL's clients are shown there."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        raw.sendall(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")
        assert raw.recv(1) == b"S"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(raw) as wrapped:
            shown = wrapped.getpeercert(True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown).serial_number


def until(wanted: Callable[[], bool]) -> None:
    deadline, pause = time.monotonic() + 60, threading.Event()
    while not wanted():
        assert time.monotonic() < deadline
        pause.wait(0.05)


def reload(here: World, times: int) -> None:
    assert here.process is not None
    here.process.send_signal(signal.SIGHUP)
    log = here.folder / "gateway.log"
    until(lambda: log.read_text().count("people and resources loaded again") == times)


def test_keys_and_certificates_are_changed_under_an_open_session(place: tuple[World, int]) -> None:
    here, port = place
    first = token_of(here)
    conninfo = f"host=127.0.0.1 port={port} user=ana dbname=world sslmode=require"
    with psycopg.connect(conninfo, password=first, autocommit=True) as client:

        def masked() -> str:
            row = client.execute("SELECT mail FROM people").fetchone()
            assert row is not None
            return str(row[0])

        before, number = masked(), served(port)
        assert masked() == before
        assert "ana@" not in before

        # A new key of masks, a new key of tokens in front of the old one, a new certificate.
        secret_file(here.folder / "mask.key", secrets.token_bytes(32).hex().encode())
        configure(here, port, "token2.pem", "token1.pem")
        issued = Authority().issue("gateway", "dns:localhost")
        (here.folder / "own.crt").write_bytes(issued.certificate)
        secret_file(here.folder / "own.key", issued.key)
        assert masked() == before, "not before it is asked for"
        reload(here, 1)
        after = masked()
        assert after != before, "the open session masks with the new key at once"
        assert "ana@" not in after
        assert served(port) != number
        assert served(port) == x509.load_pem_x509_certificate(issued.certificate).serial_number

    second = token_of(here)
    for token in (first, second):
        psycopg.connect(conninfo, password=token).close()

    # The old key goes: what it signed counts no more, what the new one signed does.
    configure(here, port, "token2.pem")
    reload(here, 2)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(conninfo, password=first)
    psycopg.connect(conninfo, password=second).close()

    # A key that cannot be used changes nothing.
    (here.folder / "token2.pem").chmod(0o644)
    assert here.process is not None
    here.process.send_signal(signal.SIGHUP)
    until(lambda: "was not loaded again" in (here.folder / "gateway.log").read_text())
    psycopg.connect(conninfo, password=second).close()
    here.stop()
    assert here.verify_audit() == 0
