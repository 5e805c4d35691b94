"""What lies in a policy folder is sorted into what decides, what tests, what is data; nothing odd gets in."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import PolicyUnusable
from gateway.policy_store import folder as folder_module
from gateway.policy_store.folder import deciding_files, fingerprint, is_deciding, is_read, read_folder


def put(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def test_each_file_finds_its_place(tmp_path: Path) -> None:
    for name, text in {
        "b.rego": "package b",
        "c.gate": "policy c",
        "sub/a.rego": "package a",
        "sub/a_test.rego": "package a_test",
        "data.json": '{"teams": {"dba": ["bo"]}}',
        "sub/deep/data.yaml": "limit: 5\n",
        "suite.yaml": "suite: x\n",
        "README.md": "no",
        ".hidden/x.rego": "package no",
        ".x.rego": "package no",
    }.items():
        put(tmp_path, name, text)
    found = read_folder(tmp_path)
    assert [source.name for source in found.sources] == ["b.rego", "c.gate", "sub/a.rego"]
    assert [source.name for source in found.tests] == ["sub/a_test.rego"]
    assert [source.name for source in found.suites] == ["suite.yaml"]
    assert found.data == {"teams": {"dba": ["bo"]}, "sub": {"deep": {"limit": 5}}}


def test_the_digest_follows_what_decides_and_nothing_else(tmp_path: Path) -> None:
    put(tmp_path, "a.rego", "package a")
    put(tmp_path, "data.json", "{}")
    first = read_folder(tmp_path).digest
    put(tmp_path, "suite.yaml", "x: 1")
    put(tmp_path, "a_test.rego", "package a_test")
    assert read_folder(tmp_path).digest == first
    put(tmp_path, "data.json", '{"a": 1}')
    second = read_folder(tmp_path).digest
    (tmp_path / "a.rego").rename(tmp_path / "b.rego")
    assert len({first, second, read_folder(tmp_path).digest}) == 3


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("data.json", "{", "line 1"),
        ("data.json", "[1]", "object"),
        ("data.json", '{"a": NaN}', "JSON does not know"),
        ("data.json", '{"a": 99999999999999999999999}', "JSON does not know"),
        ("data.json", "[" * 100_000, "nested"),
        ("data.yaml", "a: [", "line"),
        ("data.yaml", "1: 2", "no text"),
        ("data.yaml", "a: 2026-01-01", "JSON does not know"),
        ("data.yaml", "a: !!python/object:os.system {}", "line"),
        ("data.yaml", "a: " + "[" * 70 + "]" * 70, "nested"),
    ],
)
def test_data_that_is_none_is_refused_with_its_name(tmp_path: Path, name: str, text: str, said: str) -> None:
    put(tmp_path, name, text)
    with pytest.raises(PolicyUnusable) as caught:
        read_folder(tmp_path)
    assert name in str(caught.value)
    assert said in str(caught.value)


def test_a_few_lines_that_mean_millions_of_values_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [1,1,1,1,1,1,1,1,1,1]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    put(tmp_path, "data.yaml", "\n".join(lines))
    with pytest.raises(PolicyUnusable):
        read_folder(tmp_path)


def test_an_empty_data_file_says_nothing(tmp_path: Path) -> None:
    put(tmp_path, "data.yaml", "# later\n")
    assert read_folder(tmp_path).data == {}


@pytest.mark.parametrize(
    "files", [{"data.json": '{"a": 1}', "data.yaml": "a: 1"}, {"data.json": '{"a": 1}', "a/data.json": "{}"}]
)
def test_two_files_that_say_the_same_thing_are_refused(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        put(tmp_path, name, text)
    with pytest.raises(PolicyUnusable):
        read_folder(tmp_path)


def test_two_files_may_fill_one_object(tmp_path: Path) -> None:
    put(tmp_path, "data.json", '{"a": {"b": 1}}')
    put(tmp_path, "data.yaml", "a: {c: 2}")
    assert read_folder(tmp_path).data == {"a": {"b": 1, "c": 2}}


def test_links_that_lead_out_are_not_read(tmp_path: Path) -> None:
    put(tmp_path, "outside.rego", "package secret")
    inside = tmp_path / "in"
    put(inside, "a.rego", "package a")
    (inside / "b.rego").symlink_to(tmp_path / "outside.rego")
    (inside / "c.rego").symlink_to(inside / "a.rego")
    assert [source.name for source in read_folder(inside).sources] == ["a.rego", "c.rego"]


def test_limits_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "a.rego", "package a")
    put(tmp_path, "b.rego", "package b")
    for name, value in (("MAX_FILES", 1), ("MAX_FILE_BYTES", 3), ("MAX_BYTES", 12)):
        with monkeypatch.context() as patched:
            patched.setattr(folder_module, name, value)
            with pytest.raises(PolicyUnusable):
                read_folder(tmp_path)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.rego").write_bytes(b"\xff")
    with pytest.raises(PolicyUnusable, match="UTF-8"):
        read_folder(tmp_path)
    (tmp_path / "a.rego").unlink()
    (tmp_path / "a.rego").symlink_to(tmp_path / "gone.rego")
    with pytest.raises(PolicyUnusable, match="cannot be read"):
        read_folder(tmp_path)
    assert fingerprint(tmp_path) == (("a.rego", -1, -1, -1),)
    with pytest.raises(PolicyUnusable, match="no policy folder"):
        read_folder(tmp_path / "none")


def test_the_fingerprint_changes_with_a_file(tmp_path: Path) -> None:
    put(tmp_path, "a.rego", "package a")
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    put(tmp_path, "a.rego", "package abc")
    assert fingerprint(tmp_path) != before


def test_policies_and_data_decide_and_their_tests_do_not(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for name in ("a.rego", "a_test.rego", "below/b.gate", "below/data.yaml", "suite.yaml", "README.md", ".c.rego"):
        (tmp_path / name).write_text(f"# {name}")
    found = deciding_files(tmp_path)
    assert found == {name: f"# {name}".encode() for name in ("a.rego", "below/b.gate", "below/data.yaml")}
    assert [is_deciding(name) for name in ("x/data.json", "data.json.rego", "other.json")] == [True, True, False]
    assert [is_read(name) for name in ("suite.yml", "a_test.rego", "other.json")] == [True, True, False]
