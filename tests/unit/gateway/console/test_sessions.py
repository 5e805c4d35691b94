"""The page of sessions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.request import Principal, Resource, Session
from gateway.audit.entry import Entry, Kind
from gateway.console.calls import PAGE, CallRefused, Page
from gateway.console.sessions import MAX_LIVE, Sessions
from gateway.doors.adapters import Live
from tests.strategies.console import call, viewer
from tests.strategies.gates import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def live(number: int) -> Live:
    return Live(Session(f"s-{number}"), Principal("ana"), Resource("orders", "postgres"), number)


def page(house: House, many: int, **query: str) -> Page:
    house.log.flush()
    shown = Sessions(house.folder / "audit", lambda: [live(number) for number in range(many)])
    reply = shown.list(call(query=query))
    assert isinstance(reply, Page)
    return reply


def test_the_newest_open_session_comes_first_and_there_is_a_limit(house: House) -> None:
    found = page(house, MAX_LIVE + 5)
    sessions = found.fields["live_sessions"]
    assert isinstance(sessions, list)
    assert (len(sessions), sessions[0].opened_at, found.fields["more"]) == (MAX_LIVE, MAX_LIVE + 4, 5)


def test_logins_are_listed_refused_ones_alone_when_asked(house: House) -> None:
    for number in range(PAGE + 5):
        step = "refused" if number % 5 == 0 else "opened"
        house.log.append(Entry(kind=Kind.SESSION, time=number, step=step, principal="ana"))
        house.log.append(Entry(kind=Kind.DECISION, time=number))
    everything = page(house, 0)
    assert everything.fields["older"] == "?before=11"
    assert everything.live == "log"
    refused = page(house, 0, step="refused")
    assert {entry.step for entry in refused.fields["entries"]} == {"refused"}  # type: ignore[attr-defined]  # a list of entries
    assert page(house, 0, step="refused", before="50").live == ""


def test_it_is_for_auditors(house: House) -> None:
    with pytest.raises(CallRefused):
        Sessions(house.folder / "audit", list).list(call(viewer(roles=("approver",))))
