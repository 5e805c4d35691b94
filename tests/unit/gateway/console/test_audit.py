"""The page of the audit: how far it is sealed, and a check of all of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.audit.entry import Entry, Kind
from gateway.audit.keys import own_key
from gateway.audit.log import segments
from gateway.audit.sealing import Sealer
from gateway.console import audit as module
from gateway.console.audit import Audit, Checked, Sealed
from gateway.console.calls import CallRefused, Goto, Page
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
