"""The tree of RFC 9162: roots as the definition says, proofs that hold for what is true and for nothing else."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_path,
    inclusion_path,
    is_consistent,
    is_included,
    leaf_hash,
    node_hash,
    root_of,
)

LEAVES = [leaf_hash(b"%d" % number) for number in range(70)]
SIZES = st.integers(1, len(LEAVES))


def defined(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(defined(leaves[:split]), defined(leaves[split:]))


def nodes(level: int, index: int) -> bytes:
    return defined(LEAVES[index << level : (index + 1) << level])


def frontier(size: int) -> Frontier:
    made = Frontier()
    for leaf in LEAVES[:size]:
        list(made.append(leaf))
    return made


def test_a_known_root_comes_out() -> None:
    # The empty tree, and the tree over one empty entry: the published vectors of RFC 6962 implementations.
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


@given(st.integers(0, len(LEAVES)))
def test_growing_gives_the_defined_root(size: int) -> None:
    assert frontier(size).root() == defined(LEAVES[:size]) == root_of(0, size, nodes)
    assert Frontier.of(size, nodes).root() == defined(LEAVES[:size])


@given(st.integers(0, 60), st.integers(0, 9))
def test_a_frontier_taken_up_again_grows_the_same(size: int, more: int) -> None:
    again = Frontier.of(size, nodes)
    for leaf in LEAVES[size : size + more]:
        list(again.append(leaf))
    assert again.root() == defined(LEAVES[: size + more])


@given(st.integers(0, len(LEAVES)))
def test_its_nodes_are_the_complete_subtrees_the_largest_first(size: int) -> None:
    found, start = frontier(size).nodes, 0
    assert [level for level, _ in found] == [level for level in reversed(range(8)) if size >> level & 1]
    for level, node in found:
        assert node == nodes(level, start >> level)
        start += 1 << level


def test_growing_tells_every_complete_subtree_once() -> None:
    made, told = Frontier(), dict[tuple[int, int], bytes]()
    for leaf in LEAVES[:16]:
        for level, node in made.append(leaf):
            told[level, sum(1 for one, _ in told if one == level)] = node
    assert told == {(level, index): nodes(level, index) for level in range(5) for index in range(16 >> level)}


@given(SIZES, st.data())
def test_an_entry_is_proven_and_no_other(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path, root = inclusion_path(index, size, nodes), defined(LEAVES[:size])
    assert is_included(LEAVES[index], index, size, path, root)
    other = data.draw(st.integers(0, len(LEAVES) - 1))
    assert is_included(LEAVES[other], index, size, path, root) == (other == index)
    assert not is_included(LEAVES[index], index, size, [*path, root], root)
    assert not is_included(LEAVES[index], index, size, path, leaf_hash(b"another root"))
    if path:
        assert not is_included(LEAVES[index], index, size, path[:-1], root)
    wrong = data.draw(st.integers(0, size - 1))
    assert is_included(LEAVES[index], wrong, size, path, root) == (wrong == index)


@given(SIZES, st.data())
def test_growth_is_proven_and_no_rewriting(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    path = consistency_path(old, new, nodes)
    was, now = defined(LEAVES[:old]), defined(LEAVES[:new])
    assert is_consistent(old, was, new, now, path)
    assert not is_consistent(old, leaf_hash(b"another past"), new, now, path)
    assert not is_consistent(old, was, new, leaf_hash(b"another present"), path)
    assert not is_consistent(old, was, new, now, [*path, was])
    if old < new:
        rewritten = [leaf_hash(b"x"), *LEAVES[1:new]]
        assert not is_consistent(old, was, new, defined(rewritten), path)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_what_is_not_in_a_tree_has_no_path(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_path(index, size, nodes)
    assert not is_included(LEAVES[0], index, size, [], LEAVES[0])


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3)])
def test_only_a_larger_tree_continues_one(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="larger one"):
        consistency_path(old, new, nodes)
    assert not is_consistent(old, EMPTY_ROOT, new, EMPTY_ROOT, [])
