"""The tree that the core writes is, byte for byte and in this order, the one that Python would have written; cuts included."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.audit.merkle import Frontier
from gateway.audit.tail import Tail
from gateway.audit.tree import FOLDER, TreeWriter
from gateway.errors import AuditUnavailable
from tests.strategies.audit_trees import files, writes

SUFFIX = ".jsonl"
# Most lines are short; some are longer than what is read at once.
LENGTHS = st.one_of(st.integers(0, 300), st.integers(0, 300), st.sampled_from([65_500, 65_536, 200_000]))
SEGMENTS = st.lists(st.lists(LENGTHS, min_size=1, max_size=12), min_size=1, max_size=5)
ORDINARY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Written:
    """A log on the disk, and what Python says of it."""

    def __init__(self, directory: Path, lengths: list[list[int]]) -> None:
        self.directory, self.lines, self.segments = directory, list[tuple[bytes, int]](), list[Path]()
        for segment in lengths:
            path, data = directory / f"{len(self.lines) + 1:016d}{SUFFIX}", b""
            for length in segment:
                line = b'{"seq":%d,%b}' % (len(self.lines) + 1, b"x" * length)
                self.lines.append((line, len(data)))
                data += line + b"\n"
            path.write_bytes(data)
            self.segments.append(path)
        self.frontier, self.files = Frontier(), dict[str, bytes]()

    @property
    def size(self) -> int:
        return len(self.lines)

    def grow(self, count: int) -> list[tuple[str, bytes]]:
        """The next lines, as Python adds them to its files: what is added to which, in order."""
        added = writes(self.frontier, self.lines[self.frontier.size : self.frontier.size + count])
        for name, data in added:
            self.files[name] = self.files.get(name, b"") + data
        return added


def taken_up(directory: Path) -> tuple[TreeWriter, Tail]:
    tree = TreeWriter(directory)
    return tree, Tail(directory, tree)


@ORDINARY
@given(SEGMENTS, st.data())
def test_batch_by_batch_the_files_are_those_of_python(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[list[int]], data: st.DataObject
) -> None:
    written = Written(tmp_path_factory.mktemp("grown"), lengths)
    tree, tail = taken_up(written.directory)
    while tree.size < written.size:
        upto = data.draw(st.integers(tree.size + 1, written.size))
        for batch in tail.into_tree(upto):
            assert batch.first == written.frontier.size + 1
            ours = written.lines[batch.first - 1 : batch.first - 1 + batch.count]
            written.grow(batch.count)
            assert files(written.directory) == written.files
            assert (tree.size, tree.root()) == (written.frontier.size, written.frontier.root())
            assert b"".join(batch.lines()) == b"".join(line + b"\n" for line, _ in ours)
        assert tree.size == upto
        if data.draw(st.booleans()):
            tree, tail = taken_up(written.directory)


@ORDINARY
@given(SEGMENTS, st.data())
def test_from_a_cut_at_any_write_the_files_become_those_of_python(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[list[int]], data: st.DataObject
) -> None:
    written = Written(tmp_path_factory.mktemp("cut"), lengths)
    written.grow(data.draw(st.integers(0, written.size - 1)))
    before = dict(written.files)
    added = written.grow(data.draw(st.integers(1, written.size - written.frontier.size)))
    written.grow(written.size - written.frontier.size)
    for number, (name, torn) in enumerate(added):
        folder = written.directory / FOLDER
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        left = dict(before)
        for other, whole in added[:number]:
            left[other] = left.get(other, b"") + whole
        left[name] = left.get(name, b"") + torn[: data.draw(st.integers(0, len(torn)))]
        for other, whole in left.items():
            (folder / other).write_bytes(whole)
        tree, tail = taken_up(written.directory)
        for _ in tail.into_tree(written.size):
            pass
        assert (tree.size, tree.root()) == (written.size, written.frontier.root())
        assert files(written.directory) == written.files


@ORDINARY
@given(st.integers(0, 40), st.integers(1, 40))
def test_what_is_written_before_a_write_that_fails_is_what_python_writes_before_it(
    tmp_path_factory: pytest.TempPathFactory, start: int, more: int
) -> None:
    written = Written(tmp_path_factory.mktemp("failed"), [[5] * (start + more)])
    tree, tail = taken_up(written.directory)
    assert sum(batch.count for batch in tail.into_tree(start)) == start
    if start:
        written.grow(start)
    before = dict(written.files)
    added = written.grow(more)
    assert [name for name, _ in added] == ["places", *sorted((name for name, _ in added[1:]), reverse=True)]
    kept = written.directory / "kept"
    for number, (name, _) in enumerate(added):
        tree, tail = taken_up(written.directory)
        assert tree.size == start
        path = written.directory / FOLDER / name
        if path.exists():
            path.rename(kept)
        path.symlink_to("/dev/full")
        with pytest.raises(AuditUnavailable, match="No space left on device"):
            list(tail.into_tree(written.size))
        path.unlink()
        if kept.exists():
            kept.rename(path)
        found = files(written.directory)
        for other, whole in added:
            was = before.get(other, b"")
            is_before = [name for name, _ in added].index(other) < number
            assert found.get(other, b"") == (was + whole if is_before else was), (name, other)
        # Back to what stood there, for the next write.
        for other in found:
            os.truncate(written.directory / FOLDER / other, len(before.get(other, b"")))


def test_a_batch_has_its_bound_and_the_files_are_the_same(tmp_path: Path) -> None:
    written = Written(tmp_path, [list(itertools.repeat(0, 33_000))])
    tree, tail = taken_up(tmp_path)
    counts = [batch.count for batch in tail.into_tree(written.size)]
    assert counts == [32_768, 232]
    for count in counts:
        written.grow(count)
    assert files(tmp_path) == written.files
    assert tree.root() == written.frontier.root()
