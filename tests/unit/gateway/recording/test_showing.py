"""What of a recording reaches a viewer's terminal."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.recording.showing import MAX_SEQUENCE, MAX_STRING, Neutralizer, words

FINE = [
    "\x1b[31;1m",
    "\x1b[2J",
    "\x1b[10;20H",
    "\x1b[?25l",
    "\x1b[?1049h",
    "\x1b(0",
    "\x1b[K",
    "\x1b7",
    "\x1bM",
    "\x1b[1;20r",
]
HARMFUL = [
    "\x1b]0;title\x07", "\x1b]52;c;cm0gLXJmIC8=\x07", "\x1b]8;;http://evil\x1b\\", "\x1b[6n", "\x1b[c", "\x1b[>c", "\x1b[21t",
    "\x1bP$qm\x1b\\", "\x1b_G\x1b\\", "\x1b^x\x1b\\", "\x1bXx\x1b\\", "\x1bc", "\x1b[?1000h", "\x1b[?2004h", "\x1b[5i", "\x1bZ", "\x05",
    "\x9b6n", "\x90x\x9c", "\x07", "\x00", "\x7f", "\x1b[1\x07m", "\x1b#8", "\x1b%G", "\x1b[!p", "\x1b[0;1;2$}", "\x1bN", "\x0e", "\x1b[99b",
]  # fmt: skip


@pytest.mark.parametrize("text", [*FINE, "plain\r\n\tä\b"])
def test_what_draws_passes(text: str) -> None:
    assert Neutralizer().clean(text) == text


@pytest.mark.parametrize("text", HARMFUL)
def test_what_does_more_than_drawing_does_not(text: str) -> None:
    left = Neutralizer().clean(f"a{text}b")
    assert "\x1b" not in left
    assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in left)
    assert left.startswith("a")
    assert left.endswith("b") or text in ("\x1bN", "\x1b%G")


def test_text_cannot_be_reordered_or_hidden() -> None:
    assert Neutralizer().clean("a\u202eb\u200bc\u2066") == "a\ufffdb\ufffdc\ufffd"


def test_a_string_without_an_end_hides_only_so_much() -> None:
    assert Neutralizer().clean("\x1b]0;" + "x" * MAX_STRING + "seen").endswith("seen")


def test_a_sequence_without_an_end_is_dropped() -> None:
    assert Neutralizer().clean("\x1b[" + "1;" * MAX_SEQUENCE + "mseen") == "seen"


ALLOWED = re.compile(r"\x1b(?:\[[0-9;:]*[A-Za-z@`]|\[\?(?:7|25|47|1047|1049)[hl]|[78DEM]|\([B0])")


@given(
    st.text(
        alphabet=st.one_of(st.sampled_from("\x1b[]();?0123456789mhlHnctPX^_\\\x07\x9b\x9d#$ !>\n\x18"), st.characters())
    )
)
def test_whatever_comes_only_known_sequences_go(text: str) -> None:
    left = Neutralizer().clean(text)
    assert "\x1b" not in ALLOWED.sub("", left)
    assert not re.search(r"[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]", left)
    assert not re.search(r"\x1b\[[0-9;?>]*[nctip]", left)


@given(st.text(alphabet="\x1b[]0;m\x07Hab\\Pn"), st.integers(1, 5))
def test_it_is_the_same_wherever_output_is_cut(text: str, size: int) -> None:
    by_piece = Neutralizer()
    assert "".join(by_piece.clean(text[at : at + size]) for at in range(0, len(text), size)) == Neutralizer().clean(
        text
    )


def test_words_have_no_sequences() -> None:
    assert words("\x1b[1mroot\x1b[0m\x1b]0;x\x07 \x1b(Bok") == "root ok"
