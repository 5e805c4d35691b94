"""Parsing of shell lines: p50 of one line, beside the standard library's splitting of the same line into words.

`python -m bench shell`. The lines are the open ones of the corpora where those are present, else a handful of ours.
"""

from __future__ import annotations

import gzip
import json
import os
import shlex
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from engine import _native

LINES = (
    "ls -la /var/log | grep -c error",
    'git commit -m "docs: say why" && git push origin feature/x',
    "sudo -u app env A=1 timeout 10 find . -name '*.pyc' -exec rm -f {} +",
    "for f in *.txt; do sed -n '1p' \"$f\" >> out; done",
    "docker run --rm -v $(pwd):/src image sh -c 'make test'",
)
CORPUS = "shell-ci-docs"
MOST = 4_000


@dataclass(frozen=True, slots=True)
class Found:
    """Microseconds of single calls, in the processor's time."""

    lines: int
    parse_p50_us: float
    parse_p99_us: float
    split_p50_us: float


def lines() -> Sequence[str]:
    place = Path(os.environ.get("SALLYPORT_CORPORA") or Path(__file__).parents[2] / "shared" / "corpora")
    file = place / CORPUS / "items.jsonl.gz"
    if not file.is_file():
        return LINES * 200
    with gzip.open(file, "rt", encoding="utf-8") as found:
        items = [json.loads(line) for line in found]
    return [item["command"] for item in items if item["facts"].get("parse_ok")][:MOST]


def timed(work: Callable[[int], object], count: int) -> list[float]:
    took = []
    for number in range(count):
        begun = time.thread_time_ns()
        work(number)
        took.append((time.thread_time_ns() - begun) / 1000)
    return took


def split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return []


def measure() -> Found:
    texts = list(lines())
    raw = [text.encode() for text in texts]
    timed(lambda number: _native.parse_shell(raw[number]), len(raw))
    parsed = timed(lambda number: _native.parse_shell(raw[number]), len(raw))
    words = timed(lambda number: split(texts[number]), len(texts))
    cuts = statistics.quantiles(parsed, n=100)
    return Found(len(texts), statistics.median(parsed), cuts[98], statistics.median(words))


def document(found: Found) -> dict[str, object]:
    """The raw figures for machines."""
    return {"shell": asdict(found)}


def promises(found: Found) -> tuple[Mapping[str, float], Mapping[str, str]]:
    """Measured values by promise, and what each was measured beside."""
    peer = f"shlex.split {found.split_p50_us:.1f} us"
    measured = {
        "p50_split": found.parse_p50_us / found.split_p50_us,
        "p50": found.parse_p50_us,
        "p99": found.parse_p99_us,
    }
    return measured, {"p50_split": peer, "p50": f"{found.lines} lines"}
