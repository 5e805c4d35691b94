"""Lines, echo and keys while a command runs that has no terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.terminal.discipline import MAX_LINE, Act, Discipline, Echo, End, Give, Signal


def given_of(acts: list[Act]) -> bytes:
    return b"".join(act.data for act in acts if isinstance(act, Give))


def test_lines_are_given_when_they_are_whole() -> None:
    lines = Discipline()
    acts = lines.feed("hällo\rx".encode())
    assert given_of(acts) == "hällo\n".encode()
    assert b"".join(act.data for act in acts if isinstance(act, Echo)) == "hällo\r\nx".encode()
    assert lines.rest() == b"x"
    assert lines.rest() == b""


def test_keys_take_back() -> None:
    assert given_of(Discipline().feed("ä\x7fb\x08c\n".encode())) == b"c\n"
    assert given_of(Discipline().feed(b"one two\x17\x17three\x15four\n")) == b"four\n"
    assert given_of(Discipline().feed(b"\x7f\x15\x17\n")) == b"\n"
    assert given_of(Discipline().feed(b"one two\x17!\n")) == b"one !\n"


def test_interrupts_and_ends() -> None:
    assert Discipline().feed(b"a\x03") == [Echo(b"a^C\r\n"), Signal("INT")]
    assert Discipline().feed(b"\x1c")[-1] == Signal("QUIT")
    assert Discipline().feed(b"\x04") == [End()]
    assert Discipline().feed(b"a\x04") == [Echo(b"a"), Give(b"a")]


def test_a_pasted_text_is_shown_and_given_in_one_piece_up_to_a_signal() -> None:
    assert Discipline().feed(b"ab\rcd\re\x03f\r") == [
        Echo(b"ab\r\ncd\r\ne^C\r\n"),
        Give(b"ab\ncd\n"),
        Signal("INT"),
        Echo(b"f\r\n"),
        Give(b"f\n"),
    ]
    many = b"a line of a long text\n" * 5000
    assert Discipline().feed(many) == [Echo(many.replace(b"\n", b"\r\n")), Give(many)]


def test_other_control_characters_go_nowhere_and_lines_have_a_limit() -> None:
    lines = Discipline()
    assert lines.feed(b"\x1b\x00\x01") == []
    assert lines.feed(b"x" * (MAX_LINE + 1))[-1] == Echo(b"x" * MAX_LINE + b"\x07")
    assert given_of(lines.feed(b"\n")) == b"x" * MAX_LINE + b"\n"


@given(st.binary(max_size=40))
def test_what_is_given_and_shown_never_holds_an_escape(data: bytes) -> None:
    for act in Discipline().feed(data):
        if isinstance(act, Give | Echo):
            assert b"\x1b" not in act.data
