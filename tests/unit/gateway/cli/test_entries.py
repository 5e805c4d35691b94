"""Entries as lines, times as people write them."""

from __future__ import annotations

import pytest
import typer

from gateway.audit.entry import Entry, Kind, decode
from gateway.cli.entries import as_json_line, as_text, time_of


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_is_one_line_both_ways(kind: Kind) -> None:
    entry = Entry(kind=kind, time=5, seq=7, text="SELECT\n1", note="n", principal="ana", step="s")
    assert decode(as_json_line(entry).encode() + b"\n") == entry
    assert "\n" not in as_text(entry)
    assert kind.value in as_text(entry)


def test_times_are_utc_unless_they_say_otherwise() -> None:
    assert time_of(None) is None
    assert time_of("1970-01-01T00:00:01") == 10**9
    assert time_of("1970-01-01T01:00:01+01:00") == 10**9
    with pytest.raises(typer.Exit):
        time_of("yesterday")


def test_who_looked_at_recordings_is_said() -> None:
    entry = Entry(kind=Kind.RECORDING, time=5, step="searched", text="a\nb", rows=2, note="since x", person="vera")
    assert as_text(entry).endswith("searched   `a b` in 2 recordings since x  @  by vera")
    entry = Entry(kind=Kind.RECORDING, time=5, step="searched", unreadable=True, person="vera")
    assert "[unreadable] in 0 recordings" in as_text(entry)
    entry = Entry(
        kind=Kind.RECORDING, time=5, step="exported", note="r-1", principal="ana", resource="box", person="vera"
    )
    assert as_text(entry).endswith("exported   r-1  ana@box  by vera")
