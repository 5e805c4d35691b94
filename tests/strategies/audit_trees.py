"""The tree of a log as Python alone writes it, which the core's is compared with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gateway.audit.merkle import Frontier, leaf_hash
from gateway.audit.tree import FOLDER


def writes(frontier: Frontier, lines: Iterable[tuple[bytes, int]]) -> list[tuple[str, bytes]]:
    """What is added to which file, in order, for lines without their ends and the place of each; the frontier grows."""
    places, levels = b"", dict[int, bytes]()
    for line, place in lines:
        places += place.to_bytes(8, "big")
        for level, node in frontier.append(leaf_hash(line)):
            levels[level] = levels.get(level, b"") + node
    return [("places", places), *((f"{level:02d}", levels[level]) for level in sorted(levels, reverse=True))]


def files(directory: Path) -> dict[str, bytes]:
    """What stands in each file of a log's tree."""
    folder = directory / FOLDER
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}
