"""An SFTP channel: asked for before the target hears of it, told when it is refused, gone with its client."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncssh
import pytest

from adapters.core.ports import Answer, Pending, Question
from adapters.ssh.upstream import Upstream
from tests.ssh_world import SmallGate, World, answer_for, ssh_world


class Marked(SmallGate):
    """Answers the question for SFTP itself by a mark."""

    mark = ""

    def decide(self, question: Question) -> Answer | Pending:
        if question.text.startswith(b"subsystem") and self.mark:
            self.asked.append(question)
            return answer_for(self.mark)
        return super().decide(question)


def marked(world: World, mark: str) -> None:
    world.keeper.gate = Marked()
    world.keeper.gate.mark = mark  # type: ignore[attr-defined]  # it is a Marked


async def test_sftp_is_asked_for(tmp_path: Path) -> None:
    async with ssh_world(str(tmp_path)) as world, await world.connect() as connection:
        async with connection.start_sftp_client() as client:
            assert await client.listdir("/") == [".", ".."]
        assert world.gate.asked[0].text == b'subsystem "sftp"'


async def test_the_end_of_a_client_s_words_is_a_good_end(tmp_path: Path) -> None:
    async with ssh_world(str(tmp_path)) as world, await world.connect() as connection:
        process = await connection.create_process(subsystem="sftp", encoding=None)
        process.stdin.write(b"\0\0\0\x05\x01\0\0\0\x03")
        process.stdin.write_eof()
        assert (await process.wait()).exit_status == 0


@pytest.mark.parametrize("mark", ["#deny", "#rows", "#mask"])
async def test_without_a_grant_there_is_none_and_the_reason_is_told(tmp_path: Path, mark: str) -> None:
    async with ssh_world(str(tmp_path)) as world:
        marked(world, mark)
        async with await world.connect() as connection:
            process = await connection.create_process(subsystem="sftp")
            done = await process.wait()
            assert (done.exit_status, done.stdout) == (126, "")
            assert "sallyport: denied" in str(done.stderr)


async def test_a_target_without_sftp_is_told() -> None:
    async with ssh_world() as world, await world.connect() as connection:
        process = await connection.create_process(subsystem="sftp")
        done = await process.wait()
        assert done.exit_status in (126, 255)
        assert done.stdout == ""


async def test_a_held_operation_waits_is_told_and_taken_back_with_the_client(tmp_path: Path) -> None:
    (tmp_path / "a #hold").write_text("x")
    async with ssh_world(str(tmp_path)) as world:
        connection = await world.connect()
        client = await connection.start_sftp_client()
        waiting = connection.create_task(client.remove("/a #hold"))
        await world.until(lambda: world.gate.held)
        connection.abort()
        await world.until(lambda: world.gate.withdrawn)
        assert (tmp_path / "a #hold").exists()
        await connection.wait_closed()
        with pytest.raises((asyncssh.Error, OSError)):
            await waiting


async def test_the_end_of_a_client_s_words_takes_back_what_waits(tmp_path: Path) -> None:
    (tmp_path / "a #hold").write_text("x")
    async with ssh_world(str(tmp_path)) as world, await world.connect() as connection:
        world.gate.is_prompt = True
        async with connection.start_sftp_client() as client:
            waiting = connection.create_task(client.remove("/a #hold"))
            await world.until(lambda: world.gate.held)
            waiting.cancel()
        assert world.gate.withdrawn == ["T2"]


async def test_a_held_operation_happens_once_it_is_granted(tmp_path: Path) -> None:
    (tmp_path / "a #hold").write_text("x")
    async with ssh_world(str(tmp_path)) as world, await world.connect() as connection:
        async with connection.start_sftp_client() as client:
            waiting = connection.create_task(client.remove("/a #hold"))
            await world.until(lambda: world.gate.held)
            for future in world.gate.held.values():
                future.set_result(True)
            await waiting
        assert not (tmp_path / "a #hold").exists()


async def test_who_leaves_while_it_is_opened_leaves_an_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    is_asked = asyncio.Event()

    async def never(upstream: Upstream) -> object:
        is_asked.set()
        return await asyncio.Event().wait()

    monkeypatch.setattr(Upstream, "files", never)
    async with ssh_world(str(tmp_path)) as world:
        connection = await world.connect()
        opening = connection.create_task(connection.start_sftp_client())
        await is_asked.wait()
        connection.abort()
        await world.until(lambda: world.gate.outcomes)
        assert [(decision, outcome.error) for decision, outcome in world.gate.outcomes] == [("d1", "CLIENT_GONE")]
        with pytest.raises((asyncssh.Error, OSError, asyncio.CancelledError)):
            await opening
        await connection.wait_closed()


async def test_who_leaves_before_a_late_answer_breaks_the_question_off(tmp_path: Path) -> None:
    async with ssh_world(str(tmp_path)) as world:
        world.gate.is_late = lambda text: text.startswith("subsystem")
        connection = await world.connect()
        opening = connection.create_task(connection.start_sftp_client())
        await world.until(lambda: world.gate.waiting)
        connection.abort()
        await world.until(lambda: world.gate.broken_off)
        assert world.gate.outcomes == []
        with pytest.raises((asyncssh.Error, OSError, asyncio.CancelledError)):
            await opening
        await connection.wait_closed()
