"""The hashes of the log's Merkle tree on disk: a file for each level, so that a proof reads a few places and no entry.

`tree/NN` holds the 32-byte hashes of the complete subtrees of level NN in order; `tree/places` eight bytes for each entry:
where its line begins in its segment. An index: it can be made again from the segments, and `verify` never believes it.
One process writes it (the log's lock sees to that): it grows in the core (engine/native/src/merkle/stored.rs). Used by `sealing`, `tail`
and `proving`.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

from engine._native import AuditTree, NativeError
from gateway.audit.merkle import HASH_BYTES, Frontier, node_hash
from gateway.errors import AuditUnavailable

FOLDER = "tree"
PLACES = "places"
_PLACE = struct.Struct("!Q")


class StoredTree:
    """The tree of one log, for reading and (after `open_tree`) for growing."""

    def __init__(self, directory: Path) -> None:
        self._folder = directory / FOLDER
        try:
            self.size = _count(self._folder / _level(0), HASH_BYTES)
        except OSError as error:
            raise _unreadable(self._folder, error) from error

    def node(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree. Raises AuditUnavailable when it is not there."""
        return self._read(_level(level), index, HASH_BYTES)

    def place(self, index: int) -> int:
        """Where the line of an entry begins in its segment."""
        return int(_PLACE.unpack(self._read(PLACES, index, _PLACE.size))[0])

    def _read(self, name: str, index: int, width: int) -> bytes:
        try:
            with (self._folder / name).open("rb", buffering=0) as file:
                found = os.pread(file.fileno(), width, index * width)
        except OSError as error:
            raise _unreadable(self._folder, error) from error
        if len(found) != width:
            raise AuditUnavailable(
                f"the tree in {self._folder} ends before entry {index + 1}", help="`sallyport audit verify` says more"
            )
        return found


def open_tree(directory: Path) -> StoredTree:
    """The tree, whole up to the last leaf and place that both stand there: what a crash tore is cut off or made again."""
    folder = directory / FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        size = min(_count(folder / _level(0), HASH_BYTES), _count(folder / PLACES, _PLACE.size))
        _cut(folder / PLACES, size * _PLACE.size)
        _cut(folder / _level(0), size * HASH_BYTES)
        for level in range(1, 64):
            path, wanted = folder / _level(level), size >> level
            # WHY on: the highest level is written first, so a crash may leave it above others that are not there.
            if not wanted and not path.exists():
                continue
            _cut(path, wanted * HASH_BYTES)
            _complete(folder / _level(level - 1), path, _count(path, HASH_BYTES), wanted)
    except OSError as error:
        raise _unreadable(folder, error) from error
    return StoredTree(directory)


def remove_tree(directory: Path) -> None:
    """Forget the tree, to grow it again from the segments. Raises AuditUnavailable."""
    folder = directory / FOLDER
    try:
        # WHY leaves first: without them the rest counts for nothing, should we end in between.
        for path in sorted(folder.iterdir()):
            path.unlink()
    except OSError as error:
        raise _unreadable(folder, error) from error


class TreeWriter:
    """Grows the stored tree, a batch of entries at a time."""

    def __init__(self, directory: Path) -> None:
        """Take it up as it stands on the disk, mended. Raises AuditUnavailable."""
        stored = open_tree(directory)
        self._folder = directory / FOLDER
        self._grown = AuditTree(self._folder, Frontier.of(stored.size, stored.node).nodes)

    @property
    def size(self) -> int:
        """How many entries are in the tree."""
        return self._grown.size

    def root(self) -> bytes:
        """The root over all of them."""
        return self._grown.root()

    def grow(self, segment: Path, place: int, upto: int) -> tuple[int, int]:
        """Add the whole lines that stand in a segment from a place on, up to an entry and only so many at a time, and put that on the
        disk; how many lines, how many bytes. Raises AuditUnavailable; after that it is to be taken up again."""
        try:
            return self._grown.grow(segment, place, upto)
        except NativeError as error:
            problem = str(error.args[0])
            match error.code:
                case "UNREADABLE":
                    raise AuditUnavailable(f"`{segment}` cannot be read ({problem})") from error
                case "UNWRITABLE":
                    raise _unusable(self._folder, problem) from error
                case _:
                    raise AuditUnavailable(f"`{segment.name}` holds {problem}", code="AUDIT_ALTERED") from error


def _level(level: int) -> str:
    return f"{level:02d}"


def _count(path: Path, width: int) -> int:
    try:
        return path.stat().st_size // width
    except FileNotFoundError:
        return 0


def _cut(path: Path, length: int) -> None:
    if path.exists() and path.stat().st_size > length:
        os.truncate(path, length)


def _append(path: Path, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.fdatasync(fd)
    finally:
        os.close(fd)


def _complete(below: Path, path: Path, have: int, wanted: int) -> None:
    if have >= wanted:
        return
    _cut(path, have * HASH_BYTES)
    with below.open("rb") as children:
        children.seek(2 * have * HASH_BYTES)
        made = [node_hash(children.read(HASH_BYTES), children.read(HASH_BYTES)) for _ in range(wanted - have)]
    _append(path, b"".join(made))


def _unreadable(folder: Path, error: OSError) -> AuditUnavailable:
    return _unusable(folder, error.strerror or "unknown")


def _unusable(folder: Path, problem: str) -> AuditUnavailable:
    return AuditUnavailable(f"the audit's tree in {folder} cannot be used ({problem})", help="see who may write there")
