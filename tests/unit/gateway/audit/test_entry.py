"""An entry becomes one line and comes back the same; what cannot be written says so."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import entry as entry_module
from gateway.audit.entry import Entry, Kind, decode, encode
from gateway.errors import AuditUnavailable

words = st.text(max_size=40)
entries = st.builds(
    Entry,
    kind=st.sampled_from(Kind),
    time=st.integers(0, 2**62),
    principal=words,
    groups=st.lists(words, max_size=3).map(tuple),
    job=st.none() | words,
    text=words,
    redacted=st.booleans(),
    rules=st.lists(st.tuples(words, words), max_size=3).map(tuple),
    obligations=st.lists(st.tuples(words, st.integers() | words), max_size=2).map(tuple),
    rows=st.none() | st.integers(0, 2**40),
    duration=st.none() | st.floats(0, 1e6),
)


@given(entries, st.integers(1, 2**60))
def test_a_line_comes_back_as_the_same_entry(entry: Entry, seq: int) -> None:
    line = encode(entry, seq)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    back = decode(line)
    assert back.seq == seq
    assert {name: getattr(back, name) for name in Entry.__struct_fields__ if name != "seq"} == {
        name: getattr(entry, name) for name in Entry.__struct_fields__ if name != "seq"
    }


def test_a_line_is_plain_json_without_what_says_nothing() -> None:
    line = encode(Entry(kind=Kind.DECISION, time=7, text="SELECT 'é'\n"), 3)
    assert json.loads(line) == {"seq": 3, "kind": "decision", "time": 7, "text": "SELECT 'é'\n"}


def test_fields_of_a_newer_program_are_skipped() -> None:
    assert decode(b'{"seq":1,"kind":"started","time":2,"colour":"red"}\n').seq == 1


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"{}\n", b'{"seq":1,"kind":"started","time":2}', b'{"kind":"x","time":1}\n']
)
def test_what_is_no_entry_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):
        decode(line)


def test_a_text_that_is_no_unicode_is_refused_not_dropped() -> None:
    with pytest.raises(AuditUnavailable) as caught:
        encode(Entry(kind=Kind.DECISION, time=1, text="\ud800"), 1)
    assert caught.value.code == "AUDIT_ENTRY"


def test_a_line_longer_than_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry_module, "MAX_LINE", 100)
    with pytest.raises(AuditUnavailable):
        encode(Entry(kind=Kind.DECISION, time=1, text="x" * 200), 1)


def test_a_line_that_nests_without_end_is_no_entry() -> None:
    deep = b'{"kind":"decision","time":1,"context":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}\n"
    with pytest.raises(ValueError, match="no entry"):
        decode(deep)
