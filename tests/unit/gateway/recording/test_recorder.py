"""Recordings as they are written: whole when they ended, short of little when they did not, never with a hole."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.core.ports import Screen
from adapters.errors import RecorderFailed
from gateway.errors import AuditUnavailable, RecordingUnavailable
from gateway.recording.keys import WrappingKeys
from gateway.recording.recorder import CHUNK, About, Progress, Recording, Recordings, Stopped
from gateway.recording.shelf import events, files, put_away, state_of

KEYS = WrappingKeys([b"k" * 32])
ABOUT = About("s-1", "ana", "box", "d-1", "job-7")


class Shelf:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[Progress] = []
        self.news = threading.Condition()
        self.refuses = ""
        self.free = 1 << 40
        self.made = Recordings(folder, KEYS, lambda: 10**18, self.tell, free_bytes=lambda path: self.free)

    def tell(self, progress: Progress) -> None:
        if progress.step == self.refuses:
            raise AuditUnavailable("full")
        with self.news:
            self.told.append(progress)
            self.news.notify_all()

    def begin(self, screen: Screen | None = None) -> Recording:
        made = self.made.begin(ABOUT, screen, lambda: self.tell(Progress("told", "", ABOUT, 0, 0, b"")))
        assert isinstance(made, Recording)
        return made

    @property
    def steps(self) -> list[str]:
        return [one.step for one in self.told]

    def text(self) -> str:
        (path,) = files(self.folder)
        return "".join(event.data for event in events(path, KEYS) if event.code == "o")


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path / "recordings")
    yield made
    made.made.close()


@pytest.mark.parametrize("screen", [None, Screen(80, 24, "xterm")])
def test_what_was_shown_is_read_again_and_the_audit_has_its_digest(shelf: Shelf, screen: Screen | None) -> None:
    one = shelf.begin(screen)
    one.told({"text": "ls"})
    one.output(b"hello ")
    one.resized(90, 30)
    one.output(b"world", is_error=True)
    one.end(0)
    assert shelf.text() == "hello world"
    (path,) = files(shelf.folder)
    state = state_of(path)
    assert (state.trouble, state.chunks) == ("", 1)
    assert [(p.step, p.about) for p in shelf.told] == [("began", ABOUT), ("ended", ABOUT)]
    assert (shelf.told[-1].digest, shelf.told[-1].size, shelf.told[-1].chunks) == (state.digest, state.size, 1)


def test_much_output_is_written_as_it_comes(shelf: Shelf) -> None:
    one = shelf.begin()
    one.output(b"x" * (CHUNK * 80))
    (path,) = files(shelf.folder)
    assert state_of(path).trouble == "UNFINISHED"
    assert state_of(path).chunks >= 64
    assert shelf.steps == ["began", "continued"]
    one.end(0)
    assert shelf.text() == "x" * (CHUNK * 80)


def test_hostile_bytes_fit_too(shelf: Shelf) -> None:
    one = shelf.begin(Screen(80, 24, "xterm"))
    one.output(b"\x00\xff" * (1 << 20))
    one.end(None)
    assert len(shelf.text()) == 2 << 20


def test_a_little_output_is_written_within_a_second(shelf: Shelf) -> None:
    one = shelf.begin()
    one.output(b"a word")
    (path,) = files(shelf.folder)
    deadline = time.monotonic() + 60
    while not state_of(path).chunks:
        assert time.monotonic() < deadline
    one.end(0)


def test_a_disk_that_fails_ends_it_and_tells(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    one = shelf.begin()
    monkeypatch.setattr(one, "_append", lambda data: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(RecorderFailed):
        one.output(b"x" * CHUNK)
    with pytest.raises(RecorderFailed):
        one.output(b"more")
    one.end(0)
    one.end(0)
    assert shelf.steps == ["began", "failed", "told"]


def test_a_write_that_comes_out_short_is_a_failure(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    one = shelf.begin()
    monkeypatch.setattr("gateway.recording.recorder.os.write", lambda fd, data: len(data) - 1)
    with pytest.raises(RecorderFailed):
        one.output(b"x" * CHUNK)


def test_the_thread_that_writes_tells_of_a_failure_too(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    one = shelf.begin()
    monkeypatch.setattr(one, "_append", lambda data: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    one.output(b"a word")
    with shelf.news:
        assert shelf.news.wait_for(lambda: "told" in shelf.steps, 60)
    with pytest.raises(RecorderFailed):
        one.output(b"more")


def test_nothing_begins_that_the_audit_does_not_know_of(shelf: Shelf) -> None:
    shelf.refuses = "began"
    with pytest.raises(RecorderFailed):
        shelf.begin()


def test_an_end_that_the_audit_does_not_take_is_a_failure(shelf: Shelf) -> None:
    one = shelf.begin()
    shelf.refuses = "ended"
    one.end(0)
    assert shelf.steps == ["began", "failed", "told"]


def test_nothing_begins_without_room(shelf: Shelf) -> None:
    shelf.free = 1
    with pytest.raises(RecorderFailed) as found:
        shelf.begin()
    assert found.value.code == "RECORDER_LOW"


def test_closing_ends_what_is_open_and_takes_no_more(shelf: Shelf) -> None:
    one = shelf.begin()
    one.output(b"open")
    shelf.made.close()
    assert shelf.text() == "open"
    assert shelf.steps == ["began", "ended"]
    with pytest.raises(RecorderFailed):
        shelf.begin()
    with pytest.raises(RecorderFailed):
        one.output(b"more")


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingUnavailable):
        Recordings(tmp_path / "file" / "x", KEYS, lambda: 0, lambda progress: None)


# --- best effort


def effort(shelf: Shelf) -> Recording:
    made = shelf.made.begin(ABOUT, None, lambda: shelf.tell(Progress("told", "", ABOUT, 0, 0, b"")), may_stop=True)
    assert isinstance(made, Recording)
    return made


def break_(one: Recording) -> None:
    """Its file takes nothing any more, as on a full disk."""
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, one._fd)
    os.close(full)


def test_one_that_may_stop_swallows_the_rest_once_the_audit_knows(shelf: Shelf) -> None:
    one = effort(shelf)
    one.output(os.urandom(CHUNK))
    break_(one)
    for _ in range(3):
        one.output(os.urandom(CHUNK))
    one.told({"decision": "d-2"})
    one.end(0)
    assert shelf.steps == ["began", "incomplete"]
    last = shelf.told[-1]
    assert (last.id, last.chunks, bool(last.digest)) == (one.id, 1, True)
    (path,) = files(shelf.folder)
    assert state_of(path).trouble == "INCOMPLETE"
    put_away(path)
    assert list(shelf.folder.rglob("r-*")) == []


def test_where_the_audit_cannot_be_told_it_fails_like_any_other(shelf: Shelf) -> None:
    one = effort(shelf)
    shelf.refuses = "incomplete"
    break_(one)
    with pytest.raises(RecorderFailed):
        one.output(os.urandom(CHUNK * 2))
    with pytest.raises(RecorderFailed):
        one.output(b"more")
    one.end(0)
    assert shelf.steps == ["began", "told"]
    (path,) = files(shelf.folder)
    assert state_of(path).trouble == "UNFINISHED"


def test_one_that_cannot_be_begun_is_told_and_goes_on_as_nothing(shelf: Shelf) -> None:
    shelf.free = 1
    one = shelf.made.begin(ABOUT, None, pytest.fail, may_stop=True)
    assert isinstance(one, Stopped)
    one.output(b"x")
    one.resized(80, 24)
    one.told({})
    one.write(lambda at: ())
    one.end(0)
    with pytest.raises(RecorderFailed):
        one.insist()
    assert [(progress.step, progress.id) for progress in shelf.told] == [("incomplete", "")]
    shelf.refuses = "incomplete"
    with pytest.raises(RecorderFailed):
        shelf.made.begin(ABOUT, None, pytest.fail, may_stop=True)


def test_what_is_demanded_strictly_later_may_not_stop(shelf: Shelf) -> None:
    one = effort(shelf)
    one.insist()
    break_(one)
    with pytest.raises(RecorderFailed):
        one.output(os.urandom(CHUNK * 2))
    assert shelf.steps == ["began", "failed", "told"]
    stopped = effort(shelf)
    break_(stopped)
    stopped.output(os.urandom(CHUNK * 2))
    with pytest.raises(RecorderFailed):
        stopped.insist()
