"""The shell parser against outside commands: every command that mvdan/sh sees is seen, what bash refuses is not complete.

Differences have causes (`EXPLAINED` of `tests/conformance/agreement/shell.py`); anything else is a failure.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.conformance.agreement.shell import CORPORA, items, refused_by_bash, seen_by_both
from tests.shell_commands import command
from tests.shell_decisions import measure
from tests.time_bounds import within

BUDGET_SECONDS = 1.0
# What the open items give today; docs say what is let through and why. They only rise.
FLOOR_STOPPED = 0.97
FLOOR_FREE = 0.30


@pytest.mark.parametrize("name", CORPORA)
def test_every_command_that_mvdan_sees_is_seen(corpora: Path, name: str) -> None:
    found = seen_by_both(corpora, name)
    assert found.unexplained == [], (found.explained, found.unexplained[:10])
    assert found.agree > 5000


def test_what_bash_refuses_is_never_complete(corpora: Path) -> None:
    found = refused_by_bash(corpora)
    assert found.passed == []
    assert found.must_refuse > 100


@pytest.mark.parametrize("name", CORPORA)
def test_no_text_takes_long(corpora: Path, name: str) -> None:
    for item in items(corpora, name):
        assert within(BUDGET_SECONDS, partial(command, item["command"]), item["command"]).operations


def test_the_example_policy_stops_what_is_dangerous_and_lets_people_work(corpora: Path) -> None:
    # One of seven of the harmless: the whole table is docs/measured/shell_verdicts.md.
    table = measure(corpora, every=7)
    assert table.share("dangerous", {"deny", "hold"}) >= FLOOR_STOPPED
    assert table.share("harmless", {"allow", "hold"}) >= 0.95
    assert table.share("harmless", {"allow"}) >= FLOOR_FREE
