"""Measured values beside their promises: one table for people, one JSON document for machines."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

BUDGETS = Path(__file__).with_name("budgets.toml")


@dataclass(frozen=True, slots=True)
class Line:
    """One promise and what was measured for it. `kept` is None when nothing was promised or measured."""

    name: str
    what: str
    measured: float | None
    unit: str
    at_least: float | None
    at_most: float | None
    peer: str
    kept: bool | None


def judge(area: str, measured: Mapping[str, float | None], peers: Mapping[str, str] | None = None) -> list[Line]:
    """The lines of one area of the budgets. A promise that was not measured is shown as such, never left out."""
    promised = tomllib.loads(BUDGETS.read_text(encoding="utf-8")).get(area, {})
    lines = []
    for name in [*promised, *(other for other in measured if other not in promised)]:
        entry = promised.get(name, {})
        value = measured.get(name)
        low, high = entry.get("at_least"), entry.get("at_most")
        kept = None
        if value is not None and (low is not None or high is not None):
            kept = (low is None or value >= low) and (high is None or value <= high)
        lines.append(
            Line(
                f"{area}.{name}",
                entry.get("what", ""),
                value,
                entry.get("unit", "x"),
                low,
                high,
                (peers or {}).get(name, ""),
                kept,
            )
        )
    return lines


def show(lines: list[Line]) -> None:
    table = Table(title="promises", show_lines=False)
    for column in ("promise", "bound", "measured", "peer", "kept"):
        table.add_column(column)
    for line in lines:
        bound = f">= {line.at_least:g}" if line.at_least is not None else ""
        bound += f"<= {line.at_most:g}" if line.at_most is not None else ""
        measured = "not measured" if line.measured is None else f"{line.measured:.3g} {line.unit}"
        kept = {None: "-", True: "yes", False: "NO"}[line.kept]
        table.add_row(line.what or line.name, bound, measured, line.peer, kept)
    Console().print(table)


def dump(lines: list[Line]) -> None:
    json.dump({"promises": [asdict(line) for line in lines]}, sys.stdout, indent=1)
    sys.stdout.write("\n")
