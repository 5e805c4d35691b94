"""What is shown is recorded first; what cannot be is not shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

import pytest

from adapters.core import effects as do
from adapters.core.events import Side
from adapters.core.ports import GateSession, Outcome, Part, Screen
from adapters.core.taping import Tape, unsent
from adapters.errors import RecorderFailed
from engine.request import Json

SCREEN = Screen(80, 24, "xterm")


@dataclass
class Kept:
    """A recording that fails when it is told to."""

    said: list[object] = field(default_factory=list)
    is_broken: bool = False
    id: str = "r-1"

    def _keep(self, one: object) -> None:
        if self.is_broken:
            raise RecorderFailed("no room", code="RECORDER_LOW")
        self.said.append(one)

    def output(self, data: bytes, *, is_error: bool = False) -> None:
        self._keep(data)

    def resized(self, columns: int, rows: int) -> None:
        self._keep((columns, rows))

    def told(self, said: Mapping[str, Json]) -> None:
        self._keep(dict(said))

    def end(self, status: int | None) -> None:
        self.said.append(("end", status))


@dataclass
class House:
    """A gate that records, a client, whoever is told of failures."""

    kept: Kept = field(default_factory=Kept)
    sent: list[bytes] = field(default_factory=list)
    failures: int = 0
    failed: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        self.tape = Tape(self._count)

    def _count(self) -> None:
        self.failures += 1

    def record(self, decision_id: str, screen: Screen | None, failed: Callable[[], None]) -> Kept:
        assert (decision_id, screen) == ("d-1", SCREEN)
        if self.kept.is_broken:
            raise RecorderFailed("no room", code="RECORDER_LOW")
        self.failed = failed
        return self.kept

    def do(self, *effects: do.Recorded) -> House:
        for effect in effects:
            self.tape.perform(effect, cast(GateSession, self), self.sent.append)
        return self


START = do.StartRecording("d-1", SCREEN)


def test_what_is_shown_is_recorded_then_sent() -> None:
    house = House().do(
        START, do.RecordFact({"a": 1}), do.Show(b"out", b"<out>"), do.RecordSize(90, 20), do.Show(b"x", b"")
    )
    house.do(do.EndRecording(3))
    assert house.kept.said == [{"a": 1}, b"out", (90, 20), b"x", ("end", 3)]
    assert (house.sent, house.failures) == ([b"<out>"], 0)


def test_what_cannot_be_recorded_is_never_sent_and_told_once() -> None:
    house = House().do(START)
    house.kept.is_broken = True
    house.do(do.Show(b"a", b"<a>"), do.Show(b"b", b"<b>"), do.RecordSize(1, 1))
    house.kept.is_broken = False
    house.do(do.Show(b"c", b"<c>"), do.Show(b"", b"<d>"))
    assert (house.sent, house.failures) == ([], 1)


def test_a_failure_from_elsewhere_stops_it_too() -> None:
    house = House().do(START)
    assert house.failed is not None
    house.failed()
    house.failed()
    assert (house.do(do.Show(b"a", b"<a>")).sent, house.failures) == ([], 1)


def test_a_recording_that_cannot_begin_shows_nothing() -> None:
    house = House(Kept(is_broken=True)).do(START, do.Show(b"a", b"<a>"))
    assert (house.sent, house.failures) == ([], 1)


def test_nothing_is_shown_where_nothing_is_recorded() -> None:
    with pytest.raises(RuntimeError):
        House().do(do.Show(b"a", b"<a>"))
    house = House().do(START, do.EndRecording(None))
    with pytest.raises(RuntimeError):
        house.do(do.Show(b"a", b"<a>"))


def test_whoever_leaves_it_ends_it() -> None:
    house = House().do(START)
    house.tape.end(None)
    house.tape.end(None)
    assert house.kept.said == [("end", None)]


def test_behind_what_could_not_be_recorded_nothing_is_sent_or_shown() -> None:
    record = do.Record("d-1", Outcome())
    wishes = [do.Send(Side.UPSTREAM, b"x"), record, do.Show(b"a", b"a"), do.ShowPart("d-1", Part()), do.Close("so")]
    assert list(unsent(wishes)) == [record, do.Close("so")]
