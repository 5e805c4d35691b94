"""Where policies come from: a folder, a bundle in a file. Others: `web_bundle` (HTTP), `git_branch` (git).

An origin is looked at every so often (`look`) and read when what it shows has changed (`read`). It compiles nothing and
decides nothing; what it cannot do is PolicyUnusable, and the store keeps what it has. Built by `gateway.app`.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gateway.errors import PolicyUnusable
from gateway.policy_store.bundle import MAX_BUNDLE, Bundle, unpack
from gateway.policy_store.checkout import commit_of
from gateway.policy_store.folder import PolicyFolder, fingerprint, read_files, read_folder
from gateway.policy_store.signing import TrustedKeys


@dataclass(frozen=True, slots=True)
class Loaded:
    """Policies as an origin has them now. `bundle` is there when they came in one."""

    folder: PolicyFolder
    commit: str | None = None
    bundle: Bundle | None = None


class Origin(Protocol):
    """One place that policies come from."""

    @property
    def name(self) -> str:
        """What people call it; no secrets."""

    @property
    def settles(self) -> bool:
        """Whether it may be seen half written, so that a change counts only once it stands still."""

    def look(self) -> Hashable:
        """Something that differs when there is something new. Raises PolicyUnusable when nobody can tell."""

    def read(self) -> Loaded:
        """What was there at the last look, or now. Raises PolicyUnusable."""

    def keep(self) -> None:
        """What was read last decides now: keep it for a start that finds nothing better. Never raises."""

    def kept(self) -> Loaded | None:
        """What was kept last, by this process or one before; None when nothing was. Raises PolicyUnusable."""


class _KeepsItself:
    """For what lies on this machine: whoever put it there keeps it."""

    def keep(self) -> None:
        """Nothing is to be done."""

    def kept(self) -> Loaded | None:
        """Nothing but what is there."""
        return None


class FolderOrigin(_KeepsItself):
    """A folder that people or a checkout write to."""

    settles = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.name = str(folder)

    def look(self) -> Hashable:
        """Names, times and sizes."""
        return fingerprint(self._folder)

    def read(self) -> Loaded:
        """Everything in it."""
        return Loaded(read_folder(self._folder), commit_of(self._folder))


class BundleFileOrigin(_KeepsItself):
    """A bundle that somebody puts into place."""

    settles = True

    def __init__(self, file: Path, trusted: TrustedKeys | None) -> None:
        self._file = file
        self._trusted = trusted
        self.name = str(file)

    def look(self) -> Hashable:
        """Time and size."""
        try:
            seen = self._file.stat()
        except OSError as error:
            raise PolicyUnusable(f"`{self._file}` cannot be read ({error.strerror})") from error
        return (seen.st_mtime_ns, seen.st_size, seen.st_ino)

    def read(self) -> Loaded:
        """What it holds, once its signature was checked."""
        return opened(read_bundle_file(self._file), self._trusted, self._file)


def opened(raw: bytes, trusted: TrustedKeys | None, place: Path) -> Loaded:
    """The policies of a bundle. Raises PolicyUnusable."""
    bundle = unpack(raw, trusted)
    return Loaded(read_files(place, bundle.files.items()), bundle.manifest.commit, bundle)


def read_bundle_file(file: Path) -> bytes:
    """The bytes of a bundle, as many as one may have and one more. Raises PolicyUnusable."""
    try:
        with file.open("rb") as opened_file:
            return opened_file.read(MAX_BUNDLE + 1)
    except OSError as error:
        raise PolicyUnusable(f"`{file}` cannot be read ({error.strerror})") from error
