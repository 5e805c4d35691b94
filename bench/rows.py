"""A result of 500,000 rows with a masked column, beside the same rows by the relay that only carries them, in turn, in one run.

Four columns (a number, two texts, a time), read whole, in text and in binary, with TLS and SCRAM-SHA-256 on both sides. `raw` is a
user whom no mask concerns; what is masked for the others is one of the texts. The client counts bytes and looks at nothing
(`bench.reader`). Before anything is measured each way is read once and looked at cell by cell; in what is measured as many
bytes have to come as then. The elapsed time is that of the whole result; beside it the processor's time of the gateway alone.
"""

from __future__ import annotations

import re
import secrets
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import servers
from bench.pgbench import Way, configuration, processor_seconds
from bench.reader import Reader, in_binary, rows, simple
from gateway.demo.cluster import free_port

ROWS = 500_000
MASKED = 2
"""Which column has a mask."""
TURNS = 3
"""Turns of a round: one reading takes a second and says little."""
QUERY = "SELECT id, name, note, at FROM people"
TABLE = f"""
CREATE TABLE people (id integer, name text, note text, at timestamp);
INSERT INTO people SELECT n, 'name-' || n, md5(n::text), timestamp '2026-01-01' + n * interval '1 second'
    FROM generate_series(1, {ROWS}) AS n;
VACUUM ANALYZE people;
"""
FORMATS: Mapping[str, Callable[[str], bytes]] = {"text": simple, "binary": in_binary}
METHODS = {"partial": "partial keep last 4", "redact": "redact", "hash": 'hash key "bench"'}
"""The masked ways: each is a user, and how what is masked for this user."""
KEY = """
[[masking.key]]
id = "bench"
secret = "env:BENCH_MASK"
"""
WAYS = ("direct", "raw", *METHODS)
EXPECTED: Mapping[str, Callable[[bytes, bytes], bool]] = {
    "direct": lambda value, shown: shown == value,
    "raw": lambda value, shown: shown == value,
    "partial": lambda value, shown: shown == b"*" * (len(value) - 4) + value[-4:],
    "redact": lambda value, shown: shown == b"[redacted]",
    "hash": lambda value, shown: re.fullmatch(b"[0-9a-f]{64}", shown) is not None,
}
"""Whether what is shown is what becomes of a value."""


@dataclass(frozen=True, slots=True)
class Run:
    """One way in one format: medians of the seconds of a result, and what they are times those of `raw` beside them (None for
    `direct`, which is only for the reader); the processor's seconds that the gateway took (None where nobody says)."""

    format: str
    way: str
    seconds: float
    megabytes: float
    ratio: float | None
    processor: float | None
    processor_ratio: float | None


def policies(folder: Path) -> Path:
    """A folder of one policy: everybody reads, and for the users of `METHODS` a column is masked so."""
    place = folder / "policies"
    place.mkdir()
    masks = "\n".join(
        f'mask notes_{name}\n  columns "public.people.note" with {method}\n  when principal in group "{name}"\n'
        for name, method in METHODS.items()
    )
    text = f"policy bench.people\napplies to postgres\n\n{masks}\nallow reading\n  when every operation has effect in {{read, session}}\n"
    (place / "people.gate").write_text(text, encoding="utf-8")
    return place


@contextmanager
def all_ways() -> Iterator[tuple[Mapping[str, Reader], Mapping[str, Way]]]:
    """A signed-in reader of each way, and where it leads."""
    with servers.run_folder() as folder, servers.postgres(folder, pgbouncer=False) as place:
        password, authority = place["password"], folder / "server.crt"
        direct, listen = place["direct"], f"127.0.0.1:{free_port()}"
        with Reader(direct, "postgres", "postgres", password, authority) as owner:
            for statement in filter(str.strip, TABLE.split(";")):
                list(rows(b"".join(owner.answer(simple(statement)))))
            extra = {"BENCH_PASSWORD": password, "BENCH_MASK": secrets.token_urlsafe(24)}
            config = configuration(folder, listen, direct, rules=policies(folder), users=WAYS[1:], more=KEY)
            with servers.sallyport(config, ready=listen, extra=extra) as gateway:
                ways = {name: Way(listen, "bench", gateway.pid) for name in WAYS[1:]}
                readers = {
                    name: Reader(way.address, name, way.database, password, authority) for name, way in ways.items()
                }
                try:
                    yield {"direct": owner, **readers}, {"direct": Way(direct, "postgres"), **ways}
                finally:
                    for reader in readers.values():
                        reader.__exit__(None, None, None)


def measure(rounds: int = 3) -> list[Run]:
    """All runs, some two seconds for each of `5 * 2 * TURNS * rounds` readings on a machine with two cores."""
    with all_ways() as (readers, ways):
        return [run for format in FORMATS for run in in_format(readers, ways, format, rounds * TURNS)]


def looked_at(readers: Mapping[str, Reader], command: bytes) -> dict[str, int]:
    """How many bytes each way's answer has. Raises Wrong when one is not what it should be."""
    answers = {name: b"".join(readers[name].answer(command)) for name in WAYS}
    stored = list(rows(answers["direct"]))
    if len(stored) != ROWS:
        raise Wrong(f"there are {len(stored)} rows, not {ROWS}")
    for name, answer in answers.items():
        compared(name, stored, list(rows(answer)))
    return {name: len(answer) for name, answer in answers.items()}


def compared(name: str, stored: list[tuple[bytes | None, ...]], shown: list[tuple[bytes | None, ...]]) -> None:
    """Raises Wrong unless what a way shows is what is stored, with the masked column as it has to be."""
    if len(shown) != len(stored):
        raise Wrong(f"{name}: {len(shown)} rows, not {len(stored)}")
    for is_, was in zip(shown, stored, strict=True):
        value, masked = was[MASKED] or b"", is_[MASKED] or b""
        others_stay = is_[:MASKED] + is_[MASKED + 1 :] == was[:MASKED] + was[MASKED + 1 :]
        if not others_stay or not EXPECTED[name](value, masked):
            raise Wrong(f"{name}: {was} is shown as {is_}")
    if name == "hash" and len({is_[MASKED] for is_ in shown}) != len({was[MASKED] for was in stored}):
        raise Wrong("hash: equal codes of different values")


class Wrong(Exception):
    """What is measured is not what it says it is."""


def in_format(readers: Mapping[str, Reader], ways: Mapping[str, Way], format: str, turns: int) -> list[Run]:
    """Every way in one format, in turn."""
    command = FORMATS[format](QUERY)
    sizes = looked_at(readers, command)
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    costs: dict[str, list[float]] = {name: [] for name in WAYS}
    for turn in range(turns):
        for name in WAYS:
            seconds, cost = once(readers[name], ways[name].pid, command, sizes[name])
            times[name].append(seconds)
            costs[name] += [] if cost is None else [cost]
        said = ", ".join(f"{name} {times[name][-1]:.2f}" for name in WAYS)
        print(f"{format} turn {turn + 1}/{turns}: {said} s", file=sys.stderr)
    return [
        Run(
            *(format, name, round(statistics.median(times[name]), 3), round(sizes[name] / 1e6, 1)),
            ratio=None if name == "direct" else beside(times[name], times["raw"]),
            processor=round(statistics.median(costs[name]), 3) if costs[name] else None,
            processor_ratio=beside(costs[name], costs["raw"]) if costs[name] else None,
        )
        for name in WAYS
    ]


def once(reader: Reader, pid: int | None, command: bytes, size: int) -> tuple[float, float | None]:
    """Seconds of a whole result, and the processor's in the middle. Raises Wrong when it has another size."""
    before, began = processor_seconds(pid), time.perf_counter()
    came = sum(map(len, reader.answer(command)))
    seconds, after = time.perf_counter() - began, processor_seconds(pid)
    if came != size:
        raise Wrong(f"{came} bytes came, not {size}")
    return seconds, None if before is None or after is None else after - before


def beside(values: list[float], others: list[float]) -> float:
    """The median of what values are times those of the same turn."""
    return round(statistics.median(value / other for value, other in zip(values, others, strict=True)), 3)


def document(runs: list[Run]) -> dict[str, object]:
    """The JSON document outside programs read."""
    return {"rows": ROWS, "runs": [asdict(run) for run in runs]}


def promises(runs: list[Run]) -> tuple[dict[str, float | None], dict[str, str]]:
    """Measured ratios and what they are made of, by the names of `budgets.toml`."""
    measured: dict[str, float | None] = {}
    peers = {}
    by_way = {(run.format, run.way): run for run in runs}
    for run in runs:
        if run.way not in METHODS:
            continue
        raw, direct = by_way[run.format, "raw"], by_way[run.format, "direct"]
        name = f"{run.way}_{run.format}"
        measured[name] = run.ratio
        peers[name] = f"raw {raw.seconds:.2f}, ours {run.seconds:.2f}, direct {direct.seconds:.2f} s"
        if raw.processor is not None and run.processor is not None:
            peers[name] += f"; processor {raw.processor:.2f} and {run.processor:.2f} s ({run.processor_ratio:.2f} x)"
    return measured, peers
