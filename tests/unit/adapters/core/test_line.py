"""What waits, waits in its order: nothing is handled before the answer that it came behind."""

from __future__ import annotations

import asyncio

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.events import Event, Side
from adapters.core.line import Line
from adapters.core.ports import Answer, Pending, Question
from adapters.core.relay import Relay
from adapters.core.surroundings import Surroundings
from engine.decision import Decision, Verdict
from tests.unit.adapters.core.test_relay import ADMIT, QUESTION, Gate, Keeper, Script, Wire, play, settled

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


def test_an_end_comes_before_everything_that_waits() -> None:
    line = Line()
    line.reserve()
    line.append(FIRST)
    line.put_first(SECOND)
    assert not line.is_stuck
    assert line.next() is SECOND
    assert line.is_stuck


def test_what_is_left_at_the_end_is_given_without_what_never_came() -> None:
    line = Line()
    line.reserve()
    line.append(FIRST)
    line.append(SECOND)
    assert line.rest() == [FIRST, SECOND]
    assert (line.rest(), line.is_open, line.next()) == ([], False, None)


# --- as a relay has it


class Later(Gate):
    """A gate that answers when it is let."""

    def decide(self, question: Question) -> Answer | Pending:  # type: ignore[override]  # as the port has it
        self.calls.append("decide")
        self.answers: list[asyncio.Future[Answer]] = getattr(self, "answers", [])
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.answers.append(answer)

        async def told() -> Answer:
            try:
                return await answer
            except asyncio.CancelledError:
                self.calls.append("broken off")
                raise

        return Pending(told)


async def test_what_comes_before_a_late_answer_is_handled_after_it() -> None:
    gate = Later()
    relay, session, _ = play(
        lambda event: [do.Ask(1, QUESTION), do.Ask(2, QUESTION)] if session_asks(event) else [], Keeper(gate)
    )
    relay.client.data_received(b"ask")
    relay.client.data_received(b"more")
    await settled()
    seen = len(session.seen)
    granted = Answer(Decision(Verdict.ALLOW, None), "d-1")
    gate.answers[1].set_result(granted)
    await settled()
    assert len(session.seen) == seen, "the first is not answered"
    gate.answers[0].set_result(granted)
    await settled()
    assert session.seen[seen:] == [
        saw.Decided(1, granted),
        saw.Decided(2, granted),
        saw.BytesReceived(Side.CLIENT, b"more"),
    ]


def session_asks(event: Event) -> bool:
    return isinstance(event, saw.BytesReceived) and event.data == b"ask"


async def test_a_late_hold_is_waited_for_like_another() -> None:
    gate = Later(fate_of=asyncio.get_running_loop().create_future())
    relay, session, _ = play(lambda event: [do.Ask(1, QUESTION)] if session_asks(event) else [], Keeper(gate))
    relay.client.data_received(b"ask")
    await settled()
    held = Answer(Decision(Verdict.HOLD, None), "d-1", "T-1")
    gate.answers[0].set_result(held)
    await settled()
    assert session.seen[-1] == saw.Decided(1, held)
    assert gate.fate_of is not None
    gate.fate_of.set_result(granted := Answer(Decision(Verdict.ALLOW, None), "d-2"))
    await settled()
    assert session.seen[-1] == saw.Decided(1, granted)


async def test_who_is_gone_before_a_late_answer_breaks_the_question_off() -> None:
    gate = Later()
    relay, _, _ = play(lambda event: [do.Ask(1, QUESTION)] if session_asks(event) else [], Keeper(gate))
    relay.client.data_received(b"ask")
    await settled()
    relay.cut("gone")
    await settled()
    assert gate.calls[-2:] == ["close", "broken off"]


async def test_what_happens_while_a_credential_is_had_waits_and_nothing_is_read_meanwhile() -> None:
    had = asyncio.Event()

    class Slow(Keeper):
        def is_ready(self, resource: str) -> bool:
            return False

        async def make_ready(self, resource: str) -> None:
            await had.wait()

    keeper = Slow()
    session = Script(lambda event: [ADMIT] if isinstance(event, saw.TimePassed) else [])
    relay = Relay(session, Surroundings(keeper), client_address=None)
    wire = Wire()
    relay.client.connection_made(wire)
    relay.take(saw.TimePassed())
    await settled()
    relay.hear(Side.CLIENT, b"early")
    assert keeper.admitted == [], "nobody is admitted before"
    assert "pause" in wire.log
    assert [type(event) for event in session.seen] == [saw.TimePassed]
    had.set()
    await settled()
    assert [type(event) for event in session.seen] == [saw.TimePassed, saw.Admitted, saw.BytesReceived]
    assert "resume" in wire.log
