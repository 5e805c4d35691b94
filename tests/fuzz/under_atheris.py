"""The process that atheris drives: one target over bytes that libFuzzer makes, our modules watched for what they reach.

Started by `guided.py` with the target's name and libFuzzer's own arguments.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import atheris

WATCHED = ("engine", "adapters", "gateway.policy_store", "lark", "yaml", "zipfile", "json")
MOST_SECONDS = 1.0


def main(name: str, arguments: list[str]) -> None:
    with atheris.instrument_imports(include=list(WATCHED), enable_loader_override=False):
        from tests.fuzz.targets import TARGETS, seeds
    target, told = TARGETS[name], Path(os.environ["SALLYPORT_FUZZ_SLOWEST"])
    # What is built once in a process is no part of what an input takes.
    for seed in (b"", *seeds(name)):
        target(seed)
    slowest = 0.0

    def timed(data: bytes) -> None:
        nonlocal slowest
        began = time.process_time()
        target(data)
        took = time.process_time() - began
        if took > slowest:
            slowest = took
            told.write_bytes(b"%d\n%b" % (int(took * 1e6), data))
        assert took <= MOST_SECONDS, f"an input took {took:.2f} s of the processor"

    atheris.Setup([sys.argv[0], *arguments], timed)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
