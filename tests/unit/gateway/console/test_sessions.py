"""The page of sessions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.request import Principal, Resource, Session
from gateway.audit.entry import Entry, Kind
from gateway.console.calls import PAGE, CallRefused, Goto, Page
from gateway.console.sessions import MAX_LIVE, Sessions
from gateway.doors.sessions import Live
from gateway.errors import SessionUnknown
from tests.strategies.console import call, viewer
from tests.strategies.gates import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def live(number: int) -> Live:
    return Live(Session(f"s-{number}"), Principal("ana"), Resource("orders", "postgres"), number)


class Open:
    """So many sessions; what was ended."""

    def __init__(self, many: int) -> None:
        self.found = [live(number) for number in range(many)]
        self.ended: list[tuple[str, str, str]] = []

    def live(self) -> list[Live]:
        return self.found

    def end(self, session_id: str, *, by: str, comment: str) -> Live:
        found = next((one for one in self.found if one.session.id == session_id), None)
        if found is None:
            raise SessionUnknown("none")
        self.ended.append((session_id, by, comment))
        return found


def page(house: House, many: int, **query: str) -> Page:
    house.log.flush()
    shown = Sessions(house.folder / "audit", Open(many))
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


def test_it_is_for_auditors_and_of_the_open_ones_for_operators(house: House) -> None:
    shown = Sessions(house.folder / "audit", Open(1))
    with pytest.raises(CallRefused):
        shown.list(call(viewer(roles=("approver",))))
    house.log.append(Entry(kind=Kind.SESSION, time=1, step="opened", principal="ana"))
    house.log.flush()
    reply = shown.list(call(viewer(roles=("operator",))))
    assert isinstance(reply, Page)
    assert (len(reply.fields["live_sessions"]), reply.fields["entries"]) == (1, ())  # type: ignore[arg-type]  # a list


def test_an_operator_ends_a_session_in_their_own_name(house: House) -> None:
    sessions = Open(2)
    shown = Sessions(house.folder / "audit", sessions)
    operator = viewer(roles=("operator",))
    assert shown.end(call(operator, path={"session": "s-1"}, form={"reason": " too slow "})) == Goto("/sessions")
    assert sessions.ended == [("s-1", operator.name, "too slow")]
    with pytest.raises(CallRefused) as gone:
        shown.end(call(operator, path={"session": "s-9"}))
    assert gone.value.status == 409


def test_who_is_no_operator_ends_nothing(house: House) -> None:
    sessions = Open(1)
    for roles in (("auditor",), ("approver", "auditor"), ()):
        with pytest.raises(CallRefused) as refused:
            Sessions(house.folder / "audit", sessions).end(call(viewer(roles=roles), path={"session": "s-0"}))
        assert refused.value.status == 403
    assert sessions.ended == []


def test_a_list_that_there_is_not_is_refused(house: House) -> None:
    for query in ({"step": "closed"}, {"before": "soon"}):
        with pytest.raises(CallRefused) as caught:
            page(house, 0, **query)
        assert caught.value.status == 400
