"""Commands between a client and a target of this process: streams, endings, holds, what is recorded of them."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import asyncssh
import pytest

from adapters.core.ports import Answer, Pending, Question
from adapters.ssh.running import MAX_EARLY_INPUT, SIGNALS
from adapters.ssh.upstream import Upstream
from tests import ssh_world as worlds
from tests.ssh_world import SmallGate, SmallRecording, World, ssh_world


async def ran(world: World, command: str, data: str = "") -> asyncssh.SSHCompletedProcess:
    async with await world.connect() as connection:
        return await connection.run(command, input=data)


async def test_an_allowed_command_runs_and_is_recorded() -> None:
    async with ssh_world() as world:
        done = await ran(world, "uname -a")
        assert done.stdout == "exec /bin/bash --noprofile --norc -p -c 'uname -a'"
        assert world.ran == [done.stdout]
        assert (done.stderr, done.exit_status) == ("err", 3)
        ((decision_id, outcome),) = world.gate.outcomes
        assert (decision_id, outcome.error) == ("d1", "EXIT_3")
        assert outcome.bytes == len(done.stdout) + 3


@pytest.mark.parametrize("mark", ["#deny", "#mask", "#rows"])
async def test_nothing_reaches_the_target_of_what_is_not_granted(mark: str) -> None:
    async with ssh_world() as world:
        done = await ran(world, f"id {mark}")
        assert (done.exit_status, done.stdout) == (126, "")
        assert "sallyport: denied: " in str(done.stderr)
        assert world.ran == []


async def test_a_hold_is_told_again_and_again_and_then_runs() -> None:
    async with ssh_world(notice_seconds=0.05) as world, await world.connect() as connection:
        process = await connection.create_process("id #hold")
        process.stdin.write("early")
        process.stdin.write_eof()
        said = [await process.stderr.readline() for _ in range(6)]
        assert said[0] == "sallyport: held: ticket T1: somebody looks\n"
        assert "waiting for" in said[5]
        world.gate.held["T1"].set_result(True)
        done = await process.wait()
        assert done.exit_status == 3
        assert world.gate.outcomes[0][0] == "T1-granted"


async def test_a_refused_hold_runs_nothing() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        process = await connection.create_process("id #hold")
        await world.until(lambda: "T1" in world.gate.held)
        world.gate.held["T1"].set_result(False)
        done = await process.wait()
        assert (done.exit_status, done.stdout) == (126, "")
        assert world.gate.outcomes == []
        assert world.ran == []


@pytest.mark.parametrize("how", ["channel", "connection", "signal"])
async def test_a_client_that_leaves_takes_its_hold_back(how: str) -> None:
    async with ssh_world() as world:
        connection = await world.connect()
        process = await connection.create_process("id #hold")
        await world.until(lambda: "T1" in world.gate.held)
        if how == "channel":
            process.channel.close()
        elif how == "connection":
            connection.abort()
        else:
            process.send_signal("INT")
            assert (await process.wait()).exit_status == 130
        await world.until(lambda: world.gate.withdrawn == ["T1"])
        if not world.gate.held["T1"].done():
            world.gate.held["T1"].set_result(True)
        await asyncio.sleep(0)
        connection.abort()
        await connection.wait_closed()


async def test_a_grant_that_comes_too_late_is_not_used_even_behind_unread_input() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        process = await connection.create_process("id #hold", encoding=None)
        process.stdin.write(b"x" * (MAX_EARLY_INPUT * 3))
        process.channel.close()
        await world.until(lambda: "T1" in world.gate.held)
        await connection.run("true")
        world.gate.held["T1"].set_result(True)
        await world.until(
            lambda: any(identity == "T1-granted" for identity, _ in world.gate.outcomes) or world.gate.withdrawn
        )
        assert all(
            outcome.error == "CLIENT_GONE" for identity, outcome in world.gate.outcomes if identity == "T1-granted"
        )


async def test_a_target_that_is_lost_is_told_and_recorded() -> None:
    async with ssh_world() as world:
        done = await ran(world, "id #drop")
        assert done.exit_status == 255
        assert "sallyport: the target: the connection was lost" in str(done.stderr)
        assert world.gate.outcomes[0][1].error == "TARGET_LOST"


async def test_a_client_that_is_lost_ends_the_command_and_is_recorded() -> None:
    async with ssh_world() as world:
        connection = await world.connect()
        process = await connection.create_process("id #stuck")
        assert await process.stdout.readline() == "stuck\n"
        connection.abort()
        await world.until(lambda: world.gate.outcomes)
        assert world.gate.outcomes[0][1].error == "CLIENT_GONE"


async def test_a_target_that_cannot_be_reached_is_told() -> None:
    async with ssh_world() as world:
        world.keeper.where = replace(world.target, port=1)
        done = await ran(world, "id")
        assert done.exit_status == 255
        assert "sallyport: the target: " in str(done.stderr)
        assert world.gate.outcomes[0][1].error == "NO_HOST_KEY"


def test_signals_are_those_of_the_standard() -> None:
    assert {"INT", "TERM", "HUP", "KILL"} < SIGNALS
    assert not any(name.startswith("SIG") for name in SIGNALS)


class Slow(SmallGate):
    """Answers when it is let."""

    def decide(self, question: Question) -> Answer:
        self.answers = asyncio.Event()

        async def later() -> Answer:
            await self.answers.wait()
            return SmallGate.decide(self, question)

        self.is_asked = True
        self.news.set()
        return Pending(later)  # type: ignore[return-value]  # as the port has it

    is_asked = False


@pytest.mark.parametrize("leaves", [False, True])
@pytest.mark.parametrize("command", ["id", "id #hold"])
async def test_a_command_waits_for_an_answer_that_comes_later_and_who_left_leaves_nothing(
    leaves: bool, command: str
) -> None:
    async with ssh_world() as world:
        world.keeper.gate = gate = Slow()
        connection = await world.connect()
        process = await connection.create_process(command)
        await world.until(lambda: gate.is_asked)
        assert world.ran == []
        if leaves:
            process.close()
            await process.wait_closed()
            gate.answers.set()
            await world.until(lambda: gate.outcomes or gate.withdrawn)
            assert world.ran == []
            return
        gate.answers.set()
        if command != "id":
            await world.until(lambda: gate.held)
            gate.held["T1"].set_result(True)
        assert (await process.wait()).exit_status == 3


@pytest.mark.parametrize("command", ["id", "id #hold"])
async def test_a_signal_ends_a_command_whose_answer_is_still_to_come_and_the_answer_is_not_used(command: str) -> None:
    async with ssh_world() as world:
        world.keeper.gate = gate = Slow()
        async with await world.connect() as connection:
            process = await connection.create_process(command)
            await world.until(lambda: gate.is_asked)
            process.send_signal("INT")
            assert (await process.wait()).exit_status == 130
            gate.answers.set()
            await world.until(lambda: gate.outcomes or gate.withdrawn)
            assert world.ran == []
            assert gate.withdrawn == (["T1"] if command != "id" else [])
            assert [outcome.error for _, outcome in gate.outcomes] == (["CLIENT_GONE"] if command == "id" else [])


async def test_a_signal_for_a_command_on_its_way_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ssh_world() as world:
        opens = asyncio.Event()
        opened = Upstream.run

        async def slowly(self: Upstream, *given: object) -> object:
            await opens.wait()
            return await opened(self, *given)  # type: ignore[arg-type]  # what it was called with

        monkeypatch.setattr(Upstream, "run", slowly)
        async with await world.connect() as connection:
            process = await connection.create_process("id #stuck")
            await world.until(lambda: world.gate.asked)
            process.send_signal("INT")
            await connection.run("id #deny")  # it is behind the signal
            opens.set()
            await world.until(lambda: world.gate.outcomes)
            assert world.gate.outcomes[0][1].error == "SIGNAL_INT"


class Broken(SmallGate):
    """Fails in ways that nobody foresaw."""

    where = ""

    def decide(self, question: Question) -> Answer:
        if self.where == "decide":
            raise ZeroDivisionError
        return super().decide(question)

    async def fate(self, ticket: str) -> Answer:
        if self.where == "fate":
            raise ZeroDivisionError
        return await super().fate(ticket)

    def refuse(self, question: Question, reason: str) -> Answer:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("where", "command"), [("decide", "id"), ("fate", "id #hold"), ("refuse", "id\x00x"), ("decide", None)]
)
async def test_an_error_nobody_foresaw_runs_nothing_and_ends_its_own_connection_alone(
    where: str, command: str | None
) -> None:
    async with ssh_world() as world:
        broken = Broken()
        broken.where = where
        world.keeper.gate, healthy = broken, world.keeper.gate
        connection = await world.connect()
        came: object = None
        with contextlib.suppress(asyncssh.Error, OSError):
            came = (
                await connection.start_sftp_client() if command is None else (await connection.run(command)).exit_status
            )
        assert came is None
        assert world.ran == []
        world.keeper.gate = healthy
        assert (await ran(world, "id")).exit_status == 3
        connection.abort()
        await connection.wait_closed()


@pytest.mark.parametrize("where", ["decide", "fate"])
async def test_a_connection_through_a_target_is_not_opened_by_an_error(where: str) -> None:
    async with ssh_world() as world:
        world.keeper.gate = Broken()
        world.keeper.gate.where = where
        connection = await world.connect()
        with pytest.raises((asyncssh.Error, OSError)):
            await connection.open_connection("#hold", world.target.port)
        connection.abort()
        await connection.wait_closed()


async def test_what_a_policy_wants_recorded_is_recorded_before_it_is_shown() -> None:
    async with ssh_world() as world:
        done = await ran(world, "id #record")
        (kept,) = world.gate.recordings
        assert kept.shown == str(done.stdout).encode() + b"err"
        assert kept.facts == [{"decision": "d1", "verdict": "allow", "text": "id #record"}]
        assert (kept.decision_id, kept.screen, kept.ended) == ("d1", None, [3])


async def test_other_commands_are_not_recorded_unless_all_are() -> None:
    async with ssh_world() as world:
        await ran(world, "id")
        assert world.gate.recordings == []
        world.gate.records_commands = True
        await ran(world, "id")
        assert len(world.gate.recordings) == 1


async def test_what_cannot_be_recorded_does_not_run() -> None:
    async with ssh_world() as world:
        world.gate.cannot_record = True
        done = await ran(world, "id #record")
        assert (done.exit_status, done.stdout, world.ran) == (255, "", [])
        assert "has to be recorded" in str(done.stderr)
        assert world.gate.outcomes[0][1].error == "RECORDER_FAILED"


async def test_a_recorder_that_fails_ends_the_command_and_shows_no_more() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        process = await connection.create_process("id #record #stuck")
        await process.stdout.readline()
        (kept,) = world.gate.recordings
        kept.failed()
        done = await process.wait()
        assert done.exit_status == 255
        assert world.gate.outcomes[0][1].error == "RECORDER_FAILED"


async def test_output_that_is_not_recorded_is_not_shown() -> None:
    async with ssh_world() as world:
        world.gate.record = lambda *about: _unwilling(world, *about)  # type: ignore[method-assign]  # a double
        done = await ran(world, "id #record")
        assert (done.exit_status, done.stdout) == (255, "")


def _unwilling(world: World, *about: object) -> SmallRecording:
    world.gate.recordings.append(SmallRecording(*about, left=0))  # type: ignore[arg-type]  # fields
    return world.gate.recordings[-1]


TOKEN = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6"


async def test_values_are_hidden_before_they_are_recorded_and_counted() -> None:
    async with ssh_world() as world:
        world.gate.records_commands = True
        done = await ran(world, f"echo {TOKEN} and {TOKEN} #secrets")
        assert done.stdout == "exec /bin/bash --noprofile --norc -p -c 'echo [redacted] and [redacted] #secrets'"
        assert (done.stderr, done.exit_status) == ("err", 3)
        (kept,) = world.gate.recordings
        assert TOKEN.encode() not in kept.shown
        (outcome,) = [outcome for _, outcome in world.gate.outcomes]
        assert (outcome.masked, outcome.error) == (2, "EXIT_3")


async def test_what_is_no_text_ends_a_command_whose_output_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def pack(process: asyncssh.SSHServerProcess[str], ran: list[str]) -> None:
        process.stdout.write("before\nc\x00d")
        await process.stdin.read()

    monkeypatch.setattr(worlds, "_run_line", pack)
    async with ssh_world() as world, await world.connect() as connection:
        process = await connection.create_process("gzip -c x #secrets")
        done = await process.wait()
        assert done.exit_status == 255
        assert "this is no text" in str(done.stderr)
        assert "d" not in str(done.stdout)
        assert world.gate.outcomes[-1][1].error == "NOT_TEXT"
