"""Ways around that are no commands: variables, channels, subsystems, forwardings, oversized and broken requests."""

from __future__ import annotations

import asyncio
import secrets
import socket
import subprocess
from collections.abc import Awaitable, Callable, Sequence

import asyncssh
import pytest
from asyncssh.packet import String

from tests.interop.ssh.place import Place


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


def test_80_a_channel_whose_command_was_denied_runs_no_other(guarded: Place) -> None:
    async def work(connection: asyncssh.SSHClientConnection) -> list[object]:
        found: list[object] = []
        for request in (b"exec", b"shell", b"subsystem"):
            process = await connection.create_process("sleep 5")
            more = [] if request == b"shell" else [String("id")]
            asked = asyncio.ensure_future(process.channel._make_request(request, *more))
            # WHY either: the denial may have closed the channel before the request came, and then nobody answers it.
            over = asyncio.ensure_future(process.wait_closed())
            await asyncio.wait({asked, over}, return_when=asyncio.FIRST_COMPLETED)
            found.append(asked.done() and asked.result())
            process.close()
            asked.cancel()
            over.cancel()
        for text in ("rm -rf /", "echo fine"):
            done = await connection.run(text)
            found.append(done.exit_status)
        return found

    assert in_loop(guarded, work) == [False, False, False, 126, 0]


@pytest.mark.parametrize("name", ["/bin/sh", "sftp;sh", "internal-sftp", "netconf", "SFTP", "exec"])
def test_80_subsystems_are_no_way_to_a_program(guarded: Place, name: str) -> None:
    async def work(connection: asyncssh.SSHClientConnection) -> tuple[int | None, object]:
        process = await connection.create_process(subsystem=name)
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
                await asyncio.wait_for(act(client), 4)
            except TimeoutError:
                return "held"
            except asyncssh.SFTPPermissionDenied:
                return "denied"
            return "done"

    async def work(connection: asyncssh.SSHClientConnection) -> list[str]:
        return list(await asyncio.gather(*(attempt(connection, act) for act in attempts)))

    before = len(guarded.decisions())
    came = in_loop(guarded, work)
    assert isinstance(came, list)
    assert set(came) <= {"held", "denied"}, came
    asked = [entry for entry in guarded.decisions()[before:] if entry.text.startswith("sftp ")]
    assert sum(entry.verdict in ("hold", "deny") for entry in asked) >= len(attempts)
    assert [file.read_text() for file in (keys, start, plain)] == ["mine"] * 3
    assert sorted(path.name for path in (home / ".ssh").iterdir()) == ["authorized_keys"]
    assert plain.stat().st_mode & 0o7777 != 0o4777


@pytest.mark.parametrize("how", ["-L", "-D", "-W", "-R", "socket"])
def test_79_forwardings_reach_nothing(guarded: Place, how: str) -> None:
    reached: list[bool] = []
    with socket.create_server(("127.0.0.1", 0)) as secret, socket.create_server(("127.0.0.1", 0)) as free:
        secret.settimeout(0.2)
        port, local = secret.getsockname()[1], free.getsockname()[1]
        free.close()
        if how == "-W":
            # It waits for an operator, who does not come.
            with pytest.raises(subprocess.TimeoutExpired):
                subprocess.run(guarded.command(options=["-W", f"127.0.0.1:{port}"]), capture_output=True, timeout=2)
        elif how == "-R":
            options = ["-o", "ExitOnForwardFailure=yes", "-N", "-R", f"{local}:127.0.0.1:{port}"]
            assert subprocess.run(guarded.command(options=options), capture_output=True, timeout=30).returncode == 255
        else:
            asyncio.run(_try_forward(guarded, how, port))
        try:
            secret.accept()
            reached.append(True)
        except TimeoutError:
            pass
    assert reached == []
    assert any(entry.protocol == "ssh" and entry.verdict in ("deny", "hold") for entry in guarded.decisions()[-4:])


async def _try_forward(place: Place, how: str, port: int) -> None:
    async with await connected(place) as connection:
        is_socket = how == "socket"
        wanted = (
            connection.open_unix_connection("/run/x.sock")
            if is_socket
            else connection.open_connection("127.0.0.1", port)
        )
        with pytest.raises((asyncssh.Error, TimeoutError)):
            await asyncio.wait_for(wanted, 2)


def test_79_agents_are_not_lent(guarded: Place) -> None:
    done = guarded.ssh("echo agent=$SSH_AUTH_SOCK", options=["-A"], environment={"SSH_AUTH_SOCK": "/tmp/nobody"})
    assert done.stdout == b"agent=\n"
