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
from gateway.identity.scoped import Grant
from gateway.identity.tokens import Tokens
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


def test_prompts_go_by_the_same_rules_whether_or_not_a_key_does(tmp_path: Path, database: Database) -> None:
    made = config(tmp_path, Audit(keep_days=9, retention=RULES))
    log, tokens = open_log(made), Tokens(database)
    for resource in ("orders", "bills", "other"):
        grant = Grant(
            id=resource, principal="ana", resources=(resource,), issued_at=NOW, expires_at=NOW + 5, prompt="why"
        )
        tokens.add(grant, "d")

    def left(days: float) -> list[str]:
        Shredder(made, log, database).look(NOW + int(days * DAY))
        return [name for name in ("orders", "bills", "other") if tokens.find(name) is not None]

    assert list(ContentKeys(made.at(made.audit.dir)).all()) == [], "nothing was asked, so there is no key to destroy"
    assert left(0) == ["orders", "bills", "other"]
    assert left(2) == ["bills", "other"]
    assert left(3) == ["other"]
    assert left(9) == ["other"]
    assert left(10) == []
    log.close()


def test_the_prompts_of_a_day_go_with_its_contents_when_somebody_asks(tmp_path: Path, database: Database) -> None:
    made = config(tmp_path, Audit(keep_days=900))
    log, directory, tokens = open_log(made), made.at(made.audit.dir), Tokens(database)
    log.append(Entry(kind=Kind.DECISION, time=NOW, resource="other", text="x"))
    for name, end in (("over", NOW + 5), ("alive", NOW + 5 * DAY)):
        tokens.add(
            Grant(id=name, principal="ana", resources=("other",), issued_at=NOW, expires_at=end, prompt="why"), "d"
        )
    ask(directory, Request(tuple(ContentKeys(directory).all()), "olga"))
    Shredder(made, log, database).look(NOW + DAY)
    assert tokens.find("over") is None
    assert (alive := tokens.find("alive")) is not None
    assert alive.grant.prompt is None
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
