"""The tables that the code names and those that the migrations build are the same, up and down again."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from gateway.errors import StoreUnavailable
from gateway.store.database import open_database
from gateway.store.migrations import current, downgrade, latest, upgrade
from gateway.store.tables import metadata


def test_migrations_build_what_the_code_names(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/store.db")
    assert current(database) is None
    upgrade(database)
    assert current(database) == latest()
    with database.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    upgrade(database)
    database.close()


def test_migrations_take_everything_back(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(database)
    downgrade(database, "base")
    with database.begin() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    upgrade(database)
    database.close()


def test_what_was_held_before_tickets_had_jobs_is_asked_about_anew(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(database, "0005")
    row = {"version": 3, "principal": "ana", "resource": "orders", "digest": "d", "created_at": 1, "expires_at": 9}
    body = '{"state": "%s", "version": 3, "binding": {"principal": "ana"}}'
    with database.begin() as connection:
        for name, state, used in (("h-1", "requested", None), ("h-2", "granted", None), ("h-3", "granted", 5)):
            values = {**row, "id": name, "state": state, "used_at": used, "body": body % state}
            names = ", ".join(values)
            connection.execute(text(f"INSERT INTO tickets ({names}) VALUES (:{', :'.join(values)})"), values)
    upgrade(database)
    with database.begin() as connection:
        found = connection.execute(text("SELECT id, state, version, body FROM tickets ORDER BY id")).all()
    assert [(one.state, one.version) for one in found] == [("superseded", 4), ("superseded", 4), ("granted", 3)]
    assert '"superseded"' in found[0].body
    assert found[2].body == body % "granted"
    database.close()


def test_a_database_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(database)
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreUnavailable) as caught:
        upgrade(database)
    assert "another version" in str(caught.value)
    database.close()
