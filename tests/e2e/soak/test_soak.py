"""Half an hour of everything at once (`long`; SOAK_MINUTES for another length), and a quarter of a minute of it at every run."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import pytest

from tests.e2e.soak.clients import Tally
from tests.e2e.soak.place import ESTIMATE, POOLED, WARM_SECONDS, Soaked, Wishes, is_planned, soak

MINUTES = float(os.environ.get("SOAK_MINUTES", "30"))
MOST_GROWTH = 0.05
PAGE = Path(__file__).parents[3] / "docs/measured/soak.md"
EVERY_ACT = 16


def nothing_is_wrong(found: Soaked) -> None:
    """What holds for every length."""
    tally = found.tally
    assert tally.unexpected == [], tally.unexpected[:10]
    assert tally.ended + tally.lost <= tally.kills
    assert found.forbidden == [], "these were denied, and ran"
    assert found.unrecorded == [], "these ran, and the audit has no grant of them"
    assert found.unanswered == [], "a client has an answer to these, and the audit has nothing"
    assert found.unfinished == [], "these ran, and the audit has no outcome"
    assert found.sessions[0] == found.sessions[1] > 0, "a session is open for ever in the audit"
    assert found.is_sealed
    assert found.log == [], found.log[:10]
    assert found.files[1] <= found.files[0] + 5, found.files
    assert found.store_files <= POOLED
    assert found.ran > 0


@pytest.mark.timeout(180)
def test_a_short_soak_ends_as_it_began() -> None:
    found = soak(Wishes(seconds=8, clients=12, pause=0.1, kill_every=1.0, reload_every=3.0))
    nothing_is_wrong(found)
    assert found.tally.kills > 3
    assert found.tally.votes["#approve"] > 0


def test_what_must_not_run_would_be_seen() -> None:
    """The test above could not fail if this one did not hold."""
    wrong = [
        {"unrecorded": ["DROP TABLE t"]},
        {"forbidden": ["m1x1e"]},
        {"unanswered": ["m1x1e"]},
        {"sessions": (3, 2)},
        {"is_sealed": False},
        {"files": (10, 40)},
        {"store_files": 12},
        {"tally": Tally(lost=1)},
    ]
    good: dict[str, object] = {"seconds": 1.0, "tally": Tally(), "ran": 1, "sessions": (2, 2), "is_sealed": True}
    nothing_is_wrong(Soaked(**good))  # type: ignore[arg-type]  # fields of a test
    for change in wrong:
        with pytest.raises(AssertionError):
            nothing_is_wrong(Soaked(**{**good, **change}))  # type: ignore[arg-type]  # fields of a test


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
    wishes = Wishes(seconds=MINUTES * 60)
    found = soak(wishes)
    PAGE.write_text(page(found, wishes))
    nothing_is_wrong(found)
    assert len([act for act in found.tally.done if not act.startswith("lost")]) >= EVERY_ACT
    assert found.growth is None or found.growth < MOST_GROWTH, f"{found.growth:.1%}"


def page(found: Soaked, wishes: Wishes) -> str:
    """What was measured, for people."""
    tally = found.tally
    acts = "\n".join(f"| {name} | {count:,} |" for name, count in sorted(tally.done.items()))
    tenths = found.sizes[:: max(1, len(found.sizes) // 10)]
    growth = "not measured: too short" if found.growth is None else f"{found.growth:.1%}"
    sizes = ", ".join(f"{size / 1024:.0f}" for _, size in tenths)
    return f"""# Everything at once

`SOAK_MINUTES={MINUTES:g} make long SELECT=tests/e2e/soak`, {datetime.datetime.now(datetime.UTC):%Y-%m-%d}: {wishes.clients} clients for {wishes.seconds / 60:g} minutes on two cores, shared
with other work; a session is killed every {wishes.kill_every:g} s, the policies change every {wishes.reload_every:g} s. The server logs every statement.

| what clients did | times |
|---|---|
{acts}

| | |
|---|---|
| sessions killed; clients that were told so; that only saw the connection go | {tally.kills}; {tally.ended}; {tally.lost} |
| policies loaded anew | {tally.reloads} |
| sessions opened, closed in the audit | {found.sessions[0]:,}, {found.sessions[1]:,} |
| statements in the server's log; of them without a grant of the same text in the audit | {found.ran:,}; {len(found.unrecorded)} |
| denied, refused, expired or cancelled commands in the server's log | {len(found.forbidden)} |
| answers that clients have and the audit does not; runs without an outcome | {len(found.unanswered)}; {len(found.unfinished)} |
| unexpected errors of clients, errors in the gateway's log | {len(tally.unexpected)}, {len(found.log)} |
| memory of the gateway at each tenth of the time | {sizes} MiB |
| growth after the {max(WARM_SECONDS, wishes.seconds / 5) / 60:.0f} minutes in which caches fill (medians) | {growth} |
| open files before and after | {found.files[0]}, {found.files[1]} |
"""


def test_growth_is_that_behind_the_filling_of_caches() -> None:
    filling = [(float(at), 100 + min(at, 300)) for at in range(1000)]
    assert Soaked(1000.0, Tally(), filling).growth == 0
    leaking = [(float(at), 100 + at) for at in range(1000)]
    assert (Soaked(1000.0, Tally(), leaking).growth or 0) > MOST_GROWTH
    assert Soaked(300.0, Tally(), filling[:300]).growth is None
