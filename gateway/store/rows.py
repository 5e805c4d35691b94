"""The rows of a store as lines of text, out of one kind of database and into another, as they were at one moment.

    {"format":1,"revision":"0007"}                                      at which step of the migrations
    {"table":"tickets","columns":[["id","text"],["used_at","number"]]}  what follows, until the next of these
    ["h-1",null]                                                        a row; bytes stand in base64

The index of the audit is left out: it is made again from the log. Called by `app.backup` and `app.restoring`, which say what else is.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeVar

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    inspect,
    literal,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import StoreUnavailable
from gateway.store.database import READS, Database
from gateway.store.migrations import current, downgrade, latest, upgrade
from gateway.store.tables import audit_days, audit_logs, audit_terms, metadata

FORMAT = 1
AT_ONCE = 200
"""Rows that are read, and written, at once."""
MADE_AGAIN = frozenset({audit_logs.name, audit_terms.name, audit_days.name})
NUMBER, BYTES, TEXT = "number", "bytes", "text"
_TYPES = {NUMBER: BigInteger, BYTES: LargeBinary, TEXT: Text}

Value: TypeAlias = "int | str | bytes | None"
Row: TypeAlias = Mapping[str, Value]
Said = TypeVar("Said")


class RowsUnreadable(StoreUnavailable):
    """Lines that are no rows of a store."""

    code = "ROWS_UNREADABLE"


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    revision: str


class _Heading(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    table: str
    columns: list[tuple[str, str]]


def carried() -> list[Table]:
    """The tables whose rows are carried."""
    return [table for table in metadata.sorted_tables if table.name not in MADE_AGAIN]


def export_rows(database: Database, is_kept: Callable[[str, Row], bool]) -> Iterator[bytes]:
    """Every row at one moment, as lines. `is_kept` is asked about each, by its table.

    Raises StoreUnavailable, also for a store that stands at another step of the migrations than this program.
    """
    if current(database) != latest():
        raise StoreUnavailable(
            "the store stands at another step than this program",
            help="use the version of sallyport that runs on it, or start this one first",
        )
    with _at_one_moment(database) as connection:
        yield _line({"format": FORMAT, "revision": latest()})
        for table in carried():
            columns = [(str(column.name), _kind(column)) for column in table.columns]
            yield _line({"table": str(table.name), "columns": columns})
            found = connection.execution_options(yield_per=AT_ONCE).execute(select(table).order_by(*table.primary_key))
            for row in found.mappings():
                if is_kept(table.name, {str(name): value for name, value in row.items()}):
                    yield _line([row[name] for name, _ in columns])


@contextlib.contextmanager
def _at_one_moment(database: Database) -> Iterator[Connection]:
    """A transaction that sees the store as it is when it begins, whatever others write meanwhile."""
    options: dict[str, object] = {READS: True}  # SQLite: its write-ahead log keeps what the first look saw
    if database.engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    try:
        with database.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection
    except (SQLAlchemyError, OSError) as error:
        # WHY the class alone: see `Database.begin`.
        raise StoreUnavailable(f"the store refused ({type(error).__name__})") from error


def is_empty(database: Database) -> bool:
    """Whether no row is in it. Raises StoreUnavailable."""
    with database.read() as connection:
        return _has_no_rows(connection)


def _has_no_rows(connection: Connection) -> bool:
    there = set(inspect(connection).get_table_names())
    counted = (table for table in metadata.sorted_tables if table.name in there)
    return not any(connection.execute(select(literal(1)).select_from(table).limit(1)).first() for table in counted)


def import_rows(database: Database, lines: Iterable[bytes]) -> int:
    """Bring rows into a store that has none, all of them or none, and to the step of this program; how many.

    Raises RowsUnreadable for lines that are none, StoreUnavailable for a store that has rows, or rows of a newer version.
    """
    source = iter(lines)
    head = _read(next(source, b""), _Head)
    if head.format != FORMAT:
        raise RowsUnreadable("the rows were written by another version of sallyport")
    if not is_empty(database):
        raise _not_empty()
    # WHY taken down first: it may stand at a later step than the rows.
    downgrade(database, "base")
    upgrade(database, head.revision)
    with database.begin() as connection:
        if not _has_no_rows(connection):
            raise _not_empty()
        count = _insert(connection, source)
    upgrade(database)
    return count


def _not_empty() -> StoreUnavailable:
    return StoreUnavailable("the store has rows already", help="name an empty database; is a gateway running on it?")


def _insert(connection: Connection, lines: Iterator[bytes]) -> int:
    table: Table | None = None
    kinds: list[tuple[str, str]] = []
    known, waiting, count = set(inspect(connection).get_table_names()), list[dict[str, Value]](), 0
    for line in lines:
        if line.startswith(b"{") or len(waiting) >= AT_ONCE:
            _insert_these(connection, table, waiting)
            waiting.clear()
        if line.startswith(b"{"):
            heading = _read(line, _Heading)
            if heading.table not in known or heading.table in MADE_AGAIN:
                raise RowsUnreadable(f"there is no table `{heading.table[:40]}` at the step of these rows")
            kinds = heading.columns
            if not all(kind in _TYPES for _, kind in kinds):
                raise RowsUnreadable(f"a column of `{heading.table}` is of no kind that is known")
            table = Table(heading.table, MetaData(), *(Column(name, _TYPES[kind]) for name, kind in kinds))
        else:
            waiting.append(_row(_read(line, list), kinds))
            count += 1
    _insert_these(connection, table, waiting)
    return count


def _insert_these(connection: Connection, table: Table | None, rows: Sequence[dict[str, Value]]) -> None:
    if rows and table is None:
        raise RowsUnreadable("rows stand before the name of their table")
    if rows and table is not None:
        # WHY in one statement: PostgreSQL would else be asked once a row.
        connection.execute(table.insert().values(list(rows)))


def _row(values: Sequence[object], kinds: Sequence[tuple[str, str]]) -> dict[str, Value]:
    if len(values) != len(kinds):
        raise RowsUnreadable("a row has more or fewer values than its table has columns")
    return {name: _value(value, kind) for value, (name, kind) in zip(values, kinds, strict=True)}


def _value(value: object, kind: str) -> Value:
    if value is None:
        return None
    if kind == NUMBER and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind == TEXT and isinstance(value, str):
        return value
    if kind == BYTES and isinstance(value, str):
        with contextlib.suppress(binascii.Error, ValueError):
            return base64.b64decode(value, validate=True)
    raise RowsUnreadable(f"a value is no {kind}")


def _kind(column: Column[object]) -> str:
    if isinstance(column.type, LargeBinary):
        return BYTES
    return NUMBER if isinstance(column.type, Integer) else TEXT


def _line(said: object) -> bytes:
    return _ENCODER.encode(said) + b"\n"


def _read(line: bytes, kind: type[Said]) -> Said:
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.MsgspecError as error:
        raise RowsUnreadable("a line is no row of a store") from error


_ENCODER = msgspec.json.Encoder()
