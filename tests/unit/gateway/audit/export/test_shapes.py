"""An event keeps what its line says, has the entry's uid, and fits in what a receiver takes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.checkpoint import Checkpoint, sign
from gateway.audit.entry import Entry, Kind, encode
from gateway.audit.export.events import Severity
from gateway.audit.export.shapes import Shape, notes_in, shape_checkpoint, shape_event, uid_of
from gateway.errors import AuditUnavailable
from tests.strategies.audit_logs import ORIGIN, signing_key

LOG = "sallyport.audit/test"
BIG = 1 << 30


def line(**fields: object) -> bytes:
    return encode(Entry(kind=fields.pop("kind", Kind.DECISION), time=5, **fields), 7)  # type: ignore[arg-type]  # fields of a test


def test_the_native_form_is_the_line_with_its_uid() -> None:
    raw = line(principal="ana", text="SELECT 1", verdict="deny", names=b"\x01")
    event = shape_event(raw, LOG, Shape.NATIVE, BIG)
    assert json.loads(event.body) == {**json.loads(raw), "uid": f"{LOG}/7"}
    assert (event.seq, event.uid, event.time, event.kind) == (7, uid_of(LOG, 7), 5, "decision")


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        ({"verdict": "allow"}, Severity.INFO),
        ({"verdict": "mask"}, Severity.INFO),
        ({"verdict": "hold"}, Severity.NOTICE),
        ({"verdict": "deny"}, Severity.WARNING),
        ({"kind": Kind.SESSION, "step": "refused"}, Severity.WARNING),
        ({"kind": Kind.SESSION, "step": "opened"}, Severity.INFO),
        ({"kind": Kind.SHADOW, "verdict": "deny"}, Severity.INFO),
    ],
)
def test_what_somebody_should_look_at_is_told_apart(fields: dict[str, object], severity: Severity) -> None:
    assert shape_event(line(**fields), LOG, Shape.OCSF, BIG).severity is severity


@given(
    text=st.text(max_size=300).map(lambda text: text * 40),
    note=st.text(max_size=20).map(lambda text: text * 500),
    shape=st.sampled_from(Shape),
    room=st.integers(2_500, 60_000),
)
def test_every_event_fits_and_is_json(text: str, note: str, shape: Shape, room: int) -> None:
    raw = line(text=text, note=note, principal="ana", verdict="allow", state={"a": note}, digest="d" * 64)
    event = shape_event(raw, LOG, shape, room)
    assert len(event.body) <= room
    assert b"\n" not in event.body
    told = json.loads(event.body)
    whole = shape_event(raw, LOG, shape, BIG).body
    is_cut = (told if shape is Shape.NATIVE else told["unmapped"]["sallyport"]).get("truncated", False)
    assert is_cut == (len(whole) > room)
    assert is_cut or event.body == whole


def test_a_cut_event_has_the_beginning_of_its_text() -> None:
    event = shape_event(line(text="SELECT 1" + " " * 50_000, verdict="deny"), LOG, Shape.OCSF, 20_000)
    assert json.loads(event.body)["message"].startswith("SELECT 1   ")


@pytest.mark.parametrize("shape", Shape)
def test_a_checkpoint_is_found_again_in_what_was_sent_of_it(shape: Shape) -> None:
    note = sign(Checkpoint(ORIGIN, 7, bytes(32), bytes(32)), [signing_key()])
    event = shape_checkpoint(note, ORIGIN, shape, 5_000_000)
    assert (event.seq, event.uid, event.kind, event.time) == (7, f"{ORIGIN}/checkpoint-7", "checkpoint", 5_000_000)
    line = event.body.decode()
    other = shape_event(encode(Entry(kind=Kind.STARTED, time=1), 1), ORIGIN, shape, 1 << 20).body.decode()
    assert notes_in(f"{other}\n{line}\n{{broken\n") == [note]
    assert notes_in(note) == [note]
    with pytest.raises(AuditUnavailable):
        shape_checkpoint("none", ORIGIN, shape, 1)


def test_what_is_no_entry_is_refused() -> None:
    with pytest.raises(AuditUnavailable):
        shape_event(b"{}\n", LOG, Shape.OCSF, BIG)
