"""Asks a target's planner what a statement would touch, over the gateway's own connection; the statement does not run.

Plain EXPLAIN, never ANALYZE, in a transaction that may only read, with its own timeouts, rolled back. Planning may run functions:
what is immutable or stable is computed where its arguments are known. So a plan is asked for only where nothing that people made
could be run: the caller answers for the statement's text (`gateway.estimating`), and this module for what stands behind the
relations in it: defaults, checks, indexes, policies, rules, partitions (`_STRANGERS`). Not for the words of a plan: `gateway.approvals.estimate`.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import asyncpg
import structlog

from adapters.core.ports import Target
from adapters.errors import AdapterError
from adapters.postgres.own_connection import connect
from adapters.postgres.session.approach import DEFAULT_DATABASE

TIMEOUT = 3.0
"""Seconds for all of it, with what waits before."""
STATEMENT_TIMEOUT = "1s"
LOCK_TIMEOUT = "100ms"
IDLE = 60.0
MAX_WAITING = 20
"""Statements that wait for the planner of one database; more have no estimate."""

_BEGIN = f"""BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}';
SET LOCAL lock_timeout = '{LOCK_TIMEOUT}';
SET LOCAL idle_in_transaction_session_timeout = '5s';
"""
_STANDING = "SELECT pg_catalog.set_config('role', $1, true), pg_catalog.set_config('search_path', $2, true)"

_FIRST_OF_PEOPLE = 16384
"""Objects below it come with PostgreSQL itself."""
_STRANGERS = f"""
WITH RECURSIVE named AS (
    SELECT c.oid FROM unnest($1::pg_catalog.text[], $2::pg_catalog.text[]) AS w (schema, name)
    JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
), reached (oid) AS (
    SELECT oid FROM named
    UNION
    SELECT x.oid FROM reached r CROSS JOIN LATERAL (
        SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent = r.oid
        UNION ALL SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE i.inhrelid = r.oid
        UNION ALL
        SELECT d.refobjid FROM pg_catalog.pg_rewrite w
        JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid
            AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
        WHERE w.ev_class = r.oid
    ) AS x (oid)
), parts (class, oid) AS (
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, r.oid FROM reached r
    UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid FROM pg_catalog.pg_index i JOIN reached r ON i.indrelid = r.oid
    UNION ALL SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, a.oid FROM pg_catalog.pg_attrdef a JOIN reached r ON a.adrelid = r.oid
    UNION ALL SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid FROM pg_catalog.pg_constraint k JOIN reached r ON k.conrelid = r.oid
    UNION ALL SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, w.oid FROM pg_catalog.pg_rewrite w JOIN reached r ON w.ev_class = r.oid
    UNION ALL SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, p.oid FROM pg_catalog.pg_policy p JOIN reached r ON p.polrelid = r.oid
    UNION ALL SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, s.oid FROM pg_catalog.pg_statistic_ext s JOIN reached r ON s.stxrelid = r.oid
), strangers (said) AS (
    SELECT pg_catalog.pg_describe_object(d.refclassid, d.refobjid, 0)
    FROM parts p JOIN pg_catalog.pg_depend d ON d.classid = p.class AND d.objid = p.oid
    LEFT JOIN pg_catalog.pg_proc f ON d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND f.oid = d.refobjid
    LEFT JOIN pg_catalog.pg_language l ON l.oid = f.prolang
    LEFT JOIN pg_catalog.pg_type t ON d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = d.refobjid
    LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
    WHERE d.refobjid >= {_FIRST_OF_PEOPLE} AND (
        (f.oid IS NOT NULL AND (f.provolatile <> 'v' OR l.lanname = 'sql'))
        OR (t.oid IS NOT NULL AND t.typtype <> 'e' AND e.typtype IS DISTINCT FROM 'e')
        OR d.refclassid IN ('pg_catalog.pg_operator'::pg_catalog.regclass, 'pg_catalog.pg_opclass'::pg_catalog.regclass,
            'pg_catalog.pg_opfamily'::pg_catalog.regclass, 'pg_catalog.pg_am'::pg_catalog.regclass,
            'pg_catalog.pg_foreign_server'::pg_catalog.regclass))
    UNION ALL
    SELECT 'cast from ' || pg_catalog.format_type(k.castsource, NULL) || ' to ' || pg_catalog.format_type(k.casttarget, NULL)
    FROM pg_catalog.pg_cast k
    WHERE k.castfunc >= {_FIRST_OF_PEOPLE} AND k.castsource < {_FIRST_OF_PEOPLE} AND k.casttarget < {_FIRST_OF_PEOPLE}
    UNION ALL
    SELECT pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, r.oid, 0)
    FROM reached r JOIN pg_catalog.pg_class c ON c.oid = r.oid WHERE c.relkind NOT IN ('r', 'p', 'v', 'm', 'S', 't')
)
SELECT (SELECT pg_catalog.count(*) FROM named)::pg_catalog.int4, (SELECT pg_catalog.min(said) FROM strangers)
"""  # noqa: S608  # put together from constants
"""How many of the relations there are, and the first thing of people's making that planning them could run.

WHY not volatile functions: planning computes none. One in SQL is planned as its body, which may call others.
"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """One statement, and how the session that asks reads it: the schemas it searches, the role it acts as.

    `relations` are all that it names, as schema and name. `parameters` are bound values as `Question.parameters` has them.
    """

    text: str = field(repr=False)
    search_path: tuple[str, ...]
    role: str
    relations: tuple[tuple[str, str], ...] = ()
    parameters: tuple[str | None, ...] = field(default=(), repr=False)


class NoPlan(AdapterError):
    """There is no plan; the message says why, in words without anything of the statement's."""

    def __init__(self, message: str, *, code: str = "NO_PLAN") -> None:
        super().__init__(message, code=code)


class Planner:
    """The planners of all targets of one program. Used on one loop."""

    def __init__(self) -> None:
        self._lines: dict[Target, _Line] = {}

    async def plan(self, target: Target, wish: Wish) -> str:
        """The plan as `EXPLAIN (FORMAT JSON)` writes it. Raises NoPlan."""
        place = replace(target, database=target.database or DEFAULT_DATABASE)
        line = self._lines.get(place.place)
        if line is None:
            line = self._lines[place.place] = _Line(place)
        if line.waiting >= MAX_WAITING:
            raise NoPlan("too many statements wait for the planner")
        line.waiting += 1
        try:
            async with asyncio.timeout(TIMEOUT):
                return await line.plan(wish)
        except TimeoutError:
            raise NoPlan("the database did not answer in time") from None
        except (OSError, asyncpg.InterfaceError) as error:
            log.info("a planner cannot be asked", error=type(error).__name__)
            raise NoPlan("the database cannot be asked at the moment") from error
        except asyncpg.PostgresError as error:
            # WHY not the server's words: they may quote the statement's values.
            raise NoPlan(f"the database refused it with {error.sqlstate}") from error
        finally:
            line.waiting -= 1

    async def close(self) -> None:
        """Close all connections."""
        for line in self._lines.values():
            line.close()


class _Line:
    """The connection to one database; one statement after the other."""

    def __init__(self, target: Target) -> None:
        self.waiting = 0
        self._target = target
        self._lock = asyncio.Lock()
        self._connection: asyncpg.Connection | None = None
        self._closing: asyncio.TimerHandle | None = None

    async def plan(self, wish: Wish) -> str:
        async with self._lock:
            if self._closing is not None:
                self._closing.cancel()
            is_good = False
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await connect(self._target, "sallyport estimate", TIMEOUT)
                found = await _asked(self._connection, wish)
                is_good = True
                return found
            except NoPlan:
                is_good = True
                raise
            finally:
                # WHY not used again after anything else: nobody knows in what state it is.
                if is_good:
                    self._closing = asyncio.get_running_loop().call_later(IDLE, self.close)
                else:
                    self.close()

    def close(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            connection.terminate()


async def _asked(connection: asyncpg.Connection, wish: Wish) -> str:
    """One question in a transaction of its own. Raises NoPlan with the connection fit for the next one."""
    await connection.execute(_BEGIN)
    try:
        schemas, names = [one[0] for one in wish.relations], [one[1] for one in wish.relations]
        row = await connection.fetchrow(_STRANGERS, schemas, names)
        if row is None or row[0] != len(set(wish.relations)):
            raise NoPlan("a relation is not there any more")
        if row[1] is not None:
            raise NoPlan(f"planning it could run what people made: {row[1][:200]}")
        await connection.fetchrow(_STANDING, wish.role, ", ".join(map(_quoted, wish.search_path)))
        text = f"EXPLAIN (FORMAT JSON) {wish.text}"
        prepared = await connection.prepare(text)
        values = _values(prepared.get_parameters(), wish.parameters)
        answer = await prepared.fetchval(*values)
    except asyncpg.PostgresError as error:
        await connection.execute("ROLLBACK")
        raise NoPlan(f"the database refused it with {error.sqlstate}") from error
    except NoPlan:
        await connection.execute("ROLLBACK")
        raise
    await connection.execute("ROLLBACK")
    if not isinstance(answer, str):
        raise NoPlan("the database answered with no plan")
    return answer


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


# --- bound values ---------------------------------------------------------------------------------------------------


def _values(types: Sequence[asyncpg.Type], parameters: Sequence[str | None]) -> list[object]:
    """What was bound, as asyncpg sends it. Raises NoPlan where that is not certain."""
    if len(types) != len(parameters):
        raise NoPlan("its values were bound otherwise than it asks for")
    return [_value(one, value) for one, value in zip(types, parameters, strict=True)]


def _value(kind: asyncpg.Type, value: str | None) -> object:
    if value is None:
        return None
    reader = _READERS.get(kind.name) if kind.schema == "pg_catalog" else None
    if reader is None:
        raise NoPlan(f"a value of the type {kind.name[:64]} is bound to it")
    try:
        return reader(value)
    except (ValueError, struct.error) as error:
        raise NoPlan(f"a value bound to it is no {kind.name[:64]}") from error


def _number(width: int) -> Callable[[str], int]:
    """A whole number, as text or in binary of this width."""

    def read(value: str) -> int:
        raw = _binary(value)
        if raw is None:
            return int(value)
        if len(raw) != width:
            raise ValueError("of another width")
        return int.from_bytes(raw, "big", signed=True)

    return read


def _float(form: str) -> Callable[[str], float]:
    def read(value: str) -> float:
        raw = _binary(value)
        return float(value) if raw is None else float(struct.unpack(form, raw)[0])

    return read


def _truth(value: str) -> bool:
    raw = _binary(value)
    if raw is not None:
        return raw == b"\x01"
    if value.lower() in ("t", "true", "1", "on", "yes"):
        return True
    if value.lower() in ("f", "false", "0", "off", "no"):
        return False
    raise ValueError("neither true nor false")


def _text(value: str) -> str:
    # WHY: bound in binary it stands in hex digits, and so may a text that looks like that.
    if _binary(value) is not None:
        raise ValueError("a text in binary")
    return value


def _binary(value: str) -> bytes | None:
    """What a value is that was bound in binary; None for one that was bound as text."""
    return bytes.fromhex(value[2:]) if value.startswith("\\x") else None


_READERS: Mapping[str, Callable[[str], object]] = {
    "int2": _number(2),
    "int4": _number(4),
    "int8": _number(8),
    "float4": _float(">f"),
    "float8": _float(">d"),
    "bool": _truth,
    "text": _text,
    "varchar": _text,
    "bpchar": _text,
    "name": _text,
    "uuid": _text,
}
