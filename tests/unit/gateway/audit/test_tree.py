"""The stored tree is the tree, whatever a crash left of its files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.merkle import Frontier, leaf_hash, root_of
from gateway.audit.tree import FOLDER, StoredTree, TreeWriter
from gateway.errors import AuditUnavailable

LINES = [b'{"seq":%d,"text":"%d"}' % (number, number**5) for number in range(1, 51)]
LEAVES = [leaf_hash(line) for line in LINES]
PLACES = [sum(len(line) + 1 for line in LINES[:number]) for number in range(51)]


def root(size: int) -> bytes:
    made = Frontier()
    for leaf in LEAVES[:size]:
        list(made.append(leaf))
    return made.root()


def segment(directory: Path) -> Path:
    path = directory / "0000000000000001.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in LINES))
    return path


def grow(directory: Path, start: int, end: int) -> TreeWriter:
    writer = TreeWriter(directory)
    assert writer.size == start
    assert writer.grow(segment(directory), PLACES[start], end) == (end - start, PLACES[end] - PLACES[start])
    return writer


def test_it_grows_in_batches_and_is_taken_up_again(tmp_path: Path) -> None:
    for start, end in ((0, 1), (1, 8), (8, 8), (8, 33)):
        assert grow(tmp_path, start, end).root() == root(end)
    stored = StoredTree(tmp_path)
    assert root_of(0, 33, stored.node) == root(33)
    assert stored.place(32) == PLACES[32]


@settings(max_examples=40)
@given(st.integers(1, 40), st.data())
def test_torn_files_are_mended(tmp_path_factory: pytest.TempPathFactory, size: int, data: st.DataObject) -> None:
    directory = tmp_path_factory.mktemp("torn")
    grow(directory, 0, size)
    for path in sorted((directory / FOLDER).iterdir()):
        os.truncate(path, data.draw(st.integers(0, path.stat().st_size)))
    writer = TreeWriter(directory)
    writer.grow(segment(directory), PLACES[writer.size], 50)
    assert (writer.size, writer.root()) == (50, root(50))
    assert root_of(0, 50, StoredTree(directory).node) == root(50)


def test_a_first_growth_that_was_torn_in_its_highest_level_leaves_nothing_of_that(tmp_path: Path) -> None:
    grow(tmp_path, 0, 5)
    for path in (tmp_path / FOLDER).iterdir():
        if path.name == "02":
            os.truncate(path, 21)
        elif path.name != "places":
            path.unlink()
    assert grow(tmp_path, 0, 44).root() == root(44)
    # Of 44 leaves the last four are a node of that level.
    assert root_of(0, 44, StoredTree(tmp_path).node) == root(44)


def test_what_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    grow(tmp_path, 0, 3)
    with pytest.raises(AuditUnavailable, match="ends before entry 4"):
        StoredTree(tmp_path).node(0, 3)
    with pytest.raises(AuditUnavailable, match="cannot be used"):
        StoredTree(tmp_path / "nowhere").node(0, 0)


def test_what_keeps_it_from_growing_is_said(tmp_path: Path) -> None:
    path, writer = segment(tmp_path), TreeWriter(tmp_path)
    with pytest.raises(AuditUnavailable, match=r"`.*/none` cannot be read \(No such file or directory\)") as refused:
        writer.grow(tmp_path / "none", 0, 9)
    assert refused.value.code != "AUDIT_ALTERED"
    with pytest.raises(AuditUnavailable, match="`0000000000000001.jsonl` holds no entry 1 where it belongs") as refused:
        writer.grow(path, PLACES[1], 9)
    assert refused.value.code == "AUDIT_ALTERED"
    (tmp_path / FOLDER / "01").symlink_to("/dev/full")
    with pytest.raises(
        AuditUnavailable, match=r"the audit's tree in .* cannot be used \(No space left on device\)"
    ) as refused:
        writer.grow(path, 0, 9)
    assert refused.value.code != "AUDIT_ALTERED"
    assert refused.value.help == "see who may write there"
