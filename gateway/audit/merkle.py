"""The Merkle tree of RFC 9162 over the lines of the log: roots, proofs of inclusion and of consistency. Pure.

A leaf is SHA-256 of 0x00 and a line without its end; a node SHA-256 of 0x01 and its two children. `Nodes` hands out the
hashes of complete subtrees: (0, i) is leaf i, (k, i) covers the leaves [i * 2**k, (i + 1) * 2**k). Stored by `tree`, used
by `sealing`, `proving` and `verify`. The log's tree grows in the core (engine/native/src/merkle.rs); tests hold the two equal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

Nodes: TypeAlias = Callable[[int, int], bytes]
"""The hash of a complete subtree by level and place."""

EMPTY_ROOT = hashlib.sha256(b"").digest()
HASH_BYTES = 32
MAX_PATH = 64
"""Hashes in a proof: a tree is never higher than its 64-bit size is long."""


def leaf_hash(line: bytes) -> bytes:
    """The leaf of a line (RFC 9162, 2.1.1)."""
    return hashlib.sha256(b"\x00" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The parent of two nodes (RFC 9162, 2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the complete subtrees of a growing tree, the largest first: all that is needed to go on growing."""

    def __init__(self) -> None:
        self._nodes: list[tuple[int, bytes]] = []
        self.size = 0

    def append(self, leaf: bytes) -> Iterator[tuple[int, bytes]]:
        """Add a leaf; yields every node that is complete now, by its level, the leaf first."""
        level, node = 0, leaf
        yield level, node
        while self._nodes and self._nodes[-1][0] == level:
            node = node_hash(self._nodes.pop()[1], node)
            level += 1
            yield level, node
        self._nodes.append((level, node))
        self.size += 1

    @property
    def nodes(self) -> list[tuple[int, bytes]]:
        """These roots, each with its level."""
        return [*self._nodes]

    def root(self) -> bytes:
        """The root of the leaves so far."""
        if not self._nodes:
            return EMPTY_ROOT
        root = self._nodes[-1][1]
        for _, node in reversed(self._nodes[:-1]):
            root = node_hash(node, root)
        return root

    @classmethod
    def of(cls, size: int, nodes: Nodes) -> Frontier:
        """The frontier of a tree whose complete subtrees are at hand."""
        made, start = cls(), 0
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                made._nodes.append((level, nodes(level, start >> level)))
                start += 1 << level
        made.size = size
        return made


def root_of(start: int, end: int, nodes: Nodes) -> bytes:
    """The root over the leaves [start, end), where `start` is a place at which such a subtree begins."""
    width = end - start
    if width == 0:
        return EMPTY_ROOT
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return nodes(level, start >> level)
    split = _split(width)
    return node_hash(root_of(start, start + split, nodes), root_of(start + split, end, nodes))


def inclusion_path(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root of the first `size` leaves (RFC 9162, 2.1.3.1)."""
    if not 0 <= index < size:
        raise ValueError("no such leaf in a tree of that size")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(root_of(middle, end, nodes))
            end = middle
        else:
            path.append(root_of(start, middle, nodes))
            start = middle
    return path[::-1]


def consistency_path(old: int, new: int, nodes: Nodes) -> list[bytes]:
    """The hashes that show that the first `old` leaves begin the tree of `new` (RFC 9162, 2.1.4.1)."""
    if not 0 < old <= new:
        raise ValueError("consistency is between a tree and a larger one")
    path: list[bytes] = []
    start, end, is_whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(root_of(middle, end, nodes))
            end = middle
        else:
            path.append(root_of(start, middle, nodes))
            start, is_whole = middle, False
    if not is_whole:
        path.append(root_of(start, end, nodes))
    return path[::-1]


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether a path proves that a leaf stands there (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or len(path) > MAX_PATH:
        return False
    place, last, found = index, size - 1, leaf
    for other in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(other, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, other)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether a path proves that a tree grew out of an older one (RFC 9162, 2.1.4.2)."""
    if not 0 < old <= new or len(path) > MAX_PATH:
        return False
    if old == new:
        return not path and old_root == new_root
    hashes = list(path) if old & (old - 1) else [old_root, *path]
    if not hashes:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    was = now = hashes[0]
    for other in hashes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            was, now = node_hash(other, was), node_hash(other, now)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            now = node_hash(now, other)
        place, last = place >> 1, last >> 1
    return last == 0 and was == old_root and now == new_root


def _split(width: int) -> int:
    """The largest power of two smaller than a width of at least two."""
    return 1 << ((width - 1).bit_length() - 1)
