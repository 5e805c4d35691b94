"""What recording costs: megabytes a second that a recording takes, beside zstd alone over the same bytes.

`python -m bench recorder`. The bytes come in pieces as a terminal or a command hands them over: once the sources of this
project with the colours of a terminal, once rows of a table, once bytes that are no text. The recording makes lines of them, compresses, encrypts and
writes them, with its digests; beside it `zstd` at level 1 (its library, as a stream) compresses the same pieces and writes them. Both by the processor's time.
"""

from __future__ import annotations

import itertools
import os
import random
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import zstandard

from adapters.core.ports import Screen
from bench.servers import run_folder
from gateway.recording.keys import WrappingKeys
from gateway.recording.recorder import About, Recordings

ROOT = Path(__file__).parents[1]
SIZE = 16 << 20
PIECE = 8 << 10
"""Bytes of one reading from a channel."""
ROUNDS = 7
LEVEL = 1
SCREEN = Screen(columns=120, rows=40, type="xterm-256color")


@dataclass(frozen=True, slots=True)
class Figure:
    """Megabytes a second of the processor's time: `case` is the kind of bytes, `by` who took them."""

    case: str
    by: str
    rate: float
    bytes_kept: int


def coloured() -> bytes:
    """The sources of this project as a terminal shows them: numbered lines, words of Python in colour."""
    out = bytearray()
    files = sorted(path for folder in ("engine", "gateway", "adapters") for path in (ROOT / folder).rglob("*.py"))
    for path in itertools.cycle(files):
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            words = (b"\x1b[1;34m%b\x1b[0m" % word if word in COLOURED else word for word in line.split(b" "))
            out += b"\x1b[2m%5d\x1b[0m %b\r\n" % (number, b" ".join(words))
        if len(out) >= SIZE:
            return bytes(out[:SIZE])
    return bytes(out)


COLOURED = frozenset(b"def class return if else for in import from not and or None True False".split())


def rows() -> bytes:
    """Rows as psql prints them, by a seeded generator."""
    random_ = random.Random(5)
    out = bytearray()
    while len(out) < SIZE:
        digits = random_.randrange(10**9)
        out += b" %9d | customer-%06d | %8.2f | 2026-%02d-%02d\n" % (
            *(digits, digits % 999_983, digits / 977 % 99_999),
            *(digits % 12 + 1, digits % 28 + 1),
        )
    return bytes(out[:SIZE])


def noise() -> bytes:
    """Bytes that are neither text nor to be made smaller."""
    return random.Random(7).randbytes(SIZE)


def pieces(data: bytes) -> Iterable[bytes]:
    return (data[start : start + PIECE] for start in range(0, len(data), PIECE))


def recorded(folder: Path, data: bytes, screen: Screen | None) -> tuple[float, int]:
    """Megabytes a second through a recording, and the bytes of its file."""
    told: list[int] = []
    shelf = Recordings(
        folder, WrappingKeys([bytes(32)]), time.time_ns, lambda at: told.append(at.size), low_water_bytes=0
    )
    one = shelf.begin(About("s-1", "ana", "web-1", "d-1"), screen, lambda: None)
    began = time.process_time()
    for piece in pieces(data):
        one.output(piece)
    one.end(0)
    took = time.process_time() - began
    shelf.close()
    return len(data) / took / 1e6, told[-1]


def packed(folder: Path, data: bytes) -> tuple[float, int]:
    """The same through zstd alone."""
    path = folder / "packed"
    began = time.process_time()
    with path.open("wb", buffering=0) as file:
        stream = zstandard.ZstdCompressor(level=LEVEL).compressobj()
        for piece in pieces(data):
            if made := stream.compress(piece):
                file.write(made)
        file.write(stream.flush())
        os.fsync(file.fileno())
    took = time.process_time() - began
    return len(data) / took / 1e6, path.stat().st_size


CASES: Mapping[str, tuple[Callable[[], bytes], Screen | None]] = {
    "terminal": (coloured, SCREEN),
    "rows": (rows, None),
    "noise": (noise, None),
}


def measure() -> list[Figure]:
    """Every row, medians of rounds in turns."""
    found = []
    with run_folder() as folder:
        for case, (bytes_of, screen) in CASES.items():
            data = bytes_of()
            taken: tuple[list[tuple[float, int]], list[tuple[float, int]]] = ([], [])
            for number in range(ROUNDS):
                taken[0].append(recorded(folder / f"{case}-{number}", data, screen))
                taken[1].append(packed(folder, data))
            for by, runs in zip(("a recording", "zstd -1"), taken, strict=True):
                found.append(Figure(case, by, statistics.median(rate for rate, _ in runs), runs[0][1]))
    return found


def promises(figures: list[Figure]) -> tuple[dict[str, float | None], dict[str, str]]:
    """What `budgets.toml` has bounds for, and what it was measured against."""
    rates = {(one.case, one.by): one for one in figures}
    measured: dict[str, float | None] = {}
    peers = {}
    for case in CASES:
        ours, theirs = rates[case, "a recording"], rates[case, "zstd -1"]
        measured[case] = ours.rate / theirs.rate
        peers[case] = (
            f"zstd -1 {theirs.rate:.0f} MB/s to {theirs.bytes_kept / SIZE:.0%}, "
            f"a recording {ours.rate:.0f} MB/s to {ours.bytes_kept / SIZE:.0%}"
        )
    return measured, peers


def document(figures: list[Figure]) -> dict[str, object]:
    """The raw figures for machines."""
    return {"recorder": [asdict(one) for one in figures]}
