"""What searches and what indexes share one log and one index."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine import command_reader
from gateway.app.searches import build_indexer, build_search
from gateway.audit.entry import Entry, Kind
from gateway.audit.index.sought import Sought
from gateway.audit.log import AuditLog
from gateway.config.model import Audit, Config
from gateway.store.database import open_database
from gateway.store.migrations import upgrade


def test_what_one_takes_in_the_other_finds(tmp_path: Path) -> None:
    config = replace(Config(), audit=Audit(dir="audit"), folder=tmp_path)
    database = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(database)
    log = AuditLog(tmp_path / "audit", low_water_bytes=0)
    log.append(Entry(kind=Kind.DECISION, time=1, protocol="postgres", text="SELECT 1 FROM orders"))
    log.flush()
    finder, indexing = build_search(config, database, "log", command_reader())
    assert finder.find(Sought(object="orders"), 5).indexed == 0
    assert build_indexer(config, database, "log", command_reader()).step() == 1
    found = finder.find(Sought(object="orders"), 5)
    assert ([entry.seq for entry in found.entries], found.indexed) == ([1], 1)
    indexing.close()
    log.close()
    database.close()
