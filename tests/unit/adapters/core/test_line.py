"""What waits, waits in its order: nothing is handled before the answer that it came behind."""

from __future__ import annotations

from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.line import Line

FIRST, SECOND, THIRD = saw.TimePassed(), saw.EndReceived(Side.CLIENT), saw.FactsRefreshed()


def test_events_come_in_their_order() -> None:
    line = Line()
    line.append(FIRST)
    line.append(SECOND)
    assert not line.is_open
    assert not line.is_stuck
    assert [line.next() for _ in range(3)] == [FIRST, SECOND, None]


def test_what_came_behind_a_question_waits_for_its_answer() -> None:
    line = Line()
    line.append(FIRST)
    place = line.reserve()
    line.append(THIRD)
    assert line.is_open
    assert not line.is_stuck
    assert line.next() is FIRST
    assert line.is_stuck
    assert line.next() is None
    line.fill(place, SECOND)
    assert not line.is_open
    assert [line.next() for _ in range(3)] == [SECOND, THIRD, None]


def test_of_two_questions_the_first_is_answered_first() -> None:
    line = Line()
    first, second = line.reserve(), line.reserve()
    line.fill(second, SECOND)
    assert line.is_stuck
    assert line.next() is None
    line.fill(first, FIRST)
    assert [line.next() for _ in range(2)] == [FIRST, SECOND]
