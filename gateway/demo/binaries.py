"""Where PostgreSQL's own programs are on this machine. Finds only; runs nothing.

Debian keeps `initdb` and `postgres` out of the PATH, below `/usr/lib/postgresql/<major>/bin`; other systems put them in it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import GatewayError

#: The environment variable that names the folder with `initdb` and `postgres`.
FOLDER_VARIABLE = "SALLYPORT_PG_BIN"

#: Where packages put server programs outside the PATH, newest major version first.
PACKAGE_FOLDERS = ("/usr/lib/postgresql", "/usr/pgsql-*", "/opt/homebrew/opt", "/usr/local/opt")

_SERVER_PROGRAMS = ("initdb", "postgres")


class DemoUnavailable(GatewayError):
    """The demonstration cannot run here; the message says what is missing, `help` how to get it."""

    code = "DEMO_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of one installed PostgreSQL, and a psql (of any version) when there is one."""

    initdb: Path
    postgres: Path
    psql: Path | None


def find_binaries(environment: Mapping[str, str], package_folders: tuple[str, ...] = PACKAGE_FOLDERS) -> Binaries:
    """Find a server: the environment's folder, then the PATH, then where packages put it.

    A folder named in the environment must be right: it is an error, not a hint, when it is not.
    """
    path = environment.get("PATH", os.defpath)
    named = environment.get(FOLDER_VARIABLE)
    if named:
        folder = Path(named)
        if not _is_server_folder(folder):
            raise DemoUnavailable(
                f"`{FOLDER_VARIABLE}` names `{named}`, where `initdb` and `postgres` are not",
                help=f"point {FOLDER_VARIABLE} at the folder that `pg_config --bindir` prints",
            )
        return _in_folder(folder, path)
    for folder in (*_folders_of_path(path), *_folders_of_packages(package_folders)):
        if _is_server_folder(folder):
            return _in_folder(folder, path)
    raise DemoUnavailable(
        "no PostgreSQL server programs (`initdb`, `postgres`) found",
        help=f"install PostgreSQL (Debian: apt-get install postgresql; macOS: brew install postgresql), or set {FOLDER_VARIABLE}",
    )


def _in_folder(folder: Path, path: str) -> Binaries:
    beside = folder / "psql"
    found = shutil.which("psql", path=path)
    psql = beside if os.access(beside, os.X_OK) else Path(found) if found else None
    return Binaries(initdb=folder / "initdb", postgres=folder / "postgres", psql=psql)


def _is_server_folder(folder: Path) -> bool:
    return all(os.access(folder / program, os.X_OK) for program in _SERVER_PROGRAMS)


def _folders_of_path(path: str) -> Iterator[Path]:
    # WHY: a distribution may link only `postgres` into the PATH; the link's own folder then has the rest.
    found = shutil.which("postgres", path=path)
    if found:
        yield Path(found).parent
        yield Path(found).resolve().parent


def _folders_of_packages(roots: tuple[str, ...]) -> Iterator[Path]:
    for root in roots:
        parent, pattern = os.path.split(root)
        for base in Path(parent).glob(pattern) if Path(parent).is_dir() else ():
            yield from sorted((*base.glob("*/bin"), *base.glob("bin")), key=_major_version, reverse=True)


def _major_version(folder: Path) -> tuple[int, str]:
    digits = "".join(ch for ch in folder.parent.name if ch.isdigit())
    return (int(digits or 0), folder.parent.name)
