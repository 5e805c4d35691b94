"""What a target says between two sessions, whatever it is and in whatever pieces: good answers are read the same, all else is refused.

INVARIANT: only whole, expected answers that are as they were make a connection fit for somebody else.
"""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import PeerProtocolError
from adapters.postgres.session.pooled import WASHES, Answers, Estate, why_unfit
from tests.wire import described, message, ready, row, tag

WHO = ("app", "app", "attributes", None, "5,t,t", "0")
ESTATE = Estate(b"\0\0\0\7key!", {}, tuple(None if cell is None else cell.encode() for cell in WHO))
STATUS = message("S", b"TimeZone\0UTC\0")
PIECES = (
    tag("DISCARD ALL"),
    ready(),
    *(described("a"), row(""), tag("SELECT 1"), ready()),
    *(described("a"), row(*WHO), tag("SELECT 1"), ready()),
    *(described("a"), row("0", "0", None), tag("SELECT 1"), ready()),
)
GOOD = b"".join(PIECES)


def heard(pieces: list[bytes]) -> tuple[bool, str | None]:
    """Whether all was answered, and why the connection is unfit."""
    answers = Answers(WASHES)
    is_whole = False
    for piece in pieces:
        is_whole = answers.feed(piece)
    return is_whole, why_unfit(ESTATE, answers)


@given(st.lists(st.integers(0, len(GOOD)), max_size=12))
def test_a_good_answer_is_read_the_same_in_any_pieces(cuts: list[int]) -> None:
    at = [0, *sorted(cuts), len(GOOD)]
    pieces = [GOOD[start:end] for start, end in itertools.pairwise(at) if start < end]
    assert heard(pieces) == (True, None)


MORE = (*PIECES, STATUS, message("N", b"\0"), message("A", bytes(6)), message("E", b"\0"), ready("T"), ready("E"))


@given(st.integers(0, len(PIECES) - 1), st.sampled_from(["put", "drop", "swap"]), st.sampled_from(MORE), st.booleans())
def test_one_message_too_many_too_few_or_instead_makes_it_unfit(at: int, change: str, other: bytes, once: bool) -> None:
    pieces = [*PIECES[:at], *([] if change == "drop" else [other]), *PIECES[at if change == "put" else at + 1 :]]
    try:
        is_whole, why = heard([b"".join(pieces)] if once else pieces)
    except PeerProtocolError:
        return
    if is_whole and why is None:
        # Settings may be reported at any time, and of descriptions nothing is looked at; all else is what a clean server says.
        said = [piece for piece in pieces if piece != STATUS and piece[:1] != b"T"]
        assert said == [piece for piece in PIECES if piece[:1] != b"T"]


@given(st.binary(max_size=200), st.integers(0, len(GOOD)))
def test_rubbish_is_refused_or_waited_behind_and_never_good(rubbish: bytes, at: int) -> None:
    try:
        is_whole, why = heard([GOOD[:at], rubbish, GOOD[at:]])
    except PeerProtocolError:
        return
    assert not rubbish or not is_whole or why is not None or GOOD[:at] + rubbish + GOOD[at:] == GOOD
