"""Client programs of other languages, built once into a cache from their registries (npm, Maven, Go's proxy, crates.io, PyPI).

The sources stand in `clients/LANGUAGE`. A build's folder is named after what it is made of, so that a changed source is
built anew; it comes to its name only when it is whole.
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

SOURCES = Path(__file__).parent / "clients"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sallyport-tools" / "postgres-clients"
BUILD_SECONDS = 600
JDBC = "org.postgresql:postgresql:42.7.14"
DJANGO = "django==5.2.19"


def built(name: str, *commands: Sequence[str], env: dict[str, str] | None = None) -> Path:
    """The folder with the sources of a client and what these commands made of them."""
    for program in {command[0] for command in commands}:
        if shutil.which(program) is None:
            missing(f"the program {program}, which builds the {name} client")
    sources = SOURCES / name
    files = sorted(path for path in sources.rglob("*") if path.is_file()) if sources.is_dir() else []
    made_of = hashlib.sha256(repr(commands).encode())
    for path in files:
        made_of.update(path.relative_to(sources).as_posix().encode() + b"\0" + path.read_bytes())
    place = CACHE / f"{name}-{made_of.hexdigest()[:16]}"
    if place.is_dir():
        return place
    CACHE.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=CACHE))
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


def node() -> list[str]:
    place = built("node", ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"])
    return ["node", str(place / "client.js")]


def java() -> list[str]:
    copy = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
    place = built(
        "java",
        ["mvn", "-q", "-B", copy, f"-Dartifact={JDBC}", "-DoutputDirectory=lib"],
        ["javac", "-cp", "lib/*", "-d", "classes", "Client.java"],
    )
    return ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{place}/classes:{place}/lib/*", "Client"]


def go() -> list[str]:
    return [str(built("go", ["go", "build", "-o", "client", "."], env={"GOFLAGS": "-mod=readonly"}) / "client")]


def rust() -> list[str]:
    place = built("rust", ["cargo", "build", "--quiet", "--locked", "--target-dir", "target"])
    return [str(place / "target" / "debug" / "interop")]


def django() -> list[str]:
    """`manage.py` of a small project; its models are the clients/django folder's."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-warn-script-location"]
    place = built("django", [*pip, "--disable-pip-version-check", "--target", "packages", DJANGO])
    return [sys.executable, str(place / "manage.py")]
