"""What a guarded shell keeps between lines: words that are judged again, and nothing else."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.terminal.shell_state import (
    MAX_STATE,
    MAX_VARIABLES,
    ShellState,
    StateReader,
    argv_of,
    exit_of,
    first_state,
    is_unfinished,
    next_state,
    refusal_of_line,
    screen_program,
)
from engine.command.parse import parse_command
from engine.command.tree import Command

NONCE = "nabc123"
BASH = shutil.which("bash") or "/bin/bash"
HOME = ShellState("/root", "/root", {"HOME": "/homes/ana", "PATH": "/bin"})


def command(text: str) -> Command:
    return parse_command("shell", text.encode()).command


def ran(state: ShellState, text: str, nonce: str = NONCE) -> tuple[bytes, list[bytes] | None]:
    """A line by a real bash, as a target is given it; what is shown, and the state."""
    done = subprocess.run(
        argv_of(nonce, state.before(text, command(text)), BASH),
        capture_output=True,
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "HOME": "/homes/ana"},
        timeout=20,
    )
    reader = StateReader(nonce)
    shown = reader.feed(done.stdout)
    rest, fields = reader.end()
    return shown + rest, fields


def begun() -> ShellState:
    shown, fields = ran(ShellState("/", "/"), ":")
    assert shown == b""
    assert fields is not None
    state = first_state(fields)
    assert state is not None
    return state


def after(state: ShellState, *texts: str) -> ShellState:
    for text in texts:
        _, fields = ran(state, text)
        assert fields is not None, text
        state, _ = next_state(state, fields)
    return state


@pytest.mark.parametrize(
    "text",
    [
        "ls |",
        "ls &&",
        "for i in 1; do",
        "if true; then",
        "echo 'a",
        'echo "$(ls',
        "(ls",
        "cat <<E\na",
        "echo a\\",
        "echo $((1 +",
        "case x in",
        "é |",
    ],
)
def test_what_only_ends_too_early_is_unfinished(text: str) -> None:
    assert is_unfinished(text, command(text))


@pytest.mark.parametrize("text", ["ls", "ls )", "fi", "echo a\\\\", "cat <<E\na\nE\n", "x=rm; $x y", ";;", "ls | | x"])
def test_other_lines_are_finished(text: str) -> None:
    assert not is_unfinished(text, command(text))


@pytest.mark.parametrize(
    "text",
    [
        "ls &",
        "(ls) & pwd",
        "fg",
        "bg %1",
        "jobs",
        "wait",
        "alias x=y",
        "f() { ls; }",
        "shopt -s extglob",
        "trap 'ls' EXIT",
        "coproc ls",
        "history",
        "ls; hash -p /x ls",
        "command shopt -s x",
        "enable -f x y",
        "complete -C x y",
    ],
)
def test_what_a_guarded_shell_does_not_have_is_refused(text: str) -> None:
    assert refusal_of_line(command(text))


@pytest.mark.parametrize(
    "text", ["ls", "cd /tmp", "export A=1", "for i in 1; do ls; done", "ls 2>&1 | cat", "echo '&'"]
)
def test_ordinary_lines_are_not(text: str) -> None:
    assert refusal_of_line(command(text)) is None


def test_exit_and_programs_of_the_whole_screen_are_seen_alone() -> None:
    assert (exit_of(command("exit"), 3), exit_of(command("exit 7"), 0), exit_of(command("logout 300"), 0)) == (3, 7, 44)
    assert exit_of(command("ls; exit"), 0) is exit_of(command("exit $x"), 0) is exit_of(command("(exit 3)"), 0) is None
    assert screen_program(command("/usr/bin/less x")) == "less"
    for text in (
        "less x | cat",
        "less x > y",
        "ls",
        "less x; rm y",
        "command less x",
        "$(less x)",
        "/x/less x",
        "./tig",
    ):
        assert screen_program(command(text)) is None, text


def test_the_state_stands_before_a_line_as_words() -> None:
    state = ShellState("/root", "/srv/it's", {}, {"B": ("1", True), "a": ("x y", False)}, 3)
    assert state.before("ls") == "cd -- '/srv/it'\\''s' || exit 1\nexport B='1'\na='x y'\nls"
    assert state.before("echo $?").endswith("\n(exit 3)\necho $?")
    assert state.with_status(0).before("echo $?").endswith("a='x y'\necho $?")
    assert ShellState("/root", "/root").before("ls") == "ls"


def test_a_folder_that_is_gone_can_be_left() -> None:
    state = ShellState("/root", "/gone")
    for text in ("cd", "cd /tmp", "cd -- /tmp"):
        assert state.before(text, command(text)) == text
    for text in ("cd x", "cd ..", "cd /tmp; ls", "cd -"):
        assert state.before(text, command(text)).startswith("cd -- '/gone'")


def test_a_prompt_shows_no_more_than_text() -> None:
    assert ShellState("/root", "/homes/ana/x", {"HOME": "/homes/ana"}).shown() == "~/x"
    assert ShellState("/root", "/homes/anab", {"HOME": "/homes/ana"}).shown() == "/homes/anab"
    assert ShellState("/", "/etc").shown() == "/etc"
    assert "\x1b" not in ShellState("/", "/a\x1b]0;x").shown()


def test_folders_variables_and_statuses_go_on_in_a_real_bash() -> None:
    state = after(begun(), "cd /usr", "x='a\n\"b'; export Y=\"it's\"", "cd share; false")
    assert (state.cwd, state.status) == ("/usr/share", 1)
    assert state.variables["x"] == ('a\n"b', False)
    assert state.variables["Y"] == ("it's", True)
    shown, _ = ran(state, 'echo "$? $x $Y $PWD"')
    assert shown == b"1 a\n\"b it's /usr/share\n"
    assert "x" not in after(state, "unset x").variables


def test_a_line_sees_nothing_of_ours() -> None:
    state = begun()
    assert ran(state, 'echo "[$*] [$#] $0"')[0] == f"[] [0] {BASH}\n".encode()
    assert b"SALLYPORT" not in ran(state, "set")[0].replace(b"SALLYPORT_N", b"", 0).split(b"BASH_EXECUTION_STRING")[0]
    assert not any(name.startswith("SALLYPORT") for name in after(state, "x=1").variables)


@pytest.mark.parametrize("text", ["exit 3", "exec true", "set -e; false", "kill $$"])
def test_a_line_that_ends_the_shell_leaves_the_state_as_it_was(text: str) -> None:
    assert ran(begun(), text)[1] is None


@pytest.mark.parametrize(
    "text",
    [
        "set -x",
        "set -u",
        "set -f",
        "IFS=x",
        "printf() { :; }; compgen() { :; }; builtin() { :; }",
        "echo() { :; }; true",
    ],
)
def test_what_a_line_does_to_its_shell_is_over_with_it(text: str) -> None:
    state = begun()
    _, fields = ran(state, text)
    if fields is not None:
        state, _ = next_state(state, fields)
    assert ran(state, "echo 'a  b' *x; type -t printf")[0] == b"a  b *x\nbuiltin\n"
    assert "IFS" not in state.variables


DANGEROUS = [
    "PATH",
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "BASH_ENV",
    "ENV",
    "IFS",
    "CDPATH",
    "GLOBIGNORE",
    "PS4",
    "PROMPT_COMMAND",
    "SHELLOPTS",
    "BASHOPTS",
    "GIT_SSH_COMMAND",
    "PAGER",
    "EDITOR",
    "LESSOPEN",
    "PYTHONPATH",
    "PERL5OPT",
    "POSIXLY_CORRECT",
    "HOME",
    "BASH_FUNC_ls",
    "TMOUT",
]


@pytest.mark.parametrize("name", DANGEROUS)
def test_variables_that_change_what_runs_do_not_go_on(name: str) -> None:
    fields = [b"0", b"/", f"x{name}=/tmp/evil".encode(), f"x{name}%%=() {{ :; }}".encode()]
    assert next_state(HOME, fields)[0].variables == {}


@pytest.mark.parametrize("value", ["ja_JP.SJIS", "zh_TW.Big5", "C; rm"])
def test_only_locales_in_utf_8_go_on(value: str) -> None:
    state, told = next_state(HOME, [b"0", b"/", f"xLC_ALL={value}".encode(), b"xLANG=C.UTF-8"])
    assert set(state.variables) == {"LANG"}
    assert "LC_ALL" in told[0]


def test_what_is_too_much_or_unseen_does_not_go_on() -> None:
    many = [f"xv{number}=1".encode() for number in range(MAX_VARIABLES + 3)]
    assert len(next_state(HOME, [b"0", b"/", *many])[0].variables) == MAX_VARIABLES
    state, told = next_state(
        HOME, [b"0", b"/", b"xlong=" + b"x" * 5000, b"xesc=\x1b[2J", b"xA=\xe2\x80\xae", b"x1=2", b"xno equals"]
    )
    assert state.variables == {}
    assert len(told) == 3


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [b"x", b"/"],
        [b"0"],
        [b"0", b"relative"],
        [b"0", b"/\x1b[2J"],
        [b"0", b"/a\nb"],
        [b"999", b"/"],
        [b"\xff", b"/"],
        [b"0", b"/" + b"x" * 5000],
    ],
)
def test_a_state_that_is_none_changes_nothing(fields: list[bytes]) -> None:
    assert next_state(HOME, fields) == (HOME, [])
    assert first_state(fields) is None


MARK = f"\0{NONCE}\0".encode()


@given(st.binary(max_size=60), st.integers(1, 7))
def test_output_is_shown_whole_wherever_it_is_cut(data: bytes, size: int) -> None:
    whole = data + MARK + b"0\0/srv\0" + MARK
    reader, shown = StateReader(NONCE), b""
    for at in range(0, len(whole), size):
        shown += reader.feed(whole[at : at + size])
    rest, fields = reader.end()
    assert (shown + rest, fields) == (data, [b"0", b"/srv", b""])


def test_lies_before_the_state_are_output_and_more_than_a_state_is_none() -> None:
    reader = StateReader(NONCE)
    lie = MARK + b"0\0/etc\0" + MARK
    shown = reader.feed(b"a" + lie + MARK + b"0\0/srv\0" + MARK)
    rest, fields = reader.end()
    assert (shown + rest, fields) == (b"a" + lie, [b"0", b"/srv", b""])
    reader = StateReader(NONCE)
    assert reader.feed(MARK + bytes(MAX_STATE)) == MARK + bytes(MAX_STATE)
    reader = StateReader(NONCE)
    assert reader.feed(b"out" + MARK + b"0\0/x") == b"out"
    assert reader.end() == (MARK + b"0\0/x", None)


WORDS = st.text(
    alphabet=st.one_of(st.sampled_from("'\"\\$`!;&|(){}<>*? \n#~=%"), st.characters(categories=("L", "N", "P", "S"))),
    max_size=20,
)


@settings(max_examples=25, deadline=None)
@given(WORDS, WORDS)
def test_whatever_stands_in_variables_comes_back_as_it_was(one: str, other: str) -> None:
    state = ShellState("/", "/usr", {}, {"one": (one, True), "other": (other, False)})
    shown, fields = ran(state, 'printf %s "$one" "$other" "$PWD"')
    assert shown.decode() == one + other + "/usr"
    assert fields is not None
    known = next_state(state, fields)[0].variables
    assert {name: known[name] for name in known if name in ("one", "other")} == {
        name: value for name, value in state.variables.items() if name in known
    }


@settings(max_examples=40, deadline=None)
@given(WORDS)
def test_a_state_is_judged_as_assignments_and_nothing_else(value: str) -> None:
    said = command(ShellState("/", "/srv", {}, {"a": (value, True), "b": (value, False)}, 2).before("echo $?"))
    assert said.complete
    assert [one.kind for one in said.operations] == ["session", "control", "session", "assign", "control", "print"]
