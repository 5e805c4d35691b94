"""Whatever bytes come as a bundle, they open or they are refused with a code: no other error, in bounded time and memory."""

from __future__ import annotations

import random
import time

import pytest

from gateway.errors import PolicyUnusable
from gateway.policy_store.bundle import MAGIC, pack, unpack

FILES = {"a.rego": b"package policies.a", "data.json": b'{"v": 1}', "b/c.gate": b"policy b" * 20}
SEED = pack(FILES, revision="r", sequence=1)


def mutated(chance: random.Random) -> bytes:
    raw = bytearray(SEED)
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(len(MAGIC), len(raw))
        match chance.randrange(5):
            case 0:
                raw[place] = chance.randrange(256)
            case 1:
                raw[place : place + 4] = chance.choice((0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)).to_bytes(4, "little")
            case 2:
                del raw[place : place + chance.randrange(1, 40)]
            case 3:
                raw[place:place] = raw[chance.randrange(len(raw)) :][: chance.randrange(1, 60)]
            case _:
                raw[place:place] = chance.choice(
                    (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07")
                )
        if len(raw) <= len(MAGIC) + 1:
            break
    return bytes(raw)


def run(seed: int, rounds: int) -> int:
    chance, opened = random.Random(seed), 0
    for _ in range(rounds):
        began = time.perf_counter()
        code, found = "", None
        try:
            found = unpack(mutated(chance), None)
        except PolicyUnusable as error:
            code = error.code
        if found is None:
            assert code in ("BUNDLE_MALFORMED", "BUNDLE_ALTERED")
        else:
            opened += 1
            assert dict(found.files) == {name: FILES[name] for name in found.files}
        assert time.perf_counter() - began < 5
    return opened


def test_mutated_bundles_open_whole_or_not_at_all() -> None:
    assert run(20260501, 3_000) < 3_000


@pytest.mark.long
def test_many_mutated_bundles() -> None:
    for seed in range(100):
        run(seed, 5_000)
