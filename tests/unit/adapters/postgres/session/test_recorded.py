"""What of a result is recorded: what the client gets, before it gets it, and no more than there is room for."""

from __future__ import annotations

import pytest

from adapters.core import effects as do
from adapters.core.events import Side
from adapters.core.ports import Answer
from adapters.core.recorded import MAX_BYTES
from adapters.postgres.session.outbox import Outbox
from adapters.postgres.session.recorded import MAX_ROWS, Result, result_of
from engine.decision import Obligation
from tests.wire import (
    BOUND,
    PARSED,
    SignedIn,
    allow,
    bind,
    described,
    execute,
    mask,
    message,
    parse,
    query,
    ready,
    row,
    tag,
)

RESULTS = Obligation("record", ["results"], "p/K")


def running(text: str = "select 1", answer: Answer | None = None) -> SignedIn:
    play = SignedIn().client(query(text)).learn().answer(answer or allow(RESULTS))
    play.wishes.clear()
    return play


def parts(play: SignedIn) -> list[do.ShowPart]:
    return [wish for wish in play.wishes if isinstance(wish, do.ShowPart)]


def test_without_a_demand_for_results_there_is_none() -> None:
    outbox = Outbox()
    assert result_of(allow(Obligation("record", True, "p/K")), outbox) is None
    assert result_of(allow(Obligation("record", ["parameters"], "p/K")), outbox) is None
    assert isinstance(result_of(allow(RESULTS), outbox), Result)


def test_rows_are_recorded_before_they_are_sent() -> None:
    play = running()
    play.upstream(PARSED + BOUND + described("a", "b") + row("1", None) + row("2", "x") + tag("SELECT 2") + ready())
    kinds = [type(wish) for wish in play.wishes]
    assert kinds.index(do.ShowPart) < kinds.index(do.Send)
    (shown,) = parts(play)
    assert (shown.part.columns, shown.part.rows) == (("a", "b"), ((b"1", None), (b"2", b"x")))
    assert not shown.part.is_cut


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_the_pieces_in_which_it_comes_do_not_matter(cut: int) -> None:
    stream = PARSED + BOUND + described("a") + row("1" * 30) + row("2" * 30) + tag("SELECT 2") + ready()
    play = running()
    for at in range(0, len(stream), cut):
        play.upstream(stream[at : at + cut])
    assert [cells for one in parts(play) for cells in one.part.rows] == [(b"1" * 30,), (b"2" * 30,)]
    assert play.sent(Side.CLIENT) == described("a") + row("1" * 30) + row("2" * 30) + tag("SELECT 2") + ready()


def test_masked_rows_are_recorded_masked() -> None:
    answer = mask()
    answer = Answer(
        type(answer.decision)(
            answer.decision.verdict, None, mask_plan=answer.decision.mask_plan, obligations=(RESULTS,)
        ),
        "d-mask",
        command=answer.command,
    )
    play = running("select c from t", answer)
    play.upstream(PARSED + BOUND + described("c"))
    play.upstream(row("hidden-canary") + tag("SELECT 1") + ready())
    (shown,) = [one for one in parts(play) if one.part.rows]
    assert b"hidden-canary" not in str(parts(play)).encode()
    assert shown.part.columns == ("c",)


def test_rows_beyond_the_bound_are_counted_not_recorded() -> None:
    play = running()
    play.upstream(PARSED + BOUND + described("a") + b"".join(row(str(number)) for number in range(MAX_ROWS + 5)))
    play.upstream(row("late") + tag(f"SELECT {MAX_ROWS + 6}") + ready())
    found = parts(play)
    assert sum(len(one.part.rows) for one in found) == MAX_ROWS
    assert [one.part.is_cut for one in found] == [True]
    assert play.take(do.Record).outcome.rows == MAX_ROWS + 6


def test_a_row_that_is_too_large_goes_on_as_it_comes_and_is_not_waited_for() -> None:
    play = running()
    whole = row("x" * (MAX_BYTES + 1))
    play.upstream(PARSED + BOUND + described("a") + whole[:5000])
    assert play.sent(Side.CLIENT).endswith(whole[:5000])
    (shown,) = parts(play)
    assert (shown.part.rows, shown.part.is_cut) == ((), True)
    play.upstream(whole[5000:] + tag("SELECT 1") + ready())
    assert play.sent(Side.CLIENT).startswith(whole[5000:])
    assert len(parts(play)) == 1


def test_binary_values_are_no_text() -> None:
    play = SignedIn().client(parse("select 1") + bind() + message("D", b"P\0") + execute() + message("S")).learn()
    play.answer(allow(RESULTS))
    play.upstream(PARSED + BOUND + described("n", format=1) + row("ab") + tag("SELECT 1") + ready())
    (shown,) = [one for one in parts(play) if one.part.rows]
    assert (shown.part.columns, shown.part.rows) == (("n",), (("\\x6162",),))


def test_copies_are_recorded_as_text() -> None:
    play = running("copy t to stdout")
    play.upstream(
        PARSED + BOUND + message("n") + message("H", b"\0\0\0") + message("d", b"1\tx\n") + message("d", b"2\n")
    )
    play.upstream(message("c") + tag("COPY 2") + ready())
    assert b"".join(one.part.data for one in parts(play)) == b"1\tx\n2\n"
