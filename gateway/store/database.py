"""Opening the database and the few rules every connection follows. No table is read here except `installation`.

SQLite: write-ahead log, foreign keys, a busy timeout. PostgreSQL: short connect and statement timeouts, because the
gate would rather deny than wait. Called by `gateway.app`; `approvals.store` uses what it opens.
"""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, func, insert, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError

from gateway.errors import StoreUnavailable
from gateway.store import tables

BUSY_TIMEOUT_MS = 2_000
"""How long a writer waits for another; the gate denies after it."""
CHANNEL = "sallyport_tickets"
"""Where replicas on one PostgreSQL tell each other of tickets."""
READS = "sallyport_reads"
"""What a transaction that only looks is marked with."""
CONNECT_TIMEOUT = 3
"""Seconds for a connection to PostgreSQL."""


class Database:
    """An opened database. Every transaction goes through `begin`, which turns driver errors into StoreUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def engine(self) -> Engine:
        """For migrations only."""
        return self._engine

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as error:
            # WHY OSError: pg8000 lets those of TLS through as they are. WHY the class alone: a driver's text can carry
            # statements with their values, URLs and passwords.
            raise StoreUnavailable(
                f"the store refused ({type(error).__name__})", help="see `[store] url` and the database's own log"
            ) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only looks. WHY apart: in SQLite it waits for no writer, and no writer for it."""
        try:
            with self._engine.connect().execution_options(**{READS: True}) as connection, connection.begin():
                yield connection
        except (SQLAlchemyError, OSError) as error:
            raise StoreUnavailable(
                f"the store refused ({type(error).__name__})", help="see `[store] url` and the database's own log"
            ) from error

    @property
    def tells_replicas(self) -> bool:
        """Whether other replicas may share it and hear of changes (`listen`)."""
        return self._engine.dialect.name == "postgresql"

    def tell_replicas(self, connection: Connection, ticket: str) -> None:
        """Say to all replicas, when the transaction is committed, that a ticket changed."""
        if self.tells_replicas:
            connection.execute(select(func.pg_notify(CHANNEL, ticket)))

    def shared_key(self, name: str) -> bytes:
        """32 random bytes that all replicas share, made at first use."""
        query = select(tables.installation.c.value).where(tables.installation.c.name == name)
        with self.begin() as connection:
            found = connection.execute(query).scalar_one_or_none()
        if found is not None:
            return bytes(found)
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(tables.installation).values(name=name, value=secrets.token_bytes(32)))
        except IntegrityError:
            pass  # WHY: another replica was faster; its key is the one
        except SQLAlchemyError as error:
            raise StoreUnavailable(f"the store refused ({type(error).__name__})") from error
        with self.begin() as connection:
            return bytes(connection.execute(query).scalar_one())

    def settle(self) -> None:
        """SQLite: bring everything into the one file and empty its write-ahead log, which keeps what was before. Elsewhere nothing.

        WHY it may fail unseen: whoever reads at that moment keeps it from happening; it happens at the next chance.
        """
        if self._engine.dialect.name != "sqlite":
            return
        try:
            with self._engine.connect() as connection:
                connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except (SQLAlchemyError, OSError) as error:
            raise StoreUnavailable(f"the store refused ({type(error).__name__})") from error

    def close(self) -> None:
        self._engine.dispose()


def open_database(url: str) -> Database:
    """Open the database of a `[store] url`. Raises StoreUnavailable for one that cannot be had; the message never shows the URL's password."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreUnavailable(
            "`[store] url` is no database URL", help="sqlite:///FILE or postgresql://HOST/NAME"
        ) from error
    match parsed.get_backend_name():
        case "sqlite":
            return Database(_open_sqlite(parsed))
        case "postgresql":
            return Database(_open_postgresql(parsed))
        case other:
            raise StoreUnavailable(f"`{other}` is no store we know", help="sqlite:///FILE or postgresql://HOST/NAME")


def _open_sqlite(url: URL) -> Engine:
    if url.database in (None, "", ":memory:"):
        # WHY: tickets in memory would be lost with the process, and with them who approved what.
        raise StoreUnavailable("`[store] url` names no file", help="sqlite:////var/lib/sallyport/store.db")
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})

    @event.listens_for(engine, "connect")
    def _prepare(connection: object, _record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]  # a DBAPI connection; SQLAlchemy types it as object
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            # What is deleted is overwritten: a file keeps nothing of tickets that were forgotten.
            "secure_delete=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        # WHY: the driver's own implicit BEGIN is deferred; two writers that read first would then fail, not wait.
        connection.isolation_level = None  # type: ignore[attr-defined]  # as above

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get(READS, False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _open_postgresql(url: URL) -> Engine:
    place = server_of(url)
    arguments: dict[str, object] = {"timeout": CONNECT_TIMEOUT, "ssl_context": place.tls}
    if place.socket is not None:
        arguments["unix_sock"] = place.socket
    return create_engine(
        url.set(drivername="postgresql+pg8000", query={}),
        pool_pre_ping=True,
        pool_size=4,
        max_overflow=4,
        pool_timeout=CONNECT_TIMEOUT,
        connect_args=arguments,
    )


@dataclass(frozen=True, slots=True)
class Server:
    """How a PostgreSQL is reached: `socket` is the file of a UNIX socket, else TCP, with `tls` unless that is None."""

    socket: str | None
    tls: ssl.SSLContext | None


def server_of(url: URL) -> Server:
    """Read `host`, `sslmode` (disable, require, verify-full) and `sslrootcert` of a PostgreSQL URL as libpq does.

    INVARIANT: without `sslmode` a TCP connection is encrypted and its server verified.
    """
    query = {key: value for key, value in url.query.items() if isinstance(value, str)}
    unknown = {name for name in url.query if name not in ("host", "sslmode", "sslrootcert") or name not in query}
    if unknown:
        raise StoreUnavailable(
            f"`[store] url` has an option `{min(unknown)}` that is not known, or twice",
            help="expected host, sslmode or sslrootcert",
        )
    folder = query.get("host", "")
    if folder.startswith("/"):
        return Server(f"{folder}/.s.PGSQL.{url.port or 5432}", None)
    match query.get("sslmode", "verify-full"):
        case "disable":
            return Server(None, None)
        case "verify-full" | "require" as mode:
            try:
                context = ssl.create_default_context(cafile=query.get("sslrootcert"))
            except OSError as error:
                raise StoreUnavailable("the file of `sslrootcert` in `[store] url` cannot be read") from error
            if mode == "require":
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return Server(None, context)
        case other:
            raise StoreUnavailable(
                f"`sslmode={other}` in `[store] url` is no mode", help="expected disable, require or verify-full"
            )
