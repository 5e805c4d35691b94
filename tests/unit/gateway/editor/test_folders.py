"""What belongs to a file, and what is wrong with it as the editor shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.editor import folders
from gateway.editor.folders import diagnose, folder_of, formatted, glance_at

GOOD = "policy p\n\nallow a\n  when command.complete\n"


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    (tmp_path / "policies" / "deep").mkdir(parents=True)
    (tmp_path / "policies" / "p.gate").write_text(GOOD)
    return tmp_path / "policies"


def codes(found: dict[Path, list[folders.Diagnostic]], file: Path) -> list[str]:
    return [one.code for one in found[file]]


def test_a_file_belongs_to_the_outermost_folder_called_policies() -> None:
    assert folder_of(Path("/a/policies/b/policies/c.gate")) == Path("/a/policies")
    assert folder_of(Path("/a/b/c.gate")) == Path("/a/b")


def test_what_is_open_counts_and_not_what_is_on_disk(policies: Path) -> None:
    file = policies / "p.gate"
    assert codes(diagnose(file, {}), file) == []
    assert codes(diagnose(file, {file: GOOD.replace("complete", "complet")}), file) == ["UNKNOWN_FIELD"]
    file.write_bytes(b"policy p\n# \xff\n")
    assert codes(diagnose(file, {}), file) == ["ENCODING"]
    assert codes(diagnose(file, {file: GOOD}), file) == []


def test_a_file_that_was_never_saved_is_read_with_the_others(policies: Path) -> None:
    new = policies / "deep" / "new.gate"
    found = diagnose(new, {new: 'policy q\nimport "../lib.gate"\nallow a when whole\n'})
    assert codes(found, new) == ["IMPORT"]
    lib = policies / "lib.gate"
    texts = {
        new: 'policy q\nimport "../lib.gate"\nallow a when whole\n',
        lib: "library\ndefine whole = command.complete\n",
    }
    assert codes(diagnose(new, texts), new) == []
    seen = glance_at(new, texts, 3, 16)
    assert seen is not None
    assert seen.defined is not None
    assert seen.defined.source == "lib.gate"


def test_an_example_is_a_set_of_its_own(policies: Path) -> None:
    for name in ("one", "two"):
        (policies / "examples" / name).mkdir(parents=True)
        (policies / "examples" / name / "a.rego").write_text(
            'package policies.same\n\nallow contains {"code": "A"} if data.limit == 1\n'
        )
        (policies / "examples" / name / "data.json").write_text('{"limit": 1}')
    file = policies / "examples" / "one" / "a.rego"
    assert set(diagnose(file, {})) == {file}


def test_a_folder_that_cannot_be_read_is_told_at_the_file(tmp_path: Path, policies: Path) -> None:
    (policies / "data.json").write_text("{")
    file = policies / "p.gate"
    assert codes(diagnose(file, {}), file) == ["UNUSABLE"]
    assert glance_at(file, {file: GOOD}, 4, 10) is not None
    assert glance_at(tmp_path / "none" / "x.gate", {}, 1, 1) is None


def test_a_file_with_mistakes_is_not_formatted() -> None:
    assert formatted("policy p allow a when command.complete") == GOOD
    assert formatted("policy") is None
