"""Half an hour of everything at once over PostgreSQL (`long`; SOAK_MINUTES and SOAK_CLIENTS for another length and number), and a quarter of a minute of it at every run."""

from __future__ import annotations

import pytest

from tests.e2e.soak import page
from tests.e2e.soak.harness import soak
from tests.e2e.soak.postgres_place import ESTIMATE, is_planned, prepared
from tests.e2e.soak.verdicts import everything_happened, it_did_not_grow, long, nothing_is_wrong, short

ACTS = 16


@pytest.mark.timeout(180)
def test_a_short_soak_ends_as_it_began() -> None:
    found = soak(short(ACTS), prepared)
    nothing_is_wrong(found)
    everything_happened(found, short(ACTS))


def test_only_a_plain_question_about_a_held_statement_runs_nothing() -> None:
    held = {"SELECT 'm1x1e #hold'"}
    asked = "EXPLAIN (FORMAT JSON) SELECT 'm1x1e #hold'"
    assert is_planned(f"7 app={ESTIMATE} LOG:  execute __asyncpg_1__: {asked}", held)
    for line in (
        f"7 app=psql LOG:  execute x: {asked}",
        f"7 app={ESTIMATE} LOG:  execute x: SELECT 'm1x1e #hold'",
        f"7 app={ESTIMATE} LOG:  execute x: EXPLAIN (FORMAT JSON, ANALYZE) SELECT 'm1x1e #hold'",
        f"7 app={ESTIMATE} LOG:  execute x: {asked}; DROP TABLE t",
        f"7 app={ESTIMATE} LOG:  execute x: EXPLAIN (FORMAT JSON) SELECT 'm2x1e #deny'",
    ):
        assert not is_planned(line, held), line


@pytest.mark.long
def test_half_an_hour_of_everything_at_once() -> None:
    found = soak(long(ACTS), prepared)
    page.write("PostgreSQL", found, long(ACTS))
    nothing_is_wrong(found)
    everything_happened(found, long(ACTS))
    it_did_not_grow(found)
