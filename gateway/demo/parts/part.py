"""One part of the demonstration beside the database: what of the configuration is its own, and the lines to paste. Shapes and words only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from gateway.demo.scenes import Scene


@dataclass(frozen=True, slots=True)
class Act:
    """A line to paste. `happened`: whether what it asks for has been done at the target, which is asked directly."""

    scene: Scene
    happened: Callable[[], bool] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A part that runs. `configuration`: its resource and listener; `people`: more lines for each principal, by name."""

    name: str
    configuration: str
    people: Mapping[str, str]
    acts: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class Absent:
    """A part that this machine cannot show, and why."""

    name: str
    reason: str


Found: TypeAlias = Part | Absent


@dataclass(frozen=True, slots=True)
class Ground:
    """What a part is built on: a folder of its own, the gateway's certificate and key beside it, tokens by person, the environment."""

    folder: Path
    authority: Path
    key: Path
    checkout: Path
    tokens: Mapping[str, Path] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


def parts_text(found: Sequence[Found]) -> list[str]:
    """What is printed for people, for each part."""
    lines: list[str] = []
    for one in found:
        if isinstance(one, Absent):
            lines += [f"{one.name} is not shown: {one.reason}", ""]
            continue
        lines += [f"{one.name}, a line for each verdict:", ""]
        for act in one.acts:
            lines += [f"  # {act.scene.verdict}: {act.scene.expected}", f"  {act.scene.line()}", ""]
    return lines
