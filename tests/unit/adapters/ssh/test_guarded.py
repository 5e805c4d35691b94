"""The guarded shell's driver: what is typed is asked about, a denied line reaches nobody, everything shown is recorded first."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from adapters.core.ports import Answer, Pending, Question, Target
from adapters.ssh.facts import request_question
from tests import ssh_world as worlds
from tests.ssh_world import SmallGate, World, ssh_world

PROMPT = re.compile(r"guarded:[^\r\n]*\$ \r\x1b\[\d+C$")


async def _bash(process: asyncssh.SSHServerProcess[str], ran: list[str]) -> None:
    """A target with a bash: runs the line it is given."""
    line = process.command or ""
    ran.append(line)
    if "#drop" in line:
        process.channel.get_extra_info("connection").abort()
        return
    child = await asyncio.create_subprocess_exec(
        *("bash", "-c", line),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd="/",
        start_new_session=True,
    )

    async def feed() -> None:
        assert child.stdin is not None
        while True:
            try:
                data = await process.stdin.read(1024)
            except asyncssh.SignalReceived:
                os.killpg(child.pid, signal.SIGKILL)
                continue
            if not data:
                child.stdin.close()
                return
            child.stdin.write(data.encode())

    feeding = asyncio.get_running_loop().create_task(feed())
    try:
        await _carry(process, child)
    finally:
        feeding.cancel()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        # WHY: whoever reads and waits no more leaves pipes and process to the collector, which complains.
        transport = child._transport  # type: ignore[attr-defined]  # asyncio gives no other way
        transport.close()
        ended = transport.get_extra_info("subprocess")
        if ended.returncode is None:
            ended.returncode = -signal.SIGKILL


async def _carry(process: asyncssh.SSHServerProcess[str], child: asyncio.subprocess.Process) -> None:
    assert child.stdout is not None
    assert child.stderr is not None
    while data := await child.stdout.read(4096):
        process.stdout.write(data.decode("utf-8", "replace"))
    process.stderr.write((await child.stderr.read()).decode())
    status = await child.wait()
    process.exit(status if status >= 0 else 130)


class Shell:
    def __init__(self, process: asyncssh.SSHClientProcess[str]) -> None:
        self.process = process
        self.seen = ""

    async def until(self, is_there: Callable[[str], object]) -> str:
        said = ""
        async with asyncio.timeout(60):
            while not is_there(said):
                data = await self.process.stdout.read(4096)
                assert data, said
                said += str(data)
        self.seen += said
        return said

    async def line(self, text: str) -> str:
        self.process.stdin.write(text + "\r")
        said = await self.until(lambda said: "\x1b[?2004l" in said and PROMPT.search(said.partition("\x1b[?2004l")[2]))
        return said.partition("\x1b[?2004l\r\n")[2].partition("\x1b[?2004h")[0]


@asynccontextmanager
async def shell(world: World) -> AsyncIterator[Shell]:
    async with await world.connect() as connection:
        process = await connection.create_process(term_type="xterm", term_size=(200, 30))
        made = Shell(process)
        await made.until(PROMPT.search)
        yield made


@pytest.fixture(autouse=True)
def bash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worlds, "_run_line", _bash)


async def began(world: World, count: int) -> None:
    """Until so many lines are on the target, the first that of the shell itself."""
    async with asyncio.timeout(60):
        while len(world.ran) < count:
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)


def asked(world: World) -> list[str]:
    return [question.text.decode() for question in world.gate.asked]


async def test_a_line_is_asked_about_and_runs_and_the_state_goes_on() -> None:
    async with ssh_world() as world, shell(world) as typed:
        assert await typed.line("cd /usr; x=1") == ""
        assert await typed.line("echo $x $PWD") == "1 /usr\r\n"
        assert asked(world)[0] == "shell guarded"
        assert asked(world)[1] == "cd /usr; x=1"
        assert asked(world)[2].startswith("cd -- '/usr' || exit 1\n")
        assert asked(world)[2].endswith("x='1'\necho $x $PWD")
        typed.process.stdin.write("exit 3\r")
        assert (await typed.process.wait()).exit_status == 3
        (kept,) = world.gate.recordings
        assert kept.ended == [3]
        assert b"1 /usr\r\n" in kept.shown
        assert [fact["text"] for fact in kept.facts][:2] == ["shell guarded", "cd /usr; x=1"]
        assert world.gate.outcomes[-1][0] == "d1"


@pytest.mark.parametrize("text", ["echo x #deny", "echo x #mask", "echo x #rows", "echo x &", "fg", "alias a=b"])
async def test_what_is_not_granted_reaches_nobody(text: str) -> None:
    async with ssh_world() as world, shell(world) as typed:
        before = list(world.ran)
        said = await typed.line(text)
        assert "sallyport: " in said
        assert world.ran == before
        assert "126" in await typed.line("echo $?")


async def test_every_line_that_ran_was_asked_about() -> None:
    async with ssh_world() as world, shell(world) as typed:
        for text in ("echo 'a b'", "for i in 1; do\r\techo $i\rdone", "cat <<E\rx\rE"):
            await typed.line(text)
        for line, text in zip(world.ran[1:], asked(world)[1:], strict=True):
            assert line.endswith(f"/bin/bash {worlds_quoted(text)}")


def worlds_quoted(text: str) -> str:
    from adapters.ssh.facts import quoted

    return quoted(text)


async def test_held_lines_wait_are_granted_and_are_taken_back() -> None:
    async with ssh_world() as world, shell(world) as typed:
        typed.process.stdin.write("echo yes #hold\r")
        await typed.until(lambda said: "held: ticket T2" in said)
        world.gate.held["T2"].set_result(True)
        await typed.until(PROMPT.search)
        assert "yes\r\n" in typed.seen
        typed.process.stdin.write("echo no #hold\r")
        await typed.until(lambda said: "held: ticket T3" in said)
        typed.process.stdin.write("\x03")
        await typed.until(PROMPT.search)
        assert world.gate.withdrawn == ["T3"]


class Slow(SmallGate):
    """Lines that say `#later` are answered when it is let."""

    def decide(self, question: Question) -> Answer:
        if b"#later" not in question.text:
            return super().decide(question)
        self.is_asked, self.answers = True, asyncio.Event()
        self.news.set()

        async def later() -> Answer:
            await self.answers.wait()
            return SmallGate.decide(self, question)

        return Pending(later)  # type: ignore[return-value]  # as the port has it

    is_asked = False


@pytest.mark.parametrize("text", ["echo no #later", "echo no #later #hold"])
async def test_ctrl_c_ends_a_line_whose_answer_is_still_to_come(text: str) -> None:
    async with ssh_world() as world:
        world.keeper.gate = gate = Slow()
        async with shell(world) as typed:
            typed.process.stdin.write(f"{text}\r")
            await world.until(lambda: gate.is_asked)
            typed.process.stdin.write("\x03")
            assert "^C\r\n" in await typed.until(PROMPT.search)
            gate.answers.set()
            await world.until(lambda: gate.withdrawn or gate.outcomes)
            assert await typed.line("echo $?") == "130\r\n"
            assert [line for line in world.ran if "echo no" in line] == []
            assert gate.withdrawn == (["T2"] if "#hold" in text else [])


async def test_ctrl_c_takes_a_held_program_of_the_whole_screen_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "adapters.ssh.terminals.request_question",
        lambda word, *values: Question("ssh", request_question(word, *values).text + b" #hold"),
    )
    async with ssh_world() as world, shell(world) as typed:
        world.gate.is_prompt = True
        typed.process.stdin.write("less x\r")
        await typed.until(lambda said: "held: ticket T2" in said)
        typed.process.stdin.write("\x03")
        assert "^C\r\n" in await typed.until(PROMPT.search)
        assert world.gate.withdrawn == ["T2"]
        assert await typed.line("echo $?") == "130\r\n"


async def test_a_line_that_was_left_on_its_way_to_the_target_says_nothing_any_more() -> None:
    asked, goes_on, came = asyncio.Event(), asyncio.Event(), []

    async def fresh() -> Target:
        came.append(1)
        asked.set()
        if len(came) == 1:
            await goes_on.wait()
            raise ConnectionError
        return world.target

    async with ssh_world() as world, shell(world) as typed:
        visit = next(iter(world.listener._connections)).visit
        assert visit is not None
        connection = await visit.upstream.connection()
        visit.upstream._target = replace(world.target, fresh=fresh)
        connection.abort()
        await connection.wait_closed()
        typed.process.stdin.write("true\r")
        await asked.wait()
        typed.process.stdin.write("\x03")
        await typed.until(lambda said: "^C\r\n" in said)
        typed.process.stdin.write("\x03")
        await typed.until(PROMPT.search)
        typed.process.stdin.write("echo ki")
        await typed.until(lambda said: "ki" in said)
        goes_on.set()
        # The next line waits for the same way to the target.
        assert await typed.line("ng $?") == "king 130\r\n"
        assert "the target" not in typed.seen


async def test_input_goes_to_what_runs_and_keys_end_it() -> None:
    async with ssh_world() as world, shell(world) as typed:
        typed.process.stdin.write("cat\r")
        await typed.until(lambda said: "\x1b[?2004l" in said)
        typed.process.stdin.write("hel\x7flo\r")
        await typed.until(lambda said: "helo\r\n" in said.replace("\b \b", "") or "\nhelo\r\n" in said)
        typed.process.stdin.write("\x04")
        await typed.until(PROMPT.search)
        typed.process.stdin.write("sleep 60\r")
        await typed.until(lambda said: "\x1b[?2004l" in said)
        await began(world, 3)
        typed.process.stdin.write("\x03")
        await typed.until(PROMPT.search)


async def test_a_command_that_does_not_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.ssh.guarded.INTERRUPT_SECONDS", 0.05)
    async with ssh_world() as world, shell(world) as typed:
        typed.process.stdin.write("trap '' INT; while :; do sleep 60; done\r")
        await typed.until(PROMPT.search)  # `trap` is refused
        monkeypatch.setattr("adapters.ssh.running.SIGNALS", frozenset())
        typed.process.stdin.write("sleep 60\r")
        await typed.until(lambda said: "\x1b[?2004l" in said)
        await began(world, 2)
        typed.process.stdin.write("\x03")
        await typed.until(lambda said: "Ctrl-C again" in said)
        typed.process.stdin.write("\x03")
        await typed.until(PROMPT.search)
        assert world.gate.outcomes[-1][1].error == "CLIENT_GONE"


async def test_a_program_of_the_whole_screen_needs_a_grant_that_says_record() -> None:
    async with ssh_world() as world, shell(world) as typed:
        before = list(world.ran)
        assert "record" in await typed.line("less x")
        assert asked(world)[-1] == 'screen "less"'
        assert world.ran == before


async def test_without_a_grant_or_a_recording_there_is_no_shell() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        world.gate.cannot_record = True
        done = await (await connection.create_process(term_type="xterm")).wait()
        assert done.exit_status == 255
        assert world.ran == []


async def test_a_recorder_that_fails_ends_the_shell() -> None:
    async with ssh_world() as world, shell(world) as typed:
        world.gate.recordings[0].left = 0
        typed.process.stdin.write("x")
        done = await typed.process.wait()
        assert done.exit_status == 255
        assert world.gate.outcomes[-1][1].error == "RECORDER_FAILED"


async def test_it_ends_where_nobody_types_and_with_ctrl_d() -> None:
    async with ssh_world(idle_seconds=0.6) as world:
        async with shell(world) as typed:
            typed.process.stdin.write("\x04")
            assert (await typed.process.wait()).exit_status == 0
        async with shell(world) as typed:
            done = await typed.process.wait()
            assert done.exit_status == 255
            assert "nothing was typed" in str(done.stdout)


async def test_a_client_that_leaves_ends_everything() -> None:
    async with ssh_world() as world:
        async with shell(world) as typed:
            typed.process.stdin.write("sleep 60\r")
            await typed.until(lambda said: "\x1b[?2004l" in said)
            await began(world, 2)
        await world.until(lambda: bool(world.gate.recordings[0].ended))
        assert "CLIENT_GONE" in [outcome.error for _, outcome in world.gate.outcomes]


async def test_many_pasted_denials_do_not_deepen_the_stack() -> None:
    async with ssh_world() as world, shell(world) as typed:
        typed.process.stdin.write("x #deny\r" * 1500)
        async with asyncio.timeout(60):
            await typed.until(lambda said: len(world.gate.asked) >= 1501)


async def test_sizes_change() -> None:
    async with ssh_world() as world, shell(world) as typed:
        typed.process.change_terminal_size(90, 20)
        assert await typed.line("echo ok") == "ok\r\n"
        assert world.gate.recordings[0].sizes == [(90, 20)]


async def test_values_are_hidden_in_what_a_line_writes_and_not_in_what_goes_on() -> None:
    token = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6"
    async with ssh_world() as world, shell(world) as typed:
        assert await typed.line(f"x={token}; echo $x >&2; echo [$x] #secrets") in (
            "[redacted]\r\n[[redacted]]\r\n",
            "[[redacted]]\r\n[redacted]\r\n",
        )
        assert await typed.line("echo ${#x}") == "40\r\n"
        (kept,) = world.gate.recordings
        assert f"[{token}]".encode() not in kept.shown
        assert sum(outcome.masked for _, outcome in world.gate.outcomes) == 2


async def test_values_are_hidden_in_the_folder_of_the_prompt_and_are_no_names_for_tab(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    token = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6"
    (tmp_path / token).mkdir()
    monkeypatch.setattr(
        "adapters.ssh.guarded.request_question",
        lambda word, *values: Question("ssh", request_question(word, *values).text + b" #secrets"),
    )
    async with ssh_world() as world, shell(world) as typed:
        assert await typed.line(f"cd {tmp_path}/ghp_*; pwd") == f"{tmp_path}/[redacted]\r\n"
        assert await typed.line("basename $PWD | wc -c") == "41\r\n"
        assert f"guarded:{tmp_path}/[redacted]$ " in typed.seen
        assert token not in typed.seen
        assert token.encode() not in world.gate.recordings[0].shown
        visit = next(iter(world.listener._connections)).visit
        assert visit is not None
        (session,) = visit.seen
        completer = session._run._completer  # type: ignore[attr-defined]  # a guarded shell
        assert [completer._may_show(f"/srv/{name}") for name in (token, "plain")] == [False, True]


async def test_a_client_that_takes_nothing_gets_no_echo_and_no_drawings_without_end() -> None:
    async with ssh_world() as world, shell(world):
        visitor = next(iter(world.listener._connections))
        (session,) = visitor.visit.seen  # type: ignore[union-attr]  # it has signed in
        run = session._run  # type: ignore[attr-defined]  # a guarded shell
        written: list[bytes] = []
        real = run._display.write
        run._display.write = lambda data, datatype=None: (written.append(data), real(data, datatype))
        run.client_is_full(True)
        run.take_input(b"cat <<end\r" + b"x\r" * 1_000)
        assert sum(map(len, written)) == 0
        run.client_is_full(False)
        run.take_input(b"end\r")
        await world.until(lambda: len(world.gate.asked) > 1)
        assert asked(world)[1].endswith("cat <<end\n" + "x\n" * 1_000 + "end")
