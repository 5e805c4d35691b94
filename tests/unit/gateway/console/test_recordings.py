"""The pages of recordings: for auditors, and nothing is shown that nobody recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.audit.entry import Entry, Kind
from gateway.console import recordings as pages
from gateway.console.calls import CallRefused, Data, Page, Reply
from gateway.console.recordings import Places, Recordings
from gateway.errors import AuditUnavailable
from gateway.recording.keys import WrappingKeys
from gateway.recording.recorder import About
from gateway.recording.recorder import Recordings as Recorder
from gateway.recording.shelf import files
from tests.strategies.console import call, viewer
from tests.strategies.gates import House

KEYS = WrappingKeys([b"k" * 32])


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    made.log.append(Entry(kind=Kind.SESSION, time=1, step="opened", session="s-1", principal="ana", resource="box"))
    made.log.append(Entry(kind=Kind.DECISION, time=2, verdict="allow", text="SELECT 1", session="s-1", resource="box"))
    made.log.flush()
    yield made
    made.close()


@pytest.fixture
def shown(house: House, tmp_path: Path) -> tuple[Recordings, list[str]]:
    recorder = Recorder(tmp_path / "r", KEYS, lambda: 10**18, lambda progress: None, low_water_bytes=0)
    for number in range(3):
        one = recorder.begin(About(f"s-{number}", "ana", "box", "d", "7"), None, lambda: None)
        one.output(b"here\n")
        one.end(0)
    recorder.close()
    names = [path.stem for path in files(tmp_path / "r")]
    return Recordings(Places(tmp_path / "r", KEYS, tmp_path / "audit"), house.log.append), names


def fields(reply: Reply) -> dict[str, object]:
    assert isinstance(reply, Page)
    return dict(reply.fields)


def data(reply: Reply) -> dict[str, object]:
    assert isinstance(reply, Data)
    found: dict[str, object] = json.loads(reply.body)
    return found


def told(house: House) -> list[Entry]:
    return [one for one in house.entries() if one.step == "played"]


def test_they_are_listed_and_those_of_a_session_alone(
    shown: tuple[Recordings, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    page, names = shown
    found = fields(page.list(call()))
    assert sorted(one.head.id for one in found["recordings"]) == sorted(names)  # type: ignore[attr-defined]  # a list
    one = fields(page.list(call(query={"session": "s-1"})))["recordings"]
    assert [each.head.session for each in one] == ["s-1"]  # type: ignore[attr-defined]  # a list
    monkeypatch.setattr(pages, "MAX_LISTED", 2)
    assert fields(page.list(call()))["is_more"]


def test_what_is_played_is_recorded_once_for_each_sign_in_and_before_it_is_shown(
    house: House, shown: tuple[Recordings, list[str]]
) -> None:
    page, names = shown
    where = {"recording": names[0]}
    assert fields(page.one(call(path=where)))["head"].id == names[0]  # type: ignore[attr-defined]  # a head
    assert told(house) == []
    for _ in range(2):
        events = data(page.events(call(path=where)))
        assert [one[1:] for one in events["events"]] == [["o", "here\r\n"], ["x", "0"]]  # type: ignore[attr-defined]  # a list
        assert (events["next"], events["trouble"]) == (None, "")
    (entry,) = told(house)
    assert (entry.person, entry.note, entry.principal, entry.job, entry.kind) == (
        *("dora", names[0], "ana", "7"),
        Kind.RECORDING,
    )
    page.events(call(path={"recording": names[1]}))
    assert len(told(house)) == 2


def test_what_cannot_be_recorded_is_not_played(
    house: House, shown: tuple[Recordings, list[str]], tmp_path: Path
) -> None:
    def full(entry: Entry) -> None:
        raise AuditUnavailable("no room")

    page = Recordings(Places(tmp_path / "r", KEYS, tmp_path / "audit"), full)
    for _ in range(2):
        with pytest.raises(AuditUnavailable):
            page.events(call(path={"recording": shown[1][0]}))
        with pytest.raises(AuditUnavailable):
            page.session_events(call(path={"session": "s-1"}))


def test_a_session_is_played_from_the_audit(house: House, shown: tuple[Recordings, list[str]]) -> None:
    page, _ = shown
    found = fields(page.session(call(path={"session": "s-1"})))
    assert (found["session"], len(found["recorded"])) == ("s-1", 1)  # type: ignore[arg-type]  # a list
    events = data(page.session_events(call(path={"session": "s-1"})))
    assert "SELECT 1" in str(events["events"])
    assert [(one.note, one.person) for one in told(house)] == [("s-1", "dora")]


def test_others_than_auditors_see_none_of_it(house: House, shown: tuple[Recordings, list[str]]) -> None:
    page, names = shown
    other = viewer(roles=("approver", "operator"))
    for ask in (page.list, page.one, page.events, page.session, page.session_events):
        with pytest.raises(CallRefused) as caught:
            ask(call(other, path={"recording": names[0], "session": "s-1"}))
        assert caught.value.status == 403
    assert told(house) == []


@pytest.mark.parametrize("name", ["", "r-0000000000000000", "../../etc/passwd", "r-*"])
def test_what_is_not_there_is_not_found(house: House, shown: tuple[Recordings, list[str]], name: str) -> None:
    page, names = shown
    for ask in (page.one, page.events, page.session, page.session_events):
        with pytest.raises(CallRefused) as caught:
            ask(call(path={"recording": name, "session": name}))
        assert caught.value.status == 404
    for query in ({"chunk": "x"}, {"at": "-1"}):
        with pytest.raises(CallRefused):
            page.events(call(path={"recording": names[0]}, query=query))


def test_one_that_cannot_be_opened_says_so(house: House, shown: tuple[Recordings, list[str]], tmp_path: Path) -> None:
    page = Recordings(Places(tmp_path / "r", WrappingKeys([b"o" * 32]), tmp_path / "audit"), house.log.append)
    with pytest.raises(CallRefused) as caught:
        page.events(call(path={"recording": shown[1][0]}))
    assert caught.value.status == 409
    path = files(tmp_path / "r")[0]
    path.write_bytes(b"nothing")
    with pytest.raises(CallRefused):
        page.one(call(path={"recording": path.stem}))
    assert path.stem not in {one.head.id for one in fields(page.list(call()))["recordings"]}  # type: ignore[attr-defined]  # a list
