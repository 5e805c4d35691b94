"""Threads of a process that was told so share few heaps."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from gateway.app.arenas import ARENAS

ROOT = Path(__file__).parents[4]
PROGRAM = """
import ctypes, sys, threading
from gateway.app.arenas import keep_arenas_few

said = dict(word.split("=") for word in sys.argv[2:])
keep_arenas_few(said)
library = ctypes.CDLL(None)
library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
# A foreign call lets the others run: all are inside the allocator's reach at once.
together = threading.Barrier(12)

def work():
    together.wait()
    for _ in range(200):
        assert library.malloc(5_000)
    together.wait()

threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
library.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(library.fopen(sys.argv[1].encode(), b"w"))
library.malloc_info(0, file)
library.fclose(file)
"""


def heaps(folder: Path, *said: str) -> int:
    place = folder / "heaps.xml"
    environment = {key: value for key, value in os.environ.items() if key not in ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES")}
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(place), *said], cwd=ROOT, env=environment, check=True, timeout=60
    )
    return place.read_text().count("<heap nr=")


def test_many_threads_share_few_heaps_unless_the_environment_says_otherwise(tmp_path: Path) -> None:
    assert heaps(tmp_path) <= ARENAS
    assert heaps(tmp_path, "MALLOC_ARENA_MAX=16") > ARENAS
