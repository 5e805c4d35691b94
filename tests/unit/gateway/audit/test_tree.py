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

LEAVES = [leaf_hash(b"%d" % number) for number in range(50)]


def root(size: int) -> bytes:
    made = Frontier()
    for leaf in LEAVES[:size]:
        list(made.append(leaf))
    return made.root()


def grow(directory: Path, start: int, end: int) -> TreeWriter:
    writer = TreeWriter(directory)
    assert writer.size == start
    writer.extend(*entries(start, end))
    return writer


def entries(start: int, end: int) -> tuple[bytes, bytes]:
    """Leaves and places of some entries, as a tail gives them."""
    return b"".join(LEAVES[start:end]), b"".join((number * 10).to_bytes(8, "big") for number in range(start, end))


def test_it_grows_in_batches_and_is_taken_up_again(tmp_path: Path) -> None:
    for start, end in ((0, 1), (1, 8), (8, 8), (8, 33)):
        assert grow(tmp_path, start, end).frontier.root() == root(end)
    stored = StoredTree(tmp_path)
    assert root_of(0, 33, stored.node) == root(33)
    assert stored.place(32) == 320


@settings(max_examples=40)
@given(st.integers(1, 40), st.data())
def test_torn_files_are_mended(tmp_path_factory: pytest.TempPathFactory, size: int, data: st.DataObject) -> None:
    directory = tmp_path_factory.mktemp("torn")
    grow(directory, 0, size)
    for path in sorted((directory / FOLDER).iterdir()):
        os.truncate(path, data.draw(st.integers(0, path.stat().st_size)))
    writer = TreeWriter(directory)
    writer.extend(*entries(writer.size, 50))
    assert writer.frontier.root() == root(50)
    assert root_of(0, 50, StoredTree(directory).node) == root(50)


def test_a_first_growth_that_was_torn_in_its_highest_level_leaves_nothing_of_that(tmp_path: Path) -> None:
    grow(tmp_path, 0, 5)
    for path in (tmp_path / FOLDER).iterdir():
        if path.name == "02":
            os.truncate(path, 21)
        elif path.name != "places":
            path.unlink()
    assert grow(tmp_path, 0, 44).frontier.root() == root(44)
    # Of 44 leaves the last four are a node of that level.
    assert root_of(0, 44, StoredTree(tmp_path).node) == root(44)


def test_what_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    grow(tmp_path, 0, 3)
    with pytest.raises(AuditUnavailable, match="ends before entry 4"):
        StoredTree(tmp_path).node(0, 3)
    with pytest.raises(AuditUnavailable, match="cannot be used"):
        StoredTree(tmp_path / "nowhere").node(0, 0)
