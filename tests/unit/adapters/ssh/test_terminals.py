"""Terminals of the target: only with a grant that says `record`, everything shown is recorded first, nobody's left alone for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import asyncssh
import pytest

from adapters.core.ports import Answer
from adapters.ssh.terminals import MAX_EARLY
from tests.ssh_world import RAW, World, answer_for, ssh_world


@pytest.fixture(autouse=True)
def terminals() -> Iterator[None]:
    RAW.update(allowed=True, record=True, masked=False)
    yield
    RAW.update(allowed=True, record=True, masked=False)


async def raw(connection: asyncssh.SSHClientConnection, command: str | None = None) -> asyncssh.SSHClientProcess[str]:
    environment = {"SALLYPORT_SHELL": "raw"} if command is None else {}
    return await connection.create_process(command, term_type="xterm", term_size=(90, 30), env=environment)


async def until(process: asyncssh.SSHClientProcess[str], word: str) -> str:
    async with asyncio.timeout(60):
        return str(await process.stdout.readuntil(word))


async def test_a_raw_shell_is_recorded_and_told_what_it_is() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        process = await raw(connection)
        said = await until(process, "xterm 90x30")
        assert "judged by nobody" in said
        process.change_terminal_size(100, 40)
        await until(process, "now 100x40")
        process.stdin.write("hello\n")
        await until(process, "got hello")
        process.stdin.write("exit\n")
        done = await process.wait()
        assert done.exit_status == 5
        (kept,) = world.gate.recordings
        assert b"got hello" in kept.shown
        assert b"judged by nobody" in kept.shown
        assert kept.screen is not None
        assert (kept.screen.columns, kept.screen.rows, kept.screen.type) == (90, 30, "xterm")
        assert kept.sizes == [(100, 40)]
        assert kept.ended == [5]
        ((decision, outcome),) = world.gate.outcomes
        assert (decision, outcome.error) == ("d1", "EXIT_5")
        assert outcome.bytes == len(kept.shown)


async def test_signals_reach_it() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        process = await raw(connection)
        await until(process, "xterm")
        process.send_signal("INT")
        await until(process, "signal INT")
        process.stdin.write_eof()
        assert (await process.wait()).exit_status == 5
        assert world.ran == [""]


@pytest.mark.parametrize(("allowed", "record"), [(False, True), (True, False)])
async def test_without_a_grant_that_says_record_nothing_runs(allowed: bool, record: bool) -> None:
    RAW.update(allowed=allowed, record=record)
    async with ssh_world() as world, await world.connect() as connection:
        process = await raw(connection)
        done = await process.wait()
        assert done.exit_status == 126
        assert "sallyport: " in str(done.stdout)
        assert world.ran == []
        assert world.gate.recordings == []


async def test_a_shell_without_the_wish_or_without_a_terminal_is_no_raw_one() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        process = await connection.create_process(env={"SALLYPORT_SHELL": "raw"})
        assert (await process.wait()).exit_status == 126
        assert b"shell raw" not in [question.text for question in world.gate.asked]
        assert world.ran == []


async def test_what_cannot_be_recorded_does_not_open() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        world.gate.cannot_record = True
        for command in (None, "id"):
            process = await raw(connection, command)
            done = await process.wait()
            assert done.exit_status == 255
            assert "has to be recorded" in str(done.stderr)
        assert world.ran == []


async def test_a_recorder_that_fails_ends_it() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        process = await raw(connection)
        await until(process, "xterm")
        (kept,) = world.gate.recordings
        kept.left = 0
        process.stdin.write("hello\n")
        done = await process.wait()
        assert done.exit_status == 255
        assert "hello" not in str(done.stdout)
        assert world.gate.outcomes[0][1].error == "RECORDER_FAILED"


async def test_where_nobody_types_it_ends() -> None:
    async with ssh_world(idle_seconds=0.3) as world, await world.connect() as connection:
        for command in (None, "id #stuck"):
            process = await raw(connection, command)
            async with asyncio.timeout(60):
                done = await process.wait()
            assert "nothing was typed" in str(done.stdout)
            assert done.exit_status == 255
        assert [kept.ended for kept in world.gate.recordings] == [[None], [None]]


async def test_a_client_that_leaves_takes_it_along() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        process = await raw(connection)
        await until(process, "xterm")
        connection.abort()
        await world.until(lambda: bool(world.gate.outcomes))
        assert world.gate.outcomes[0][1].error == "CLIENT_GONE"
        assert world.gate.recordings[0].ended == [None]


async def test_a_target_that_is_not_there_is_told() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        world.listener._connections.copy().pop().visit.upstream._target = replace_port(world)  # type: ignore[union-attr]  # of a test
        process = await raw(connection)
        done = await process.wait()
        assert done.exit_status == 255
        assert "the target" in str(done.stdout)


def replace_port(world: World) -> object:
    from dataclasses import replace

    return replace(world.target, port=1, known_hosts=world.target.known_hosts.replace(f":{world.target.port} ", ":1 "))


async def test_a_command_on_a_terminal_is_asked_about_twice_and_recorded() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        process = await raw(connection, "id")
        done = await process.wait()
        assert done.exit_status == 3
        assert [question.text for question in world.gate.asked] == [b"terminal", b"id"]
        (kept,) = world.gate.recordings
        assert b"exec /bin/bash" in kept.shown
        assert [fact["text"] for fact in kept.facts] == ["id"]


async def test_a_denied_command_on_a_granted_terminal_does_not_run() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        process = await raw(connection, "id #deny")
        done = await process.wait()
        assert done.exit_status == 126
        assert "the mark says no" in str(done.stdout)
        assert world.ran == []


@pytest.mark.parametrize(("allowed", "record"), [(False, True), (True, False)])
async def test_without_a_terminal_the_command_runs_with_lines_of_our_own(allowed: bool, record: bool) -> None:
    RAW.update(allowed=allowed, record=record)
    async with ssh_world() as world, await world.connect() as connection:
        process = await raw(connection, "id #stuck")
        said = await until(process, "stuck\r\n")
        assert "runs without one" in said
        assert world.gate.recordings == []
        process.stdin.write("ab\x7fc\r")
        await until(process, "ab\b \bc\r\n")
        process.stdin.write("\x03")
        await until(process, "^C\r\n")


async def test_what_is_typed_at_a_granted_terminal_before_the_command_runs_is_the_command_s_alone() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        process = await raw(connection, "id #hold #stuck")
        await world.until(lambda: world.gate.held)
        process.stdin.write("typed")
        assert (await connection.run("another")).exit_status == 3
        (kept,) = world.gate.recordings
        # No line of ours has it.
        assert b"typed" not in kept.shown
        world.gate.held["T2"].set_result(True)
        await until(process, "typed")
        assert kept.shown.count(b"typed") == 1


async def test_ctrl_c_takes_back_a_command_that_waits_on_a_granted_terminal() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        process = await raw(connection, "id #hold")
        await world.until(lambda: world.gate.held)
        process.stdin.write("ab\x03")
        assert (await process.wait()).exit_status == 130
        assert world.gate.withdrawn == ["T2"]
        assert world.ran == []


@pytest.mark.parametrize("typed", ["\x03", "yes\n\x03"])
async def test_ctrl_c_takes_back_the_question_of_a_terminal(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    def said(text: str, number: int = 1) -> Answer:
        return answer_for("#hold" if text == "terminal" else text, number)

    monkeypatch.setattr("tests.ssh_world.answer_for", said)
    async with ssh_world() as world, await world.connect() as connection:
        world.gate.is_prompt = True
        process = await raw(connection, "id")
        await world.until(lambda: world.gate.held)
        process.stdin.write(typed)
        assert (await process.wait()).exit_status == 130
        assert world.gate.withdrawn == ["T1"]
        assert world.ran == []


async def test_all_that_is_typed_while_a_terminal_is_asked_about_reaches_the_command() -> None:
    RAW.update(allowed=False)
    async with ssh_world() as world, await world.connect() as connection:
        world.gate.is_late = lambda text: text == "terminal"
        process = await raw(connection, "count #input")
        await world.until(lambda: world.gate.waiting)
        lines = 3 * MAX_EARLY // 64
        process.stdin.write(("x" * 63 + "\n") * lines)
        process.stdin.write_eof()
        assert (await connection.run("another")).exit_status == 3
        world.gate.answer_now()
        await until(process, f"heard {64 * lines}")


TOKEN = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6"


async def test_values_are_hidden_on_a_terminal_of_the_target_before_they_are_recorded() -> None:
    RAW.update(masked=True)
    async with ssh_world() as world, await world.connect() as connection:
        process = await raw(connection)
        await until(process, "xterm 90x30")
        process.stdin.write(f"{TOKEN} x\n")
        # Once as it is echoed, once in the answer.
        await until(process, "\n[redacted] x")
        await until(process, "got [redacted] x")
        process.stdin.write("exit\n")
        await process.wait()
        (kept,) = world.gate.recordings
        assert TOKEN.encode() not in kept.shown
        assert b"got [redacted] x" in kept.shown
        assert world.gate.outcomes[-1][1].masked == 2


async def test_values_are_hidden_in_a_command_on_a_terminal() -> None:
    RAW.update(masked=True)
    async with ssh_world() as world, await world.connect() as connection:
        process = await raw(connection, f"show {TOKEN} it")
        done = await process.wait()
        assert TOKEN not in str(done.stdout)
        assert "show [redacted] it" in str(done.stdout)
        (kept,) = world.gate.recordings
        assert TOKEN.encode() not in kept.shown


@pytest.mark.parametrize("is_held", [False, True], ids=["asked about", "held"])
async def test_who_leaves_without_a_terminal_does_not_get_the_command_without_one(
    monkeypatch: pytest.MonkeyPatch, is_held: bool
) -> None:
    def said(text: str, number: int = 1) -> Answer:
        return answer_for("#hold" if is_held and text == "terminal" else text, number)

    monkeypatch.setattr("tests.ssh_world.answer_for", said)
    async with ssh_world() as world, await world.connect() as connection:
        world.gate.is_prompt, world.gate.is_late = True, lambda text: text == "terminal" and not is_held
        process = await raw(connection, "touch file")
        await world.until(lambda: world.gate.held if is_held else world.gate.waiting)
        process.close()
        await process.wait_closed()
        # Another command of the same connection: the first channel is over for the gateway too.
        assert (await connection.run("another")).exit_status == 3
        world.gate.answer_now()
        await world.until(lambda: world.gate.withdrawn == ["T1"] if is_held else len(world.gate.outcomes) == 2)
        assert (await connection.run("the last")).exit_status == 3
        assert (len(world.ran), [line for line in world.ran if "touch" in line]) == (2, [])
        assert [question.text for question in world.gate.asked] == [b"terminal", b"another", b"the last"]
