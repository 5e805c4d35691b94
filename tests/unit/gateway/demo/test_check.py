from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from engine.decision import Verdict
from gateway.demo.check import MAX_SUMMARY, Result, Stage, play_acts, play_all, table
from gateway.demo.parts.part import Act
from gateway.demo.sample import sample_rows
from gateway.demo.scenes import Scene, held_order, scenes

ROWS = sample_rows()
ORDERS = len(ROWS[1].rows)

#: A psql that waits for its approval as the real one does: until the file `approved` appears (a pipe, so nobody polls).
HOLDING = """#!/bin/sh
echo 'NOTICE:  held by examples.demo/PROD_WRITE' >&2
echo 'HINT:  sallyport approve T-1' >&2
read -r _ <"$(dirname "$0")/approved"
echo 'UPDATE 1'
"""
APPROVING = """#!/bin/sh
echo "$1 $SALLYPORT_CONFIG" >"$(dirname "$0")/ticket"
echo go >"$(dirname "$0")/approved"
"""


def program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


class Database:
    """Answers what the direct connection is asked; a held order is paid once it was looked at before."""

    def __init__(self, orders: int = ORDERS, states: tuple[str, ...] = ("open", "paid")) -> None:
        self.orders = orders
        self.states = list(states)

    def look(self, sql: str) -> str:
        if "count(*)" in sql:
            return str(self.orders)
        assert sql.endswith(f"id = {held_order(ROWS[1])}")
        return self.states.pop(0)


def stage(tmp_path: Path, psql: str, database: Database, approve: str = APPROVING) -> Stage:
    program(tmp_path / "psql", psql)
    program(tmp_path / "approve", approve)
    return Stage(
        tmp_path / "psql", tmp_path / "services", (str(tmp_path / "approve"),), tmp_path / "config", database.look
    )


def only(verdict: Verdict) -> tuple[Scene, ...]:
    return tuple(scene for scene in scenes() if scene.verdict is verdict)


def fifo(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "approved")


def test_a_held_command_is_approved_by_its_ticket_and_ends(tmp_path: Path) -> None:
    fifo(tmp_path)
    (result,) = play_all(stage(tmp_path, HOLDING, Database()), only(Verdict.HOLD), ROWS)
    assert result.differences == ()
    assert result.seen == "UPDATE 1"
    assert (tmp_path / "ticket").read_text().strip() == f"T-1 {tmp_path / 'config'}"


def test_a_command_that_ran_before_its_approval_is_noticed(tmp_path: Path) -> None:
    fifo(tmp_path)
    database = Database(states=("paid", "paid"))
    (result,) = play_all(stage(tmp_path, HOLDING, database), only(Verdict.HOLD), ROWS)
    assert result.differences == ("the held command ran before it was approved",)


def test_a_command_that_only_says_it_ran_is_noticed(tmp_path: Path) -> None:
    fifo(tmp_path)
    database = Database(states=("open", "open"))
    (result,) = play_all(stage(tmp_path, HOLDING, database), only(Verdict.HOLD), ROWS)
    assert result.differences == ("the approved command changed nothing",)


def test_a_hold_without_a_ticket_is_noticed(tmp_path: Path) -> None:
    psql = "#!/bin/sh\necho UPDATE 1\n"
    (result,) = play_all(stage(tmp_path, psql, Database()), only(Verdict.HOLD), ROWS)
    assert "no ticket was announced" in result.differences


def test_a_failing_approval_ends_the_scene_and_is_noticed(tmp_path: Path) -> None:
    fifo(tmp_path)
    refusing = "#!/bin/sh\necho nobody you know >&2\nexit 1\n"
    database = Database(states=("open", "open"))
    (result,) = play_all(stage(tmp_path, HOLDING, database, refusing), only(Verdict.HOLD), ROWS)
    assert any("nobody you know" in difference for difference in result.differences)


def test_rows_that_are_gone_are_noticed_whatever_psql_says(tmp_path: Path) -> None:
    psql = "#!/bin/sh\necho 'ERROR:  WITHOUT_WHERE' >&2\nexit 1\n"
    (result,) = play_all(stage(tmp_path, psql, Database(orders=0)), only(Verdict.DENY), ROWS)
    assert result.differences == (f"0 orders are left of {ORDERS}",)


def test_the_callers_own_settings_do_not_reach_psql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "mine")
    monkeypatch.setenv("PGHOST", "elsewhere")
    psql = "#!/bin/sh\nenv | grep '^PG' >&2\necho 'ERROR:  WITHOUT_WHERE' >&2\nexit 1\n"
    (result,) = play_all(stage(tmp_path, psql, Database()), only(Verdict.DENY), ROWS)
    assert result.seen == f"PGSERVICEFILE={tmp_path / 'services'}"


def test_the_table_names_each_difference(tmp_path: Path) -> None:
    allow, deny = only(Verdict.ALLOW)[0], only(Verdict.DENY)[0]
    text = table([Result(allow, "rows", ()), Result(deny, "DELETE 120", ("exit status 0, expected 1",))])
    assert text.splitlines()[1].startswith("ok")
    assert "DIFFERS  deny" in text
    assert text.endswith("  deny: exit status 0, expected 1")


#: A `sallyport` of which one line waits: `approve` lets it go on, through a pipe.
WAITING = """#!/bin/sh
here="$(dirname "$0")"
case "$1" in
holds) echo '[{"id": "T-9"}]' ;;
approve) echo "$2 $SALLYPORT_CONFIG" >"$here/ticket"; echo go >"$here/approved" ;;
esac
"""


def acts(tmp_path: Path, script: str, sallyport: str, verdict: Verdict, status: int, done: list[bool]) -> Result:
    """A line that is a script, with what its target says each time it is asked."""
    line = program(tmp_path / "line", f"#!/bin/sh\n{script}\n")
    program(tmp_path / "sallyport", sallyport)
    where = Stage(line, line, (str(tmp_path / "sallyport"), "approve"), tmp_path / "config", str)
    scene = Scene(verdict, "ana", "", "words", status, (r"^out$",), argv=(str(line),))
    (result,) = play_acts(where, [Act(scene, lambda: done.pop(0))])
    return result


def test_a_line_of_another_part_that_waits_is_approved_by_what_waits(tmp_path: Path) -> None:
    fifo(tmp_path)
    script = 'read -r _ <"$(dirname "$0")/approved"; echo out'
    result = acts(tmp_path, script, WAITING, Verdict.HOLD, 0, [False, True])
    assert (result.differences, result.seen) == ((), "out")
    assert (tmp_path / "ticket").read_text() == f"T-9 {tmp_path / 'config'}\n"


def test_what_was_done_too_early_or_not_at_all_is_noticed(tmp_path: Path) -> None:
    fifo(tmp_path)
    script = 'read -r _ <"$(dirname "$0")/approved"; echo out'
    result = acts(tmp_path, script, WAITING, Verdict.HOLD, 0, [True, False])
    assert result.differences == ("it was done before it was approved", "what was asked for was not done")


def test_a_line_that_should_wait_and_ends_is_noticed(tmp_path: Path) -> None:
    result = acts(tmp_path, "echo out", "#!/bin/sh\necho '[]'\nsleep 1\n", Verdict.HOLD, 0, [True])
    assert "nothing waited" in result.differences


def test_an_approval_that_fails_is_noticed(tmp_path: Path) -> None:
    broken = WAITING.replace("approve) ", "approve) echo no >&2; exit 3; ")
    result = acts(tmp_path, "exec sleep 60", broken, Verdict.HOLD, 0, [False, False])
    assert "`sallyport approve` ended with 3: no" in result.differences


def test_a_denied_line_that_was_done_is_noticed_and_long_words_are_cut(tmp_path: Path) -> None:
    result = acts(tmp_path, "echo out; exit 1", WAITING, Verdict.DENY, 1, [False])
    assert result.differences == ()
    result = acts(tmp_path, f"echo {'x' * 500}; exit 1", WAITING, Verdict.DENY, 1, [True])
    assert "what was denied was done" in result.differences
    assert len(result.seen) == MAX_SUMMARY
