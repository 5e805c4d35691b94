"""SFTP, operation by operation: each path is resolved on the target, asked about, and used as it was asked about.

Duck-typed to asyncssh's `SFTPServer` on purpose and no child of it: that class works on this machine's own files, and a method
somebody forgot to replace would open them. A method that is missing here is an error to the client.
"""

from __future__ import annotations

import asyncio
import posixpath
import time
import weakref
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import asyncssh
from asyncssh import SFTPAttrs, SFTPName, SFTPVFSAttrs

from adapters.core.ports import Answer, Outcome, Question
from adapters.ssh.asking import Asker, NotGranted
from adapters.ssh.facts import file_question
from adapters.ssh.upstream import TargetUnusable
from adapters.ssh.visit import Visit

MAX_FILES = 256
"""Files one channel has open; and folders."""
_READS = asyncssh.FXF_READ
_WRITES = asyncssh.FXF_WRITE | asyncssh.FXF_APPEND | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC
_KNOWN = _READS | _WRITES | asyncssh.FXF_EXCL
_PLAIN_MODE = 0o777
"""WHY no more at creation: set-user-id bits are a question of their own (`sftp chmod`)."""


@dataclass(slots=True, eq=False)
class OpenFile:
    """A file the client has open, and what it was granted for."""

    path: str
    remote: asyncssh.SFTPClientFile
    decision_ids: tuple[str, ...]
    may_write: bool
    began: float = field(default_factory=time.perf_counter)
    moved: int = 0


class GuardedFiles:
    """What an SFTP client of ours works on: the target's files, behind the gate."""

    def __init__(
        self, visit: Visit, asker: Asker, remote: asyncssh.SFTPClient, ended: Callable[[], None] = lambda: None
    ) -> None:
        """`ended` is called when the client is done, before its channel is closed."""
        self._ended = ended
        self._visit = visit
        self._asker = asker
        self._remote = remote
        self._open: set[OpenFile] = set()
        self._owed: set[str] = set()
        """Decisions of which the audit has still to learn what became of them."""
        self._is_over = False
        self._folders: weakref.WeakSet[AsyncIterator[SFTPName]] = weakref.WeakSet()
        """Those that are open: whoever closes one lets go of it."""
        self._has_room = asyncio.Event()
        self._has_room.set()

    def client_is_full(self, is_full: bool) -> None:
        """The client takes no more for now, or does again: what is asked meanwhile waits. WHY: a few bytes ask for four megabytes."""
        (self._has_room.clear if is_full else self._has_room.set)()

    # --- resolving and asking

    async def _resolve(self, path: bytes) -> str:
        """Where a path leads, all links followed; the last part need not exist."""
        text = _text(path) or "."
        await self._has_room.wait()
        try:
            return str(await self._remote.realpath(text))
        except asyncssh.SFTPError as error:
            # WHY asked all the same: else the difference between "denied" and "not there" would tell what exists.
            await self._ask(file_question("sftp stat", posixpath.normpath(posixpath.join("/", text))))
            raise error

    async def _resolve_entry(self, path: bytes) -> str:
        """An entry of a folder itself: the folder resolved, a link that stands there not followed."""
        folder, name = posixpath.split(_text(path).rstrip("/"))
        if name in ("", ".", ".."):
            return await self._resolve(path)
        return posixpath.join(await self._resolve(folder.encode()), name)

    async def _ask(self, question: Question) -> Answer:
        try:
            return await self._asker.granted(question)
        except NotGranted as error:
            said = " ".join(line.removeprefix("sallyport: ") for line in str(error).splitlines())
            raise asyncssh.SFTPPermissionDenied(said) from None

    async def _may(self, word: str, *paths: str) -> None:
        """Ask, and record that it was done; what the target then says of it is the client's to see."""
        answer = await self._ask(file_question(word, *paths))
        self._visit.gate.finished(answer.decision_id, Outcome())

    # --- files

    async def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> OpenFile:
        """Open a file for what was granted, and only if it is still the file that was asked about."""
        if pflags & ~_KNOWN or not pflags & (_READS | _WRITES):
            raise asyncssh.SFTPOpUnsupported("these flags are not carried")
        if len(self._open) >= MAX_FILES:
            raise asyncssh.SFTPFailure("too many open files")
        where = await self._resolve(path)
        words = [word for word, bits in (("sftp read", _READS), ("sftp write", _WRITES)) if pflags & bits]
        mode = SFTPAttrs()
        if attrs.permissions is not None:
            mode.permissions = attrs.permissions & _PLAIN_MODE
        granted: list[str] = []
        is_open = False
        try:
            for word in words:
                granted.append((await self._ask(file_question(word, where))).decision_id)
                self._owed.add(granted[-1])
            # WHY not emptied by opening: what was asked about could have become a link meanwhile.
            remote = await self._remote.open(where, pflags & ~asyncssh.FXF_TRUNC, mode, encoding=None)
            is_open = True
        finally:
            if not is_open:
                self._finish(granted, 0, 0.0, "NOT_OPENED")
        made = OpenFile(where, remote, tuple(granted), bool(pflags & _WRITES))
        self._open.add(made)
        if self._is_over:
            await self.close(made)
            raise asyncssh.SFTPConnectionLost("the client is gone")
        try:
            is_same = await self._remote.realpath(where) == where
            if is_same and pflags & asyncssh.FXF_TRUNC:
                await _empty(remote)
        except asyncssh.SFTPError:
            # WHY here: its client does not get to know it, and could never close it.
            await self.close(made, "NOT_OPENED")
            raise
        if not is_same:
            await self.close(made, "PATH_CHANGED")
            raise asyncssh.SFTPPermissionDenied("this path changed while it was opened")
        return made

    async def read(self, file: OpenFile, offset: int, size: int) -> bytes:
        await self._has_room.wait()
        data = cast(bytes, await file.remote.read(size, offset))
        file.moved += len(data)
        return data

    async def write(self, file: OpenFile, offset: int, data: bytes) -> int:
        written = await file.remote.write(data, offset)
        file.moved += written
        return written

    async def close(self, file: OpenFile, error: str | None = None) -> None:
        if file in self._open:
            self._open.discard(file)
            self._finish(file.decision_ids, file.moved, time.perf_counter() - file.began, error)
            await file.remote.close()

    async def fstat(self, file: OpenFile) -> SFTPAttrs:
        return await file.remote.stat()

    async def fsetstat(self, file: OpenFile, attrs: SFTPAttrs) -> None:
        await self._may_change(file.path, attrs, is_open_to_write=file.may_write)
        await file.remote.setstat(_only_asked(attrs))

    async def fstatvfs(self, file: OpenFile) -> SFTPVFSAttrs:
        return await file.remote.statvfs()

    async def fsync(self, file: OpenFile) -> None:
        await file.remote.fsync()

    # --- looking

    async def stat(self, path: bytes) -> SFTPAttrs:
        where = await self._resolve(path)
        await self._may("sftp stat", where)
        return await self._remote.stat(where)

    async def lstat(self, path: bytes) -> SFTPAttrs:
        where = await self._resolve_entry(path)
        await self._may("sftp stat", where)
        return await self._remote.lstat(where)

    async def statvfs(self, path: bytes) -> SFTPVFSAttrs:
        where = await self._resolve(path)
        await self._may("sftp stat", where)
        return await self._remote.statvfs(where)

    async def realpath(self, path: bytes) -> bytes:
        where = await self._resolve(path)
        await self._may("sftp stat", where)
        return where.encode()

    async def readlink(self, path: bytes) -> bytes:
        where = await self._resolve_entry(path)
        await self._may("sftp readlink", where)
        return str(await self._remote.readlink(where)).encode()

    def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        """What is in a folder; nothing is asked before it is read. WHY looked at now: until then it is kept, and costs its client nothing."""
        _text(path)
        if len(self._folders) >= MAX_FILES:
            raise asyncssh.SFTPFailure("too many open folders")
        made = self._listed(path)
        self._folders.add(made)
        return made

    async def _listed(self, path: bytes) -> AsyncIterator[SFTPName]:
        where = await self._resolve(path)
        await self._may("sftp list", where)
        async for name in self._remote.scandir(where.encode()):
            await self._has_room.wait()
            yield name

    async def format_longname(self, name: SFTPName) -> None:
        name.longname = name.filename

    # --- changing

    async def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        where = await self._resolve(path)
        await self._may_change(where, attrs)
        await self._remote.setstat(where, _only_asked(attrs))

    async def lsetstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        where = await self._resolve_entry(path)
        await self._may_change(where, attrs)
        await self._remote.setstat(where, _only_asked(attrs), follow_symlinks=False)

    async def _may_change(self, where: str, attrs: SFTPAttrs, *, is_open_to_write: bool = False) -> None:
        asked = _only_asked(attrs)
        if asked.permissions is not None:
            await self._may("sftp chmod", f"{asked.permissions & 0o7777:04o}", where)
        if asked.uid is not None:
            await self._may("sftp chown", f"{asked.uid}:{asked.gid}", where)
        if asked.size is not None and not is_open_to_write:
            await self._may("sftp write", where)
        if asked.mtime is not None:
            await self._may("sftp touch", where)

    async def remove(self, path: bytes) -> None:
        where = await self._resolve_entry(path)
        await self._may("sftp remove", where)
        await self._remote.remove(where)

    async def mkdir(self, path: bytes, attrs: SFTPAttrs) -> None:
        where = await self._resolve_entry(path)
        await self._may("sftp mkdir", where)
        mode = SFTPAttrs()
        if attrs.permissions is not None:
            mode.permissions = attrs.permissions & _PLAIN_MODE
        await self._remote.mkdir(where, mode)

    async def rmdir(self, path: bytes) -> None:
        where = await self._resolve_entry(path)
        await self._may("sftp rmdir", where)
        await self._remote.rmdir(where)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        old, new = await self._resolve_entry(oldpath), await self._resolve_entry(newpath)
        await self._may("sftp rename", old, new)
        await self._remote.rename(old, new)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        old, new = await self._resolve_entry(oldpath), await self._resolve_entry(newpath)
        await self._may("sftp rename", old, new)
        await self._remote.posix_rename(old, new)

    async def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        new = await self._resolve_entry(newpath)
        aim = posixpath.normpath(posixpath.join(posixpath.dirname(new), _text(oldpath)))
        await self._may("sftp symlink", aim, new)
        await self._remote.symlink(_text(oldpath), new)

    async def link(self, oldpath: bytes, newpath: bytes) -> None:
        old, new = await self._resolve(oldpath), await self._resolve_entry(newpath)
        await self._may("sftp link", old, new)
        await self._remote.link(old, new)

    # --- the end

    async def exit(self) -> None:
        """The client's channel is over."""
        self.abandon()
        self._remote.exit()
        self._ended()

    def abandon(self) -> None:
        """Nobody is there any more: record what was still open, take back what waits."""
        self._is_over = True
        self._has_room.set()
        self._asker.leave()
        for file in self._open:
            self._finish(file.decision_ids, file.moved, time.perf_counter() - file.began, "CLIENT_GONE")
        self._open.clear()
        # What is still on its way to the target.
        self._finish(list(self._owed), 0, 0.0, "CLIENT_GONE")

    def _finish(self, identities: Sequence[str], moved: int, duration: float, error: str | None) -> None:
        """Record what became of grants, of each once."""
        for decision_id in identities:
            if decision_id in self._owed:
                self._owed.discard(decision_id)
                self._visit.gate.finished(decision_id, Outcome(bytes=moved, duration=duration, error=error))


async def open_files(visit: Visit, asker: Asker, ended: Callable[[], None]) -> GuardedFiles:
    """Ask for SFTP itself, and open it on the target. Raises NotGranted, TargetUnusable."""
    answer = await asker.granted(Question("ssh", b'subsystem "sftp"'))
    error: str | None = "CLIENT_GONE"
    try:
        remote = await visit.upstream.files()
        error = None
    except TargetUnusable as why:
        error = why.code
        raise
    finally:
        visit.gate.finished(answer.decision_id, Outcome(error=error))
    return GuardedFiles(visit, asker, remote, ended)


async def _empty(file: asyncssh.SFTPClientFile) -> None:
    """Empty a file, where opening it could have done so: devices and pipes stay as they are."""
    try:
        await file.truncate(0)
    except asyncssh.SFTPError:
        if (await file.stat()).type == asyncssh.FILEXFER_TYPE_REGULAR:
            raise


def _text(path: bytes) -> str:
    try:
        text = path.decode()
    except UnicodeDecodeError:
        raise asyncssh.SFTPPermissionDenied("a path that is not UTF-8") from None
    if "\x00" in text or len(path) > 4096:
        raise asyncssh.SFTPPermissionDenied("a path that is none")
    return text


def _only_asked(attrs: SFTPAttrs) -> SFTPAttrs:
    """The attributes that are carried. Anything else is refused, not dropped: the client would take it for done."""
    if attrs.owner is not None or attrs.acl is not None or attrs.extended:
        raise asyncssh.SFTPOpUnsupported("these attributes are not carried")
    return SFTPAttrs(
        size=attrs.size,
        uid=attrs.uid,
        gid=attrs.gid,
        permissions=attrs.permissions,
        atime=attrs.atime,
        mtime=attrs.mtime,
    )
