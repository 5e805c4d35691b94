"""Looking through the log from its end, for so long and no longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.audit.entry import Entry, Kind
from gateway.audit.log import AuditLog
from gateway.console import searching
from gateway.console.calls import CallRefused
from gateway.console.searching import before_in, number_in, search


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    log = AuditLog(tmp_path / "audit", low_water_bytes=0)
    for number in range(100):
        log.append(Entry(kind=Kind.DECISION, time=number, principal="ana" if number % 10 == 0 else "bo"))
    log.close()
    return tmp_path / "audit"


def test_the_newest_come_first_and_the_rest_on_the_next_page(directory: Path) -> None:
    first = search(directory, lambda entry: entry.principal == "ana", 4)
    assert [entry.seq for entry in first.entries] == [91, 81, 71, 61]
    second = search(directory, lambda entry: entry.principal == "ana", 4, first.older)
    assert [entry.seq for entry in second.entries] == [51, 41, 31, 21]
    third = search(directory, lambda entry: entry.principal == "ana", 4, second.older)
    assert ([entry.seq for entry in third.entries], third.older) == ([11, 1], None)


def test_a_look_ends_and_says_where_to_go_on(directory: Path) -> None:
    found = search(directory, lambda entry: False, 4, looking=30)
    assert (found.entries, found.looked, found.older) == ([], 30, 71)
    assert search(directory, lambda entry: True, 1, found.older).entries[0].seq == 70


def test_a_page_of_long_entries_is_shorter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MAX_PAGE_BYTES", 25_000)
    log = AuditLog(tmp_path / "audit", low_water_bytes=0)
    for number in range(9):
        log.append(Entry(kind=Kind.DECISION, time=number, text="x" * 10_000))
    log.close()
    found, pages = search(tmp_path / "audit", lambda entry: True, 100), list[list[int]]()
    while True:
        pages.append([entry.seq for entry in found.entries])
        if found.older is None:
            break
        found = search(tmp_path / "audit", lambda entry: True, 100, found.older)
    assert pages == [[9, 8, 7], [6, 5, 4], [3, 2, 1]]


def test_a_number_of_a_link_is_one_or_nothing() -> None:
    assert number_in("42") == 42
    for wrong in (None, "", "-1", "x", "1e5", "9" * 30, "٣", " 1"):
        assert number_in(wrong) is None


def test_a_place_in_the_list_that_is_none_is_refused() -> None:
    assert before_in({}) is None
    assert before_in({"before": "42"}) == 42
    for wrong in ("", "-1", "x", "9" * 30):
        with pytest.raises(CallRefused) as caught:
            before_in({"before": wrong})
        assert caught.value.status == 400
