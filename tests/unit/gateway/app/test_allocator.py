"""A process that was told so has few heaps for its threads, and no large pieces in them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from gateway.app.allocator import ARENAS, MAPPED

ROOT = Path(__file__).parents[4]
PROGRAM = """
import ctypes, sys, threading
from gateway.app.allocator import tell_allocator

size, said = int(sys.argv[2]), dict(word.split("=") for word in sys.argv[3:])
tell_allocator(said)
library = ctypes.CDLL(None)
library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
library.free.restype, library.free.argtypes = None, [ctypes.c_void_p]
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
library.free(library.malloc(4 * size))
assert library.malloc(size)
library.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(library.fopen(sys.argv[1].encode(), b"w"))
library.malloc_info(0, file)
library.fclose(file)
"""


def told(folder: Path, *said: str, size: int = MAPPED) -> tuple[int, int]:
    """The heaps of a process with twelve threads, and bytes of it that are mapped by themselves, behind a freed piece of four times the size."""
    place = folder / "heaps.xml"
    ours = ("MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")
    environment = {key: value for key, value in os.environ.items() if key not in ours}
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(place), str(size), *said],
        cwd=ROOT,
        env=environment,
        check=True,
        timeout=60,
    )
    text = place.read_text()
    (mapped,) = re.findall(r'<total type="mmap" count="\d+" size="(\d+)"', text)
    return text.count("<heap nr="), int(mapped)


def test_many_threads_share_few_heaps_unless_the_environment_says_otherwise(tmp_path: Path) -> None:
    assert told(tmp_path)[0] <= ARENAS
    assert told(tmp_path, "MALLOC_ARENA_MAX=16")[0] > ARENAS


def test_a_large_piece_is_mapped_by_itself_though_a_larger_one_was_freed(tmp_path: Path) -> None:
    (_, large), (_, small) = told(tmp_path), told(tmp_path, size=MAPPED // 8)
    assert large - small >= MAPPED
    _, as_it_was = told(tmp_path, "GLIBC_TUNABLES=")
    assert as_it_was <= small
