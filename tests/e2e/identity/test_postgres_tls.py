"""TLS of PostgreSQL's clients as they have it: begun at once, bound to the proof, and proof itself by a certificate."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator

import asyncpg
import psycopg
import pytest

from tests.certificates import Authority
from tests.conftest import missing
from tests.e2e.world import USER, World, world

PLAIN = """
[[identity.principal]]
name = "ben"
groups = ["readers"]
"""


@pytest.fixture(scope="module")
def place() -> Iterator[World]:
    with world() as here:
        people, strangers = Authority("people"), Authority("strangers")
        (here.folder / "people.pem").write_bytes(people.pem)
        for name, issued in (
            ("ana", people.issue(USER)),
            ("ben", people.issue("ben")),
            ("stranger", strangers.issue(USER)),
        ):
            (here.folder / f"{name}.pem").write_bytes(issued.certificate)
            (here.folder / f"{name}.key").write_bytes(issued.key)
            (here.folder / f"{name}.key").chmod(0o600)
        text = here.config.read_text().replace('key = "server.key" }', 'key = "server.key", client_ca = "people.pem" }')
        assert "client_ca" in text
        here.config.write_text(text + PLAIN)
        here.start()
        yield here


def answer(here: World, **more: str) -> object:
    """What libpq gets for a query. Raises psycopg.OperationalError."""
    with psycopg.connect(here.conninfo(**more), autocommit=True) as client:
        row = client.execute("SELECT 7").fetchone()
    assert row is not None
    return row[0]


def shown(here: World, name: str) -> dict[str, str]:
    """The certificate of somebody, and a password that is none."""
    return {"sslcert": str(here.folder / f"{name}.pem"), "sslkey": str(here.folder / f"{name}.key"), "password": "none"}


def test_libpq_begins_tls_at_once_and_binds_its_proof_to_it(place: World) -> None:
    if psycopg.pq.version() < 170000:
        missing("a psycopg with libpq 17 or newer")
    for more in ({"sslnegotiation": "direct"}, {"channel_binding": "require"}):
        assert answer(place, **more) == 7
    assert answer(place, sslnegotiation="direct", channel_binding="require") == 7
    assert answer(place, channel_binding="disable") == 7
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        answer(place, sslnegotiation="direct", channel_binding="require", password="wrong")


def test_psql_binds_its_proof(place: World) -> None:
    if shutil.which("psql") is None:
        missing("psql (apt: postgresql-client-15)")
    done = subprocess.run(
        ["psql", "-XAt", place.conninfo(channel_binding="require"), "-c", "SELECT 7"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "7\n"), done.stderr


def test_asyncpg_begins_tls_at_once(place: World) -> None:
    async def ask() -> object:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["postgresql"])
        client = await asyncpg.connect(
            host="127.0.0.1",
            port=place.port,
            user=USER,
            password=place.password,
            database="world",
            ssl=context,
            direct_tls=True,
        )
        try:
            return await client.fetchval("SELECT 7")
        finally:
            await client.close()

    assert asyncio.run(ask()) == 7


@pytest.mark.parametrize("protocols", [["h2"], ["http/1.1", "h2"]])
def test_what_was_meant_for_another_protocol_gets_no_tls(place: World, protocols: list[str]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(protocols)
    raw = socket.create_connection(("127.0.0.1", place.port), timeout=60)
    with raw, pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        context.wrap_socket(raw)


def test_direct_tls_without_a_protocol_gets_no_session(place: World) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    raw = socket.create_connection(("127.0.0.1", place.port), timeout=60)
    with context.wrap_socket(raw) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: world\r\n\r\n")
        said = b""
        while piece := client.recv(4096):
            said += piece
    assert said.startswith(b"E")
    assert b"direct TLS needs the ALPN protocol `postgresql`" in said


def test_a_cancel_may_come_the_same_way(place: World) -> None:
    with psycopg.connect(place.conninfo(sslnegotiation="direct"), autocommit=True) as client:
        client.cancel_safe(timeout=30)
        assert client.execute("SELECT 7").fetchone() == (7,)


@pytest.mark.parametrize("how", [{}, {"sslnegotiation": "direct"}], ids=["asked for", "direct"])
def test_a_certificate_proves_whom_it_names(place: World, how: dict[str, str]) -> None:
    assert answer(place, **shown(place, "ana"), **how) == 7
    assert answer(place, **shown(place, "ben"), **how, user="ben") == 7
    opened = [entry for entry in place.entries() if entry["kind"] == "session" and entry["step"] == "opened"]
    assert [entry["principal"] for entry in opened[-2:]] == [USER, "ben"]


def test_nobody_is_anybody_by_another_s_certificate(place: World) -> None:
    for name, user, password in (("ben", USER, place.password), ("ana", "ben", "x"), ("ana", "nobody", "x")):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            answer(place, **{**shown(place, name), "password": password}, user=user)
    with pytest.raises(psycopg.OperationalError):
        answer(place, **{**shown(place, "stranger"), "password": place.password})
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        answer(place, user="ben")
