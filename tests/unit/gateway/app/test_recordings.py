"""What the audit is told of recordings, and when they go."""

from __future__ import annotations

import os
import time
from pathlib import Path

from gateway.app.recordings import DAY, build_recordings, put_away_old
from gateway.audit.entry import Kind
from gateway.audit.log import AuditLog
from gateway.audit.read import Filter, read
from gateway.config.model import Config
from gateway.config.model import Recording as Keeping
from gateway.recording.keys import WrappingKeys
from gateway.recording.recorder import About
from gateway.recording.shelf import files


def test_each_recording_is_in_the_audit_with_its_digest_and_goes_when_its_time_is_over(tmp_path: Path) -> None:
    config = Config(recording=Keeping(dir="recordings", keep_days=30, low_water_bytes=1), folder=tmp_path)
    log = AuditLog(tmp_path / "audit", low_water_bytes=1)
    made = build_recordings(config, WrappingKeys([b"k" * 32]), log)
    one = made.begin(About("s", "ana", "box", "d-1", "job"), None, lambda: None)
    one.output(b"x")
    one.end(0)
    made.close()
    now = time.time_ns()
    (path,) = files(tmp_path / "recordings")
    assert put_away_old(config, log, now) == 0
    assert put_away_old(config, log, now + 31 * DAY) == 1
    assert files(tmp_path / "recordings") == []
    log.close()
    began, ended, removed = read(tmp_path / "audit", Filter(kinds=frozenset({Kind.RECORDING})))
    assert [began.step, ended.step, removed.step] == ["began", "ended", "removed"]
    assert {began.note, ended.note, removed.note} == {path.stem}
    assert ended.digest == removed.digest != began.digest
    assert (ended.principal, ended.resource, ended.job, ended.decision_id) == ("ana", "box", "job", "d-1")


def test_what_is_kept_for_ever_stays_and_so_does_what_is_written(tmp_path: Path) -> None:
    config = Config(recording=Keeping(dir="recordings", low_water_bytes=1), folder=tmp_path)
    log = AuditLog(tmp_path / "audit", low_water_bytes=1)
    made = build_recordings(config, WrappingKeys([b"k" * 32]), log)
    one = made.begin(About("s", "ana", "box", "d-1"), None, lambda: None)
    assert put_away_old(config, log, time.time_ns() + 10_000 * DAY) == 0
    kept = Config(recording=Keeping(dir="recordings", keep_days=30), folder=tmp_path)
    (path,) = files(tmp_path / "recordings")
    later = time.time_ns() + 31 * DAY
    os.utime(path, ns=(later, later))
    assert put_away_old(kept, log, later) == 0
    one.end(0)
    made.close()
    log.close()
