"""Proofs convince whoever has the key, and only of what is so."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.checkpoint import open_note
from gateway.audit.log import segments
from gateway.audit.merkle import is_consistent
from gateway.audit.proving import Proof, check_entry, prove_entry, prove_growth
from gateway.errors import AuditUnavailable
from tests.strategies.audit_logs import sealed_log, signing_key

TRUSTED = [signing_key().public]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("log")
    sealed_log(directory, 40, unsealed=2)
    return directory


def test_every_sealed_entry_can_be_proven(log: Path) -> None:
    for seq in range(1, 41):
        proof, line = prove_entry(log, seq)
        assert check_entry(Proof.parse(proof.print()), line, TRUSTED) == seq


def test_a_proof_is_for_its_entry_alone(log: Path) -> None:
    proof, _ = prove_entry(log, 7)
    _, other = prove_entry(log, 8)
    with pytest.raises(ValueError, match="not the entry"):
        check_entry(proof, other, TRUSTED)
    _, line = prove_entry(log, 7)
    with pytest.raises(ValueError, match="does not lead"):
        check_entry(proof, line.replace(b"allow", b"deny!"), TRUSTED)
    with pytest.raises(ValueError, match="no trusted key"):
        check_entry(proof, line, [signing_key(2).public])


@given(st.data())
def test_a_changed_proof_proves_nothing_else(log: Path, data: st.DataObject) -> None:
    proof, line = prove_entry(log, 7)
    text = proof.print()
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.characters()) + text[at + data.draw(st.integers(0, 2)) :]
    try:
        assert check_entry(Proof.parse(changed), line, TRUSTED) == 7
    except ValueError:
        return


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v1\n\n",
        "c2sp.org/tlog-proof@v1\nindex x\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 1\n!\n\nnote",
        "c2sp.org/tlog-proof@v2\nindex 1\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 1\n" + "A\n" * 70 + "\nnote",
        "x" * 70_000,
    ],
)
def test_what_is_no_proof_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Proof.parse(text)


def test_extra_data_of_the_format_is_skipped(log: Path) -> None:
    text = prove_entry(log, 3)[0].print()
    assert Proof.parse(text.replace("index", "extra AAAA\nindex", 1)) == Proof.parse(text)


def test_growth_can_be_proven(log: Path) -> None:
    growth = prove_growth(log, 20)
    old, _ = open_note(growth.old, TRUSTED)
    new, _ = open_note(growth.new, TRUSTED)
    assert is_consistent(old.size, old.root, new.size, new.root, growth.path)
    with pytest.raises(AuditUnavailable, match="no checkpoint over 21"):
        prove_growth(log, 21)


@pytest.mark.parametrize("seq", [0, 41, 99])
def test_what_is_not_sealed_cannot_be_proven(log: Path, seq: int) -> None:
    with pytest.raises(AuditUnavailable, match="not under the last checkpoint"):
        prove_entry(log, seq)


def test_what_is_not_where_it_was_is_told(tmp_path: Path) -> None:
    with pytest.raises(AuditUnavailable, match="no checkpoint yet"):
        prove_entry(tmp_path, 1)
    sealed_log(tmp_path, 20)
    first = segments(tmp_path)[0]
    first.write_bytes(b"x" + first.read_bytes())
    with pytest.raises(AuditUnavailable, match="does not hold entry 2"):
        prove_entry(tmp_path, 2)
    first.unlink()
    with pytest.raises(AuditUnavailable, match="is gone"):
        prove_entry(tmp_path, 2)
