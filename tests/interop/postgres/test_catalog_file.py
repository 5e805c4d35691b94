"""The query of `docs/masks.md` on a real server gives a catalog that `check --catalog` and `parse --catalog` read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import psycopg
import pytest

from engine.masking.fit import column_types
from gateway.cli import main
from tests.interop.postgres.running import Server

PAGE = Path(__file__).parents[3] / "docs/masks.md"
MADE = (
    "CREATE SCHEMA fit",
    "CREATE TYPE fit.mood AS ENUM ('a')",
    "CREATE DOMAIN fit.number AS int8",
    "CREATE DOMAIN fit.big_number AS fit.number",
    "CREATE TABLE fit.people (name varchar(20), card fit.big_number, mood fit.mood, ages int2[], born timestamptz(3))",
    "CREATE VIEW fit.seen AS SELECT name, card FROM fit.people",
)


def test_a_catalog_made_by_the_query_of_the_page_is_read(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = re.search(r"```sql\n(WITH RECURSIVE stands_on.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert query is not None
    address = f"host=127.0.0.1 port={server.cluster.port} user=postgres dbname=postgres sslmode=disable"
    with psycopg.connect(address) as connection:
        for statement in MADE:
            connection.execute(statement)  # type: ignore[call-overload]  # ours
        (row,) = connection.execute(query[1]).fetchall()  # type: ignore[call-overload]  # the page's
        connection.rollback()
    file, folder = tmp_path / "catalog.json", tmp_path / "policies"
    file.write_text(json.dumps(row[0]))
    types = {name: type_ for name, type_ in column_types(row[0]).items() if name.startswith("fit.")}
    assert types == {
        "fit.people.name": "varchar",
        "fit.people.card": "int8",
        "fit.people.mood": "fit.mood",
        "fit.people.ages": "int2[]",
        "fit.people.born": "timestamptz",
        "fit.seen.name": "varchar",
        "fit.seen.card": "int8",
    }
    folder.mkdir()
    (folder / "a.gate").write_text(
        'policy a\napplies to postgres\nmask m "x"\n  columns "fit.*.*"\n  with hash key "k"\n'
    )
    assert main(["check", str(folder), "--catalog", str(file)]) == 0
    said = capsys.readouterr().out
    assert "`hash` leaves NULL in `fit.people.mood` of type `fit.mood`, unless" in said
    assert "`hash` leaves NULL in `fit.people.ages` of type `int2[]`" in said
    assert said.count("MASK_LEAVES_NULL") == 2
    assert main(["parse", "--catalog", str(file), "SELECT card FROM fit.people"]) == 0
    assert "card from fit.people.card\n" in capsys.readouterr().out
