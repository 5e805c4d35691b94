"""`python -m bench.hostile [--count N] [--seed N] [--size N] [--worst N] [--json]`: texts made to be slow to scan, and the slowest of them.

Each is a short unit again and again: of the literals that the scanner looks for, of digits, letters, separators, beginnings of
accounts and values, up to 24 bytes; in one stretch or in several of one length, with an end of a line or another sign between.
What is printed are megabytes a CPU second of this process, so that a busy machine does not count for much.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from engine import _native

TABLE = Path(__file__).parent.parent / "engine/native/src/scan/detectors.tsv"
LONGEST = 24
"""The longest unit, in bytes."""
RUNS = (0, 0, 0, 16, 64, 300, 1_024, 4_096, 16_384)
"""How long a stretch is before a gap, in bytes; 0: as long as the text."""
GAPS = ("\n", " ", "\n\n", '"', "; ", "x")
NAMES = (
    "api", "key", "api_key", "apikey", "api-key", "token", "secret", "password", "passwd", "pwd", "pass", "auth", "access",
    "private", "client_key", "master_key", "credential", "user", "uid", "session", "public",
)  # fmt: skip
COUNTRIES = ("DE", "de", "GB", "sk", "SK", "no", "FR", "MT", "aA", "Xx", "TR", "ES", "U1", "HRB", "IT")
SIGNS = " -_.:=/,|@\"'()+%;!~#$<>[]{}\\\n\t&*"
VALUES = (
    "a1",
    "1A1+",
    "aA11",
    "9z!",
    "Zk3vN9",
    "0f",
    "hunter2",
    "A7",
    "5.d",
    "::",
    "://",
    "4111",
    "://a:b@",
    "a@b.de",
    "e3:0a",
)
WANTED = {"detect": 125.0, "spans": 50.0}
"""What is promised of any text, in megabytes a second."""


@dataclass(frozen=True, slots=True)
class Made:
    """A unit, how long a stretch of it is (0: the whole text) and what stands between two."""

    unit: str
    run: int
    gap: str

    def text(self, size: int) -> bytes:
        unit = self.unit.encode()
        if not self.run:
            return _filled(unit, size)
        return _filled(_filled(unit, self.run) + self.gap.encode(), size)


@dataclass(frozen=True, slots=True)
class Rate:
    """Megabytes a CPU second of one text: telling which types it has, and where."""

    made: Made
    detect: float
    spans: float


def _filled(piece: bytes, size: int) -> bytes:
    return (piece * (size // len(piece) + 1))[:size]


@cache
def literals() -> tuple[str, ...]:
    """Everything that rows of the table look for: literals that begin something, and words beside figures."""
    rows = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    triggers = (part.split("<", 1)[-1] for row in rows for part in row[2].split(","))
    context = (part for row in rows for part in row[5].split(","))
    return tuple(sorted({part for part in (*triggers, *context) if part}))


def made(seed: int, count: int) -> Iterator[Made]:
    """So many texts of a seed."""
    chance = random.Random(seed)
    for _ in range(count):
        unit = "".join(_piece(chance) for _ in range(chance.choice((1, 1, 2, 2, 3, 3, 4, 5))))
        while len(unit.encode()) > LONGEST:
            unit = unit[:-1]
        run = chance.choice(RUNS)
        yield Made(unit, run, chance.choice(GAPS) if run else "")


def _piece(chance: random.Random) -> str:
    kinds: tuple[Callable[[], str], ...] = (
        lambda: chance.choice(literals()),
        lambda: chance.choice(NAMES),
        lambda: chance.choice(SIGNS),
        lambda: chance.choice(SIGNS),
        lambda: "".join(chance.choices("0123456789", k=chance.randint(1, 6))),
        lambda: "".join(chance.choices("abcfxyzABKQ", k=chance.randint(1, 3))),
        lambda: chance.choice(COUNTRIES) + "".join(chance.choices("0123456789", k=2)),
        lambda: chance.choice(VALUES),
    )
    piece = chance.choice(kinds)()
    return chance.choice((piece, piece, piece, piece.upper(), piece.capitalize()))


def measure(texts: Sequence[Made], size: int, rounds: int = 3) -> list[Rate]:
    """Both rates of each text, as the best of some rounds."""
    _native.scan_types(b"")
    return [
        Rate(one, _rate(_native.scan_types, text, rounds), _rate(_native.scan_spans, text, rounds))
        for one in texts
        for text in [one.text(size)]
    ]


def _rate(work: Callable[[bytes], object], text: bytes, rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        before = time.thread_time()
        work(text)
        best = min(best, time.thread_time() - before)
    return len(text) / max(best, 1e-9) / 1e6


def show(rates: Sequence[Rate], worst: int) -> None:
    """How many stay below what is promised, and the slowest."""
    for name, wanted in WANTED.items():
        of = sorted(rates, key=lambda rate: getattr(rate, name))
        below = [sum(getattr(rate, name) < bound for rate in rates) for bound in (wanted, wanted / 2, wanted / 4)]
        print(
            f"{name}: of {len(rates)} texts {below[0]} below {wanted:g} MB/s, {below[1]} below half, {below[2]} below a quarter"
        )
        for rate in of[:worst]:
            between = f" in stretches of {rate.made.run} with {rate.made.gap!r}" if rate.made.run else ""
            print(f"  {getattr(rate, name):8.1f} MB/s  {rate.made.unit!r}{between}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.hostile", description=__doc__)
    parser.add_argument("--count", type=int, default=2_000, help="how many texts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=100_000, help="bytes of a text")
    parser.add_argument("--worst", type=int, default=20, help="how many of the slowest are shown")
    parser.add_argument("--json", action="store_true", help="all of them, slowest first, as JSON")
    said = parser.parse_args()
    rates = measure(list(made(said.seed, said.count)), said.size)
    if said.json:
        json.dump([asdict(rate) for rate in sorted(rates, key=lambda rate: rate.detect)], sys.stdout)
        sys.stdout.write("\n")
    else:
        show(rates, said.worst)
    return 0


if __name__ == "__main__":
    sys.exit(main())
