"""Lines of exchanges: written, read again, bounded; what nobody wrote is no line."""

from __future__ import annotations

import pytest

from adapters.core.ports import Outcome, Part
from gateway.recording.exchanges import (
    MAX_LINE,
    MAX_PARAMETERS,
    PIECE,
    Asked,
    Done,
    More,
    Over,
    Shown,
    asked_lines,
    done_line,
    read_line,
    shown_lines,
)


def made(**fields: object) -> Asked:
    return Asked(**{"at": 1, "id": "d-1", "protocol": "postgres", "text": "SELECT 1", "verdict": "allow", **fields})  # type: ignore[arg-type]  # fields of a test


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 3 * PIECE + 7])
def test_a_text_of_any_length_comes_back_whole(size: int) -> None:
    text = ("é\x00'" * size)[:size]
    lines = list(asked_lines(made(text=text)))
    assert all(len(line) < MAX_LINE and line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)
    found = [read_line(line) for line in lines]
    assert isinstance(found[0], Asked)
    assert all(isinstance(one, More) for one in found[1:])
    assert "".join(one.text for one in found if isinstance(one, Asked | More)) == text


def test_parameters_are_bounded_and_the_rest_is_counted() -> None:
    (line,) = asked_lines(made(parameters=("x" * 40_000, None, "y" * 40_000, "z")))
    found = read_line(line)
    assert isinstance(found, Asked)
    assert (len(found.parameters), found.lost) == (2, 2)
    assert sum(len(one or "") for one in found.parameters) <= MAX_PARAMETERS


def test_rows_become_lines_that_fit() -> None:
    rows = tuple((str(number), None, b"x" * 1000) for number in range(500))
    lines = list(shown_lines(5, "d-1", Part(("a", "b", "c"), rows, is_cut=True)))
    assert len(lines) > 1
    assert all(len(line) < MAX_LINE for line in lines)
    found = [one for one in map(read_line, lines) if isinstance(one, Shown)]
    assert [row[0] for one in found for row in one.rows] == [str(number) for number in range(500)]
    assert found[-1].cut


@pytest.mark.parametrize(
    ("data", "text"), [(b"abc\n", "abc\n"), (b"\xff\xfe", "\\xfffe"), (b"a\0b", "\\x610062"), (b"", "")]
)
def test_what_is_no_text_stands_in_hexadecimal(data: bytes, text: str) -> None:
    (line,) = shown_lines(5, "d-1", Part(data=data))
    assert read_line(line) == Shown(at=5, id="d-1", text=text)
    (line,) = shown_lines(5, "d-1", Part(rows=((data,),)))
    assert read_line(line) == Shown(at=5, id="d-1", rows=((text,),))


def test_a_long_body_is_cut_into_pieces_and_only_the_last_is_cut_off() -> None:
    found = [read_line(line) for line in shown_lines(5, "d-1", Part(data=b"x" * (2 * PIECE + 1), is_cut=True))]
    assert [(len(one.text), one.cut) for one in found if isinstance(one, Shown)] == [
        (PIECE, False),
        (PIECE, False),
        (1, True),
    ]


def test_an_outcome_comes_back() -> None:
    found = read_line(done_line(9, "d-1", Outcome(3, 120, 0.0125, "57014", 2)))
    assert found == Done(at=9, id="d-1", rows=3, bytes=120, ms=12.5, error="57014", masked=2)
    assert read_line(done_line(9, "d-1", Outcome(duration=float("nan")))) == Done(at=9, id="d-1")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[1]",
        b"{}",
        b'{"is":"asked","at":1}',
        b'{"is":"told","at":1}',
        b'{"is":"done","at":"1","id":"d"}',
        b'{"is":"shown","at":1,"id":"d","rows":[[1]]}',
        b"\xff",
        b"[" * 10_000,
    ],
)
def test_what_nobody_wrote_is_no_line(line: bytes) -> None:
    with pytest.raises(ValueError, match="no exchange"):
        read_line(line)


def test_the_end_of_a_session_is_a_line() -> None:
    assert read_line(b'{"at":3,"is":"exit","status":null}') == Over(at=3)
