"""Lines by `sh`: what a real one says of its state, and what of that is believed."""

from __future__ import annotations

import subprocess

import pytest

from adapters.terminal.plain_shell import argv_of_sh, entries_of
from adapters.terminal.shell_state import ShellState, StateReader, first_state, next_state

NONCE = "n" + "0" * 32


def ran(text: str) -> tuple[bytes, list[bytes] | None]:
    """What a text wrote, and the fields of the state behind it, of this machine's `sh`."""
    done = subprocess.run(
        argv_of_sh(NONCE, text, "/bin/sh"),
        capture_output=True,
        cwd="/",
        env={"PATH": "/bin:/usr/bin", "HOME": "/root"},
        timeout=20,
        check=False,
    )
    reader = StateReader(NONCE)
    shown = reader.feed(done.stdout)
    rest, fields = reader.end()
    return shown + rest, None if fields is None else entries_of(fields)


def after(text: str) -> ShellState:
    first, fields = ran(":")[1], ran(text)[1]
    assert first is not None
    assert fields is not None
    begun = first_state(first)
    assert begun is not None
    return next_state(begun, fields)[0]


def test_folders_variables_and_statuses_are_told() -> None:
    said = after("cd /usr/bin; a='x y'; export b=\"it's\"; export c; false")
    assert (said.cwd, said.status) == ("/usr/bin", 1)
    assert said.variables["a"] == ("x y", False)
    assert said.variables["b"] == ("it's", True)
    assert ran("echo out; exit 3") == (b"out\n", None)


@pytest.mark.parametrize("value", ["", "a\nb", "a'b", '"', "a\\b", "x=1\ny=2", "'", "$a `b`", "é"])
def test_a_value_comes_back_as_it_was(value: str) -> None:
    quoted = "'" + value.replace("'", "'\\''") + "'"
    _, fields = ran(f"v={quoted}; export v")
    assert fields is not None
    assert f"xv={value}".encode() in fields


def test_set_options_do_not_reach_what_says_the_state() -> None:
    assert ran("set -e -u -f; true")[1] is not None
    assert ran("set -x 2>/dev/null; true")[1] is not None


def test_a_lie_is_words_and_nothing_more() -> None:
    fields = [
        b"0",
        b"/",
        b"eexport A='x'\nexport B\nnonsense\nexport -p",
        b"vA='x'\nB=\"q\\\"r\"\nC=\\a\n1=2\nD='unfinished\n",
        b"zzz",
    ]
    assert sorted(entries_of(fields)[2:]) == [b"vC=a", b"xA=x", b'xB=q"r']
    assert entries_of([b"0", b"/"]) == [b"0", b"/"]
