"""Which files belong together: a folder below one called `examples` is a set of policies of its own.

So `sallyport test policies` runs every suite against the policies it was written for. Called by `gateway/cli`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from engine.source import Source

COMPLETE_BELOW = "examples"


@dataclass(frozen=True, slots=True)
class PolicySet:
    """Files of one set. `root` is its folder, "" for the one that holds everything else."""

    root: str
    sources: tuple[Source, ...]
    suites: tuple[Source, ...]


def policy_sets(sources: Iterable[Source], suites: Iterable[Source]) -> Sequence[PolicySet]:
    """Sort files into their sets, by root. A set without policies and suites is not there."""
    found: dict[str, tuple[list[Source], list[Source]]] = {}
    for source in sources:
        found.setdefault(root_of(source.name), ([], []))[0].append(source)
    for suite in suites:
        found.setdefault(root_of(suite.name), ([], []))[1].append(suite)
    return [PolicySet(root, tuple(found[root][0]), tuple(found[root][1])) for root in sorted(found)]


def root_of(name: str) -> str:
    """The folder of the set a file belongs to."""
    folders = PurePosixPath(name).parts[:-1]
    if COMPLETE_BELOW not in folders[:-1]:
        return ""
    return "/".join(folders[: folders.index(COMPLETE_BELOW) + 2])
