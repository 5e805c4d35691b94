from adapters.core.effects import Close, Pause, Send
from adapters.core.events import Side
from adapters.postgres.session.outbox import Outbox


def test_a_turn_is_one_write_to_each_side_and_the_end_comes_last() -> None:
    out = Outbox()
    out.close("done")
    out.wish(Pause(Side.CLIENT))
    out.down(b"a")
    out.up(b"x")
    out.down(b"b")
    assert out.effects() == [
        Send(Side.UPSTREAM, b"x"),
        Send(Side.CLIENT, b"ab"),
        Pause(Side.CLIENT),
        Close("done"),
    ]
    assert out.effects() == []


def test_what_has_to_be_done_first_comes_before_anything_is_sent() -> None:
    out = Outbox()
    out.down(b"a")
    out.up(b"b")
    out.first(Pause(Side.CLIENT))
    assert out.effects() == [Pause(Side.CLIENT), Send(Side.UPSTREAM, b"b"), Send(Side.CLIENT, b"a")]
    assert out.effects() == []


def test_what_was_meant_for_the_target_can_be_forgotten() -> None:
    out = Outbox()
    out.up(b"x")
    out.drop_up()
    assert out.effects() == []


def test_the_first_reason_to_end_counts() -> None:
    out = Outbox()
    out.close("first")
    out.close("second")
    assert out.effects() == [Close("first")]
