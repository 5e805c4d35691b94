"""A result far larger than memory, masked on its way: it comes whole, nothing of the masked column is in it, and the gateway stays as it was.

In the middle its client reads nothing for a while: what is not read has to wait in the server, not in the gateway.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass

import pytest

from bench.pgbench import processor_seconds
from bench.reader import Reader, simple
from tests.e2e.masked import masking
from tests.e2e.memory import Watch, write
from tests.e2e.world import USER

MIB = 1 << 20
POLICY = """\
policy world

mask secrets
  columns "public.people.secret" with partial keep last 4

allow reading
  when every operation has effect in {read, session}
"""
SECRET = "nobody-may-see-this-0042"
SHOWN = "*" * (len(SECRET) - 4) + SECRET[-4:]
WIDE = 8_000
"""Characters of the column beside the masked one."""
ROW = 1 + 4 + 2 + (4 + len(SECRET)) + (4 + WIDE)
"""Bytes of a row on the wire: its head, how many cells, and each with its length."""
SETUP = (
    "CREATE TABLE people (secret text, wide text)",
    "ALTER TABLE people ALTER wide SET STORAGE EXTERNAL",
    f"INSERT INTO people SELECT '{SECRET}', substr(repeat(md5(random()::text), 1000), 1, {WIDE})",
)
MOST = 16
"""MiB that the gateway may grow by for a result, however large: what is on its way on both sides, the rows being masked and what they
become, and what the allocator keeps of both. In the pause several times as much could come."""
LATER = 4
"""MiB by which it may be larger at the end than after the first tenth: what a result needs it needs at once."""


@dataclass(frozen=True, slots=True)
class Came:
    """What a client got, in how many seconds without the pause, and what the gateway needed for it (MiB)."""

    bytes: int
    rows: int
    seconds: float
    processor: float
    grown: float
    later: float
    in_pause: float


def carried(size: int, pause: float) -> Came:
    """A masked result of so many MiB, read by a client that stops for so many seconds half way; fails when it is not what it should be."""
    count = size * MIB // ROW
    query = f"SELECT secret, wide FROM people CROSS JOIN generate_series(1, {count}) AS numbers(n)"
    with masking(POLICY, SETUP) as place:
        assert place.process is not None
        pid, address = place.process.pid, f"127.0.0.1:{place.port}"
        with Reader(address, USER, "world", place.password, place.folder / "server.crt") as reader:
            first = b"".join(reader.answer(simple("SELECT secret FROM people")))
            assert SHOWN.encode() in first
            assert SECRET.encode() not in first
            before, began = processor_seconds(pid), time.monotonic()
            with Watch(place) as watch:
                found = _read(reader, query, size, pause, watch)
            seconds, after = time.monotonic() - began - pause, processor_seconds(pid)
    came, end, masked, early, in_pause = found
    assert end.endswith(b"SELECT %d\0Z\0\0\0\5I" % count), end
    assert masked == count
    # The description and what ends the result are all there is besides the rows.
    assert 0 < came - count * ROW < 200
    assert before is not None
    assert after is not None
    return Came(came, count, seconds, after - before, watch.grown, watch.grown - early, in_pause)


def _read(reader: Reader, query: str, size: int, pause: float, watch: Watch) -> tuple[int, bytes, int, float, float]:
    """Bytes; the last of them; how often what is shown of the secret was there; growth in the first tenth and in the pause."""
    shown, secret = SHOWN.encode(), SECRET.encode()
    came, masked, tail, told = 0, 0, b"", 0
    early = in_pause = 0.0
    is_rested = False
    for piece in reader.answer(simple(query)):
        came += len(piece)
        seen = tail + piece
        assert secret not in seen
        masked += seen.count(shown) - tail.count(shown)
        # WHY no shorter: what a piece cuts is whole once in what is looked at; what was counted is taken away again.
        tail = seen[-64:]
        if not early and came > size * MIB // 10:
            early = watch.grown
        if not is_rested and came > size * MIB // 2:
            is_rested = True
            earlier = watch.grown
            # WHY by the clock: what has to be seen is that nothing comes of it, however long it lasts.
            threading.Event().wait(pause)
            in_pause = watch.grown - earlier
        if came >> 30 > told:
            told = came >> 30
            print(f"{told} GiB of {size / 1024:.0f}, grown by {watch.grown:.1f} MiB", file=sys.stderr, flush=True)
    return came, tail, masked, early, in_pause


def test_a_masked_result_larger_than_what_the_gateway_may_keep_waits_in_the_server_while_its_client_does_not_read() -> (
    None
):
    came = carried(160, pause=2)
    assert came.grown < MOST, came


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_ten_gigabytes_of_masked_rows_are_carried_with_flat_memory() -> None:
    size, pause = 10_240, 20.0
    came = carried(size, pause)
    write(
        "A masked result of ten gigabytes",
        f"""`make long SELECT=tests/e2e/test_large_results.py`: {came.rows:,} rows of a masked text and one of {WIDE:,} characters ({came.bytes:,} bytes), through TLS
on both sides, on two cores shared with other work. Half way the client reads nothing for {pause:.0f} seconds. Each row is masked and whole; the client looks
through all of it, so its time is in the rate.

| | |
|---|---|
| time without the pause, rate | {came.seconds:.0f} s, {size / came.seconds:.0f} MiB/s |
| the gateway's time of the processor | {came.processor:.0f} s, {came.processor / size * 1024:.1f} s a GiB |
| the gateway's memory grew by at most | {came.grown:.1f} MiB |
| of that after the first tenth | {came.later:.1f} MiB |
| of that in the pause | {came.in_pause:.1f} MiB |

Allowed are {MOST} MiB in all (what is on its way on both sides, the rows being masked and what they become), {LATER} of them after the first tenth.
""",
    )
    assert came.grown < MOST, came
    assert came.later < LATER, came
