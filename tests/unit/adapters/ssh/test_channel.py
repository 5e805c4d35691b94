"""What a session channel may be used for: commands; everything else is refused, recorded, and runs nothing."""

from __future__ import annotations

import inspect

import asyncssh
import pytest
from asyncssh.packet import Boolean, String

from adapters.ssh.channel import MAX_VARIABLES, WINDOW, GuardedChannel, window_beside
from adapters.ssh.visit import MAX_CHANNELS
from tests.ssh_world import ssh_world


def test_the_library_still_calls_what_is_overridden() -> None:
    theirs = asyncssh.SSHServerChannel
    for name, member in vars(GuardedChannel).items():
        if name.startswith("_") and inspect.isfunction(member) and name != "__init__":
            assert hasattr(theirs, name), f"asyncssh has no {name} any more"
            assert list(inspect.signature(getattr(theirs, name)).parameters) == list(
                inspect.signature(member).parameters
            )


async def test_an_interactive_shell_is_refused_with_a_word_of_what_there_is() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        process = await connection.create_process()
        done = await process.wait()
        assert (done.exit_status, done.stdout) == (126, "")
        assert "ssh HOST COMMAND" in str(done.stderr)
        assert world.gate.refused[0][0] == b"shell"
        assert world.gate.asked == []


@pytest.mark.parametrize("name", ["netconf", "/bin/sh", "SFTP", "sftp ", "x" * 300])
async def test_subsystems_are_refused(name: str) -> None:
    async with ssh_world() as world, await world.connect() as connection:
        process = await connection.create_process(subsystem=name)
        done = await process.wait()
        assert (done.exit_status, done.stdout) == (126, "")
        assert world.gate.refused[0][0].startswith(b"subsystem")


async def test_a_terminal_of_a_strange_kind_is_refused() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_process("id", term_type="xterm; rm")
        assert world.gate.refused[0][0] == b"terminal"
        assert world.gate.asked == []


async def test_the_wish_for_a_raw_shell_goes_nowhere() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        await connection.run("id", env={"SALLYPORT_SHELL": "raw"})
        assert world.gate.refused == []
        await connection.run("id", env={"SALLYPORT_SHELL": "cooked"})
        assert world.gate.refused[0][0] == b'variable "SALLYPORT_SHELL"'


async def test_variables_beyond_the_list_are_refused_and_the_rest_is_counted() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        done = await connection.run("id", env={"LD_PRELOAD": "/tmp/x.so", "LANG": "C.UTF-8"})
        assert done.exit_status == 3
        assert world.gate.refused == [(b'variable "LD_PRELOAD"', "`variable` is not carried here")]
        many = {f"LC_{chr(65 + number)}{chr(65 + number)}": "C" for number in range(26)}
        many |= {f"LC_{chr(65 + number)}": "C" for number in range(26)}
        await connection.run("id", env=many)
        assert len(world.gate.refused) == 1 + len(many) - MAX_VARIABLES


async def test_requests_nobody_knows_and_agents_and_displays_are_refused_and_recorded() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        process = await connection.create_process("id #stuck")
        for request, rest in (
            (b"auth-agent-req@openssh.com", ()),
            (b"x11-req", (Boolean(False), String("MIT"), String("00"), b"\0\0\0\0")),
            (b"magic@example.org", ()),
            (b"init__", ()),
        ):
            assert not await process.channel._make_request(request, *rest)
        assert [text for text, _ in world.gate.refused] == [
            b"agent",
            b"display",
            b'request "magic@example.org"',
            b'request "init__"',
        ]


async def test_a_second_command_on_a_channel_is_refused() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        process = await connection.create_process("id #stuck")
        assert not await process.channel._make_request(b"exec", String("rm -rf /"))
        assert not await process.channel._make_request(b"shell")
        assert not await process.channel._make_request(b"subsystem", String("sftp"))
        assert len(world.gate.asked) == 1


@pytest.mark.parametrize("terminal", [None, "xterm"])
async def test_a_command_that_is_not_utf_8_is_refused_recorded_and_told_why(terminal: str | None) -> None:
    async with ssh_world() as world, await world.connect() as connection:
        process = await connection.create_process(b"id \xff", term_type=terminal)  # type: ignore[arg-type]  # as the wire has it
        done = await process.wait()
        assert done.exit_status == 126
        assert "refused: a command that is not UTF-8" in str(done.stdout if terminal else done.stderr)
        assert world.gate.refused == [(b"id \xff", "a command that is not UTF-8")]
        assert world.ran == []


async def test_input_that_waits_takes_no_more_than_its_bytes() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        process = await connection.create_process("echo #hold", encoding=None)
        await world.until(lambda: world.gate.held)
        visitor = next(iter(world.listener._connections))
        assert visitor._connection is not None
        (channel,) = visitor._connection._channels.values()
        assert isinstance(channel, GuardedChannel)
        channel.pause_reading()
        before = channel._recv_window
        for number in range(5_000):
            channel._accept_data(b"%02d" % (number % 100))
        assert len(channel._recv_buf) == 3
        assert channel._recv_window == before - 10_000
        assert b"".join(data for data, _ in channel._recv_buf) == b"".join(b"%02d" % (n % 100) for n in range(5_000))
        process.close()


def test_many_channels_have_smaller_windows() -> None:
    assert sum(map(window_beside, range(MAX_CHANNELS))) <= 64 << 20
    assert window_beside(0) == WINDOW
