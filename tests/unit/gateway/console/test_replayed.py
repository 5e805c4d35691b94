"""A session of statements as the audit has it, in words with times."""

from __future__ import annotations

from gateway.audit.entry import Entry, Kind
from gateway.console import replayed
from gateway.console.replayed import entries_of, shown_of

MS = 1_000_000


def entry(seq: int, kind: Kind, **fields: object) -> Entry:
    given = {"session": "s-1", "principal": "ana", "resource": "shop", **fields}
    return Entry(kind=kind, time=seq * 10 * MS, seq=seq, **given)  # type: ignore[arg-type]  # fields of a test


LOG = (
    entry(1, Kind.SESSION, step="opened", session="s-0"),
    entry(2, Kind.SESSION, step="opened", note="token t-1"),
    entry(
        3,
        Kind.DECISION,
        decision_id="d-1",
        verdict="allow",
        text="SELECT 1\nFROM t\x1b]0;x\x07",
        rules=(("p/READ", "allow"), ("p/READ", "allow")),
    ),
    entry(4, Kind.DECISION, decision_id="d-9", verdict="deny", session="s-0", text="other"),
    entry(5, Kind.OUTCOME, decision_id="d-1", session="", rows=3, bytes=40, duration=0.0021),
    entry(6, Kind.DECISION, decision_id="d-2", verdict="hold", text="DELETE FROM t", ticket="h-1"),
    entry(7, Kind.APPROVAL, step="estimated", note="about 3 rows"),
    entry(8, Kind.APPROVAL, step="approved", person="bo", note="fine"),
    entry(9, Kind.DECISION, decision_id="d-3", verdict="mask", text="DELETE FROM t"),
    entry(10, Kind.OUTCOME, decision_id="d-3", session="", error="40001"),
    entry(11, Kind.SESSION, step="closed"),
)


def test_its_entries_are_found_among_others_from_its_beginning() -> None:
    went = entries_of(reversed(LOG), "s-1", 100)
    assert went.is_whole
    assert [one.seq for one in went.entries] == [2, 3, 5, 6, 7, 8, 9, 10, 11]
    part = entries_of(reversed(LOG), "s-1", 5)
    assert ([one.seq for one in part.entries], part.is_whole) == ([7, 8, 9, 10, 11], False)
    none = entries_of(reversed(LOG), "s-7", 100)
    assert (none.entries, none.is_whole) == ((), False)


def test_a_long_session_is_shown_from_its_end(monkeypatch: object) -> None:
    many = [
        entry(number, Kind.DECISION, verdict="allow", text="SELECT 1")
        for number in range(1, replayed.MAX_STATEMENTS + 9)
    ]
    went = entries_of(reversed(many), "s-1", 1 << 20)
    assert (len(went.entries), went.is_whole) == (replayed.MAX_STATEMENTS, False)
    assert went.entries[-1].seq == many[-1].seq


def test_it_is_told_line_by_line() -> None:
    shown = shown_of(entries_of(reversed(LOG), "s-1", 100).entries)
    text = "".join(said for _, code, said in shown if code == "o")
    for line in (
        "-- session opened: ana on shop (token t-1)",
        "shop=>\x1b[0m SELECT 1\r\nFROM t\r\n\x1b[32m-- allow by p/READ",
        "-- 3 rows, 40 bytes, 2.1 ms",
        "\x1b[33m-- hold",
        "-- approved by bo: fine",
        "\x1b[31m-- failed: 40001",
        "-- session closed: ana on shop",
    ):
        assert line in text, line
    assert "about 3 rows" not in text
    lost = entry(9, Kind.APPROVAL, step="lost", takes_back=8, person="bo", note="`approved` of entry 8 did not happen")
    assert "-- `approved` of entry 8 did not happen" in shown_of([lost])[0][2]
    ends = [entry(1, Kind.SESSION, step="closed", resource=""), entry(2, Kind.OUTCOME, decision_id="d", rows=1)]
    assert [said.strip() for _, _, said in shown_of(ends)] == [
        "\x1b[2m-- session closed: ana\x1b[0m",
        "\x1b[2m-- 1 row, 0 bytes\x1b[0m",
    ]
    assert "]0;" not in text
    assert [said for _, code, said in shown if code == "g"] == [
        "allow: SELECT 1\nFROM t",
        "hold: DELETE FROM t",
        "mask: DELETE FROM t",
    ]
    assert [at for at, _, _ in shown] == sorted(at for at, _, _ in shown)
    assert shown[0][0] == 0
    assert shown_of(()) == []
