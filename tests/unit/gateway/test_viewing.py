"""Who looks at recordings is an entry first, of the recording as its own head says."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.audit.entry import Entry, Kind
from gateway.errors import AuditUnavailable, RecordingBroken
from gateway.recording.keys import WrappingKeys
from gateway.recording.recorder import About, Recordings
from gateway.recording.shelf import Wanted, files
from gateway.viewing import MAX_SOUGHT, WAYS, Playing, Searching, Viewings, Way

TOKEN = "glpat-" + "aB3dE6gH9jK2mN5pQ8sT"  # the shape of a token, of nobody's


class Told:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def __call__(self, entry: Entry) -> int:
        self.entries.append(entry)
        return len(self.entries)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    recorder = Recordings(tmp_path, WrappingKeys([b"k" * 32]), lambda: 10**18, lambda progress: None, low_water_bytes=0)
    for who in ("ana", "ana", "bo"):
        recorder.begin(About("s-1", who, "box", "d-7", "build-1"), None, lambda: None).end(0)
    recorder.close()
    return tmp_path


def test_who_plays_or_exports_one_is_told_with_what_it_is(place: Path) -> None:
    told = Told()
    viewings = Viewings(place, told, lambda: 5)
    name = next(path.stem for path in files(place))
    assert viewings.announce(Playing(name), by="vera") == 1
    assert viewings.announce(Playing(name, is_export=True), by="vera") == 2
    played, exported = told.entries
    assert (played.kind, played.time, played.step, played.person) == (Kind.RECORDING, 5, "played", "vera")
    assert (played.note, played.session, played.resource, played.job) == (name, "s-1", "box", "build-1")
    assert (played.decision_id, played.principal in {"ana", "bo"}) == ("d-7", True)
    assert exported.step == Way.EXPORTED
    assert {one.step for one in told.entries} < WAYS


def test_who_searches_is_told_with_the_text_and_how_many_are_opened(place: Path) -> None:
    told = Told()
    viewings = Viewings(place, told, lambda: 5)
    viewings.announce(Searching("DROP", Wanted(principal="ana", since=10**18)), by="vera")
    viewings.announce(Searching(f"x {TOKEN} {'y' * MAX_SOUGHT}", Wanted(until=1 << 62)), by="vera")
    one, two = told.entries
    assert (one.step, one.person, one.text, one.rows) == ("searched", "vera", "DROP", 2)
    assert (one.principal, one.resource, one.job, one.note) == ("ana", "", None, "since 2001-09-09T01:46:40+00:00")
    assert TOKEN not in two.text
    assert (len(two.text), two.rows) == (MAX_SOUGHT, 3)
    assert two.note.startswith("until ")


def test_a_time_that_no_calendar_has_is_told_as_it_is(place: Path) -> None:
    told = Told()
    Viewings(place, told, lambda: 5).announce(Searching("x", Wanted(since=-(1 << 80))), by="vera")
    assert told.entries[0].note == f"since {-(1 << 80)}"


@pytest.mark.parametrize("name", ["", "r-0000000000000000", "../../etc/passwd"])
def test_what_is_not_there_is_not_told(place: Path, name: str) -> None:
    told = Told()
    with pytest.raises(RecordingBroken):
        Viewings(place, told, lambda: 5).announce(Playing(name), by="vera")
    assert told.entries == []


def test_a_file_under_the_name_of_another_is_none(place: Path) -> None:
    told = Told()
    path = next(iter(files(place)))
    copy = path.with_name(f"r-{'0' * 16}{path.suffix}")
    copy.write_bytes(path.read_bytes())
    with pytest.raises(RecordingBroken) as caught:
        Viewings(place, told, lambda: 5).announce(Playing(copy.stem), by="vera")
    assert caught.value.code == "ALTERED"
    path.unlink()
    path.mkdir()
    with pytest.raises(RecordingBroken):
        Viewings(place, told, lambda: 5).announce(Playing(path.stem), by="vera")
    assert told.entries == []


def test_what_cannot_be_told_raises(place: Path) -> None:
    def full(entry: Entry) -> int:
        raise AuditUnavailable("no room")

    for look in (Playing(next(path.stem for path in files(place))), Searching("x", Wanted())):
        with pytest.raises(AuditUnavailable):
            Viewings(place, full, lambda: 5).announce(look, by="vera")
