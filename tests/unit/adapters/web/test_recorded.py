"""What of an answer's body is recorded: the first of it, before it is sent; messages are counted."""

from __future__ import annotations

from adapters.core.effects import ShowPart
from adapters.core.ports import Answer
from adapters.core.recorded import MAX_BYTES
from adapters.web.recorded import Tap, count_messages, tap_of
from adapters.web.session.doing import Doing
from engine.decision import Decision, Obligation, Verdict
from engine.request import Json


def granted(value: Json) -> Answer:
    return Answer(Decision(Verdict.ALLOW, None, obligations=(Obligation("record", value, "p/K"),)), "d-1")


def parts(doing: Doing) -> list[ShowPart]:
    return [one for one in doing.effects if isinstance(one, ShowPart)]


def test_only_results_that_are_demanded_have_a_tap() -> None:
    doing = Doing()
    assert tap_of(None, doing) is None
    assert tap_of(granted(True), doing) is None
    assert isinstance(tap_of(granted(["results"]), doing), Tap)


def test_a_body_is_recorded_up_to_its_bound_and_then_said_to_be_cut() -> None:
    doing = Doing()
    tap = Tap("d-1", doing)
    for data in (b"", b"a", b"b" * MAX_BYTES, b"late", b"later"):
        tap.take(data)
    first, second = parts(doing)
    assert (first.decision_id, first.part.data, first.part.is_cut) == ("d-1", b"a", False)
    assert (len(second.part.data), second.part.is_cut) == (MAX_BYTES - 1, True)


def test_a_body_of_just_the_bound_is_whole_until_more_comes() -> None:
    doing = Doing()
    tap = Tap("d-1", doing)
    tap.take(b"x" * MAX_BYTES)
    assert [one.part.is_cut for one in parts(doing)] == [False]
    tap.take(b"y")
    assert [one.part.is_cut for one in parts(doing)] == [False, True]


def test_messages_are_counted_where_it_is_recorded() -> None:
    doing = Doing()
    count_messages(Answer(Decision(Verdict.ALLOW, None), "d-1"), doing, 3, 4)
    assert parts(doing) == []
    count_messages(granted(True), doing, 3, 4)
    assert parts(doing)[0].part.rows == (("3", "4"),)
