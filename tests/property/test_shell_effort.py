"""However commands stand in one another, the tree of a text grows with its length and no faster, and what runs is seen or is said to be unseen."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.command.shell.parse import parse_shell
from tests.shell_commands import command, programs
from tests.time_bounds import within

AT_LEAST = 32_768
"""Bytes that a tree may have whatever the length of its text."""
FOR_EACH = 256
"""And for each byte of it."""
DOUBTED = " -x a" * 6
"""Options nobody knows: whether the words behind them are their values is not told."""

TEXTS = (
    *("/x/sh -c", "./env -S", "bash-5.2 -c"),
    *("sh -c", "bash -lc", "su -c", "su root -c", "env -S", "eval", "ssh host", "watch", "script -qc", "flock f -c"),
    *(f"su{DOUBTED} -c", f"script{DOUBTED} -c", "sg g -x a -x a -c", "hyperfine -p", "nix-shell --run", "npx -c"),
)
"""Commands that run the text behind them."""
WORDS = (
    *("/x/sudo", "./env A=b", "SUDO", "/x/xargs", "../x/find . -exec", "~/bin/nice"),
    *("sudo", "sudo -u a", "env A=b", "timeout 1", "nohup", "nice", "xargs", "xargs -I{}", "find . -exec", "busybox"),
    *(
        "docker exec c",
        "docker run --foo a i",
        "kubectl exec p --",
        "firejail --foo a",
        "valgrind -x a --foo a",
        "time",
    ),
)
"""Commands that run the words behind them."""


def bound(text: str) -> int:
    return AT_LEAST + FOR_EACH * len(text.encode())


def as_text(wrapper: str) -> Callable[[str], str]:
    return lambda inner: f"{wrapper} {shlex.quote(inner)}"


def as_words(wrapper: str) -> Callable[[str], str]:
    # What holds several commands is none for words.
    return lambda inner: (
        f"{wrapper} {inner if inner.isascii() and ';' not in inner else shlex.join(['sh', '-c', inner])}"
    )


def doubled(inner: str) -> str:
    return f"f() {{ {inner}; }}; f; f"


def looped(inner: str) -> str:
    return f"for i in a b; do {inner}; done"


STEPS = st.sampled_from([*map(as_text, TEXTS), *map(as_words, WORDS), doubled, looped, "x=$({})".format])


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, max_size=8))
@example([as_text(f"su{DOUBTED} -c")] * 3)
@example([doubled] * 8)
def test_a_command_in_others_is_seen_or_said_to_be_unseen_in_a_tree_as_long_as_its_text(
    steps: list[Callable[[str], str]],
) -> None:
    text = "rm x"
    for step in steps:
        text = step(text)
        parsed = parse_shell(text)
        assert len(parsed.encoded) <= bound(text), text
        assert "rm" in programs(text) or not parsed.command.complete, text
        if len(text) > 2_000:
            return


LONG = {
    "texts by many ways": as_text(f"su{DOUBTED} -c"),
    "functions that call twice": doubled,
    "loops in loops": looped,
}


@pytest.mark.parametrize("name", LONG)
def test_what_asks_for_more_than_its_length_is_cut_off_and_said(name: str) -> None:
    text = "rm x"
    while len(text) < 400:
        text = LONG[name](text)
    parsed = within(0.1, lambda: parse_shell(text), name)
    assert len(parsed.encoded) <= bound(text)


@pytest.mark.parametrize(
    "text",
    [
        "find . " + "-exec rm {} \\; " * 2_000,
        "find . " + "-delete " * 4_000,
        "find " + "a " * 100 + "-delete " * 300,
        "f() { rm x; }; " + "f; " * 8_000,
        "f0() { rm x; }; " + " ".join(f"f{at + 1}() {{ f{at}; f{at}; }};" for at in range(7)) + " f7; " * 2_000,
        "cat " + "{a,b}" * 60 + " " + "{a,b,c,d}{a,b,c,d}{a,b,c,d} " * 300,
        f"A={'x' * 1_000}; echo " + "$A" * 10_000,
        f"A={'x' * 1_000}; " + 'sh -c "$A$A"; ' * 1_000,
    ],
    ids=lambda text: text[:24],
)
def test_a_long_text_takes_time_and_room_by_its_length(text: str) -> None:
    parsed = within(2.0, lambda: parse_shell(text), text[:60])
    assert len(parsed.encoded) <= bound(text)


def test_what_is_not_read_any_more_is_one_unknown_command_and_the_whole_is_incomplete() -> None:
    tree = command("find . " + "-delete " * 4_000 + "; rm y")
    assert not tree.complete
    assert [problem.code for problem in tree.problems].count("too_complex") == 1
    assert [item.effect for item in tree.operations].count("unknown") == 1
