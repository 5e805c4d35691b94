"""A connection of a pool: who may have it next, what the gateway asks on it between two sessions, which answers are good. Pure.

    new        sign in, then WHO: what the answer is stays with it (`Estate`)
    put back   DISCARD ALL, a new seed, WHO, REST: all answered well and as before, or it is ended
    taken      WHO once more: it is alive, and nobody has changed what a new connection would begin with

INVARIANT: an answer is read message by message, and one that was not expected makes the connection unfit; nothing is skipped.
docs/decisions/0059 says what `DISCARD ALL` leaves and how each is met.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from adapters.core.buffer import MAX_SMALL_MESSAGE, Inbox
from adapters.core.ports import Target
from adapters.postgres.messages import results
from adapters.postgres.messages.frames import HEADER, LENGTH_ITSELF, Back, Front, frame, refuse, u32_at
from adapters.postgres.session.reported import is_shown

Row = tuple[bytes | None, ...]

WHO = b"""SELECT session_user, current_user,
 (SELECT pg_catalog.concat_ws(',', r.oid, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication,
   r.rolbypassrls, r.rolconnlimit, r.rolvaliduntil)
  FROM pg_catalog.pg_roles AS r WHERE r.rolname OPERATOR(pg_catalog.=) session_user),
 (SELECT pg_catalog.string_agg(pg_catalog.concat(s.setdatabase, '/', s.setrole, '/', s.setconfig), ';' ORDER BY s.setdatabase, s.setrole)
  FROM pg_catalog.pg_db_role_setting AS s
  WHERE s.setdatabase OPERATOR(pg_catalog.=) ANY (ARRAY[0::pg_catalog.oid, (SELECT d.oid FROM pg_catalog.pg_database AS d
    WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())])
  AND s.setrole OPERATOR(pg_catalog.=) ANY (ARRAY[0::pg_catalog.oid, (SELECT r.oid FROM pg_catalog.pg_roles AS r
    WHERE r.rolname OPERATOR(pg_catalog.=) session_user)])),
 (SELECT pg_catalog.concat_ws(',', d.oid, d.datallowconn, pg_catalog.has_database_privilege(d.oid, 'connect'))
  FROM pg_catalog.pg_database AS d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()),
 (SELECT pg_catalog.count(*) FROM pg_catalog.pg_event_trigger AS e
  WHERE e.evtevent OPERATOR(pg_catalog.=) 'login' AND e.evtenabled OPERATOR(pg_catalog.<>) 'D')"""
"""Who the connection is, with what attributes; which settings a new one would begin with; whether it could connect; how many triggers would
run when it did. WHY every name is qualified: the path of the role holds while this runs. `session_user` is a word of the grammar."""
_LOGIN_TRIGGERS = 5
"""The column with their number. WHY it has to be 0: what they do to a session is undone by the first wash, and not done again."""

_REST = """SELECT pg_catalog.pg_my_temp_schema(),
 (SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots AS s
  WHERE s.temporary AND s.active_pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()),
 ({})"""
_LOADED = "SELECT pg_catalog.string_agg(m.file_name, ' ') FROM pg_catalog.pg_get_loaded_modules() AS m"
_LOADABLE = """SELECT pg_catalog.string_agg(DISTINCT p.probin, ' ') FROM pg_catalog.pg_proc AS p
  WHERE p.probin IS NOT NULL AND p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid"""
"""WHY those that could be loaded: before PostgreSQL 18 nobody says which are. Below 16384 is what every database begins with."""
_TELLS_LOADED = 18

KEEP_NOTHING = frozenset(
    {
        *("plpgsql", "dict_snowball", "euc2004_sjis2004", "auto_explain", "pg_stat_statements", "pgaudit", "llvmjit"),
        *(
            "citext",
            "hstore",
            "ltree",
            "pg_trgm",
            "pgcrypto",
            "uuid-ossp",
            "btree_gin",
            "btree_gist",
            "cube",
            "seg",
            "_int",
        ),
        *("fuzzystrmatch", "unaccent", "tablefunc", "bloom", "tsm_system_rows", "tsm_system_time", "vector"),
    }
)
"""Libraries known to keep nothing in a backend but settings, which are reset. Not there: dblink (connections), languages with
an interpreter (its globals), isn (a switch), whatever nobody has looked at."""
_CONVERSION = re.compile(r"[a-z0-9_]{1,40}_and_[a-z0-9_]{1,40}")
_MODULE = re.compile(r"(?:\$libdir/)?([A-Za-z0-9_.-]+?)(?:\.so|\.dylib|\.dll)?")
_VERSION = re.compile(r"(\d{1,3})")


@dataclass(frozen=True, slots=True)
class Pooling:
    """What the configuration says of the pool of a resource."""

    size: int
    idle_seconds: float = 60.0
    lifetime_seconds: float = 3_600.0
    wait_seconds: float = 5.0
    by_transaction: bool = False
    """Whether a session gives its connection up between two transactions when somebody waits for one."""


def pooling_of(target: Target | None) -> Pooling | None:
    """The pool of the resource behind a target; None where each session has a connection of its own."""
    return target.own if target is not None and isinstance(target.own, Pooling) else None


@dataclass(frozen=True, slots=True)
class Kin:
    """Whose sessions may serve each other's connections: same resource, target with credential and database, startup parameters."""

    resource: str
    target: Target
    settings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Estate:
    """What the next session has to know of a connection: its cancel key, the settings the server told last, what it answered to WHO
    when it was new."""

    key: bytes = field(repr=False)
    statuses: Mapping[str, str]
    who: Row

    @property
    def backend(self) -> int:
        """The process that serves it."""
        return int.from_bytes(self.key[:4], "big")


class Answers:
    """The answers to simple queries of ours, as they come. Each is at most one row, a tag, and the server idle."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._inbox = Inbox()
        self._row: Row | None = None
        self._is_tagged = False
        self.rows: list[Row | None] = []
        self.tags: list[bytes] = []
        self.statuses: dict[str, str] = {}
        """Settings reported meanwhile."""

    def feed(self, data: bytes) -> bool:
        """Bytes from the server. Whether all answers are there; raises where something else came, or more."""
        if not self._left:
            raise refuse("the target sent something that nobody asked for")
        inbox = self._inbox
        if inbox.feed(data):
            while self._left and self._next():
                pass
        if not self._left and len(inbox):
            raise refuse("the target sent more than was asked for")
        return not self._left

    def _next(self) -> bool:
        inbox = self._inbox
        at = inbox.start
        if len(inbox) < HEADER:
            return False
        length: int = u32_at(inbox.data, at + 1)[0]
        if not LENGTH_ITSELF <= length <= MAX_SMALL_MESSAGE:
            raise refuse("the target sent a message of impossible length")
        if len(inbox) < 1 + length:
            inbox.want(1 + length)
            return False
        body = inbox.data[at + HEADER : at + 1 + length]
        kind = inbox.data[at]
        inbox.use(1 + length)
        self._take(kind, body)
        return True

    def _take(self, kind: int, body: bytes) -> None:
        match kind:
            case Back.ROW_DESCRIPTION if not self._is_tagged:
                pass
            case Back.DATA_ROW if self._row is None and not self._is_tagged:
                self._row = results.decode_data_row(body)
            case Back.COMMAND_COMPLETE if not self._is_tagged:
                self._is_tagged = True
                self.tags.append(body)
            case Back.READY if self._is_tagged and body == bytes((results.IDLE,)):
                self.rows.append(self._row)
                self._row, self._is_tagged = None, False
                self._left -= 1
            case Back.PARAMETER_STATUS:
                name, value = results.decode_status(body)
                is_shown(name, value)  # INVARIANT: raises where texts would be read otherwise than we read them
                self.statuses[name] = value
            case _:
                raise refuse("the target answered otherwise than was expected")


def encode_who() -> bytes:
    """The question of a connection that is new, or about to be taken: one answer."""
    return _query(WHO)


WASHES = 4
"""Answers to `encode_wash`."""
_TAGS = [b"DISCARD ALL\0", b"SELECT 1\0", b"SELECT 1\0", b"SELECT 1\0"]


def encode_wash(statuses: Mapping[str, str], seed: float) -> bytes:
    """What makes a connection clean, and asks whether it is. `seed` (-1 to 1) is for `random()`, which nothing else makes new."""
    rest = _REST.format(_LOADED if _version(statuses) >= _TELLS_LOADED else _LOADABLE)
    seeded = b"SELECT pg_catalog.setseed(%.17f)" % max(-1.0, min(1.0, seed))
    return _query(b"DISCARD ALL") + _query(seeded) + _query(WHO) + _query(rest.encode())


def why_unfit(estate: Estate, answers: Answers) -> str | None:
    """Why a washed connection may serve nobody any more; None when nothing can be left in it."""
    if len(answers.rows) != WASHES or answers.tags != _TAGS:
        return "unanswered"
    discarded, seeded, who, rest = answers.rows
    if discarded is not None or seeded != (b"",):
        return "unanswered"
    if who is None or who != estate.who:
        return "changed"
    if who[_LOGIN_TRIGGERS:] != (b"0",):
        return "login trigger"
    if rest is None or len(rest) != 3 or rest[:2] != (b"0", b"0"):
        return "left"
    return None if _keep_nothing(rest[2]) else "library"


def is_as_before(estate: Estate, answers: Answers) -> bool:
    """Whether the answer to `encode_who` is the one that the connection gave when it was new."""
    return answers.rows == [estate.who]


def with_news(estate: Estate, answers: Answers) -> Estate:
    """The estate with what the server reported meanwhile."""
    return replace(estate, statuses={**estate.statuses, **answers.statuses}) if answers.statuses else estate


def is_superusers(statuses: Mapping[str, str]) -> bool:
    """Whether the server says so, or does not say: of what a superuser did nothing can be proven."""
    return statuses.get("is_superuser") != "off"


def _keep_nothing(files: bytes | None) -> bool:
    for file in (files or b"").decode("utf-8", "replace").split():
        name = _MODULE.fullmatch(file)
        if name is None or not (name[1] in KEEP_NOTHING or _CONVERSION.fullmatch(name[1])):
            return False
    return True


def _version(statuses: Mapping[str, str]) -> int:
    found = _VERSION.match(statuses.get("server_version", ""))
    return 0 if found is None else int(found[1])


def _query(text: bytes) -> bytes:
    return frame(Front.QUERY, text + b"\0")
