"""SFTP operation by operation: what is asked about is where a path leads, and what is refused changes nothing."""

from __future__ import annotations

import asyncio
import inspect
import re
from pathlib import Path

import asyncssh
import pytest
from asyncssh import sftp as library

from adapters.core.ports import Answer, Target
from adapters.ssh.asking import Asker
from adapters.ssh.files import MAX_FILES, GuardedFiles
from adapters.ssh.upstream import Upstream
from adapters.ssh.visit import Visit
from tests.ssh_world import SmallGate, World, answer_for, ssh_world

KNOWINGLY_ABSENT = {"open56", "lock", "unlock", "convert_attrs"}
"""What only later versions of the protocol call, and locks."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "plain.txt").write_text("content")
    (tmp_path / "link").symlink_to("folder/plain.txt")
    (tmp_path / "secret #deny").write_text("s3cret")
    (tmp_path / "innocent").symlink_to("secret #deny")
    return tmp_path


def asked(world: World) -> list[str]:
    return [question.text.decode() for question in world.gate.asked if not question.text.startswith(b"subsystem")]


def test_it_is_no_child_of_the_class_that_opens_this_machine_s_files() -> None:
    assert asyncssh.SFTPServer not in GuardedFiles.__mro__


def test_whatever_the_library_calls_is_here_or_knowingly_absent() -> None:
    called = set(re.findall(r"self\._server\.(\w+)", inspect.getsource(library.SFTPServerHandler)))
    ours = {name for name in vars(GuardedFiles) if not name.startswith("_")}
    assert called - ours == KNOWINGLY_ABSENT
    assert called & KNOWINGLY_ABSENT == KNOWINGLY_ABSENT


async def test_reading_and_writing_ask_once_and_record_what_moved(root: Path) -> None:
    async with ssh_world(str(root)) as world, await world.connect() as connection:
        async with connection.start_sftp_client() as client:
            async with client.open("/new.txt", "wb") as file:
                await file.write(b"x" * 100_000)
            async with client.open("/new.txt", "rb") as file:
                assert await file.read() == b"x" * 100_000
        assert (root / "new.txt").stat().st_size == 100_000
        assert [text for text in asked(world) if "write" in text or "read" in text] == [
            'sftp write "/new.txt"',
            'sftp read "/new.txt"',
        ]
        assert sorted(outcome.bytes for _, outcome in world.gate.outcomes if outcome.bytes) == [100_000, 100_000]


async def test_a_link_is_asked_about_as_what_it_leads_to(root: Path) -> None:
    async with ssh_world(str(root)) as world, await world.connect() as connection:
        async with connection.start_sftp_client() as client:
            async with client.open("/link", "rb") as file:
                assert await file.read() == b"content"
            with pytest.raises(asyncssh.SFTPPermissionDenied) as caught:
                await client.open("/innocent", "rb")
            assert "the mark says no" in caught.value.reason
        assert 'sftp read "/folder/plain.txt"' in asked(world)
        assert 'sftp read "/secret #deny"' in asked(world)


async def test_what_is_denied_changes_nothing(root: Path) -> None:
    async with ssh_world(str(root)) as world, await world.connect() as connection:
        async with connection.start_sftp_client() as client:
            secret, attempts = "/secret #deny", 0
            for attempt in (
                client.open(secret, "wb"),
                client.open("/new #deny", "wb"),
                client.open("/folder/../secret #deny", "ab"),
                client.remove(secret),
                client.rename(secret, "/moved"),
                client.posix_rename("/folder/plain.txt", secret),
                client.chmod(secret, 0o777),
                client.truncate(secret, 0),
                client.utime(secret, (1, 1)),
                client.mkdir("/x #deny"),
                client.rmdir("/x #deny"),
                client.symlink("plain", "/y #deny"),
                client.symlink("../secret #deny", "/folder/z"),
                client.link(secret, "/hard"),
                client.readlink("/x #deny"),
                client.listdir("/x #deny"),
                client.stat(secret),
                client.lstat(secret),
                client.realpath(b"/innocent"),
            ):
                with pytest.raises(asyncssh.SFTPPermissionDenied):
                    await attempt
                attempts += 1
            assert attempts == 19
        assert (root / "secret #deny").read_text() == "s3cret"
        assert {path.name for path in root.iterdir()} == {"folder", "link", "innocent", "secret #deny"}
        assert [path.name for path in (root / "folder").iterdir()] == ["plain.txt"]


async def test_what_is_allowed_happens(root: Path) -> None:
    async with ssh_world(str(root)) as world, await world.connect() as connection:
        async with connection.start_sftp_client() as client:
            await client.mkdir("/made")
            await client.rename("/folder/plain.txt", "/made/a")
            await client.posix_rename("/made/a", "/made/b")
            await client.symlink("/made/b", "/made/l")
            assert await client.readlink("/made/l") == "/made/b"
            await client.link("/made/b", "/made/h")
            await client.chmod("/made/b", 0o600)
            await client.setstat("/made/l", asyncssh.SFTPAttrs(atime=5, mtime=7))
            await client.truncate("/made/b", 3)
            assert sorted(await client.listdir("/made")) == [".", "..", "b", "h", "l"]
            assert (await client.stat("/made/b")).size == 3
            assert (await client.statvfs("/made")).bsize > 0
            await client.remove("/made/l")
            await client.remove("/made/h")
            async with client.open("/made/b", "r+b") as file:
                await file.setstat(asyncssh.SFTPAttrs(permissions=0o640))
                await file.truncate(1)
                assert (await file.stat()).size == 1
                assert (await file.statvfs()).bsize > 0
                await file.fsync()
            await client.remove("/made/b")
            await client.rmdir("/made")
        assert 'sftp symlink "/made/b" "/made/l"' in asked(world)
        assert 'sftp chmod "0640" "/made/b"' in asked(world)
        assert not (root / "made").exists()


async def test_what_is_not_there_is_not_told_to_who_may_not_look(root: Path) -> None:
    async with (
        ssh_world(str(root)) as world,
        await world.connect() as connection,
        connection.start_sftp_client() as client,
    ):
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await client.stat("/nowhere/at #deny/all")
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await client.stat("/nowhere/at/all")


async def test_set_user_id_bits_do_not_come_with_a_new_file(root: Path) -> None:
    async with ssh_world(str(root)) as world, await world.connect() as connection:
        mode = asyncssh.SFTPAttrs(permissions=0o4755)
        async with connection.start_sftp_client() as client, client.open("/tool", "wb", mode) as file:
            await file.write(b"x")
        assert (root / "tool").stat().st_mode & 0o7000 == 0


async def test_paths_that_are_none_are_refused(root: Path) -> None:
    async with ssh_world(str(root)) as world, await world.connect() as connection:
        async with connection.start_sftp_client() as client:
            for path in (b"/\xff", b"/a\x00b", b"/" + b"x" * 5000):
                with pytest.raises(asyncssh.SFTPPermissionDenied):
                    await client.remove(path)
        assert asked(world) == ['sftp stat "/"'][: len(asked(world))]


async def test_there_is_an_end_of_open_files(root: Path) -> None:
    async with ssh_world(str(root)) as world, await world.connect() as connection:
        async with connection.start_sftp_client() as client:
            for _ in range(MAX_FILES):
                await client.open("/link", "rb")
            with pytest.raises(asyncssh.SFTPFailure):
                await client.open("/link", "rb")
        await world.until(lambda: len(world.gate.outcomes) >= MAX_FILES)


async def test_what_was_granted_of_an_opening_that_is_denied_is_said_not_to_have_happened(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(text: str, number: int = 1) -> Answer:
        return answer_for("#deny" if text.startswith("sftp write") else text, number)

    monkeypatch.setattr("tests.ssh_world.answer_for", said)
    async with ssh_world(str(root)) as world, await world.connect() as connection:
        async with connection.start_sftp_client() as client:
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await client.open("/link", "rb+")
        granted = next(n for n, one in enumerate(world.gate.asked, 1) if one.text.startswith(b"sftp read"))
        errors = [outcome.error for decision, outcome in world.gate.outcomes if decision == f"d{granted}"]
        assert errors == ["NOT_OPENED"]


class Slow:
    """A target that opens a file when it is let."""

    def __init__(self) -> None:
        self.is_asked, self.opens = asyncio.Event(), asyncio.Event()
        self.closed: list[str] = []

    async def realpath(self, path: str) -> str:
        return path

    async def open(self, path: str, *how: object, encoding: None) -> Slow:
        self.is_asked.set()
        await self.opens.wait()
        return self

    async def close(self) -> None:
        self.closed.append("file")

    def exit(self) -> None:
        pass


class Stubborn:
    """A target, and a file of it that cannot be emptied, or of which nobody can say any more where it is."""

    def __init__(self, kind: int, *, is_lost: bool) -> None:
        self.kind, self.is_lost = kind, is_lost
        self.closed: list[str] = []

    async def realpath(self, path: str) -> str:
        if self.is_lost and self.closed == ["not yet"]:
            raise asyncssh.SFTPNoSuchFile("its folder is gone")
        return path

    async def open(self, path: str, *how: object, encoding: None) -> Stubborn:
        self.closed = ["not yet"]
        return self

    async def truncate(self, size: int) -> None:
        raise asyncssh.SFTPFailure("it is not emptied")

    async def stat(self) -> asyncssh.SFTPAttrs:
        return asyncssh.SFTPAttrs(type=self.kind)

    async def close(self) -> None:
        self.closed = ["closed"]


WHOLLY_NEW = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC


@pytest.mark.parametrize(
    ("kind", "is_lost"), [(asyncssh.FILEXFER_TYPE_REGULAR, False), (asyncssh.FILEXFER_TYPE_SPECIAL, True)]
)
async def test_a_file_that_fails_after_it_was_opened_is_closed_and_told(kind: int, is_lost: bool) -> None:
    gate, remote, where = SmallGate(), Stubborn(kind, is_lost=is_lost), Target("h", 22, "me")
    visit = Visit(gate, where, Upstream(where), lambda reason: None, 5.0)
    files = GuardedFiles(visit, Asker(visit, lambda said: None), remote)  # type: ignore[arg-type]  # as much of one as is used
    with pytest.raises(asyncssh.SFTPError):
        await files.open(b"/x", WHOLLY_NEW, asyncssh.SFTPAttrs())
    assert remote.closed == ["closed"]
    assert [outcome.error for _, outcome in gate.outcomes] == ["NOT_OPENED"]
    assert files._open == set()


async def test_what_has_nothing_to_be_emptied_is_opened_all_the_same() -> None:
    gate, where = SmallGate(), Target("h", 22, "me")
    remote = Stubborn(asyncssh.FILEXFER_TYPE_SPECIAL, is_lost=False)
    visit = Visit(gate, where, Upstream(where), lambda reason: None, 5.0)
    files = GuardedFiles(visit, Asker(visit, lambda said: None), remote)  # type: ignore[arg-type]  # as much of one as is used
    file = await files.open(b"/dev/null", WHOLLY_NEW, asyncssh.SFTPAttrs())
    assert (remote.closed, files._open) == (["not yet"], {file})


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_who_leaves_while_a_file_is_opened_leaves_an_outcome_and_no_open_file(is_cancelled: bool) -> None:
    gate, remote, where = SmallGate(), Slow(), Target("h", 22, "me")
    visit = Visit(gate, where, Upstream(where), lambda reason: None, 5.0)
    files = GuardedFiles(visit, Asker(visit, lambda said: None), remote)  # type: ignore[arg-type]  # as much of one as is used
    opening = asyncio.create_task(files.open(b"/x", asyncssh.FXF_READ | asyncssh.FXF_WRITE, asyncssh.SFTPAttrs()))
    await remote.is_asked.wait()
    files.abandon()
    if is_cancelled:
        opening.cancel()
    remote.opens.set()
    with pytest.raises(asyncio.CancelledError if is_cancelled else asyncssh.SFTPConnectionLost):
        await opening
    assert sorted((decision, outcome.error) for decision, outcome in gate.outcomes) == [
        ("d1", "CLIENT_GONE"),
        ("d2", "CLIENT_GONE"),
    ]
    assert remote.closed == ([] if is_cancelled else ["file"])
    await files.exit()
    assert len(gate.outcomes) == 2


def guarded() -> GuardedFiles:
    where = Target("h", 22, "me")
    visit = Visit(SmallGate(), where, Upstream(where), lambda reason: None, 5.0)  # type: ignore[arg-type]  # as much of a gate as is used
    return GuardedFiles(visit, Asker(visit, lambda said: None), Slow())  # type: ignore[arg-type]  # as much of one as is used


async def test_open_folders_are_bounded_and_none_has_a_name_without_end() -> None:
    files = guarded()
    with pytest.raises(asyncssh.SFTPPermissionDenied):
        files.scandir(b"x" * 1_000_000)
    opened = [files.scandir(b"/folder") for _ in range(MAX_FILES)]
    with pytest.raises(asyncssh.SFTPFailure):
        files.scandir(b"/folder")
    opened.clear()
    files.scandir(b"/folder")


async def test_what_is_asked_while_the_client_takes_nothing_waits() -> None:
    files = guarded()
    files.client_is_full(True)
    asking = asyncio.ensure_future(files.stat(b"/folder"))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not asking.done()
    files.client_is_full(False)
    with pytest.raises(AttributeError):
        await asking  # it went to the target, of which this is not all
