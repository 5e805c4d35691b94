"""Answers that come later: broken off when nobody waits any more, and then nothing is granted, left open or without an outcome."""

from __future__ import annotations

import asyncio

import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.effects import Effect
from adapters.core.events import Event, Side
from adapters.core.late import Late
from adapters.core.line import Line
from adapters.core.ports import NOBODY_WAITS, Answer, Cause, Outcome
from engine.decision import Decision, Verdict
from tests.unit.adapters.core.test_line import Later, session_asks
from tests.unit.adapters.core.test_relay import QUESTION, Gate, Keeper, play, settled

GRANTED = Answer(Decision(Verdict.ALLOW, None), "d-1")
HELD = Answer(Decision(Verdict.HOLD, None), "d-2", "T-1")
CLIENT_LEFT = saw.EndReceived(Side.CLIENT)


class Told(Later):
    """A gate that answers late, and notes why things ended."""

    def finished(self, decision_id: str, outcome: Outcome) -> None:
        self.calls.append(f"finished {decision_id} {outcome.error}")

    def close(self, reason: str) -> None:
        self.calls.append(f"close {reason}")


def asking(event: Event) -> list[Effect]:
    """A session that asks when it hears `ask`, runs what is granted, and ends when it is told to."""
    match event:
        case saw.BytesReceived(Side.CLIENT, b"ask"):
            return [do.Ask(1, QUESTION)]
        case saw.Decided(_, answer) if answer.decision.is_granted:
            return [do.Send(Side.UPSTREAM, b"run")]
        case saw.StopRequested(reason):
            return [do.Send(Side.CLIENT, reason.encode()), do.Close(reason)]
        case _:
            return []


@pytest.mark.parametrize("cause", [Cause.KILLED, Cause.REVOKED, Cause.UNRECORDED])
async def test_who_is_told_to_end_at_once_is_granted_nothing_afterwards(cause: Cause) -> None:
    gate = Told()
    relay, session, wire = play(asking, Keeper(gate))
    relay.client.data_received(b"ask")
    await settled()
    relay.stop("an operator ended this session", cause)
    assert wire.out == b"an operator ended this session", "it is told now, not when the store has answered"
    assert [type(event) for event in session.seen[1:]] == [saw.StopRequested]
    gate.answers[0].cancelled() or gate.answers[0].set_result(GRANTED)
    await settled()
    assert len(session.seen) == 2
    assert gate.calls[-1] == "broken off"


async def test_who_is_told_to_end_soon_may_hear_the_answer_before() -> None:
    gate = Told()
    relay, session, _ = play(asking, Keeper(gate))
    relay.client.data_received(b"ask")
    await settled()
    relay.stop("the gateway stops", Cause.DRAIN)
    gate.answers[0].set_result(GRANTED)
    await settled()
    assert session.seen[1] == saw.Decided(1, GRANTED)
    assert isinstance(session.seen[2], saw.StopRequested)


async def test_a_session_whose_client_is_lost_hears_of_it_though_it_waits_for_an_answer() -> None:
    def outcome(event: Event) -> list[Effect]:
        return [do.Record("d-0", Outcome(error="LEFT"))] if event == CLIENT_LEFT else asking(event)

    gate = Told()
    relay, session, _ = play(outcome, Keeper(gate))
    relay.client.data_received(b"ask")
    await settled()
    relay.lost(Side.CLIENT)
    await settled()
    assert session.seen[1:] == [CLIENT_LEFT, saw.Decided(1, NOBODY_WAITS)]
    assert gate.calls[-3:] == ["finished d-0 LEFT", "close the client's connection was lost", "broken off"]


async def test_a_session_that_is_cut_says_what_became_of_what_ran_in_it() -> None:
    def outcome(event: Event) -> list[Effect]:
        return [do.Record("d-0", Outcome(error="LEFT")), do.Close("the client left")] if event == CLIENT_LEFT else []

    gate = Told()
    relay, session, _ = play(outcome, Keeper(gate))
    relay.cut("enough")
    relay.cut("more than enough")
    assert session.seen == [CLIENT_LEFT]
    assert gate.calls[-2:] == ["finished d-0 LEFT", "close enough"]


async def test_what_was_granted_and_never_heard_of_is_told_not_to_have_happened() -> None:
    def twice(event: Event) -> list[Effect]:
        if session_asks(event):
            return [do.Ask(1, QUESTION), do.Ask(2, QUESTION)]
        return [do.Close("denied")] if isinstance(event, saw.Decided) else []

    gate = Told()
    relay, session, _ = play(twice, Keeper(gate))
    relay.client.data_received(b"ask")
    await settled()
    gate.answers[1].set_result(GRANTED)
    await settled()
    relay.cut("gone")
    await settled()
    assert session.seen[1:] == [CLIENT_LEFT, saw.Decided(1, NOBODY_WAITS)]
    assert gate.calls.count("finished d-1 CLIENT_GONE") == 1


async def test_an_interrupt_is_done_only_when_what_it_is_to_stop_was_answered() -> None:
    gate = Told()
    relay, session, _ = play(asking, Keeper(gate))
    relay.client.data_received(b"ask")
    await settled()
    interrupting = asyncio.create_task(relay.interrupt())
    await settled()
    assert not interrupting.done()
    gate.answers[0].set_result(GRANTED)
    await interrupting
    assert session.seen[1:] == [saw.Decided(1, GRANTED), saw.InterruptRequested()]


async def test_a_ticket_is_let_go_once_and_all_are_taken_back_at_the_end() -> None:
    line, gate = Line(), Gate()
    late = Late(line, lambda work: asyncio.get_running_loop().create_task(work), lambda: None)
    waiting = [asyncio.create_task(asyncio.Event().wait()) for _ in range(2)]
    for number, task in enumerate(waiting):
        late.held[number] = (f"T-{number}", task)  # type: ignore[assignment]  # what it gives is nobody's business
    assert late.let_go(0) == "T-0"
    assert late.let_go(0) is None
    line.append(saw.Decided(7, HELD))
    late.leave(gate, "over")
    assert gate.calls == ["withdraw T-1"]
    await asyncio.wait(waiting)
    assert all(task.cancelled() for task in waiting)
