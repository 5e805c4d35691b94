"""What is wished for once is not wished for twice."""

from __future__ import annotations

from adapters.core import effects as do
from adapters.core.events import Side
from adapters.web.session.doing import Doing


def test_each_event_has_effects_of_its_own() -> None:
    doing = Doing()
    doing.send(b"a")
    doing.send(b"")
    assert doing.effects == [do.Send(Side.CLIENT, b"a")]
    doing.begin(1.0)
    assert doing.effects == []


def test_a_pause_and_a_connection_end_once() -> None:
    doing = Doing()
    doing.resume()
    doing.drop_target()
    assert doing.effects == []
    doing.pause()
    doing.pause()
    doing.open_target()
    doing.drop_target()
    doing.drop_target()
    doing.resume()
    doing.resume()
    assert doing.effects == [do.Pause(Side.CLIENT), do.OpenUpstream(), do.CloseUpstream(), do.Resume(Side.CLIENT)]


def test_the_time_is_told_when_it_is_needed_and_not_more_often() -> None:
    doing = Doing()
    doing.arm()
    assert doing.effects == []
    doing.wait(5.0)
    doing.arm()
    doing.begin(1.0)
    doing.wait(5.0)
    doing.arm()
    assert doing.effects == [], "a later deadline costs one look more, not one wish more"
    doing.begin(5.0)
    assert not doing.is_late()
    doing.arm()
    assert doing.effects == [do.WakeAt(6.0)]
    doing.begin(6.0)
    assert doing.is_late()
    doing.wait(None)
    assert not doing.is_late()
    doing.wait(1.0)
    doing.arm()
    doing.begin(6.5)
    doing.wait(0.1)
    doing.arm()
    assert doing.effects == [do.WakeAt(6.6)], "a nearer one is told at once"


def test_a_connection_that_somebody_else_asked_for_is_ended_too() -> None:
    doing = Doing()
    doing.take_target()
    doing.drop_target()
    assert doing.effects == [do.CloseUpstream()]


def test_a_connection_is_kept_once_and_only_where_it_may_be() -> None:
    doing = Doing()
    doing.keep_target("ana", 5.0)
    assert doing.effects == [], "there is none"
    doing.open_target("ana")
    doing.keep_target(None, 5.0)
    doing.keep_target("ana", 0.0)
    doing.keep_target("ana", 5.0)
    doing.drop_target()
    assert doing.effects == [do.OpenUpstream(kept_for="ana"), do.KeepUpstream("ana", 5.0)]
    doing.begin(0.0)
    doing.open_target(None, "ana")
    assert doing.effects == [do.OpenUpstream(shared_for="ana")]
