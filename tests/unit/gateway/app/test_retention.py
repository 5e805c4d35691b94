"""The log a configuration asks for, and the looks that end what it keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.app.retention import Shredder, is_shielded, keep_days_of, open_log, rules_of
from gateway.approvals.notify import Bell
from gateway.approvals.states import Binding, Demand, Shown
from gateway.approvals.store import Approvals, NewTicket
from gateway.audit.content import DAY
from gateway.audit.content_keys import ContentKeys
from gateway.audit.entry import Entry, Kind
from gateway.audit.log import AuditLog
from gateway.audit.read import read
from gateway.audit.shielding import ShieldedLog
from gateway.audit.shredding import Request, ask
from gateway.config.audited import AuditRetention
from gateway.config.model import Audit, Config, Resource, ResourceProtocol
from gateway.store.database import Database, open_database
from gateway.store.migrations import upgrade

NOW = 1_795_000_000 * 10**9
RULES = (AuditRetention("short", 1, ("orders",)), AuditRetention("class-a", 2, labels={"class": "a"}))
RESOURCES = (
    Resource("orders", ResourceProtocol.POSTGRES, "db:5432", labels={"class": "a"}),
    Resource("bills", ResourceProtocol.POSTGRES, "db:5432", labels={"class": "a", "more": "b"}),
    Resource("other", ResourceProtocol.POSTGRES, "db:5432"),
)


def config(folder: Path, audit: Audit) -> Config:
    return replace(Config(), audit=replace(audit, low_water_bytes=0), resource=RESOURCES, folder=folder)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(opened)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("audit", "kind"),
    [(Audit(), AuditLog), (Audit(keep_days=1), ShieldedLog), (Audit(retention=RULES[:1]), ShieldedLog)],
)
def test_contents_are_closed_where_their_time_is_said(tmp_path: Path, audit: Audit, kind: type) -> None:
    made = config(tmp_path, audit)
    log = open_log(made)
    assert type(log) is kind
    assert is_shielded(made) == (kind is ShieldedLog)
    log.close()


def test_the_first_rule_that_fits_counts(tmp_path: Path) -> None:
    made = config(tmp_path, Audit(keep_days=9, retention=RULES))
    assert rules_of(made) == {"orders": "short", "bills": "class-a"}
    assert keep_days_of(made) == {"default": 9, "short": 1, "class-a": 2}


def test_looks_destroy_what_is_over_by_rule_and_what_was_asked_for(tmp_path: Path, database: Database) -> None:
    made = config(tmp_path, Audit(keep_days=9, retention=RULES))
    log, directory = open_log(made), made.at(made.audit.dir)
    approvals = Approvals(database, Bell())
    tickets = {}
    for resource in ("orders", "bills", "other"):
        log.append(Entry(kind=Kind.DECISION, time=NOW, resource=resource, text=resource, verdict="allow"))
        bound = Binding("ana", resource, "postgres", "d" * 64, "", "m", "r1")
        new = NewTicket(bound, (Demand(groups=("dba",)),), (), NOW + 5, Shown("x"))
        tickets[resource] = approvals.request(new, NOW).id
    shredder = Shredder(made, log, database)

    def left() -> tuple[list[str], list[str]]:
        log.flush()
        return (
            [entry.text for entry in read(directory) if entry.text],
            [name for name, ticket in tickets.items() if approvals.get(ticket)],
        )

    shredder.look(NOW)
    assert left() == (["orders", "bills", "other"], ["orders", "bills", "other"])
    shredder.look(NOW + 2 * DAY + DAY // 2)
    assert left() == (["bills", "other"], ["bills", "other"])
    assert not shredder.is_asked
    ask(directory, Request(tuple(key for key in ContentKeys(directory).all() if key.startswith("default/")), "olga"))
    assert shredder.is_asked
    shredder.look(NOW + 2 * DAY + DAY // 2)
    assert left() == (["bills"], ["bills"])
    assert not shredder.is_asked
    log.close()


def test_a_store_that_is_away_leaves_the_keys_and_a_later_look_has_them(tmp_path: Path, database: Database) -> None:
    made = config(tmp_path, Audit(keep_days=1))
    log, directory = open_log(made), made.at(made.audit.dir)
    log.append(Entry(kind=Kind.DECISION, time=NOW, resource="other", text="x"))
    empty = open_database(f"sqlite:///{tmp_path}/empty.db")
    Shredder(made, log, empty).look(NOW + 9 * DAY)
    assert len(list(ContentKeys(directory).all())) == 1
    Shredder(made, log, database).look(NOW + 9 * DAY)
    assert list(ContentKeys(directory).all()) == []
    empty.close()
    log.close()
