"""A real file system of a few megabytes, mounted where only a gateway and its test see it (a mount namespace)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.conftest import missing

MEBIBYTE = 1 << 20
DISK = 6 * MEBIBYTE
LOW_WATER = MEBIBYTE


@contextmanager
def small_disk(place: Path) -> Iterator[tuple[tuple[str, ...], Path]]:
    """A disk of its own at `place`: what to start processes with so that they see it, and where it is for us."""
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        missing("unshare and nsenter (util-linux)")
    is_root = os.geteuid() == 0
    alone = ["unshare", "--mount"] if is_root else ["unshare", "--user", "--map-root-user", "--mount"]
    mount = f'mount -t tmpfs -o size={DISK} none "$0" && echo mounted && read ended'
    keeper = subprocess.Popen(
        [*alone, "sh", "-c", mount, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert keeper.stdout is not None
    try:
        if keeper.stdout.readline() != b"mounted\n":
            missing(f"the right to mount a file system ({keeper.communicate()[1].decode().strip()})")
        enter = ["nsenter", "--target", str(keeper.pid), "--mount"]
        user = [] if is_root else ["--user", "--preserve-credentials"]
        yield (*enter, *user, f"--wd={Path.cwd()}", "--"), Path(f"/proc/{keeper.pid}/root{place}")
    finally:
        keeper.kill()
        keeper.communicate()


class Disk:
    """What else lies on it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._ballast = place / "ballast"

    @property
    def free(self) -> int:
        found = os.statvfs(self.place)
        return found.f_bavail * found.f_frsize

    def fill(self, leave: int) -> None:
        """Take what is free, but for so much."""
        with self._ballast.open("ab") as file, suppress(OSError):
            while self.free > leave:
                file.write(bytes(min(self.free - leave, MEBIBYTE)))
                file.flush()

    def empty(self) -> None:
        self._ballast.unlink()
