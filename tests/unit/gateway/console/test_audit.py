"""The page of the audit: how far it is sealed, and a check of all of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from engine import command_reader
from gateway.audit.catalogs import KeptCatalogs
from gateway.audit.entry import Entry, Kind
from gateway.audit.index.finding import Finder
from gateway.audit.index.sought import FactReader
from gateway.audit.keys import own_key
from gateway.audit.log import segments
from gateway.audit.recent import entry_at
from gateway.audit.sealing import Sealer
from gateway.console import audit as module
from gateway.console.audit import Audit, Checked, Sealed
from gateway.console.calls import PAGE, CallRefused, Goto, Page
from gateway.console.rendering import Renderer
from gateway.console.showing import Decided
from gateway.errors import AuditUnavailable
from tests.strategies.console import call, viewer
from tests.strategies.gates import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def page_of(house: House, *, sealed: bool = True) -> Audit:
    directory = house.folder / "audit"
    for number in range(20):
        house.log.append(Entry(kind=Kind.DECISION, time=number, principal="ana"))
    key = own_key(directory, "log")
    sealer = Sealer(house.log, directory, "log", [key], lambda: 0)
    if sealed:
        sealer.seal()
    return Audit(directory, lambda: Sealed(20, sealer.sealed, sealer.trouble), lambda: sealer.trusted, house.clock)


def ended(audit: Audit) -> Checked:
    for thread in threading.enumerate():
        if thread.name == "console-verify":
            thread.join(20)
    assert audit.checked is not None
    return audit.checked


def fields(audit: Audit) -> dict[str, object]:
    reply = audit.show(call())
    assert isinstance(reply, Page)
    return dict(reply.fields)


def test_the_last_checkpoint_is_shown_with_its_key(house: House) -> None:
    shown = fields(page_of(house))
    assert shown["standing"] == Sealed(20, 20, "")
    assert len(str(shown["root"])) == 64
    assert str(shown["note"]).startswith("log\n20\n")
    assert shown["checked"] is None
    (key,) = shown["keys"]  # type: ignore[misc]  # a list of lines
    assert str(key).startswith("log+")


def test_a_log_without_a_checkpoint_says_so(house: House) -> None:
    shown = fields(page_of(house, sealed=False))
    assert (shown["checkpoint"], shown["root"], shown["note"]) == (None, "", "")


def test_a_whole_log_is_found_whole_and_an_edited_one_is_not(house: House) -> None:
    audit = page_of(house)
    assert audit.verify(call()) == Goto("/audit")
    done = ended(audit)
    assert done.report is not None
    assert (done.report.is_whole, done.report.covered, done.by, done.problem) == (True, 20, "dora", "")
    path = segments(house.folder / "audit")[0]
    path.write_bytes(path.read_bytes().replace(b'"ana"', b'"bob"', 1))
    audit.verify(call())
    done = ended(audit)
    assert done.report is not None
    assert not done.report.is_whole


def test_one_check_at_a_time(house: House) -> None:
    audit = page_of(house)
    audit.checked = Checked("emil", 1)
    with pytest.raises(CallRefused) as caught:
        audit.verify(call())
    assert caught.value.status == 409


def test_a_check_that_breaks_off_says_nothing_good(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise AuditUnavailable("`x` cannot be read")

    audit = page_of(house)
    monkeypatch.setattr(module, "verify_log", broken)
    audit.verify(call())
    done = ended(audit)
    assert (done.report, done.problem) == (None, "`x` cannot be read")
    assert done.ended_at is not None


def test_progress_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    audit = page_of(house)
    seen: list[int] = []

    def slow(*_: object, progress: object, **__: object) -> None:
        progress(7)  # type: ignore[operator]  # the callback
        assert audit.checked is not None
        seen.append(audit.checked.reached)
        raise AuditUnavailable("enough")

    monkeypatch.setattr(module, "verify_log", slow)
    audit.verify(call())
    ended(audit)
    assert seen == [7]


def test_a_checkpoint_that_is_none_is_said(house: House) -> None:
    audit = page_of(house)
    (house.folder / "audit" / "checkpoints.jsonl").write_text("x\n")
    with pytest.raises(AuditUnavailable):
        audit.show(call())


def test_it_is_for_auditors(house: House) -> None:
    audit = page_of(house)
    for ask in (audit.show, audit.verify):
        with pytest.raises(CallRefused):
            ask(call(viewer(roles=("approver",))))


def searching(house: House) -> Audit:
    audit = page_of(house)
    directory = house.folder / "audit"
    entry = Entry(kind=Kind.DECISION, time=10**18, principal="bo", protocol="postgres", verdict="deny")
    for number in range(60):
        house.log.append(msgspec.structs.replace(entry, time=10**18 + number, text=f"DELETE FROM orders -- {number}"))
    house.log.flush()
    audit._finder = Finder(directory, FactReader(command_reader(), KeptCatalogs(directory)), None)
    return audit


def answered(audit: Audit, **query: str) -> dict[str, object]:
    reply = audit.show(replace(call(), query=query))
    assert isinstance(reply, Page)
    return dict(reply.fields)


def test_decisions_are_found_by_what_is_remembered_a_page_at_a_time(house: House) -> None:
    audit = searching(house)
    assert answered(audit)["decisions"] is None
    first = answered(audit, text="delete", object="orders", effect="delete", verdict="deny", principal="bo")
    assert len(first["decisions"]) == PAGE  # type: ignore[arg-type]  # a list
    older = str(first["older"])
    assert "text=delete" in older
    assert "principal=bo" in older
    before = older.split("before=")[1].split("#")[0]
    rest = answered(audit, text="delete", principal="bo", before=before)
    assert len(rest["decisions"]) == 10  # type: ignore[arg-type]  # a list
    assert rest["older"] is None
    assert answered(audit, text="42")["decisions"] == [Decided(entry_at(house.folder / "audit", 63))]  # type: ignore[arg-type]  # it is there


def test_a_day_is_whole_and_what_is_no_time_is_said(house: House) -> None:
    audit = searching(house)
    day = "2001-09-09"
    assert answered(audit, since=day, until=day)["decisions"]
    assert answered(audit, until="2001-09-08", principal="bo")["decisions"] == []
    assert answered(audit, since="2001-09-09T23:00:00", principal="bo")["decisions"] == []
    with pytest.raises(CallRefused) as caught:
        answered(audit, since="yesterday")
    assert caught.value.status == 400


def test_a_search_is_for_auditors_too(house: House) -> None:
    audit = searching(house)
    with pytest.raises(CallRefused):
        audit.show(replace(call(viewer(roles=("approver",))), query={"text": "delete"}))


def test_hostile_text_is_text_on_the_page(house: House) -> None:
    audit = searching(house)
    house.log.append(
        Entry(
            kind=Kind.DECISION,
            time=1,
            principal="eve",
            text="SELECT 'zzz<script>alert(1)</script>\u202e'",
            verdict="deny",
        )
    )
    house.log.flush()
    for query in ({"text": "zzz"}, {"text": "zzz", "job": '"><script>alert(2)'}, {"rule": "<script>alert(3)"}):
        found = audit.show(replace(call(), query=query))
        assert isinstance(found, Page)
        around = {"viewer": viewer(), "here": "/audit", "live": "", "version": "v", "waiting_count": 0}
        html = Renderer().render(found.template, {**found.fields, **around})
        assert "<script>alert" not in html
        assert ("&lt;script&gt;alert(1)" in html) == (query == {"text": "zzz"})
