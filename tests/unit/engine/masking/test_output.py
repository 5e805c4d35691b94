"""Values in what programs write: hidden however the writes are cut and painted; nothing that is none is kept back from a reader."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.masking.output import OutputMasker, ValueMask
from engine.masking.patterns import types
from engine.masking.transforms import Method, transform

EVERYTHING = frozenset(types())
SECRETS = frozenset(name for name in types() if name.startswith("secret."))
TOKEN = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6"
KEY = "-----BEGIN EC PRIVATE KEY-----\n" + "MHcCAQEEIB7a1Yx9\n" * 3 + "-----END EC PRIVATE KEY-----"
VALUES = (TOKEN, KEY, "ann@example.org", "4111 1111 1111 1111", "hunter2hunter")
LABELS = {"hunter2hunter": "password = "}


def masker(kinds: frozenset[str] = EVERYTHING, *, is_terminal: bool = False) -> OutputMasker:
    return OutputMasker([ValueMask(kinds, Method.REDACT, {})], is_terminal=is_terminal)


def through(made: OutputMasker, *pieces: bytes, pauses: bool = False) -> bytes:
    shown = b""
    for piece in pieces:
        shown += made.push(piece).data
        if pauses:
            shown += made.quiet().data
    return shown + made.finish().data


def cut(text: bytes, places: list[int]) -> list[bytes]:
    marks = sorted({place % (len(text) + 1) for place in places})
    return [text[begin:end] for begin, end in zip([0, *marks], [*marks, len(text)], strict=True)]


PLACES = st.lists(st.integers(0, 10_000), max_size=12)


@settings(max_examples=150)
@given(st.lists(st.sampled_from(VALUES), min_size=1, max_size=3), PLACES, st.booleans())
def test_a_value_cut_anywhere_with_or_without_pauses_is_hidden(
    values: list[str], places: list[int], pauses: bool
) -> None:
    text = " of\n".join(f"it: {LABELS.get(value, '')}{value}" for value in values) + " end\n"
    shown = through(masker(), *cut(text.encode(), places), pauses=pauses)
    assert shown.count(b"[redacted]") == len(values)
    for value in values:
        assert value[4:12].encode() not in shown, shown
    assert shown.endswith(b" end\n")


PAINT = (
    "\x1b[0m",
    "\x1b[1;31m",
    "\x1b[K",
    "\x1b(B",
    "\x00",
    "\x07",
    "\x1b]0;title\x07",
    "\u200b",
    "\x1b[3G",
    "q\b",
    "\x9b1m",
)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(1, 39), st.sampled_from(PAINT)), min_size=1, max_size=5), PLACES)
def test_what_a_terminal_obeys_between_the_letters_of_a_value_does_not_show_it(
    painted: list[tuple[int, str]], places: list[int]
) -> None:
    value = TOKEN
    for place, paint in sorted(painted, reverse=True):
        value = value[:place] + paint + value[place:]
    made = masker(is_terminal=True)
    shown = through(made, *cut(f"it is {value} end".encode(), places))
    assert made.hidden == 1, shown
    assert shown.startswith(b"it is [redacted]")
    assert shown.endswith(b" end")


def test_what_was_drawn_beside_other_words_and_titles_is_seen_too() -> None:
    for text in (
        f"word\x1b[4;9H{TOKEN}\x1b[5;1Hword",
        f"\x1b]0;{TOKEN}\x07$ ",
        f"\x1b]8;;https://x/?t={TOKEN}\x1b\\link",
    ):
        shown = through(masker(is_terminal=True), text.encode())
        assert TOKEN[4:].encode() not in shown
        assert b"[redacted]" in shown


def test_a_value_keeps_what_it_was_painted_with() -> None:
    shown = through(masker(), f"\x1b[1m{TOKEN[:9]}\x1b[31m{TOKEN[9:]}\x1b[0m ok".encode())
    assert shown == b"\x1b[1m[redacted]\x1b[31m\x1b[0m ok"


PROMPTS = (
    "Password: ", "[sudo] password for ana: ", "Continue? [y/N] ", "mysql> ", ">>> ", "(gdb) ", "ana@web1:~$ ", "(END)", "Select [1]: ",
    "\x1b[01;32mana@web1\x1b[00m:\x1b[01;34m~\x1b[00m$ ", "Enter a number (1-10): ", "http://localhost:8080/\n# ", "token: ", "name?",
    "-----BEGIN PRIVATE KEY-----\n$ ", "3 to go. Is this ok [y/d/N]: ",
)  # fmt: skip


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_prompt_is_shown_at_once(prompt: str) -> None:
    assert masker(is_terminal=True).push(prompt.encode()).data.decode() == prompt


def test_a_prompt_soon_after_figures_is_shown_after_a_pause() -> None:
    made = masker(is_terminal=True)
    text = b"2026-11-28 12345678 files\n$ "
    early = made.push(text)
    assert early.is_holding
    late = made.quiet()
    assert early.data + late.data == text
    assert not late.is_holding


def test_what_may_be_the_beginning_of_a_value_is_kept_for_as_long_as_it_may() -> None:
    made = masker()
    assert made.push(TOKEN[:20].encode()).data == b""
    kept = made.quiet()
    assert (kept.data, kept.is_holding) == (b"", True)
    assert made.push(b" is none").data == TOKEN[:20].encode() + b" is "


def test_a_stream_that_only_seems_to_begin_something_is_not_kept_for_ever() -> None:
    made, shown = masker(), 0
    for _ in range(100):
        shown += len(made.push(b"-----BEGIN PRIVATE KEY-----\n" + b"words, " * 140).data)
    assert shown > 100_000 - 40_000


def test_only_what_is_asked_for_is_hidden_by_the_strictest_method() -> None:
    text = f"{TOKEN} ann@example.org "
    assert through(masker(SECRETS), text.encode()) == b"[redacted] ann@example.org "
    partial = ValueMask(EVERYTHING, Method.PARTIAL, {"keep_last": 4})
    both = OutputMasker([ValueMask(SECRETS, Method.REDACT, {}), partial])
    assert through(both, text.encode()) == b"[redacted] ***********.org "
    keyed = ValueMask(SECRETS, Method.HASH, {"key": "k"}, b"key")
    instead = transform(Method.HASH, TOKEN, {"key": "k"}, b"key")
    assert through(OutputMasker([keyed]), TOKEN[:9].encode(), TOKEN[9:].encode()) == str(instead).encode()
    assert "b'key'" not in repr(keyed)


@pytest.mark.parametrize("data", [b"\x1f\x8b\x08\x00", b"caf\xe9", b"a\x00b", b"\xed\xa0\x80"])
def test_what_is_no_text_is_told_and_stands_for_nothing(data: bytes) -> None:
    shown = masker().push(data + b" ")
    assert not shown.is_text
    shown.data.decode()
    assert b"\x00" not in shown.data


def test_characters_cut_in_the_middle_are_text() -> None:
    made = masker()
    pieces = [made.push(bytes([byte])) for byte in "größe 東京 \n".encode()]
    assert all(piece.is_text for piece in pieces)
    assert b"".join(piece.data for piece in pieces).decode() + made.finish().data.decode() == "größe 東京 \n"
    unfinished = masker()
    unfinished.push("東".encode()[:2])
    assert not unfinished.finish().is_text


@settings(max_examples=200)
@given(st.binary(max_size=300), PLACES)
def test_any_bytes_come_out_the_same_however_they_were_cut(data: bytes, places: list[int]) -> None:
    assert through(masker(), *cut(data, places)) == through(masker(), data)


@settings(max_examples=100)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=200), PLACES)
def test_text_without_values_comes_out_as_it_was(text: str, places: list[int]) -> None:
    made = OutputMasker([ValueMask(frozenset({"secret.github_token"}), Method.REDACT, {})])
    assert through(made, *cut(text.encode(), places)) == text.encode()
