"""What a client of SSH asks while lines are cut."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator

import asyncssh

from tests.e2e.behind.ssh import SshWorld, ssh_world
from tests.e2e.cuts.cutting import Cut, End, Step, Talk, cut_lines
from tests.e2e.soak.ssh_place import POLICY

LOST = 255
LARGE = 300_000


class _Fate(asyncssh.SSHClient):
    """Whether its connection has ended."""

    has_ended = False

    def connection_lost(self, exc: Exception | None) -> None:
        self.has_ended = True


class SshTalk(Talk):
    """Commands, files, a connection through the target."""

    def __init__(self, world: SshWorld) -> None:
        super().__init__(world)
        self._world = world

    def ran(self) -> Iterable[tuple[str, str]]:
        return self._world.ran()

    def said(self, text: str) -> str:
        return text

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[Iterable[Step]]:
        fate, folder = _Fate(), self._world.folder
        try:
            connection = await asyncssh.connect(
                "127.0.0.1",
                self.port,
                client_factory=lambda: fate,
                username="ana+box",
                client_keys=[str(folder / "ana")],
                known_hosts=str(folder / "gateway_hosts"),
                config=None,
                agent_path=None,
            )
        except asyncssh.Error as error:
            raise ConnectionError(str(error)) from error
        try:
            yield (
                lambda: self._run(connection, fate, "echo {}", wanted="{}\n"),
                lambda: self._run(connection, fate, "wc -c # {}", "i" * 50_000, wanted="50000\n"),
                lambda: self._run(
                    connection, fate, f"head -c {LARGE} /dev/zero | tr '\\0' x # {{}}", wanted="x" * LARGE
                ),
                lambda: self._run(connection, fate, "echo ann@example.org; : mask-me {}", wanted="[redacted]\n"),
                lambda: self._files(connection, fate),
                lambda: self._forward(connection, fate),
            )
        finally:
            connection.abort()
            await connection.wait_closed()

    async def _run(
        self, connection: asyncssh.SSHClientConnection, fate: _Fate, text: str, data: str = "", *, wanted: str
    ) -> End:
        mark = self.mark()
        try:
            done = await connection.run(text.format(mark), input=data)
        except (asyncssh.Error, OSError):
            return await _end_of(fate, End.TOLD)
        if done.exit_status is None or done.exit_status < 0:
            return End.GONE
        if done.exit_status == LOST:
            assert "sallyport: the target" in str(done.stderr), done.stderr
            return End.TOLD
        assert (done.exit_status, done.stdout) == (0, wanted.format(mark)), done
        self.answered.add(mark)
        return End.OK

    async def _files(self, connection: asyncssh.SSHClientConnection, fate: _Fate) -> End:
        mark = self.mark()
        path = str(self._world.files / mark)
        try:
            async with connection.start_sftp_client() as files:
                async with files.open(path, "wb") as file:
                    await file.write(b"f" * 50_000)
                async with files.open(path, "rb") as file:
                    assert await file.read() == b"f" * 50_000
        except (asyncssh.Error, OSError):
            return await _end_of(fate, End.TOLD)
        self.answered.add(mark)
        return End.OK

    async def _forward(self, connection: asyncssh.SSHClientConnection, fate: _Fate) -> End:
        line = f"{self.mark()}\n".encode()
        try:
            reader, writer = await connection.open_connection("127.0.0.1", self._world.echo.port)
            writer.write(line)
            said = await reader.readline()
            writer.close()
        except (asyncssh.Error, OSError):
            return await _end_of(fate, End.TOLD)
        return End.OK if said == line else await _end_of(fate, End.CUT)


async def _end_of(fate: _Fate, otherwise: End) -> End:
    """GONE where the client's own connection has ended, which is told after its channels were closed."""
    await asyncio.sleep(0.05)
    return End.GONE if fate.has_ended else otherwise


@contextlib.contextmanager
def prepared() -> Iterator[Cut]:
    with (
        ssh_world({"world.rego": POLICY}) as world,
        cut_lines(SshTalk(world), world.place.sshd_port, *world.folder.glob("*_hosts")) as cut,
    ):
        yield cut
