"""A whole gateway with the shipped policies before a real server, and what a case can do and see there."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.e2e.bypass.postgres.cases import MASK, MASK_OR_STOP, RUN, STOP
from tests.e2e.world import ROOT, USER, World, configuration, world
from tests.interop.postgres.client import Raw, show
from tests.wire import bind, execute, message, parse

SECRETS = ("010-11-1234", "020-22-5678", "030-33-9012")
OTHERS = ("9", "9", "400-44-4444-and-more")
NAMES = ("ann", "bob", "cyd")
REFUSED = ("42501", "0A000", "54000", "08P01")
"""The gateway's own codes: denied, not carried, too large, out of order. The role it uses upstream may do everything."""

_DATABASE = f"""
CREATE TABLE cust (id int PRIMARY KEY, name varchar, ssn text, amt int NOT NULL CHECK (amt >= 0));
INSERT INTO cust VALUES (1, '{NAMES[0]}', '{SECRETS[0]}', 10), (2, '{NAMES[1]}', '{SECRETS[1]}', 20), (3, '{NAMES[2]}', '{SECRETS[2]}', 30);
CREATE TABLE papers (id int, ssn text, ends text GENERATED ALWAYS AS (right(ssn, 8)) STORED, back text GENERATED ALWAYS AS (reverse(ssn)) STORED);
INSERT INTO papers SELECT id, ssn FROM cust;
CREATE TABLE orders (id int, cust_id int, total int);
INSERT INTO orders VALUES (1, 1, 5), (2, 2, 6);
CREATE VIEW v AS SELECT ssn AS code, id FROM cust;
CREATE VIEW deep AS SELECT v.code, o.total FROM v JOIN orders o ON o.cust_id = v.id;
CREATE SEQUENCE s;
CREATE FUNCTION my_udf(k int) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN (SELECT ssn FROM cust WHERE id = k); END';
CREATE FUNCTION seen(k int) RETURNS text LANGUAGE sql STABLE AS 'SELECT ssn FROM cust WHERE id = k';
CREATE FUNCTION put_in(k int, t text DEFAULT seen(1)) RETURNS text LANGUAGE sql STABLE AS 'SELECT t';
CREATE FUNCTION put_in_two(k int, t text DEFAULT my_udf(1), n bigint DEFAULT nextval('s')) RETURNS text LANGUAGE sql STABLE AS 'SELECT t';
CREATE TYPE kind AS ENUM ('a', 'b');
CREATE FUNCTION turned(int) RETURNS kind LANGUAGE plpgsql AS 'BEGIN RETURN CASE WHEN (SELECT max(ssn) FROM public.cust) LIKE $$03%$$ THEN $$a$$ ELSE $$b$$ END; END';
CREATE CAST (int AS kind) WITH FUNCTION turned(int);
CREATE FUNCTION looked(text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN $1 NOT IN (SELECT ssn FROM public.cust); END';
CREATE DOMAIN spied AS text CHECK (looked(VALUE));
CREATE DOMAIN spied_on AS spied;
CREATE TYPE holder AS (a spied, b int);
CREATE DOMAIN dkind AS kind;
CREATE TYPE compk AS (k kind);
CREATE DOMAIN dcomp AS compk;
CREATE TABLE tk (k kind);
CREATE FUNCTION stored(spied) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION later(varchar, varchar) RETURNS boolean LANGUAGE sql AS 'SELECT $1 < (SELECT max(ssn) FROM public.cust)';
CREATE OPERATOR >= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = later);
CREATE PROCEDURE my_proc() LANGUAGE sql AS 'DELETE FROM cust';
CREATE FUNCTION upper(varchar) RETURNS text LANGUAGE sql AS 'SELECT max(ssn) FROM cust';
CREATE SCHEMA evil;
CREATE TABLE evil.cust (id int, name text, ssn text, amt int);
CREATE FUNCTION evil.lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT max(ssn) FROM public.cust';
CREATE FUNCTION evil.same(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.same);
ANALYZE;
"""

_FINGERPRINT = """
SELECT (SELECT md5(string_agg(c::text, '|' ORDER BY id)) FROM public.cust c),
  (SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relnamespace::regnamespace::text !~ '^pg_toast' AND oid >= 16384),
  (SELECT string_agg(proname, ',' ORDER BY proname) FROM pg_proc WHERE oid >= 16384),
  (SELECT count(*) FROM pg_largeobject_metadata), (SELECT count(*) FROM pg_db_role_setting), (SELECT count(*) FROM pg_cast),
  (SELECT string_agg(extname, ',') FROM pg_extension), (SELECT count(*) FROM pg_foreign_server), (SELECT count(*) FROM pg_roles),
  (SELECT count(*) FROM pg_trigger), (SELECT count(*) FROM pg_operator), (SELECT last_value FROM public.s),
  (SELECT count(*) FROM pg_file_settings WHERE name IN ('archive_command', 'standard_conforming_strings'))
"""
_PWNED = Path("/tmp/pwned_bypass")


@dataclass
class Place:
    """The gateway's port, and the database behind it looked at directly."""

    world: World
    owner: psycopg.Connection

    def client(self) -> Raw:
        return Raw(self.world.port, USER, "world", self.world.password)

    def fingerprint(self) -> str:
        return f"{self.owner.execute(_FINGERPRINT).fetchone()} {_PWNED.exists()}"

    @contextmanager
    def other_secrets(self, *, wanted: bool = True) -> Iterator[None]:
        """Meanwhile the same people have other secrets: of other lengths, in another order, some of them equal."""
        if wanted:
            self._fill(OTHERS)
        try:
            yield
        finally:
            if wanted:
                self._fill(SECRETS)

    def _fill(self, secrets: tuple[str, ...]) -> None:
        # WHY not UPDATE: rows must stand where they stood, for whoever reads them without ORDER BY.
        with self.owner.transaction():
            self.owner.execute("TRUNCATE cust")
            for number, (name, secret) in enumerate(zip(NAMES, secrets, strict=True), 1):
                self.owner.execute("INSERT INTO cust VALUES (%s, %s, %s, %s)", (number, name, secret, number * 10))
            self.owner.execute("TRUNCATE papers")
            self.owner.execute("INSERT INTO papers SELECT id, ssn FROM cust ORDER BY id")
            self.owner.execute("ANALYZE cust, papers")


@dataclass(frozen=True, slots=True)
class Came:
    """What came back for one text."""

    verdict: str
    found: list[tuple[str, bytes]]


class Speaker:
    """A client that goes on with a new session wherever the one it has cannot."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._client = place.client()

    def __enter__(self) -> Speaker:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def say(self, text: str, is_extended: bool) -> Came:
        found, held = answer(self._client, *(extended(text) if is_extended else simple(text)))
        if held or found[-1] != ("Z", b"I"):
            self._client.close()
            self._client = self._place.client()
        return Came(verdict(found, held), found)


def told(came: Came) -> list[str]:
    """What a client can tell from an answer: all of it but the words of errors and notices, which name this one decision."""
    return [show([one])[:8] if one[0] in "EN" else show([one]) for one in came.found]


@contextmanager
def placed() -> Iterator[Place]:
    with world() as here:
        folder = here.folder / "policies"
        (folder / "world.rego").unlink()
        for part in ("lib", "postgres"):
            for file in (ROOT / "policies" / part).iterdir():
                if file.suffix in {".rego", ".gate"}:
                    shutil.copy(file, folder / f"{part}_{file.name}")
        said = configuration(here).replace('groups = ["readers"]', 'groups = ["data-readers"]')
        said = said.replace('tls = { certificate = "server.crt", key = "server.key" }\n', "")
        here.config.write_text(said)
        cluster = here.cluster
        address = f"host=localhost port={cluster.port} user={cluster.user} password={cluster.password} dbname=postgres"
        with psycopg.connect(address, sslmode="require", autocommit=True) as owner:
            for statement in _DATABASE.strip().split(";\n"):
                owner.execute(statement)
            here.start()
            yield Place(here, owner)


def answer(client: Raw, *messages: bytes) -> tuple[list[tuple[str, bytes]], bool]:
    """What comes back up to ReadyForQuery, the end, or the word that people have to look first (then True)."""
    client.send(*messages)
    found: list[tuple[str, bytes]] = []
    try:
        while not found or found[-1][0] != "Z":
            found.append(client.next())
            if found[-1][0] == "G":
                client.send(message("f", b"no\0"))
            if found[-1][0] == "N" and b"approv" in found[-1][1]:
                return found, True
    except (EOFError, ConnectionResetError):
        found.append(("EOF", b""))
    return found, False


def simple(text: str) -> tuple[bytes, ...]:
    return (message("Q", text.encode() + b"\0"),)


def extended(text: str) -> tuple[bytes, ...]:
    return (parse(text), bind(), execute(), message("S"))


def verdict(found: list[tuple[str, bytes]], held: bool) -> str:
    """What became of a text: stopped by the gateway, run with rows, run, or an error of the server's own."""
    shown = show(found)
    if held or any(f"E[{code} " in shown for code in REFUSED) or found[-1][0] == "EOF":
        return "stopped"
    if "E[" in shown:
        return "failed"
    return "rows" if any(kind in "Dd" for kind, _ in found) else "ran"


def is_met(expected: str, came: str) -> bool:
    return (
        came
        in {
            STOP: ("stopped",),
            MASK: ("rows",),
            MASK_OR_STOP: ("rows", "ran", "stopped", "failed"),
            RUN: ("rows", "ran"),
        }[expected]
    )


PIECE = 6
"""So many characters of a secret in a row are one too many."""


def leaks(found: list[tuple[str, bytes]]) -> list[str]:
    """Pieces of the secrets in anything that was received: as text, backwards, without dashes, in hexadecimal digits, in base64."""
    data = b"".join(body for _, body in found)
    return [piece for piece in _PIECES if piece.encode() in data]


def _pieces(secret: str) -> Iterator[str]:
    for form in (secret, secret[::-1], secret.replace("-", "")):
        yield from (form[at : at + PIECE] for at in range(len(form) - PIECE + 1))
    for shift in range(3):
        # Three ways in which a value can stand in base64, without what depends on its neighbours.
        yield base64.b64encode(b"\0" * shift + secret.encode()).decode()[4:12]
    yield secret.encode().hex()[:12]


_PIECES = sorted({piece for secret in SECRETS for piece in _pieces(secret)})
