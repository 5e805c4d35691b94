"""Limits fit each other."""

from __future__ import annotations

from adapters.core.buffer import HIGH_WATER
from adapters.web.session.settings import HOLD_BACK, MAX_JUDGED_BODY, MAX_SHOWN, Settings
from engine.command.http.parse import MAX_BYTES
from engine.command.http.wire import MAX_HEAD


def test_what_is_judged_fits_into_what_a_judge_reads() -> None:
    assert MAX_JUDGED_BODY + MAX_HEAD < MAX_BYTES
    assert MAX_SHOWN <= MAX_HEAD
    assert HOLD_BACK <= HIGH_WATER


def test_no_time_is_without_end() -> None:
    settings = Settings()
    assert 0 < settings.head_seconds < settings.idle_seconds < settings.target_seconds < 3600
