"""Commands that a policy wants recorded, by the real ssh, through a whole gateway: read again, proven by its audit."""

from __future__ import annotations

from gateway.audit.entry import Entry
from tests.interop.ssh.place import Place


def proof(place: Place, name: str) -> list[Entry]:
    """What the audit says of a recording."""
    return [entry for entry in place.entries() if entry.kind == "recording" and entry.note == name]


def test_a_recorded_command_is_played_byte_for_byte(place: Place) -> None:
    done = place.ssh("printf 'a\\377b\\n'; echo oops >&2 #record")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"a\xffb\n", b"oops\n")
    found = place.recordings()[-1]
    assert found.shape == "command"
    assert found.principal == "ana"
    lines = place.recorded_lines(found.id)
    assert b'"bytes":"Yf9iCg=="' in lines
    assert b'"text":"oops\\n"' in lines
    assert b"#record" in lines
    assert lines.splitlines()[-1].endswith(b'"is":"exit","status":0}')
    # The file ends before the audit is told that it did.
    place.wait_until(lambda: len(proof(place, found.id)) > 1)
    assert [entry.step for entry in proof(place, found.id)] == ["began", "ended"]
    assert proof(place, found.id)[1].digest == place.recorded_digest(found.id)


def test_other_commands_leave_no_recording(place: Place) -> None:
    before = len(place.recordings())
    assert place.ssh("true").returncode == 0
    assert len(place.recordings()) == before


def test_what_cannot_be_recorded_does_not_run(place: Place) -> None:
    mark = place.folder / "ran"
    place.gateway.recordings._low_water = 1 << 62
    try:
        done = place.ssh(f"touch {mark} #record")
    finally:
        place.gateway.recordings._low_water = 1 << 20
    assert done.returncode == 255
    assert b"has to be recorded" in done.stderr
    assert not mark.exists()
