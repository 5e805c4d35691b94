"""`sessions` and `play`: what was recorded, found and shown without harm."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from pathlib import Path

import msgspec
import pytest

from adapters.core.ports import Screen
from gateway.app.recordings import build_recordings
from gateway.audit.entry import Entry, Kind
from gateway.audit.log import AuditLog
from gateway.audit.read import read
from gateway.cli import main
from gateway.config import load_config
from gateway.recording.keys import WrappingKeys, own_secret
from gateway.recording.recorder import About
from gateway.recording.shelf import files
from gateway.store.database import open_database
from gateway.store.migrations import upgrade
from gateway.store.untold import take
from gateway.viewing import WAYS

HOSTILE = "\x1b]52;c;eA==\x07\x1b[6n"
CONFIG = '[policies]\npath = "policies"\n[recording]\nlow_water_bytes = 1048576\n[audit]\nlow_water_bytes = 1048576\n'


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "sallyport.toml").write_text(CONFIG)
    monkeypatch.setenv("SALLYPORT_CONFIG", str(tmp_path / "sallyport.toml"))
    config = load_config(tmp_path / "sallyport.toml", {})
    log = AuditLog(config.at(config.audit.dir))
    made = build_recordings(config, WrappingKeys([own_secret(config.at(config.recording.dir))]), log)
    one = made.begin(About("s-1", "ana", "box", "d-1", "job-7"), Screen(80, 24, "xterm"), lambda: None)
    one.told({"decision": "d-1", "verdict": "allow", "text": "cat secret-plan"})
    one.output(f"\x1b[31mred\x1b[0m{HOSTILE} plan B\r\n".encode())
    one.end(0)
    two = made.begin(About("s-2", "bo", "box", "d-2"), None, lambda: None)
    two.output(b"quiet\n")
    two.end(1)
    made.close()
    log.close()
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(list(arguments)) == code
    return capsys.readouterr().out


def recorded(capsys: pytest.CaptureFixture[str], *filters: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in run(capsys, "sessions", "--json", *filters).splitlines()]


def test_they_are_listed_and_filtered(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [one["principal"] for one in recorded(capsys)] == ["ana", "bo"] or len(recorded(capsys)) == 2
    assert [one["id"] for one in recorded(capsys, "--job", "job-7")] == [
        one["id"] for one in recorded(capsys, "--principal", "ana")
    ]
    assert recorded(capsys, "--until", "2020-01-01") == []
    shown = run(capsys, "sessions", "--resource", "box")
    assert "ana@box" in shown
    assert "wrapped" not in shown
    assert run(capsys, "sessions", "--principal", "nobody") == "nothing was recorded\n"


def looks(place: Path) -> list[Entry]:
    return [entry for entry in read(place / "state/audit") if entry.step in WAYS]


def test_who_plays_exports_or_searches_is_in_the_audit_as_on_the_console(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (one,) = recorded(capsys, "--principal", "ana")
    run(capsys, "play", str(one["id"]), "--speed", "0")
    run(capsys, "sessions", "search", "plan", "--principal", "ana")
    run(capsys, "sessions", "search", "pl\udcffan", "--job", "j\udcff")
    run(capsys, "sessions", "check")
    played, searched, odd = looks(place)
    assert (played.kind, played.step, played.note) == (Kind.RECORDING, "played", one["id"])
    assert (played.principal, played.resource, played.job, played.session) == ("ana", "box", "job-7", "s-1")
    assert (searched.step, searched.text, searched.principal, searched.rows) == ("searched", "plan", "ana", 1)
    assert (odd.text, odd.job, odd.rows) == ("pl\\udcffan", "j\\udcff", 0)
    assert {entry.person.partition(":")[0] for entry in looks(place)} == {"local"}
    shown = run(capsys, "audit", "show", "--kind", "recording")
    assert f"played     {one['id']}  ana@box  by local:" in shown
    assert "searched   `plan` in 1 recordings  ana@  by local:" in shown


def test_what_cannot_be_told_is_not_shown(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (one,) = recorded(capsys, "--principal", "ana")
    file = place / "sallyport.toml"
    file.write_text(
        file.read_text().replace("[audit]\nlow_water_bytes = 1048576", "[audit]\nlow_water_bytes = 9000000000000000")
    )
    for words in (
        ["play", str(one["id"])],
        ["play", str(one["id"]), "--export", "lines"],
        ["sessions", "search", "plan"],
    ):
        assert main(words) == 3
        said = capsys.readouterr()
        assert (said.out, "short of space" in said.err) == ("", True)
    assert looks(place) == []


def test_play_shows_what_draws_and_nothing_else(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (one,) = recorded(capsys, "--principal", "ana")
    shown = run(capsys, "play", str(one["id"]), "--speed", "0")
    assert shown == "\x1b[31mred\x1b[0m plan B\r\n"
    assert run(capsys, "play", str(one["id"]), "--speed", "1000", "--from", "0.1") == shown


def test_a_recording_is_exported_for_players_as_it_was(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for who, code in (("ana", "o"), ("bo", "o")):
        (one,) = recorded(capsys, "--principal", who)
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", out)
            assert main(["play", str(one["id"]), "--export", "asciicast"]) == 0
        head, *rest = [json.loads(line) for line in out.buffer.getvalue().splitlines()]
        assert head["version"] == 3
        assert code in {line[1] for line in rest}
        if who == "ana":
            assert HOSTILE in "".join(line[2] for line in rest)


def test_commands_and_what_was_shown_are_searched(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(run(capsys, "sessions", "search", "plan").splitlines()) == 2
    assert "ana@box" in run(capsys, "sessions", "search", "red plan B")
    assert "bo@box" in run(capsys, "sessions", "search", "quiet")
    assert run(capsys, "sessions", "search", "plan", "--principal", "bo") == ""


def test_recordings_are_checked_against_the_audit(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "sessions", "check").count("whole, 1 chunks") == 2
    (one,) = recorded(capsys, "--principal", "bo")
    (path,) = [path for path in files(place / "state/recordings") if path.stem == one["id"]]
    raw = path.read_bytes()
    path.write_bytes(raw[:-5])
    assert "NOT what the audit knows" in run(capsys, "sessions", "check", path.stem, code=1)
    path.write_bytes(raw[:-5] + bytes(5))
    assert "NOT what the audit knows" in run(capsys, "sessions", "check", path.stem, code=1)
    path.unlink()
    assert "NOT there" in run(capsys, "sessions", "check", code=1)
    copy = path.with_name("r-0000000000000000.srec")
    copy.write_bytes(raw.replace(path.stem.encode(), copy.stem.encode()))
    assert "NOT known to the audit" in run(capsys, "sessions", "check", copy.stem, code=1)


def test_a_torn_recording_is_shown_as_far_as_it_goes_and_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (one,) = recorded(capsys, "--principal", "bo")
    (path,) = [path for path in files(place / "state/recordings") if path.stem == one["id"]]
    path.write_bytes(path.read_bytes()[:-5])
    assert main(["play", path.stem]) == 1
    assert "(TORN)" in capsys.readouterr().err
    assert "TORN" in run(capsys, "sessions", "--principal", "bo")


def test_old_ones_are_put_away(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions", "prune"]) == 2
    assert run(capsys, "sessions", "prune", "--days", "1") == ""
    old = time.time() - 3 * 86_400
    (path, _) = files(place / "state/recordings")
    os.utime(path, (old, old))
    # The head says when it began, and that is today.
    assert run(capsys, "sessions", "prune", "--days", "1") == ""


def test_what_is_put_away_by_hand_is_told_first_by_whom(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    later = time.time_ns() + 3 * 86_400 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: later)
    database = open_database(f"sqlite:///{place}/state/store.db")
    upgrade(database)
    told: list[str] = []
    assert run(capsys, "sessions", "prune", "--days", "1", "--dry-run") != ""
    assert len(files(place / "state/recordings")) == 2
    names = sorted(path.stem for path in files(place / "state/recordings"))
    run(capsys, "sessions", "prune", "--days", "1")
    assert files(place / "state/recordings") == []
    assert take(database, told.append) == 2
    entries = [msgspec.json.decode(word, type=Entry) for word in told]
    assert sorted(entry.note for entry in entries) == names
    assert {(entry.step, entry.person.partition(":")[0]) for entry in entries} == {("removed", "local")}
    database.close()


def test_there_is_a_key_or_a_word_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "sallyport.toml").write_text('[policies]\npath = "policies"\n')
    assert main(["sessions", "search", "x", "--config", str(tmp_path / "sallyport.toml")]) == 3
    assert not (tmp_path / "state/recordings").exists()
