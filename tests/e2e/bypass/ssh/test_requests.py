"""Ways around that are no commands: variables, channels, subsystems, forwardings, oversized and broken requests."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import asyncssh
import pytest
from asyncssh.packet import String, UInt32

from tests.e2e.bypass.ssh.request_cases import (
    CHANNELS,
    FILES,
    HOSTS,
    LISTENERS,
    SECOND,
    SOCKETS,
    SUBSYSTEMS,
    TYPED,
    Act,
)
from tests.interop.ssh.place import WAIT, Place


async def connected(place: Place) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(
        "127.0.0.1",
        place.port,
        username="ana+box",
        client_keys=[str(place.folder / "ana")],
        known_hosts=str(place.folder / "gateway_hosts"),
        config=None,
    )


def in_loop(place: Place, work: object) -> object:
    async def run() -> object:
        async with await connected(place) as connection:
            return await work(connection)  # type: ignore[operator]  # a coroutine function of a test

    return asyncio.run(run())


@pytest.mark.parametrize(
    "variables",
    [
        {"LD_PRELOAD": "/tmp/evil.so"},
        {"BASH_ENV": "/tmp/evil"},
        {"ENV": "/tmp/evil", "PATH": "/tmp"},
        {"GIT_SSH_COMMAND": "id", "PROMPT_COMMAND": "id", "IFS": "a"},
        {"LC_ALL": "zh_TW.Big5", "LANG": "ja_JP.SJIS"},
        {"BASH_FUNC_ls%%": "() { id; }", "SHELLOPTS": "xtrace"},
    ],
)
def test_72_variables_of_a_channel_reach_nobody(guarded: Place, variables: dict[str, str]) -> None:
    async def work(connection: asyncssh.SSHClientConnection) -> str:
        shown = " ".join(f"[${{{name}}}]" for name in variables if name.isidentifier())
        done = await connection.run(f'echo "{shown}" $-', env=variables)
        assert done.exit_status == 0, done.stderr
        return str(done.stdout)

    said = in_loop(guarded, work)
    assert isinstance(said, str)
    assert [value for value in variables.values() if value in said and value != "a"] == []
    assert "x" not in said.rpartition("]")[2]


def test_75_what_cannot_be_run_as_it_was_read_is_not_run(guarded: Place) -> None:
    async def work(connection: asyncssh.SSHClientConnection) -> Sequence[int | None]:
        statuses = []
        for text in ("echo a\x00b", "ls\x00; id", "\x00", "echo " + "x" * 200_000):
            process = await connection.create_process(text)
            statuses.append((await process.wait()).exit_status)
        return statuses

    assert in_loop(guarded, work) == [126] * 4


def test_75_a_packet_of_ten_megabytes_ends_the_connection_and_no_other(guarded: Place) -> None:
    async def work(connection: asyncssh.SSHClientConnection) -> None:
        with pytest.raises((asyncssh.Error, OSError)):
            await connection.run("echo " + "x" * 10_000_000)

    in_loop(guarded, work)
    assert guarded.ssh("echo still here").stdout == b"still here\n"


def test_80_a_channel_that_has_its_command_runs_no_other(guarded: Place) -> None:
    async def asked(process: asyncssh.SSHClientProcess[str], request: bytes) -> bool:
        more = [] if request == b"shell" else [String("id")]
        answer = asyncio.ensure_future(process.channel._make_request(request, *more))
        # WHY either: the denial may have closed the channel before the request came, and then nobody answers it.
        over = asyncio.ensure_future(process.wait_closed())
        await asyncio.wait({answer, over}, return_when=asyncio.FIRST_COMPLETED)
        is_granted = answer.done() and not answer.exception() and bool(answer.result())
        answer.cancel()
        over.cancel()
        return is_granted

    async def work(connection: asyncssh.SSHClientConnection) -> list[object]:
        found: list[object] = []
        for first, requests in SECOND:
            process = await connection.create_process(first)
            found += [await asked(process, request) for request in requests]
            process.close()
        found += [(await connection.run(text)).exit_status for text in ("rm -rf /", "echo fine")]
        return found

    tried = sum(len(requests) for _, requests in SECOND)
    assert in_loop(guarded, work) == [False] * tried + [126, 0]


@pytest.mark.parametrize("kind", CHANNELS)
def test_80_other_kinds_of_channels_are_not_opened(guarded: Place, kind: bytes) -> None:
    async def work(connection: asyncssh.SSHClientConnection) -> bool:
        channel = connection.create_tcp_channel(encoding=None)
        said = [] if b"session" in kind.lower() else [String("127.0.0.1"), UInt32(22), String("127.0.0.1"), UInt32(1)]
        with pytest.raises((asyncssh.Error, OSError)):
            await asyncio.wait_for(channel._open(kind, *said), 5)
        return True

    assert in_loop(guarded, work)


@pytest.mark.parametrize("name", SUBSYSTEMS)
def test_80_subsystems_are_no_way_to_a_program(guarded: Place, name: str) -> None:
    async def work(connection: asyncssh.SSHClientConnection) -> tuple[int | None, object]:
        try:
            process = await connection.create_process(subsystem=name)
        except asyncssh.ChannelOpenError:
            return 126, ""
        done = await process.wait()
        return done.exit_status, done.stdout

    assert in_loop(guarded, work) == (126, "")


@pytest.mark.parametrize(
    "options",
    [[], ["-T"], ["-tt"], ["-tt", "-o", "SetEnv=SALLYPORT_SHELL=raw"]],
    ids=["none", "no terminal", "guarded", "raw"],
)
def test_81_what_is_typed_into_a_shell_runs_nothing(guarded: Place, options: list[str]) -> None:
    # WHY there: what stands in that folder is started, so no policy lets anybody write it.
    canary = guarded.home / ".config" / "autostart" / f"sallyport-typed-{secrets.token_hex(6)}"
    was_there = canary.parent.exists()
    canary.parent.mkdir(parents=True, exist_ok=True)
    done = guarded.ssh(options=options, data=f"touch {canary}\nexit\n".encode())
    assert done.returncode in (126, 255)
    assert not canary.exists()
    if not was_there:
        canary.parent.rmdir()


@pytest.mark.parametrize("text", TYPED)
def test_81_no_spelling_of_a_line_is_run(guarded: Place, text: str) -> None:
    canary = guarded.home / ".config" / "autostart" / f"sallyport-typed-{secrets.token_hex(6)}"
    line = text.replace("{c}", str(canary))
    before = len(guarded.decisions())
    # What waits for people, or for more of the line, is left by the interrupts.
    with suppress(subprocess.TimeoutExpired):
        command = guarded.command(options=["-tt"])
        subprocess.run(command, input=f"{line}\x03\x03\x04\x04exit\n".encode(), capture_output=True, timeout=8)
    assert not canary.exists()
    allowed = [entry.text for entry in guarded.decisions()[before:] if entry.verdict in ("allow", "mask")]
    assert [one for one in allowed if canary.name in one] == []


async def until_held(place: Place, trying: Sequence[asyncio.Future[str]], before: int) -> None:
    """Until each of these is over, or waits for people, who do not come. `before`: how many decisions there were before them.

    WHY not tickets: who asks the same twice waits for one.
    """
    async with asyncio.timeout(WAIT):
        while left := sum(not one.done() for one in trying):
            if sum(entry.verdict == "hold" for entry in place.decisions()[before:]) >= left:
                return
            await asyncio.wait(trying, timeout=0.05)


def test_78_files_that_let_people_in_or_start_things_do_not_change_over_sftp(guarded: Place) -> None:
    home = guarded.folder / "home"
    (home / ".ssh").mkdir(parents=True)
    keys, start, plain = home / ".ssh" / "authorized_keys", home / ".bashrc", home / "plain"
    for file in (keys, start, plain):
        file.write_text("mine")
    (home / "innocent").symlink_to(keys)
    (home / "folder").symlink_to(home / ".ssh")

    async def write(client: asyncssh.SFTPClient, path: str) -> None:
        async with client.open(path, "wb") as file:
            await file.write(b"evil")

    attempts: list[Callable[[asyncssh.SFTPClient], Awaitable[object]]] = [
        lambda client: write(client, str(keys)),
        lambda client: write(client, str(start)),
        lambda client: write(client, f"{home}/innocent"),
        lambda client: write(client, f"{home}/folder/authorized_keys"),
        lambda client: write(client, f"{home}/folder/../.ssh/./authorized_keys"),
        lambda client: write(client, f"{home}//.ssh//authorized_keys"),
        lambda client: client.posix_rename(str(plain), str(keys)),
        lambda client: client.rename(str(plain), f"{home}/folder/rc"),
        lambda client: client.symlink(str(plain), f"{home}/folder/environment"),
        lambda client: client.remove(str(keys)),
        lambda client: client.chmod(str(plain), 0o4777),
        lambda client: client.open("/etc/shadow", "rb"),
    ]

    async def attempt(
        connection: asyncssh.SSHClientConnection, act: Callable[[asyncssh.SFTPClient], Awaitable[object]]
    ) -> str:
        # A channel of its own: an operation that waits keeps those behind it waiting.
        async with connection.start_sftp_client() as client:
            try:
                await act(client)
            except asyncio.CancelledError:
                return "held"
            except asyncssh.SFTPPermissionDenied:
                return "denied"
            return "done"

    async def work(connection: asyncssh.SSHClientConnection) -> list[str]:
        trying = [asyncio.ensure_future(attempt(connection, act)) for act in attempts]
        await until_held(guarded, trying, before)
        for one in trying:
            one.cancel()
        return list(await asyncio.gather(*trying))

    before = len(guarded.decisions())
    came = in_loop(guarded, work)
    assert isinstance(came, list)
    assert set(came) <= {"held", "denied"}, came
    asked = [entry for entry in guarded.decisions()[before:] if entry.text.startswith("sftp ")]
    assert sum(entry.verdict in ("hold", "deny") for entry in asked) >= len(attempts)
    assert [file.read_text() for file in (keys, start, plain)] == ["mine"] * 3
    assert sorted(path.name for path in (home / ".ssh").iterdir()) == ["authorized_keys"]
    assert plain.stat().st_mode & 0o7777 != 0o4777


@pytest.fixture(params=["people", "a service", "shared"])
def home(request: pytest.FixtureRequest, guarded: Place) -> Iterator[Path]:
    """Somebody's home: where those of people are, where no home is known to be, and where everybody may write."""
    name = f"sallyport-way-{secrets.token_hex(4)}"
    parents = {"people": Path("/home"), "a service": Path("/"), "shared": guarded.folder}
    parent = parents[request.param]
    if not os.access(parent, os.W_OK):
        parent = guarded.home
    made = parent / name
    made.mkdir()
    yield made
    shutil.rmtree(made)


@pytest.mark.long
def test_78_no_spelling_of_an_operation_changes_them(guarded: Place, home: Path) -> None:
    for folder in (
        home / ".ssh",
        home / "new",
        home / "stage" / "autostart",
        home / "stage" / "hooks",
        home / "repo" / ".git" / "hooks",
    ):
        folder.mkdir(parents=True)
    for file in (
        home / ".ssh" / "authorized_keys",
        home / ".bashrc",
        home / "plain",
        home / "stage" / "authorized_keys",
    ):
        file.write_text("mine")
    (home / "innocent").symlink_to(home / ".ssh" / "authorized_keys")
    (home / "twice").symlink_to(home / "innocent")
    (home / "folder").symlink_to(home / ".ssh")

    async def attempt(connection: asyncssh.SSHClientConnection, act: Act) -> str:
        # A channel of its own: an operation that waits keeps those behind it waiting.
        client = await connection.start_sftp_client()
        trying = asyncio.ensure_future(act(client, home))
        done, _ = await asyncio.wait({trying}, timeout=4)
        if not done:
            # WHY not waited for: what closes its files waits behind what is held.
            trying.cancel()
            return "held"
        try:
            trying.result()
        except (asyncssh.SFTPPermissionDenied, asyncssh.SFTPOpUnsupported):
            return "denied"
        except asyncssh.SFTPNoSuchFile:
            return "not there"
        return "done"

    async def some(acts: Sequence[Act]) -> list[str]:
        async with await connected(guarded) as connection:
            return list(await asyncio.gather(*(attempt(connection, act) for act in acts)))

    async def work() -> list[str]:
        acts = [act for _, act in FILES]
        parts = await asyncio.gather(*(some(acts[at : at + 8]) for at in range(0, len(acts), 8)))
        return [one for part in parts for one in part]

    before, was = len(guarded.decisions()), looked_at(home)
    came = asyncio.run(work())
    assert [(name, one) for (name, _), one in zip(FILES, came, strict=True) if one == "done"] == []
    assert came.count("not there") <= 1, came
    asked = [entry for entry in guarded.decisions()[before:] if entry.text.startswith("sftp ")]
    assert sum(entry.verdict in ("hold", "deny") for entry in asked) >= len(FILES) - 3, "but for names that are none"
    assert looked_at(home) == was
    assert not Path("/etc/cron.d/sallyport-way").exists()


def looked_at(folder: Path) -> list[tuple[str, int, int, str]]:
    """Every file under a folder: name, mode, owner, and what is in it or where it leads."""
    found = []
    for path in sorted(folder.rglob("*")):
        info = path.lstat()
        said = str(path.readlink()) if path.is_symlink() else path.read_text() if path.is_file() else ""
        found.append((str(path), info.st_mode, info.st_uid, said))
    return found


@pytest.mark.parametrize("how", ["-L", "-D", "-W", "-R", "socket"])
def test_79_forwardings_reach_nothing(guarded: Place, how: str) -> None:
    reached: list[bool] = []
    before = len(guarded.decisions())

    def is_asked() -> bool:
        asked = [entry for entry in guarded.decisions()[before:] if entry.protocol == "ssh"]
        return any(entry.verdict in ("deny", "hold") for entry in asked)

    with socket.create_server(("127.0.0.1", 0)) as secret, socket.create_server(("127.0.0.1", 0)) as free:
        secret.settimeout(0.2)
        port, local = secret.getsockname()[1], free.getsockname()[1]
        free.close()
        if how == "-W":
            # It waits for an operator, who does not come.
            pipe = subprocess.PIPE
            command = guarded.command(options=["-W", f"127.0.0.1:{port}"])
            with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as client:
                guarded.wait_until(is_asked)
                with pytest.raises(subprocess.TimeoutExpired):
                    client.wait(1)
                client.kill()
        elif how == "-R":
            options = ["-o", "ExitOnForwardFailure=yes", "-N", "-R", f"{local}:127.0.0.1:{port}"]
            assert subprocess.run(guarded.command(options=options), capture_output=True, timeout=30).returncode == 255
        else:
            asyncio.run(_try_forward(guarded, how, port, is_asked))
        try:
            secret.accept()
            reached.append(True)
        except TimeoutError:
            pass
    assert reached == []
    assert is_asked()


@pytest.mark.long
def test_79_no_spelling_of_a_destination_is_reached(guarded: Place) -> None:
    async def attempt(opening: Awaitable[object]) -> str:
        try:
            await asyncio.wait_for(opening, 3)
        except TimeoutError:
            return "held"
        except (asyncssh.Error, asyncssh.ChannelListenError, OSError):
            return "refused"
        return "reached"

    async def work() -> list[tuple[str, str]]:
        async with await connected(guarded) as connection:
            tried: list[tuple[str, Awaitable[object]]] = [
                (host, connection.open_connection(host, port)) for host in HOSTS
            ]
            tried += [(path, connection.open_unix_connection(path)) for path in SOCKETS]
            tried += [(f"{host} {at}", connection.start_server(lambda: None, host, at)) for host, at in LISTENERS]  # type: ignore[arg-type,return-value]  # nobody comes
            tried += [(path, connection.start_unix_server(lambda: None, path)) for path in ("/tmp/x", "")]  # type: ignore[arg-type,return-value]  # nobody comes
            came = await asyncio.gather(*(attempt(opening) for _, opening in tried))
            return [(name, one) for (name, _), one in zip(tried, came, strict=True)]

    with socket.create_server(("127.0.0.1", 0)) as secret:
        secret.settimeout(0.2)
        port = secret.getsockname()[1]
        came = asyncio.run(work())
        assert [one for one in came if one[1] == "reached"] == []
        with pytest.raises(TimeoutError):
            secret.accept()


async def _try_forward(place: Place, how: str, port: int, is_asked: Callable[[], bool]) -> None:
    async with await connected(place) as connection:
        is_socket = how == "socket"
        wanted = (
            connection.open_unix_connection("/run/x.sock")
            if is_socket
            else connection.open_connection("127.0.0.1", port)
        )
        trying = asyncio.ensure_future(wanted)
        async with asyncio.timeout(WAIT):
            while not is_asked():
                await asyncio.wait({trying}, timeout=0.05)
        with pytest.raises((asyncssh.Error, TimeoutError)):
            await asyncio.wait_for(trying, 1)


def test_79_agents_are_not_lent(guarded: Place) -> None:
    done = guarded.ssh("echo agent=$SSH_AUTH_SOCK", options=["-A"], environment={"SSH_AUTH_SOCK": "/tmp/nobody"})
    assert done.stdout == b"agent=\n"
