"""Names of files for the guarded shell's Tab: read over SFTP, each folder asked about; nothing that was typed ever runs for it."""

from __future__ import annotations

import asyncio
import os.path
import re
from collections.abc import Callable
from dataclasses import dataclass

import asyncssh

from adapters.core.ports import Outcome, Pending, Question
from adapters.ssh.facts import file_question
from adapters.ssh.session import unmet
from adapters.ssh.upstream import TargetUnusable
from adapters.ssh.visit import Visit
from adapters.terminal.messages import plain

MAX_NAMES = 4096
MAX_LISTED = 100
SECONDS = 5.0
_WORD = re.compile(r"(?:^|[\s;|&<>(=:])([A-Za-z0-9._/~+@%,-]*)$")
_BARE = re.compile(r"[A-Za-z0-9._/+@%,-]+")


@dataclass(frozen=True, slots=True)
class Found:
    """What to put in, or what there is to choose from."""

    insert: str = ""
    names: tuple[str, ...] = ()

    def listed(self, columns: int) -> bytes:
        """The names in columns, as they can be shown."""
        names = [plain(name) for name in self.names[:MAX_LISTED]]
        width = max(map(len, names), default=0) + 2
        each = max(columns // width, 1)
        rows = [
            "".join(name.ljust(width) for name in names[at : at + each]).rstrip() for at in range(0, len(names), each)
        ]
        more = [f"and {len(self.names) - MAX_LISTED} more"] if len(self.names) > MAX_LISTED else []
        return "".join(f"{row}\n" for row in [*rows, *more]).encode()


class Completer:
    """Completes for one shell."""

    def __init__(self, visit: Visit, may_show: Callable[[str], bool] = lambda path: True) -> None:
        """`may_show`: whether a path may be seen; of those that may not there are none."""
        self._visit = visit
        self._may_show = may_show
        self._files: asyncssh.SFTPClient | None = None

    async def complete(self, before: str, cwd: str, home: str) -> Found:
        """What could follow. Nothing where nobody may look, or nobody answers."""
        word = _WORD.search(before)
        if word is None:
            return Found()
        folder, slash, start = word[1].rpartition("/")
        place = folder + slash
        if place == "~/" or place.startswith("~/"):
            place = home + place[1:]
        elif place.startswith("~"):
            return Found()
        try:
            async with asyncio.timeout(SECONDS):
                names = await self._names(os.path.join(cwd, place), start)
        except (TimeoutError, TargetUnusable, asyncssh.Error, OSError):
            self.close()
            return Found()
        return choose(start, names)

    async def _names(self, folder: str, start: str) -> list[str]:
        if self._files is None:
            self._files = await self._visit.upstream.files()
        files = self._files
        real = await files.realpath(folder)
        if not isinstance(real, str) or not await self._may_list(real):
            return []
        names: list[str] = []
        async for entry in files.scandir(real):
            name = entry.filename if isinstance(entry.filename, str) else entry.filename.decode("utf-8", "replace")
            if name in (".", "..") or not name.startswith(start) or (name.startswith(".") and not start):
                continue
            if not self._may_show(os.path.join(real, name)):
                continue
            is_folder = entry.attrs.type == asyncssh.FILEXFER_TYPE_DIRECTORY
            names.append(name + "/" if is_folder else name)
            if len(names) >= MAX_NAMES:
                break
        return names

    async def _may_list(self, folder: str) -> bool:
        """Whether a policy lets the folder be listed now. WHY `prepares`: a Tab opens no ticket."""
        asked = file_question("sftp list", folder)
        said = self._visit.gate.decide(Question(asked.protocol, asked.text, prepares=True))
        answer = await said if isinstance(said, Pending) else said
        if not answer.decision.is_granted or unmet(answer) is not None:
            return False
        self._visit.gate.finished(answer.decision_id, Outcome())
        return True

    def close(self) -> None:
        """The shell is over."""
        files, self._files = self._files, None
        if files is not None:
            files.exit()


def choose(start: str, names: list[str]) -> Found:
    """What to put in for some names that begin alike; names that would need quotes only show."""
    shared = _shared(names)
    more = shared[len(start) :]
    if not names:
        return Found()
    if more and _BARE.fullmatch(more):
        return Found(more if len(names) > 1 or more.endswith("/") else more + " ")
    if len(names) == 1 and not more:
        return Found(" ")
    return Found(names=tuple(sorted(names)))


def _shared(names: list[str]) -> str:
    """What all names begin with."""
    first, last = min(names, default=""), max(names, default="")
    size = next(
        (at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other),
        min(len(first), len(last)),
    )
    return first[:size]
