"""Whatever is written through it is closed, by the rule of its resource, in whichever form it comes."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine._native import EntryForm, PostgresLane
from gateway.audit.content_keys import FOLDER
from gateway.audit.entry import Entry, Kind, encode
from gateway.audit.log import AuditLog, segments
from gateway.audit.read import read
from gateway.audit.shielding import DEFAULT_RULE, ShieldedLog
from gateway.errors import AuditUnavailable
from tests.strategies.lanes import COMMAND, writer
from tests.wire import BOUND, PARSED, Known, described, query, ready, row, tag

NOW = 1_795_000_000 * 10**9
CANARY = "c4nary-78"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[ShieldedLog]:
    opened = ShieldedLog(tmp_path, {"orders": "short"}, low_water_bytes=0)
    yield opened
    opened.close()


def decision(resource: str = "orders") -> Entry:
    return Entry(kind=Kind.DECISION, time=NOW, decision_id="d-1", resource=resource, text=CANARY, verdict="allow")


def test_entries_and_ready_lines_are_closed_appended_or_noted(log: ShieldedLog, tmp_path: Path) -> None:
    body = encode(decision(), 1)[len(b'{"seq":1,') : -1]
    log.append(decision())
    log.append(body)
    log.note(decision())
    log.note(body)
    log.append(Entry(kind=Kind.APPROVAL, time=NOW, ticket="h-1", note=CANARY, resource="orders"))
    log.flush()
    assert CANARY.encode() not in b"".join(path.read_bytes() for path in segments(tmp_path))
    *decisions, step = read(tmp_path)
    assert [one.text for one in decisions] == [CANARY] * 4
    assert step.note == CANARY
    assert {one.content_key.split("/")[0] for one in decisions} == {"short"}


def test_what_no_rule_names_is_kept_by_default_and_what_has_no_content_stays(log: ShieldedLog, tmp_path: Path) -> None:
    log.append(decision("other"))
    log.append(b'"kind":"outcome","time":5,"decision_id":"d-1","rows":3}')
    log.append(Entry(kind=Kind.STARTED, time=NOW, note="policies r1"))
    log.flush()
    first, outcome, started = read(tmp_path)
    assert first.content_key.startswith(f"{DEFAULT_RULE}/")
    assert (outcome.content_key, outcome.rows, started.note) == ("", 3, "policies r1")


def test_what_cannot_be_closed_is_not_written(log: ShieldedLog, tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("in the way")
    with pytest.raises(AuditUnavailable):
        log.append(decision())
    with pytest.raises(AuditUnavailable) as caught:
        log.append(b'"kind":"decision","time":oops}')
    assert caught.value.code == "AUDIT_ENTRY"
    assert log.next_seq == 1


def test_a_line_that_begins_like_none_that_is_known_is_looked_into(log: ShieldedLog, tmp_path: Path) -> None:
    log.append(f'"time":{NOW},"kind":"decision","decision_id":"d-1","resource":"orders","text":"{CANARY}"}}'.encode())
    log.flush()
    assert CANARY.encode() not in b"".join(path.read_bytes() for path in segments(tmp_path))
    (one,) = read(tmp_path)
    assert one.text == CANARY


def test_what_became_of_something_and_cannot_be_told_is_an_error(log: ShieldedLog) -> None:
    class Silent:
        def line(self, log: object, decision_id: str, clock: int) -> bytes | None:
            return None

        def outcome(self, log: object, clock: int) -> bool:
            return False

    with pytest.raises(AuditUnavailable):
        log.note_again(Silent(), NOW)


def test_it_hides_nothing_of_the_log_it_is() -> None:
    own = {name for name in vars(ShieldedLog) if not name.startswith("__")}
    assert own & set(vars(AuditLog)) == {"append", "append_again", "lends", "note", "note_again"}


def test_no_lane_writes_into_it(log: ShieldedLog) -> None:
    assert not log.is_lent
    assert writer(log.unwritten).carry(COMMAND, 1.0) is None
    log.subscribe(lambda seq: None)()
    log._look_at_space()
    assert writer(log.unwritten).carry(COMMAND, 1.0) is None


def test_everything_that_takes_entries_or_lines_is_closed() -> None:
    takers = {
        name
        for name, word in vars(AuditLog).items()
        if callable(word) and {"entry", "lines"} & set(inspect.signature(word).parameters)
    }
    assert takers == {"append", "append_again", "note", "note_again"}
    assert takers <= set(vars(ShieldedLog))


def test_an_answer_that_is_given_again_is_closed_too(log: ShieldedLog, tmp_path: Path) -> None:
    lane = PostgresLane()
    form = EntryForm(b',"resource":"orders"', b',"verdict":"allow"', "postgres", None, hides=False)
    lane.learn(b"select 1", form, for_shape=True, answer=None)
    lane.open(ord("I"), simple=True, extended=False, until=math.inf, names=Known())
    for _ in range(2):
        assert lane.ask(query(f"select '{CANARY}'"), 1.0) is None
        assert lane.ask(query("select 78"), 1.0) is not None
        assert log.append_again(lane, "d-1", NOW)
        assert lane.reply(PARSED + BOUND + described("a") + row("1") + tag("SELECT 1") + ready(), 1.0) is not None
        log.note_again(lane, NOW)
        log.note_again(lane, NOW)
    log.flush()
    assert b"select 78" not in b"".join(path.read_bytes() for path in segments(tmp_path))
    told = list(read(tmp_path))
    assert [(one.kind, one.text, one.rows) for one in told] == [
        (Kind.DECISION, "select 78", None),
        (Kind.OUTCOME, "", 1),
    ] * 2
    assert told[0].content_key.startswith("short/")
    assert not log.append_again(lane, "d-1", NOW)
    assert log.next_seq == 5
