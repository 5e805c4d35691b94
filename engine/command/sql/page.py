"""docs/commands.md: the words of command trees, written from the tables in `kinds`.

`python -m engine.command.sql.page > docs/commands.md`; a test says when the page is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from engine.command.sql.kinds import FEATURES, KINDS, VIA


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# The words of command trees"
    yield ""
    yield "Written from `engine/command/sql/kinds.py` by `python -m engine.command.sql.page`; do not edit."
    yield ""
    yield "## Kinds of SQL operations"
    yield ""
    yield "The effect is the usual one; a SELECT that contains a write has the effect of the write, EXPLAIN ANALYZE that of its"
    yield "statement, a function call that of its function."
    yield ""
    yield "| kind | effect | is |"
    yield "|---|---|---|"
    yield from (f"| `{kind.name}` | {kind.effect} | {kind.meaning} |" for kind in KINDS)
    yield ""
    yield "## Features"
    yield ""
    yield "| feature | means |"
    yield "|---|---|"
    yield from (f"| `{name}` | {meaning} |" for name, meaning in FEATURES.items())
    yield ""
    yield "## Steps of `via`"
    yield ""
    yield "| step | reached through |"
    yield "|---|---|"
    yield from (f"| `{name}` | {meaning} |" for name, meaning in VIA.items())


if __name__ == "__main__":
    sys.stdout.write(page())
