"""A word spelt in any way is to us the word that bash itself makes of it."""

from __future__ import annotations

import shutil
import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import missing
from tests.shell_commands import command, facts

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cf", "Zs", "Zl", "Zp"])
    | st.sampled_from(" \t'\"\\$`!*?[]{}~#;&|<>()=,"),
    max_size=8,
)


def plain(text: str) -> str:
    return "".join(f"\\{char}" for char in text)


def single(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def double(text: str) -> str:
    return '"' + "".join(f"\\{char}" if char in '"\\$`' else char for char in text) + '"'


def ansi(text: str) -> str:
    return "$'" + "".join(f"\\U{ord(char):08x}" for char in text) + "'"


def octal(text: str) -> str:
    return "$'" + "".join(f"\\{byte:03o}" for byte in text.encode()) + "'"


SPELLINGS = st.sampled_from([plain, single, double, ansi, octal])
PIECES = st.lists(st.tuples(SPELLINGS, TEXT), min_size=1, max_size=4)
WORDS = st.lists(PIECES, min_size=1, max_size=8)


def spelt(words: list[list[tuple[object, str]]]) -> tuple[str, list[str]]:
    line, values = [], []
    for pieces in words:
        # An empty word needs quotes.
        line.append("".join(spell(text) for spell, text in pieces if callable(spell)) or "''")
        values.append("".join(text for _, text in pieces))
    return " ".join(line), values


@settings(max_examples=400)
@given(WORDS)
def test_a_quoted_word_is_the_word_that_was_quoted(words: list[list[tuple[object, str]]]) -> None:
    line, values = spelt(words)
    (operation,) = command(f"printf %s {line}").operations
    assert facts(operation).argv[2:] == tuple(values)


@settings(max_examples=60)
@given(WORDS)
def test_bash_prints_the_words_that_we_see(words: list[list[tuple[object, str]]]) -> None:
    bash = shutil.which("bash")
    if bash is None:
        missing("bash")
        return
    line, _ = spelt(words)
    # INVARIANT: only words made of quoted text reach the shell: nothing in them can run.
    printed = subprocess.run(
        [bash, "--norc", "--noprofile", "-c", f"printf '%s\\0' {line}"],
        capture_output=True,
        env={"LC_ALL": "C.UTF-8", "PATH": "/nonexistent"},
        timeout=20,
        check=True,
    ).stdout
    (operation,) = command(f"printf '%s\\0' {line}").operations
    assert list(facts(operation).argv[2:]) == printed.decode().split("\0")[:-1]
