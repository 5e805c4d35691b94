"""One question of a channel: a grant comes out for an allow without conditions, or for a hold that people granted."""

from __future__ import annotations

import asyncio

import pytest

from adapters.core.ports import Answer, Pending, Question, Target
from adapters.ssh.asking import Asker, NotGranted
from adapters.ssh.upstream import Upstream
from adapters.ssh.visit import Visit
from tests.ssh_world import SmallGate

TARGET = Target("h", 22, "me")


def asker() -> tuple[Asker, SmallGate, list[str]]:
    gate, told = SmallGate(), []  # type: ignore[var-annotated]  # texts
    return Asker(Visit(gate, TARGET, Upstream(TARGET), lambda reason: None, 5.0), told.append), gate, told


async def test_an_allow_is_a_grant() -> None:
    made, _, told = asker()
    assert (await made.granted(Question("ssh", b"x"))).decision_id == "d1"
    assert told == []


@pytest.mark.parametrize(
    ("mark", "code"), [("#deny", "DENIED"), ("#rows", "OBLIGATION_UNKNOWN"), ("#mask", "OBLIGATION_UNKNOWN")]
)
async def test_anything_else_is_none(mark: str, code: str) -> None:
    made, gate, _ = asker()
    with pytest.raises(NotGranted) as caught:
        await made.granted(Question("ssh", mark.encode()))
    assert caught.value.code == code
    assert [outcome.error for _, outcome in gate.outcomes] == (["OBLIGATION_UNKNOWN"] if code != "DENIED" else [])


@pytest.mark.parametrize("granted", [True, False])
async def test_a_hold_is_told_and_waited_for(granted: bool) -> None:
    made, gate, told = asker()
    waiting = asyncio.create_task(made.granted(Question("ssh", b"#hold")))
    await asyncio.sleep(0)
    assert told[0].startswith("sallyport: held: ticket T1")
    gate.held["T1"].set_result(granted)
    if granted:
        assert (await waiting).decision_id == "T1-granted"
    else:
        with pytest.raises(NotGranted):
            await waiting


async def test_a_channel_that_ends_takes_its_questions_back_and_a_late_grant_is_not_used() -> None:
    made, gate, _ = asker()
    waiting = asyncio.create_task(made.granted(Question("ssh", b"#hold")))
    await asyncio.sleep(0)
    made.leave()
    assert gate.withdrawn == ["T1"]
    gate.held["T1"].set_result(True)
    with pytest.raises(NotGranted) as caught:
        await waiting
    assert caught.value.code == "CLIENT_GONE"
    with pytest.raises(NotGranted):
        await made.granted(Question("ssh", b"#hold"))
    assert gate.withdrawn == ["T1", "T2"]
    assert gate.outcomes[0][1].error == "CLIENT_GONE"


async def test_a_question_that_is_cancelled_is_taken_back_and_another_may_be_asked() -> None:
    made, gate, _ = asker()
    waiting = asyncio.create_task(made.granted(Question("ssh", b"#hold")))
    await asyncio.sleep(0)
    made.cancel()
    assert gate.withdrawn == ["T1"]
    gate.held["T1"].set_result(True)
    with pytest.raises(NotGranted) as caught:
        await waiting
    assert caught.value.code == "CANCELLED"
    assert [outcome.error for _, outcome in gate.outcomes] == ["CANCELLED"]
    assert (await made.granted(Question("ssh", b"x"))).decision_id == "d2"


@pytest.mark.parametrize("text", [b"x", b"#hold", b"#deny"])
@pytest.mark.parametrize("code", ["CANCELLED", "CLIENT_GONE"])
async def test_an_answer_that_comes_when_nobody_waits_is_not_used(text: bytes, code: str) -> None:
    made, gate, told = asker()
    decide, may_answer = gate.decide, asyncio.Event()

    async def later() -> Answer:
        await may_answer.wait()
        return decide(Question("ssh", text))

    gate.decide = lambda question: Pending(later)  # type: ignore[method-assign,assignment,return-value]  # a test's
    waiting = asyncio.create_task(made.granted(Question("ssh", text)))
    await asyncio.sleep(0)
    made.cancel() if code == "CANCELLED" else made.leave()
    may_answer.set()
    with pytest.raises(NotGranted) as caught:
        await waiting
    assert caught.value.code == code
    assert [outcome.error for _, outcome in gate.outcomes] == ([code] if text == b"x" else [])
    assert gate.withdrawn == (["T1"] if text == b"#hold" else [])
    assert told == []


async def test_an_answer_that_comes_later_is_waited_for() -> None:
    made, gate, _ = asker()
    decide = gate.decide

    async def later() -> Answer:
        await asyncio.sleep(0)
        return decide(Question("ssh", b"x"))

    gate.decide = lambda question: Pending(later)  # type: ignore[method-assign,assignment,return-value]  # a test's
    assert (await made.granted(Question("ssh", b"x"))).decision_id == "d1"
