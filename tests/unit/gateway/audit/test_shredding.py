"""After shredding nobody reads a content, everybody can still prove its entry, and a crash in between is made good."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from gateway.audit import shredding, standalone
from gateway.audit.content import DAY, close_entry
from gateway.audit.content_keys import FOLDER, ContentKeys
from gateway.audit.entry import Entry, Kind
from gateway.audit.log import AuditLog
from gateway.audit.proving import check_entry, prove_entry
from gateway.audit.read import Filter, read
from gateway.audit.recent import newest_first
from gateway.audit.sealing import Sealer
from gateway.audit.shielding import ShieldedLog
from gateway.audit.shredding import Request, Span, answer_requests, ask, has_requests, overdue, shred, span_of
from gateway.audit.verify import verify_log
from gateway.errors import AuditUnavailable
from tests.strategies.audit_logs import ORIGIN, signing_key

NOW = 1_795_000_000 * 10**9
TRUSTED = [signing_key().public]
CANARY = "c4nary-79"


class Place:
    """A log with contents of two rules on three days, sealed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = ShieldedLog(folder, {"orders": "short"}, low_water_bytes=0, segment_bytes=2_000)
        self.sealer = Sealer(self.log, folder, ORIGIN, [signing_key()], lambda: 1)
        for day in range(3):
            for resource in ("orders", "other"):
                for number in range(3):
                    self.log.append(self.entry(day, resource, number))
        self.sealer.seal()

    def entry(self, day: int, resource: str, number: int) -> Entry:
        text = f"SELECT '{CANARY} {resource} {day} {number}'"
        return Entry(kind=Kind.DECISION, time=NOW + day * DAY, resource=resource, text=text, verdict="allow")

    def key_ids(self, rule: str = "") -> list[str]:
        return [key for key in ContentKeys(self.folder).all() if key.startswith(rule)]

    def texts(self) -> list[str]:
        self.log.flush()
        return [entry.text for entry in read(self.folder, Filter(kinds=frozenset({Kind.DECISION})))]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "audit")


def test_what_is_overdue_is_so_by_its_rule_when_its_whole_day_is(place: Place) -> None:
    first = span_of(place.key_ids("short")[0])
    assert first is not None
    assert (first.rule, first.until - first.since) == ("short", DAY)
    assert first.since <= NOW < first.until
    keep = {"default": 30, "short": 1}
    assert overdue(place.folder, keep, first.until + DAY - 1) == []
    assert overdue(place.folder, keep, first.until + DAY) == place.key_ids("short")[:1]
    assert overdue(place.folder, keep, first.until + 30 * DAY) == [place.key_ids("default")[0], *place.key_ids("short")]
    assert overdue(place.folder, {"default": 0, "short": 0}, 1 << 62) == []
    # A rule that is in no configuration any more.
    assert overdue(place.folder, {"default": 1}, 1 << 62) == place.key_ids()
    assert span_of("default/2026-13-77." + "a" * 32) is None
    assert span_of("nothing") is None


def test_after_shredding_entries_are_proven_and_unreadable(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    wanted, seen = place.key_ids("short"), list[Span]()
    proof, line = prove_entry(place.folder, 2)
    assert shred(place.log, place.folder, wanted, NOW, person="olga", also=seen.append) == 3
    place.sealer.seal()
    assert [span.rule for span in seen] == ["short"] * 3
    left = place.texts()
    assert [text for text in left if "orders" in text] == []
    assert len([text for text in left if "other" in text]) == 9
    assert [entry.unreadable for entry in newest_first(place.folder)].count(True) == 9
    told = list(read(place.folder, Filter(kinds=frozenset({Kind.SHREDDED}))))
    assert [(entry.note, entry.person) for entry in told] == [(key, "olga") for key in wanted]
    report = verify_log(place.folder, TRUSTED)
    assert (report.findings, report.shredded, report.closed, report.entries) == ([], 9, 0, 21)
    # The proof that was written before, and one that is written now.
    assert check_entry(proof, line, TRUSTED) == 2
    assert check_entry(*prove_entry(place.folder, 2), TRUSTED) == 2
    assert standalone.main([str(place.folder), TRUSTED[0].print()]) == 0
    assert "21 entries, 21 of them sealed" in capsys.readouterr().out


def test_a_log_without_its_keys_is_whole_and_says_that_it_is_closed(place: Place) -> None:
    for key in place.key_ids():
        (place.folder / FOLDER / f"{key}.key").unlink()
    report = verify_log(place.folder, TRUSTED)
    assert (report.findings, report.shredded, report.closed) == ([], 0, 18)


def test_a_content_that_its_key_does_not_open_is_found(place: Place) -> None:
    closed = close_entry(place.entry(0, "orders", 0), ContentKeys(place.folder).current("short", NOW))
    # Written by somebody who moves a content into an entry of another moment.
    AuditLog.append(place.log, msgspec.structs.replace(closed, time=closed.time + 1))
    place.log.flush()
    assert {finding.code for finding in verify_log(place.folder, TRUSTED).findings} == {"CONTENT"}


def test_shredding_again_does_nothing_and_tells_nothing(place: Place) -> None:
    wanted = place.key_ids("short")
    assert shred(place.log, place.folder, wanted, NOW) == 3
    before = place.log.next_seq
    assert shred(place.log, place.folder, [*wanted, "no key at all"], NOW) == 0
    assert place.log.next_seq == before


class Killed(BaseException):
    """Nothing of the process runs any more."""


def die(*_: object) -> None:
    raise Killed


@pytest.mark.parametrize(
    "where",
    [
        (shredding, "_forget_refused"),
        (ContentKeys, "destroy"),
        (ShieldedLog, "flush"),
        (Path, "unlink"),
    ],
)
def test_a_crash_in_the_middle_leaves_a_state_that_goes_on(
    place: Place, monkeypatch: pytest.MonkeyPatch, where: tuple[object, str]
) -> None:
    wanted = place.key_ids("short")
    with monkeypatch.context() as patched:
        patched.setattr(*where, die)
        with pytest.raises(Killed):
            shred(place.log, place.folder, wanted, NOW)
    place.log.flush()
    told = {entry.note for entry in read(place.folder, Filter(kinds=frozenset({Kind.SHREDDED})))}
    keys = ContentKeys(place.folder)
    # INVARIANT: whatever is gone was told.
    assert {key for key in wanted if keys.find(key) is None} <= told
    shred(place.log, place.folder, wanted, NOW)
    place.sealer.seal()
    assert [text for text in place.texts() if "orders" in text] == []
    assert place.key_ids("short") == []
    report = verify_log(place.folder, TRUSTED)
    assert (report.findings, report.shredded) == ([], 9)


def test_a_key_stays_where_something_else_could_not_forget(place: Place) -> None:
    def fail(span: Span) -> None:
        raise AuditUnavailable("no")

    with pytest.raises(AuditUnavailable):
        shred(place.log, place.folder, place.key_ids("short"), NOW, also=fail)
    assert len([text for text in place.texts() if "orders" in text]) == 9


def test_a_full_log_shreds_nothing(place: Place) -> None:
    place.log.close()
    with pytest.raises(AuditUnavailable):
        shred(place.log, place.folder, place.key_ids("short"), NOW)
    assert len(place.key_ids("short")) == 3


def test_what_receivers_refused_is_forgotten_with_its_entries(place: Place) -> None:
    export = place.folder / "export"
    export.mkdir()
    lines = [json.dumps({"uid": f"sallyport.audit/0a/{seq}", "text": f"{CANARY} {seq}"}) for seq in (1, 4, 7, 99)]
    (export / "siem.refused").write_text("\n".join([*lines, f"{CANARY} whose?"]) + "\n")
    shred(place.log, place.folder, place.key_ids("short")[:1], NOW)
    assert (export / "siem.refused").read_text().splitlines() == [lines[1], lines[2]]


def test_a_request_is_left_and_answered_once(tmp_path: Path) -> None:
    request = Request(("default/x",), "olga")
    assert not has_requests(tmp_path)
    ask(tmp_path, request)
    assert has_requests(tmp_path)
    found = list[Request]()
    with pytest.raises(AuditUnavailable):
        answer_requests(tmp_path, _refusing())
    answer_requests(tmp_path, found.append)
    assert found == [request]
    (tmp_path / FOLDER / "requests" / "bad.json").write_text("{")
    answer_requests(tmp_path, found.append)
    assert found == [request]
    assert not has_requests(tmp_path)


def _refusing() -> Callable[[Request], None]:
    def refuse(request: Request) -> None:
        raise AuditUnavailable("not now")

    return refuse


def test_a_place_where_nothing_can_be_left_says_so(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("in the way")
    with pytest.raises(AuditUnavailable):
        ask(tmp_path, Request((), "olga"))
