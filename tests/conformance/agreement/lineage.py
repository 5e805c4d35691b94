"""Lineage against a real PostgreSQL, for the tables: the judges stand in `tests/interop/postgres/lineage.py`."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from tests.interop.postgres.lineage import Tally, compare, lineage_database
from tests.interop.postgres.running import running_server

SEED = 5
ALWAYS = ("view", "star", "whole_row", "recursive", "setop", "using", "lateral")
"""Traits that at least a tenth of the queries must have."""


def measure(queries: int) -> Tally:
    """Generate, run and compare so many queries; progress goes to standard error."""
    with running_server() as server, lineage_database(server) as database:
        return compare(database, queries, SEED, told=_progress)


def _progress(tally: Tally) -> None:
    print(f"\r{tally.queries} queries", end="", file=sys.stderr, flush=True)


def document(tally: Tally) -> Mapping[str, object]:
    return {
        "queries": tally.queries,
        "invalid": tally.invalid,
        "outputs": tally.outputs,
        "proven": tally.proven,
        "wrong": len(tally.wrong),
        "traits": dict(sorted(tally.traits.items())),
    }


def told(tally: Tally) -> str:
    traits = ", ".join(f"{name} {tally.traits[name] / tally.queries:.0%}" for name in ALWAYS)
    return (
        f"`python -m tests.conformance.agreement lineage --queries {tally.queries}` on a real PostgreSQL:\n\n"
        "| queries | columns of results | proven | of these wrong | promised |\n|---|---|---|---|---|\n"
        f"| {tally.queries:,} | {tally.outputs:,} | {tally.proven:,} ({tally.proven / max(tally.outputs, 1):.1%}) | {len(tally.wrong)} |"
        " 0 wrong, 90 % proven |\n\n"
        f"Of the queries have: {traits}. Judges: [lineage.md](../lineage.md#how-it-is-checked).\n"
    )
