"""The index in the store: which entries of a log have which term, up to which entry it has come, and which entries a day has.

It says nothing that the log does not say, and is made again from the log whenever it is lost or does not fit. Several may go on with
it at once (a gateway, a command): whoever moves its place writes what belongs to that. Used by `finding` and `keeping`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, exists, func, insert, select, text, update

from gateway.errors import StoreUnavailable
from gateway.store.database import Database
from gateway.store.tables import audit_days, audit_logs, audit_terms

MAX_FORGOTTEN = 50_000
"""Rows that are removed in one transaction when an index is made again."""


@dataclass(frozen=True, slots=True)
class Reached:
    """How far the index has come. `mark`: the digest of the line it has come to."""

    upto: int
    mark: bytes


START = Reached(0, b"")


@dataclass(frozen=True, slots=True)
class Span:
    """Entries by their numbers, both included."""

    first: int
    last: int


class Postings:
    """The index of one log."""

    def __init__(self, database: Database, log: str) -> None:
        """`log` is the log's name."""
        self._database, self._name = database, log
        self._id: int | None = None

    def reached(self) -> Reached:
        """How far it has come. Raises StoreUnavailable."""
        query = select(audit_logs.c.id, audit_logs.c.upto, audit_logs.c.mark).where(audit_logs.c.name == self._name)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            self._id = None
            return START
        self._id = row.id
        return Reached(row.upto, bytes(row.mark))

    def add(self, before: Reached, after: Reached, terms: Sequence[tuple[int, int]], days: Mapping[int, Span]) -> bool:
        """Take (term, number) pairs in and move on; False, and nothing done, where somebody else has moved on. Raises
        StoreUnavailable."""
        with self._database.begin() as connection:
            log = self._owned(connection)
            # INVARIANT: one winner for each place; so no entry is taken in twice, and none is left out.
            move = (
                update(audit_logs)
                .where(audit_logs.c.id == log, audit_logs.c.upto == before.upto)
                .values(upto=after.upto, mark=after.mark)
            )
            if connection.execute(move).rowcount != 1:
                return False
            self._insert(connection, log, terms)
            for day, span in days.items():
                _widen(connection, log, day, span)
        return True

    def forget(self) -> None:
        """Remove everything, to begin anew. Raises StoreUnavailable."""
        self.reached()
        log = self._id
        if log is None:
            return
        with self._database.begin() as connection:
            connection.execute(update(audit_logs).where(audit_logs.c.id == log).values(upto=-1, mark=b""))
            connection.execute(delete(audit_days).where(audit_days.c.log == log))
        mine = audit_terms.c.log == log
        while True:
            # WHY in pieces: nobody who waits for the store waits long.
            ordered = select(audit_terms.c.term).where(mine).order_by(audit_terms.c.term, audit_terms.c.seq)
            with self._database.begin() as connection:
                cut = connection.execute(ordered.offset(MAX_FORGOTTEN).limit(1)).scalar_one_or_none()
                if cut is None:
                    connection.execute(delete(audit_terms).where(mine))
                    connection.execute(update(audit_logs).where(audit_logs.c.id == log).values(upto=0))
                    return
                connection.execute(delete(audit_terms).where(mine, audit_terms.c.term <= cut))

    def find(self, every: Sequence[int], any_of: Sequence[Sequence[int]], within: Span, most: int) -> list[int]:
        """The numbers of entries that have `every` term and of each of `any_of` at least one, the newest first. Raises
        StoreUnavailable."""
        groups = [*any_of, *([term] for term in every)]
        first = audit_terms.alias()
        wanted = [
            first.c.log == self._known(),
            first.c.term.in_(groups[0]),
            first.c.seq >= within.first,
            first.c.seq <= within.last,
        ]
        for group in groups[1:]:
            other = audit_terms.alias()
            has = and_(other.c.log == first.c.log, other.c.term.in_(group), other.c.seq == first.c.seq)
            wanted.append(exists(select(other.c.seq).where(has)))
        query = select(first.c.seq).distinct().where(*wanted).order_by(first.c.seq.desc()).limit(most)
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def between(self, first_day: int | None, last_day: int | None) -> Span | None:
        """Where entries of some days can be; None where there are none. Raises StoreUnavailable."""
        query = select(func.min(audit_days.c.first), func.max(audit_days.c.last)).where(
            audit_days.c.log == self._known()
        )
        if first_day is not None:
            query = query.where(audit_days.c.day >= first_day)
        if last_day is not None:
            query = query.where(audit_days.c.day <= last_day)
        with self._database.read() as connection:
            first, last = connection.execute(query).one()
        return None if first is None else Span(first, last)

    def _known(self) -> int:
        if self._id is None:
            self.reached()
        if self._id is None:
            raise StoreUnavailable("there is no index of this log", help="`sallyport audit index` makes it")
        return self._id

    def _owned(self, connection: Connection) -> int:
        """The log's number, given out at first use."""
        if self._id is None:
            query = select(audit_logs.c.id).where(audit_logs.c.name == self._name)
            found = connection.execute(query).scalar_one_or_none()
            if found is None:
                connection.execute(insert(audit_logs).values(name=self._name, upto=0, mark=b""))
                found = connection.execute(query).scalar_one()
            self._id = int(found)
        return self._id

    def _insert(self, connection: Connection, log: int, terms: Sequence[tuple[int, int]]) -> None:
        if not terms:
            return
        if self._database.tells_replicas:
            # WHY: the driver would send each row by itself.
            lists = {"log": log, "terms": [term for term, _ in terms], "seqs": [seq for _, seq in terms]}
            connection.execute(_MANY, lists)
            return
        # WHY past the builder of statements: it takes longer for a row than SQLite does.
        connection.exec_driver_sql(
            "INSERT INTO audit_terms (log, term, seq) VALUES (?, ?, ?)", [(log, term, seq) for term, seq in terms]
        )


_MANY = text(
    "INSERT INTO audit_terms (log, term, seq) "
    "SELECT :log, t, s FROM unnest(CAST(:terms AS bigint[]), CAST(:seqs AS bigint[])) AS given(t, s)"
)


def _widen(connection: Connection, log: int, day: int, span: Span) -> None:
    where = and_(audit_days.c.log == log, audit_days.c.day == day)
    known = connection.execute(select(audit_days.c.first, audit_days.c.last).where(where)).one_or_none()
    if known is None:
        connection.execute(insert(audit_days).values(log=log, day=day, first=span.first, last=span.last))
        return
    wider = {"first": min(known.first, span.first), "last": max(known.last, span.last)}
    connection.execute(update(audit_days).where(where).values(**wider))
