"""The target's end of what runs there."""

from __future__ import annotations

import asyncio
from unittest.mock import Mock

import asyncssh
import pytest

from adapters.ssh.target_session import TargetSession

OUTPUT = b"x" * 300_000


def test_it_passes_everything_on_and_tells_the_end_once_it_began() -> None:
    runner, channel = Mock(), Mock()
    session = TargetSession(runner)
    session.connection_made(channel)
    session.session_started()
    session.data_received(b"x", None)
    session.pause_writing()
    session.resume_writing()
    assert session.eof_received()
    session.exit_status_received(3)
    session.exit_signal_received("TERM", False, "", "")
    session.connection_lost(None)
    assert [call[0] for call in runner.method_calls] == [
        "attach",
        "show",
        "target_is_full",
        "target_is_full",
        "target_ended",
    ]
    runner.target_ended.assert_called_once_with(3, ("TERM", False, "", ""))


def test_what_never_began_tells_nobody() -> None:
    runner = Mock()
    TargetSession(runner).connection_lost(None)
    assert runner.method_calls == []


class Full:
    """Whoever runs something and has no room for its output at first."""

    def __init__(self, *, is_full: bool) -> None:
        self._is_full = is_full
        self.shown = 0
        self.ended: asyncio.Future[tuple[int | None, object]] = asyncio.get_running_loop().create_future()

    def attach(self, target: asyncssh.SSHClientChannel[bytes]) -> None:
        if self._is_full:
            target.pause_reading()

    def show(self, data: bytes, datatype: int | None) -> None:
        self.shown += len(data)

    def target_is_full(self, is_full: bool) -> None:
        pass

    def target_ended(self, status: int | None, signal: tuple[str, bool, str, str] | None) -> None:
        self.ended.set_result((status, signal))


@pytest.mark.parametrize("is_full", [True, False])
async def test_what_broke_off_has_no_status(is_full: bool) -> None:
    async def run(process: asyncssh.SSHServerProcess[bytes]) -> None:
        line = process.channel.get_connection()
        process.stdout.write(OUTPUT)
        process.exit(0)
        await process.wait_closed()
        line.abort()

    class Anybody(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return False

    key = asyncssh.generate_private_key("ssh-ed25519")
    target = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=Anybody, server_host_keys=[key], process_factory=run, encoding=None
    )
    known = asyncssh.import_known_hosts(f"[127.0.0.1]:{target.get_port()} {key.export_public_key().decode()}")
    connection = await asyncssh.connect("127.0.0.1", target.get_port(), known_hosts=known, config=None)
    runner = Full(is_full=is_full)
    async with asyncio.timeout(60):
        await connection.create_session(lambda: TargetSession(runner), "x", encoding=None)
        ended = await runner.ended
    # All of it and how it ended, or neither.
    assert (runner.shown, ended) == ((0, (None, None)) if is_full else (len(OUTPUT), (0, None)))
    await connection.wait_closed()
    target.close()
    await target.wait_closed()
