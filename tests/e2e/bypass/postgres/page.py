"""`docs/bypass.md`, written from the cases: `python -m tests.e2e.bypass.postgres.page`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.e2e.bypass.postgres.cases import CASES

PAGE = Path(__file__).parents[4] / "docs" / "bypass.md"
_HEAD = """\
# Ways around a guard, and what becomes of them

Written from `tests/e2e/bypass/postgres/cases.py` by `python -m tests.e2e.bypass.postgres.page`; do not edit.

Each way is sent in all its spellings through a whole gateway with the policies of `policies/postgres` to a real PostgreSQL
server, by somebody who may read and sees `ssn` masked. The test fails when one comes to anything else than what stands here,
when a value of `ssn` comes back in any message, or when anything on the server has changed.

*stop*: refused, or it waits for people. *mask*: rows come back, masked. *mask or stop*: either is safe. *run*: harmless, and it runs.

## PostgreSQL

| | way | comes to | tried | for example |
|---|---|---|---|---|
"""


def page_text() -> str:
    return _HEAD + "".join(_rows())


def _rows() -> Iterator[str]:
    for case in CASES:
        tried = f"{len(case.texts)} spellings" if case.texts else "message by message"
        example = case.texts[0] if case.texts else case.special.removeprefix("test_").replace("_", " ")
        shown = " ".join(example.split()).replace("|", "\\|")
        quoted = f"`` {shown} ``" if "`" in shown else f"`{shown}`" if case.texts else shown
        yield f"| {case.number} | {case.title} | {case.expected} | {tried} | {quoted} |\n"


if __name__ == "__main__":
    PAGE.write_text(page_text(), encoding="utf-8")
