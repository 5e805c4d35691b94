"""Single `.gate` files from disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.source import Diagnostic, Source
from gateway.errors import PolicyUnusable
from gateway.policy_store import gate_files as module
from gateway.policy_store.gate_files import gate_files, read_file, read_with_imports


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_file_has_the_name_it_was_asked_by(tmp_path: Path) -> None:
    file = put(tmp_path / "p.gate", "policy p\n")
    assert read_file(file) == Source(file.as_posix(), "policy p\n")


def test_a_file_that_is_none_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PolicyUnusable, match="cannot be read"):
        read_file(tmp_path / "none.gate")
    monkeypatch.setattr(module, "MAX_BYTES", 3)
    with pytest.raises(PolicyUnusable, match="longer than"):
        read_file(put(tmp_path / "p.gate", "policy p\n"))


def test_imports_are_followed_once_each_and_round_in_circles(tmp_path: Path) -> None:
    first = put(tmp_path / "p.gate", 'policy p\nimport "lib/a.gate"\nimport "none.gate"\n')
    put(tmp_path / "lib/a.gate", 'library\nimport "b.gate"\nimport "../p.gate"\n')
    put(tmp_path / "lib/b.gate", 'library\nimport "a.gate"\n')
    sources, problems = read_with_imports(first)
    assert [Path(source.name).name for source in sources] == ["p.gate", "a.gate", "b.gate"]
    assert problems == []


def test_an_import_that_is_not_utf_8_is_a_problem(tmp_path: Path) -> None:
    first = put(tmp_path / "p.gate", 'policy p\nimport "a.gate"\n')
    (tmp_path / "a.gate").write_bytes(b"library \xff")
    sources, problems = read_with_imports(first)
    assert len(sources) == 1
    assert [type(one) for one in problems] == [Diagnostic]


def test_folders_give_their_files_and_hidden_ones_stay_hidden(tmp_path: Path) -> None:
    one, two = put(tmp_path / "a.gate", ""), put(tmp_path / "x/b.gate", "")
    put(tmp_path / ".git/c.gate", "")
    put(tmp_path / "d.rego", "")
    assert list(gate_files([tmp_path])) == [one, two]
    assert list(gate_files([two])) == [two]
