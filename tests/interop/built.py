"""Client programs that are no Python of ours, built once into a cache from their registries (npm, Maven, Go's proxy, crates.io, PyPI).

The sources stand in a folder `clients/NAME` beside the tests. A build's folder is named after what it is made of, so that a changed
source is built anew; it comes to its name only when it is whole.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.conftest import missing

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sallyport-tools"
BUILD_SECONDS = 600
PIP = (sys.executable, "-m", "pip", "install", "--quiet", "--no-warn-script-location", "--disable-pip-version-check")


def built(sources: Path, *commands: Sequence[str], env: dict[str, str] | None = None) -> Path:
    """The folder with the sources of a client, named after theirs, and what these commands made of them."""
    name = sources.name
    for program in {command[0] for command in commands}:
        if shutil.which(program) is None:
            missing(f"the program {program}, which builds the {name} client")
    files = sorted(path for path in sources.rglob("*") if path.is_file()) if sources.is_dir() else []
    made_of = hashlib.sha256(repr(commands).encode())
    for path in files:
        made_of.update(path.relative_to(sources).as_posix().encode() + b"\0" + path.read_bytes())
    cache = CACHE / f"{sources.parent.parent.name}-clients"
    place = cache / f"{name}-{made_of.hexdigest()[:16]}"
    if place.is_dir():
        return place
    cache.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=cache))
    try:
        if files:
            shutil.copytree(sources, making, dirs_exist_ok=True)
        for command in commands:
            said = subprocess.run(
                command,
                cwd=making,
                env={**os.environ, **(env or {})},
                capture_output=True,
                text=True,
                timeout=BUILD_SECONDS,
            )
            assert said.returncode == 0, f"{' '.join(command)}\n{said.stdout[-1000:]}\n{said.stderr[-2000:]}"
        try:
            making.rename(place)
        except OSError:
            assert place.is_dir()  # somebody else was faster
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return place


def packaged(sources: Path, *requirements: str) -> Path:
    """The same with packages of PyPI in its folder `packages`, for programs that have to stay out of this environment."""
    return built(sources, [*PIP, "--target", "packages", *requirements])
