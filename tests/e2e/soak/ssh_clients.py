"""What clients of SSH do for half an hour: commands, shells, files, connections, under marks that the audit and the target's record have too."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import asyncssh

from tests.e2e.behind.ssh import SshWorld
from tests.e2e.soak.harness import ENDED, SUPERSEDED, Client, Ended, Gone, Left, Tally, was_ended

REFUSED = 126
LARGE = 1 << 20
STREAM_SECONDS = (1.0, 4.0)
WAIT = 90.0
PROMPT = re.compile(r"\x1b\[\?2004l\r\n(?s:.*?)guarded:[^\r\n]*\$ ")
FIRST_PROMPT = re.compile(r"guarded:[^\r\n]*\$ ")
BROKEN = (asyncssh.Error, OSError, asyncio.IncompleteReadError, TimeoutError)
Connection = asyncssh.SSHClientConnection


class _Fate(asyncssh.SSHClient):
    """Remembers why its connection ended."""

    def __init__(self) -> None:
        self.why: str | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        # WHY: of a disconnect that says who ended it, and why, asyncssh tells its clients nothing but that.
        self.why = str(exc) if exc is not None else ENDED


class SshClient(Client[Connection]):
    """One of them."""

    wrong = (*BROKEN, AssertionError)

    def __init__(self, number: int, world: SshWorld, tally: Tally, chance: random.Random, pause: float) -> None:
        super().__init__(number, tally, chance, pause)
        self._world = world
        self._fate = _Fate()

    def acts(self) -> Sequence[tuple[int, str, Callable[[Connection], Awaitable[None]]]]:
        return [
            (300, "allowed", self._run),
            (60, "allowed, with a status", self._status),
            (30, "allowed, with input", self._input),
            (20, "a large output", self._large),
            (20, "by OpenSSH", self._openssh),
            (30, "recorded", self._recorded),
            (20, "a stream both ways", self._stream),
            (25, "a guarded shell", self._shell),
            (10, "a terminal of the target", self._terminal),
            (30, "files", self._files),
            (20, "a connection through the target", self._forward),
            (80, "masked", self._masked),
            (100, "denied", self._denied),
            (10, "a file, denied", self._file_denied),
            (10, "a connection, denied", self._forward_denied),
            (40, "held, approved", self._approved),
            (20, "held, refused", self._refused),
            (6, "held, expired", self._expired),
            (15, "held, cancelled", self._held_and_cancelled),
            (30, "cancelled", self._cancelled),
            (8, "client gone while it runs", self._gone),
            (4, "client gone while held", self._gone_held),
        ]

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[Connection]:
        self._fate = _Fate()
        folder = self._world.folder
        connection = await asyncssh.connect(
            "127.0.0.1",
            self._world.port,
            client_factory=lambda: self._fate,
            username="ana+box",
            client_keys=[str(folder / "ana")],
            known_hosts=str(folder / "gateway_hosts"),
            config=None,
            agent_path=None,
            login_timeout=WAIT,
        )
        try:
            yield connection
        finally:
            connection.abort()
            await connection.wait_closed()

    def over(self, error: Exception) -> Exception | None:
        told = self._fate.why or (str(error) if isinstance(error, asyncssh.DisconnectError) else None)
        if told is None:
            return super().over(error)
        return Ended() if was_ended(told) else Gone(told)

    async def _ask(self, connection: Connection, text: str, data: str = "") -> tuple[int, str, str]:
        """A command to its end: its status, output, what it complained of. Raises ConnectionLost where the end is not known."""
        async with asyncio.timeout(WAIT):
            done = await connection.run(text, input=data)
        if done.exit_status is None or done.exit_status < 0:
            # WHY given a turn: what ended the connection is told after its channels were closed.
            await asyncio.sleep(0.05)
            raise asyncssh.ConnectionLost(f"no status of `{text}`")
        return done.exit_status, str(done.stdout), str(done.stderr)

    # --- what is allowed

    async def _run(self, connection: Connection) -> None:
        mark = self._mark()
        said = await self._ask(connection, f"echo {mark}")
        assert said == (0, f"{mark}\n", ""), said
        self._tally.answered.add(mark)

    async def _status(self, connection: Connection) -> None:
        mark = self._mark()
        said = await self._ask(connection, f"echo {mark} >&2; exit 7")
        assert said == (7, "", f"{mark}\n"), said
        self._tally.answered.add(mark)

    async def _input(self, connection: Connection) -> None:
        mark, size = self._mark(), self._chance.randrange(1, 200_000)
        said = await self._ask(connection, f"wc -c # {mark}", "i" * size)
        assert said == (0, f"{size}\n", ""), said
        self._tally.answered.add(mark)

    async def _large(self, connection: Connection) -> None:
        mark = self._mark()
        status, said, _ = await self._ask(connection, f"head -c {LARGE} /dev/zero | tr '\\0' x # {mark}")
        assert (status, len(said)) == (0, LARGE), (status, len(said))
        self._tally.answered.add(mark)

    async def _openssh(self, _: Connection) -> None:
        mark = self._mark()
        pipe = asyncio.subprocess.PIPE
        client = await asyncio.create_subprocess_exec(
            *self._world.place.command(f"echo {mark}"), stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )
        said, complained = await client.communicate()
        if client.returncode == 255:
            if was_ended(complained):
                raise Ended
            raise Gone(complained.decode())
        assert (client.returncode, said) == (0, f"{mark}\n".encode()), (client.returncode, said, complained)
        self._tally.answered.add(mark)

    async def _recorded(self, connection: Connection) -> None:
        mark = self._mark()
        said = await self._ask(connection, f"echo {mark} # keep-this")
        assert said == (0, f"{mark}\n", ""), said
        self._tally.answered.add(mark)

    async def _stream(self, connection: Connection) -> None:
        mark = self._mark()
        until = asyncio.get_running_loop().time() + self._chance.uniform(*STREAM_SECONDS)
        async with (
            asyncio.timeout(WAIT),
            connection.create_process(f'while read -r line; do echo "$line"; done # {mark}') as process,
        ):
            while asyncio.get_running_loop().time() < until:
                process.stdin.write(f"{mark}\n")
                assert await process.stdout.readline() == f"{mark}\n"
                await asyncio.sleep(0.1)
            process.stdin.write_eof()
            done = await process.wait()
        assert done.exit_status == 0, done
        self._tally.answered.add(mark)

    async def _shell(self, connection: Connection) -> None:
        mark, never = self._mark(), self._mark(never=True)
        async with (
            asyncio.timeout(WAIT),
            connection.create_process(term_type="xterm", term_size=(80, 24)) as process,
        ):
            await process.stdout.readuntil(FIRST_PROMPT)
            for line, wanted in (
                (f"x=4; echo {mark} $((40 + 2))", "42"),
                (f"echo do-deny {never}", "denied: the mark says no"),
                ("echo $x$x", "44"),
            ):
                process.stdin.write(f"{line}\r")
                said = await process.stdout.readuntil(PROMPT)
                assert wanted in said, said
            process.stdin.write("exit 3\r")
            done = await process.wait()
        assert done.exit_status == 3, done
        self._tally.answered.update((mark, never))

    async def _terminal(self, connection: Connection) -> None:
        async with (
            asyncio.timeout(WAIT),
            connection.create_process(term_type="xterm", term_size=(80, 24), env={"SALLYPORT_SHELL": "raw"}) as process,
        ):
            process.stdin.write("echo $((40 + 2)); exit 4\r")
            done = await process.wait()
        assert done.exit_status == 4, done
        assert "42" in str(done.stdout)

    async def _files(self, connection: Connection) -> None:
        mark, data = self._mark(), self._chance.randbytes(self._chance.randrange(1, 100_000))
        path = str(self._world.files / mark)
        async with asyncio.timeout(WAIT), connection.start_sftp_client() as files:
            async with files.open(path, "wb") as file:
                await file.write(data)
            async with files.open(path, "rb") as file:
                assert await file.read() == data
            await files.remove(path)
        self._tally.answered.add(mark)

    async def _forward(self, connection: Connection) -> None:
        line = f"{self._mark()}\n".encode()
        async with asyncio.timeout(WAIT):
            reader, writer = await connection.open_connection("127.0.0.1", self._world.echo.port)
            writer.write(line)
            said = await reader.readline()
            writer.close()
        # It is in the audit without what went through.
        assert said == line, said

    # --- what is not, or not as it is

    async def _masked(self, connection: Connection) -> None:
        mark = self._mark()
        said = await self._ask(connection, f"echo write to person{self._number}@example.org; : mask-me {mark}")
        assert said == (0, "write to [redacted]\n", ""), said
        self._tally.answered.add(mark)

    async def _denied(self, connection: Connection) -> None:
        await self._must_be_refused(connection, "echo do-deny {}")

    async def _refused(self, connection: Connection) -> None:
        await self._must_be_refused(connection, "echo do-refuse {}")

    async def _expired(self, connection: Connection) -> None:
        await self._must_be_refused(connection, "echo do-leave {}")

    async def _must_be_refused(self, connection: Connection, text: str) -> None:
        mark = self._mark(never=True)
        status, said, complained = await self._ask(connection, text.format(mark))
        assert (status, said) == (REFUSED, ""), (status, said, complained)
        self._tally.answered.add(mark)

    async def _file_denied(self, connection: Connection) -> None:
        mark = self._mark(never=True)
        async with asyncio.timeout(WAIT), connection.start_sftp_client() as files:
            try:
                async with files.open(str(self._world.files / f"do-deny-{mark}"), "wb"):
                    raise AssertionError("the file was opened")
            except asyncssh.SFTPPermissionDenied:
                self._tally.answered.add(mark)

    async def _forward_denied(self, connection: Connection) -> None:
        async with asyncio.timeout(WAIT):
            try:
                await connection.open_connection(f"do-deny-{self._mark(never=True)}.example", 80)
            except asyncssh.ChannelOpenError:
                if self._fate.why is None:
                    return
                raise
        raise AssertionError("the connection was opened")

    async def _approved(self, connection: Connection) -> None:
        mark = self._mark()
        status, said, complained = await self._ask(connection, f"echo do-approve {mark}")
        if status == REFUSED and SUPERSEDED in complained:
            self._superseded()
            return
        assert (status, said) == (0, f"do-approve {mark}\n"), (status, said, complained)
        self._tally.answered.add(mark)

    # --- what does not go to its end

    async def _cancelled(self, connection: Connection) -> None:
        await self._close_during(connection, f"sleep 2 # {self._mark()}")

    async def _held_and_cancelled(self, connection: Connection) -> None:
        await self._close_during(connection, f"echo do-leave {self._mark(never=True)}")

    async def _close_during(self, connection: Connection, text: str) -> None:
        async with asyncio.timeout(WAIT):
            process = await connection.create_process(text)
            await asyncio.sleep(self._chance.uniform(0.02, 0.3))
            process.close()
            await process.wait_closed()

    async def _gone(self, connection: Connection) -> None:
        await self._leave_during(connection, f"sleep 1 # {self._mark()}")

    async def _gone_held(self, connection: Connection) -> None:
        await self._leave_during(connection, f"echo do-leave {self._mark(never=True)}")

    async def _leave_during(self, connection: Connection, text: str) -> None:
        with contextlib.suppress(*BROKEN):  # WHY: it may have been killed by now
            async with asyncio.timeout(WAIT):
                await connection.create_process(text)
                await asyncio.sleep(self._chance.uniform(0.02, 0.3))
        connection.abort()
        raise Left
