"""What somebody did lately: told to policies that ask, recorded, counted again from the audit after a restart."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from adapters.core.ports import Answer, Outcome, Pending, Question
from engine._native import Unwritten
from engine.command.tree import ParsedCommand
from engine.decision import DenyKind, Verdict
from engine.request import Json, Principal, quiet_activity
from engine.suite.replay import Gap, Impact, replay
from gateway.approvals.states import Approved, Person
from gateway.audit.catalogs import KeptCatalogs
from gateway.audit.entry import Entry, Kind, body_of
from gateway.audit.recorded import Reader
from gateway.counting import LOOKS_BACK
from gateway.errors import AuditUnavailable
from gateway.remembering import Memory
from tests.strategies.counting_gates import ALLOW_ALL, CI, LIMITS, CountingHouse, judge_of

UNSEEN = """\
policy unseen "Unseen"
applies to postgres

allow all "everything is open"
hold unseen "this is new"
  when context.activity.known_uses > 0 and context.activity.unseen_count > 0
  approvers group "dba"
"""
DOROTHEA = Person("dora", ("dba",))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[CountingHouse]:
    made = CountingHouse(tmp_path)
    yield made
    made.close()


class Line:
    """What the lane of a session writes for an answer that is given again."""

    def line(self, log: Unwritten, decision_id: str, now: int) -> bytes:
        return log.with_line(body_of(Entry(kind=Kind.DECISION, time=now, principal="ci", verdict="allow")))

    def outcome(self, log: Unwritten, now: int) -> bool:
        return True


def decisions(house: CountingHouse) -> list[Entry]:
    return [entry for entry in house.entries() if entry.kind is Kind.DECISION]


def activity(entry: Entry) -> dict[str, Json]:
    found = entry.context["activity"]
    assert isinstance(found, dict)
    return found


def test_rows_that_were_read_hold_the_next_command(house: CountingHouse) -> None:
    assert house.run("SELECT 1 FROM app.t", rows=101).decision.verdict is Verdict.ALLOW
    assert house.run("SELECT 1 FROM app.t").decision.verdict is Verdict.HOLD
    house.clock.pass_seconds(3700)
    assert house.run("SELECT 1 FROM app.t").decision.verdict is Verdict.ALLOW


def test_refusals_lock_somebody_out_whatever_they_ask(house: CountingHouse) -> None:
    for _ in range(3):
        assert house.run("SELECT 1 FROM app.forbidden").decision.verdict is Verdict.DENY
    refused = house.run("SELECT 1 FROM app.t").decision
    assert "limits/DENIALS" in {reason.rule for reason in refused.reasons}
    assert house.run("SELECT 1 FROM app.t", principal=Principal("bo")).decision.verdict is Verdict.ALLOW


def test_the_entry_has_the_numbers_the_decision_was_made_with(house: CountingHouse) -> None:
    house.run("SELECT 1 FROM app.t", rows=7)
    house.run("SELECT 1 FROM app.u", rows=5)
    first, second = decisions(house)
    assert activity(first) == quiet_activity() | {
        "objects_last_minute": 1,
        "objects_last_hour": 1,
        "job": quiet_activity()["job"] | {"objects_last_minute": 1, "objects_last_hour": 1},  # type: ignore[operator]  # an object
        "kind": "build",
        "unseen": [{"operation": "select", "effect": "read", "object": "table app.t"}],
        "unseen_count": 1,
    }
    assert (activity(second)["rows_last_hour"], activity(second)["objects_last_hour"]) == (7, 2)
    assert first.uses is not None
    assert (len(first.uses.objects), first.uses.first) == (1, 1)


@pytest.mark.parametrize("text", ["SELECT 1 FROM app.t", "SELECT 1 FROM app.forbidden"])
def test_a_restart_forgives_nothing(house: CountingHouse, text: str) -> None:
    for number in range(4):
        house.run(text, rows=20, job=f"build-{number}")
        house.clock.pass_seconds(300)
    before = house.gate.informed(house.asked(text), house.clock.now)
    house.restart()
    assert house.gate.informed(house.asked(text), house.clock.now).context == before.context
    assert before.context["activity"]["exact"] is True  # type: ignore[index,call-overload]  # an object


def test_a_recorded_decision_comes_out_the_same_from_the_log_alone(house: CountingHouse) -> None:
    for text in ("SELECT 1 FROM app.t", "SELECT 1 FROM app.forbidden", "SELECT 2 FROM app.u"):
        for _ in range(2):
            house.run(text, rows=60)
    verdicts = {entry.verdict for entry in decisions(house)}
    assert verdicts == {"allow", "deny", "hold"}
    reader, impact = Reader(KeptCatalogs(house.folder / "audit")), Impact()
    recorded = [reader.recorded(msgspec.structs.replace(entry, had_catalog=False)) for entry in decisions(house)]
    replay(judge_of(LIMITS).program, recorded, impact)
    assert (impact.decided, impact.same, impact.flipped) == (6, 6, 0)
    stricter = Impact()
    replay(judge_of(LIMITS.replace("> 100", "> 50")).program, recorded, stricter)
    assert stricter.flipped > 0


def test_an_entry_of_a_time_when_nobody_counted_is_not_guessed_about(house: CountingHouse) -> None:
    house.fixed.program = judge_of(ALLOW_ALL)
    house.counting.end()
    house.run("SELECT 1 FROM app.t")
    (entry,) = decisions(house)
    assert entry.context == {}
    assert entry.uses is None
    recorded = Reader(KeptCatalogs(house.folder / "audit")).recorded(msgspec.structs.replace(entry, had_catalog=False))
    impact = Impact()
    replay(judge_of(LIMITS).program, [recorded], impact)
    assert impact.gaps == {Gap.ACTIVITY: 1}


def test_policies_that_begin_to_ask_say_that_the_past_is_not_known_exactly(house: CountingHouse) -> None:
    house.fixed.program = judge_of(ALLOW_ALL)
    house.counting.end()
    house.run("SELECT 1 FROM app.t", rows=70)
    house.load(LIMITS)
    assert house.run("SELECT 1 FROM app.t", rows=40).decision.verdict is Verdict.ALLOW
    assert house.run("SELECT 1 FROM app.t").decision.verdict is Verdict.HOLD
    first, second, _ = decisions(house)
    assert first.context == {}
    assert (activity(second)["rows_last_hour"], activity(second)["exact"]) == (70, False)
    house.clock.pass_seconds(LOOKS_BACK / 1e9 + 1)
    house.run("SELECT 1 FROM app.t")
    assert activity(decisions(house)[-1])["exact"] is True


def test_nobody_says_for_themselves_what_they_did(house: CountingHouse) -> None:
    for policies in (LIMITS, ALLOW_ALL):
        house.load(policies)
        answer = house.gate.decide(house.asked("SELECT 1 FROM app.t", context={"activity": quiet_activity()}))
        assert (answer.decision.verdict, answer.decision.deny_kind) == (Verdict.DENY, DenyKind.INPUT_INVALID)
    assert all(entry.context == {} for entry in decisions(house))


def test_policies_that_ask_deny_where_nobody_counts(house: CountingHouse) -> None:
    gate = house.build_counting(None)
    assert gate.decide(house.asked("SELECT 1 FROM app.t")).decision.deny_kind is DenyKind.INPUT_INVALID


def test_nothing_is_counted_until_somebody_asks(tmp_path: Path) -> None:
    house = CountingHouse(tmp_path, ALLOW_ALL)
    house.run("SELECT 1 FROM app.t", rows=3)
    assert not house.counting.is_active
    outcome = house.entries()[-1]
    assert (outcome.kind, outcome.principal, outcome.rows) == (Kind.OUTCOME, "", 3)
    house.close()


def test_a_session_is_not_told_again_what_it_was_told_with_older_numbers(house: CountingHouse) -> None:
    house.load(ALLOW_ALL)
    house.counting.end()
    memory = Memory(lambda protocol, text: None)
    asked = house.asked("SELECT 1 FROM app.t", memory=memory)
    assert isinstance(asked.question, Question)
    parts = (memory, asked.question, asked.principal, asked.session, asked.resource)
    house.gate.decide(asked)
    assert house.gate.again(*parts) is not None
    house.load(LIMITS)
    house.gate.decide(asked)
    assert house.gate.again(*parts) is None
    answer = house.gate.decide(asked)
    house.gate.finished(answer.decision_id, Outcome(rows=200), "ci", "build-42")
    assert house.gate.decide(asked).decision.verdict is Verdict.HOLD


def test_what_a_session_was_told_before_is_counted_when_only_a_candidate_asks(house: CountingHouse) -> None:
    house.load(ALLOW_ALL)
    house.counting.end()
    asked = house.asked("SELECT 1 FROM app.t", memory=Memory(lambda protocol, text: None))
    assert isinstance(asked.question, Question)
    assert asked.memory is not None
    parts = (asked.memory, asked.question, asked.principal, asked.session, asked.resource)
    house.gate.decide(asked)
    known = asked.memory.find(*parts[1:2], house.fixed.program, *parts[2:])
    assert known is not None
    assert house.gate.again(*parts) is not None
    assert house.gate.give_again(known, Line())
    house.counting.begin()
    assert house.gate.again(*parts) is None
    assert not house.gate.give_again(known, Line())
    house.gate.decide(asked)
    assert activity(decisions(house)[-1])["commands_last_hour"] == 3
    house.gate.decide(asked)
    assert activity(decisions(house)[-1])["commands_last_hour"] == 4


def test_a_dry_run_and_a_statement_that_is_only_prepared_count_for_nothing(house: CountingHouse) -> None:
    asked = house.asked("SELECT 1 FROM app.t")
    house.gate.decide(msgspec.structs.replace(asked, is_dry=True))
    assert isinstance(asked.question, Question)
    prepared = msgspec.structs.replace(asked.question, prepares=True)
    house.gate.decide(msgspec.structs.replace(asked, question=prepared))
    forbidden = house.asked("SELECT 1 FROM app.forbidden")
    house.gate.decide(msgspec.structs.replace(forbidden, is_dry=True))
    for _ in range(2):
        found = house.gate.informed(asked, house.clock.now).context["activity"]
        assert isinstance(found, dict)
        assert (found["commands_last_hour"], found["denials_last_hour"]) == (0, 0)
        house.restart()


def test_an_approved_command_counts_once_and_teaches_its_kind(tmp_path: Path) -> None:
    house = CountingHouse(tmp_path, UNSEEN)
    assert house.run("SELECT 1 FROM app.t").decision.verdict is Verdict.ALLOW
    assert house.run("SELECT 1 FROM app.t").decision.verdict is Verdict.ALLOW
    held = house.run("DROP TABLE app.t")
    assert held.decision.verdict is Verdict.HOLD
    assert held.ticket is not None
    assert "drop_table" in str(activity(decisions(house)[-1])["unseen"])
    assert house.run("DROP TABLE app.u").decision.verdict is Verdict.HOLD
    house.gate.advance(held.ticket, Approved(DOROTHEA, "fine"))
    assert house.gate.settle(held.ticket).decision.is_granted
    counted = house.gate.informed(house.asked("DROP TABLE app.t"), house.clock.now).context["activity"]
    assert isinstance(counted, dict)
    assert (counted["commands_last_hour"], counted["holds_last_hour"], counted["unseen_count"]) == (3, 2, 0)
    house.restart()
    assert house.run("DROP TABLE app.t", job="build-43").decision.verdict is Verdict.ALLOW
    assert house.run("DROP TABLE app.t", job="build-44", principal=Principal("eve")).decision.verdict is Verdict.ALLOW
    assert house.run("DROP TABLE app.u", job="build-45").decision.verdict is Verdict.HOLD
    house.close()


def test_what_was_refused_or_held_teaches_nothing(tmp_path: Path) -> None:
    house = CountingHouse(tmp_path, UNSEEN)
    house.run("SELECT 1 FROM app.t")
    for _ in range(3):
        assert house.run("DROP TABLE app.t").decision.verdict is Verdict.HOLD
    house.close()


def test_a_tree_that_is_none_is_denied_and_counted(house: CountingHouse) -> None:
    asked = msgspec.structs.replace(house.asked(""), question=ParsedCommand(b"\xc1"))
    assert house.gate.decide(asked).decision.verdict is Verdict.DENY


def test_a_past_that_cannot_be_read_lets_no_policies_in_that_ask(house: CountingHouse) -> None:
    house.run("SELECT 1 FROM app.t", rows=150)
    house.counting.end()
    (segment,) = (house.folder / "audit").glob("*.jsonl")
    house.log.flush()
    whole = segment.read_bytes()
    with segment.open("r+b") as file:
        file.write(b"{" * 10)
        os.fsync(file.fileno())
    with pytest.raises(AuditUnavailable):
        house.counting.begin()
    assert not house.counting.is_active
    segment.write_bytes(whole.replace(b'"objects":["', b'"objects":["x'))
    with pytest.raises(AuditUnavailable):
        house.counting.begin()
    assert not house.counting.is_active


def test_an_hour_ago_is_not_read_again(house: CountingHouse) -> None:
    house.run("SELECT 1 FROM app.t", rows=150)
    house.clock.pass_seconds(7300)
    house.restart()
    assert house.run("SELECT 1 FROM app.t").decision.verdict is Verdict.ALLOW


def test_a_time_in_the_future_counts_as_now(house: CountingHouse) -> None:
    house.clock.pass_seconds(10_000)
    house.run("SELECT 1 FROM app.t", rows=150)
    house.clock.pass_seconds(-10_000)
    house.restart()
    assert house.run("SELECT 1 FROM app.t").decision.verdict is Verdict.HOLD
    house.clock.pass_seconds(3800)
    assert house.run("SELECT 1 FROM app.t").decision.verdict is Verdict.ALLOW


def test_principals_are_counted_over_all_their_sessions(house: CountingHouse) -> None:
    house.run("SELECT 1 FROM app.t", rows=150, job="other-1")
    house.session = replace(house.session, id="s-2")
    assert house.run("SELECT 1 FROM app.t").decision.verdict is Verdict.HOLD
    assert house.run("SELECT 1 FROM app.t", principal=replace(CI, name="else")).decision.verdict is Verdict.ALLOW


def test_approvers_see_the_numbers_that_policies_read_and_what_is_unusual(house: CountingHouse) -> None:
    house.run("SELECT id FROM t", rows=101)
    held = house.gate.decide(house.asked("DELETE FROM u"))
    ticket = house.approvals.get(held.ticket or "")
    assert ticket is not None
    assert ticket.lately == (("denials_last_hour", 0), ("rows_last_hour", 101))
    assert ticket.unusual == "never done by jobs of kind build of ci: delete table app.u"


def test_what_a_kind_of_job_never_did_is_flagged_and_who_is_counted_is_told(house: CountingHouse) -> None:
    flagged: list[int] = []
    house.counting._flagged = lambda: flagged.append(1)
    assert house.counting.counted == 0
    house.run("SELECT id FROM t")
    assert (flagged, house.counting.counted) == ([], 2), "of a kind that nothing is known of nothing is unusual"
    house.run("SELECT id FROM t")
    assert flagged == []
    house.run("DELETE FROM u")
    house.gate.decide(house.asked("DELETE FROM forbidden"))
    assert flagged == [1, 1]


async def test_in_a_loop_what_the_store_has_to_be_asked_about_is_decided_beside_it(house: CountingHouse) -> None:
    first = house.gate.decide_here(house.asked("SELECT 1 FROM app.t"))
    assert isinstance(first, Pending)
    answer = await first
    assert answer.decision.verdict is Verdict.ALLOW
    again = house.gate.decide_here(house.asked("SELECT 1 FROM app.t"))
    assert isinstance(again, Answer), "it is known now, and nobody has to be asked"
    house.gate.finished(answer.decision_id, Outcome(rows=101), "ana", "build-1")
    house.gate.finished(
        answer.decision_id, Outcome(rows=101), house.asked("").principal.name, house.asked("").session.job
    )
    held = house.gate.decide_here(house.asked("SELECT 1 FROM app.u"))
    assert (await held if isinstance(held, Pending) else held).decision.verdict is Verdict.HOLD
    assert [entry.verdict for entry in decisions(house)] == ["allow", "allow", "hold"]
