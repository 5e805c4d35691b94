"""A ticket's question stays the one it was asked with; what is remembered is bounded."""

from __future__ import annotations

import threading
from dataclasses import replace

import msgspec
import pytest
from msgspec.structs import replace as changed

from adapters.core.ports import Answer
from engine._native import Catalog
from engine.request import Json
from gateway import waiting as waiting_module
from gateway.activity.touched import Touched, Use
from gateway.asked import Asked
from gateway.remembering import Memory
from gateway.waiting import Waiting
from tests.strategies.gates import ALLOW, SESSION, asked

FIRST = asked("DELETE FROM orders")
NEVER = 2**62


@pytest.mark.parametrize(
    "session", [replace(SESSION, id="s-2"), replace(SESSION, job="other"), replace(SESSION, job=None)]
)
def test_the_question_of_a_ticket_never_becomes_another(session: object) -> None:
    waiting = Waiting()
    assert waiting.keep("h-1", FIRST, NEVER)
    assert not waiting.keep("h-1", changed(FIRST, session=session), NEVER)
    assert waiting.take("h-1") is FIRST
    assert waiting.take("h-1") is None


def test_a_session_that_asks_again_waits_with_what_it_asked_last() -> None:
    waiting = Waiting()
    again = changed(FIRST)
    assert waiting.keep("h-1", FIRST, NEVER)
    assert waiting.keep("h-1", again, NEVER)
    assert waiting.take("h-1") is again


def test_who_asks_the_same_takes_the_place_of_a_session_that_is_over() -> None:
    waiting = Waiting()
    other = changed(FIRST, session=replace(SESSION, id="s-2"))
    assert waiting.keep("h-1", FIRST, NEVER)
    waiting.leave("h-1", "s-9")
    assert not waiting.keep("h-1", other, NEVER), "somebody else is over"
    waiting.leave("h-1", SESSION.id)
    assert waiting.keep("h-1", other, NEVER)
    assert not waiting.keep("h-1", FIRST, NEVER), "now that one waits"
    assert waiting.take("h-1") is other
    waiting.leave("h-1", "s-2")
    assert waiting.keep("h-1", FIRST, NEVER)
    assert not waiting.keep("h-1", other, NEVER), "nothing is left of what was taken"


def test_what_became_of_a_ticket_is_remembered() -> None:
    waiting = Waiting()
    assert waiting.answer("h-1") is None
    waiting.settle("h-1", Answer(ALLOW, "d-1"))
    assert waiting.answer("h-1") == Answer(ALLOW, "d-1")


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_module, "MAX_HELD", 2)
    monkeypatch.setattr(waiting_module, "MAX_SETTLED", 2)
    waiting = Waiting()
    for number in range(4):
        assert waiting.keep(f"h-{number}", FIRST, NEVER)
        waiting.settle(f"h-{number}", Answer(ALLOW, "d-1"))
    assert [waiting.take(f"h-{number}") for number in range(4)] == [None, None, FIRST, FIRST]
    assert [waiting.answer(f"h-{number}") is None for number in range(4)] == [True, True, False, False]


def test_the_large_questions_of_one_drive_out_their_own_and_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_module, "MAX_BYTES", 50_000)
    waiting = Waiting()
    eve = replace(FIRST.principal, name="eve")
    assert waiting.keep("h-ana", FIRST, NEVER)
    for number in range(20):
        large = changed(asked(f"SELECT '{number}{'x' * 20_000}'"), principal=eve)
        assert waiting.keep(f"h-{number}", large, NEVER)
    assert [number for number in range(20) if waiting.find(f"h-{number}") is not None] == [18, 19]
    assert waiting.find("h-ana") is FIRST
    alone = changed(asked("SELECT '" + "x" * 60_000), principal=eve)
    assert waiting.keep("h-all", alone, NEVER)
    assert [waiting.find("h-all"), waiting.find("h-19")] == [alone, None]
    assert waiting.take("h-all") is alone
    for number in (20, 21):
        assert waiting.keep(f"h-{number}", changed(FIRST, principal=eve), NEVER)
    assert waiting.find("h-20") is not None, "what was taken counts no more"


CONTEXT: dict[str, Json] = {"note": [f"{number:04d}" for number in range(1_000)]}
PATH: dict[str, Json] = {"search_path": [f"s{number}" for number in range(1_000)]}


@pytest.mark.parametrize(
    "large",
    [
        changed(FIRST, context=CONTEXT),
        changed(FIRST, session=replace(SESSION, state=PATH)),
        changed(FIRST, principal=replace(FIRST.principal, attributes=CONTEXT)),
        asked(state=PATH),
        asked(parameters=("ab",) * 1_000),
        asked(parameters=tuple(CONTEXT["note"])),  # type: ignore[arg-type]  # texts
        asked(
            catalog=Catalog(msgspec.msgpack.encode({"search_path": [], "relations": {}})).for_session(
                msgspec.msgpack.encode({"search_path": [], "prepared": {"p": "x" * 30_000}})
            )
        ),
    ],
)
def test_all_that_a_question_holds_counts(large: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_module, "MAX_BYTES", 60_000)
    waiting = Waiting()
    for number in range(20):
        assert waiting.keep(f"h-{number}", large, NEVER)
    assert sum(waiting.find(f"h-{number}") is not None for number in range(20)) < 10


def catalog(number: int, relations: int = 100) -> Catalog:
    columns = {f"public.t{number}_{one}": ["id"] for one in range(relations)}
    return Catalog(msgspec.msgpack.encode({"search_path": ["public"], "relations": columns}))


def test_what_names_meant_long_ago_is_not_kept_for_questions_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    now = catalog(0)
    monkeypatch.setattr(waiting_module, "MAX_NAMES_BYTES", 3 * len(now.source))
    waiting = Waiting()
    for number in range(20):
        view = now.for_session(msgspec.msgpack.encode({"search_path": [f"s{number}"]}))
        assert waiting.keep(f"h-{number}", asked(catalog=view), NEVER)
    assert all(waiting.find(f"h-{number}") is not None for number in range(20)), "all share one"
    for number in range(1, 20):
        assert waiting.keep(f"c-{number}", asked(catalog=catalog(number)), NEVER)
    assert waiting.find("h-19") is None
    assert [number for number in range(1, 20) if waiting.find(f"c-{number}") is not None] == [17, 18, 19]
    assert waiting.keep("h-large", asked(catalog=catalog(20, 1_000)), NEVER)
    assert waiting.find("h-large") is not None, "the newest is kept, however large"


def test_many_questions_of_one_drive_out_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_module, "MAX_HELD", 10)
    waiting = Waiting()
    assert waiting.keep("h-ana", FIRST, NEVER)
    for number in range(30):
        assert waiting.keep(f"h-{number}", changed(FIRST, principal=replace(FIRST.principal, name="eve")), NEVER)
    assert waiting.find("h-ana") is FIRST
    assert sum(waiting.find(f"h-{number}") is not None for number in range(30)) == 9


def test_what_a_command_uses_is_not_kept_with_it() -> None:
    waiting = Waiting()
    use = Use(b"k", "select", "read", "orders")
    assert waiting.keep("h-1", changed(FIRST, touched=Touched(uses=(use,)), unseen=(use,)), NEVER)
    assert waiting.find("h-1") == FIRST


def test_a_question_nobody_came_back_for_goes_with_its_ticket() -> None:
    waiting = Waiting()
    for number, until in enumerate((100, 200)):
        assert waiting.keep(f"h-{number}", FIRST, until)
    waiting.forget_overdue(150 + waiting_module.LEFT_OVER)
    assert [waiting.find("h-0"), waiting.find("h-1")] == [None, FIRST]
    waiting.forget_overdue(200 + waiting_module.LEFT_OVER)
    assert waiting.find("h-1") is FIRST
    waiting.forget_overdue(201 + waiting_module.LEFT_OVER)
    assert waiting.find("h-1") is None


def test_what_a_session_was_told_before_is_not_kept_with_its_question() -> None:
    waiting = Waiting()
    assert waiting.keep("h-1", changed(FIRST, memory=Memory(lambda protocol, text: None)), NEVER)
    assert waiting.find("h-1") == FIRST


def test_one_at_a_time_settles_a_ticket_and_nobody_waits_for_another_one() -> None:
    waiting, order = Waiting(), list[str]()
    inside, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with waiting.settling("h-1"):
            inside.set()
            assert go_on.wait(30)
            order.append("first")

    def second() -> None:
        with waiting.settling("h-1"):
            order.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert inside.wait(30)
    threads[1].start()
    # What a loop does with this or any other ticket waits for neither.
    with waiting.settling("h-2"):
        assert waiting.keep("h-1", FIRST, NEVER)
        assert waiting.find("h-1") is FIRST
        waiting.leave("h-1", SESSION.id)
        assert waiting.take("h-1") is FIRST
    go_on.set()
    for thread in threads:
        thread.join()
    assert order == ["first", "second"]
    assert waiting.find("h-1") is None
