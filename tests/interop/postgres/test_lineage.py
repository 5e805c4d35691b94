"""Lineage against a real server: a proven origin is never wrong (`tests/interop/postgres/lineage.py`)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.postgres.lineage import Database, Tally, compare, lineage_database
from tests.interop.postgres.running import Server


@pytest.fixture(scope="module")
def database(server: Server) -> Iterator[Database]:
    with lineage_database(server) as found:
        yield found


def test_no_proven_origin_is_wrong_on_a_real_server(database: Database) -> None:
    tally = compare(database, 300, seed=20261128, copies=5)
    print(tally.says())
    _check(tally)


@pytest.mark.long
def test_no_proven_origin_is_wrong_in_five_thousand_queries(database: Database) -> None:
    tally = compare(database, 5_000, seed=5)
    print(tally.says())
    _check(tally)


def _check(tally: Tally) -> None:
    assert tally.wrong == [], f"{tally.says()}\n" + "\n".join(tally.wrong[:20])
    assert tally.proven >= 0.9 * tally.outputs, f"{tally.says()}\n" + "\n".join(list(tally.unproven)[:20])
    for trait in ("view", "star", "whole_row", "recursive", "setop", "using", "lateral"):
        assert tally.traits[trait] >= tally.queries / 10, tally.says()
