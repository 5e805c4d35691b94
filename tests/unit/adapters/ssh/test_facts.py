"""What is asked and what is run are the same text; what could make them differ is refused."""

from __future__ import annotations

import shlex
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.ssh.facts import (
    MAX_COMMAND,
    WhoAndWhere,
    authority_lines,
    command_question,
    is_carried,
    line_of,
    refusal_of,
    request_question,
    run_line,
    who_and_where,
)
from tests.conftest import missing


def test_a_user_name_may_name_the_resource() -> None:
    assert who_and_where("ana+build") == WhoAndWhere("ana", "build")
    assert who_and_where("ana") == WhoAndWhere("ana", None)
    assert who_and_where("ana+") == WhoAndWhere("ana", "")
    assert who_and_where("a+b+c") == WhoAndWhere("a", "b+c")


def test_an_authority_stands_for_one_name() -> None:
    assert authority_lines("ana", ["ssh-ed25519 AAAA comment of ours"]) == (
        'cert-authority,principals="ana" ssh-ed25519 AAAA\n'
    )
    assert authority_lines("ana", []) == ""


@pytest.mark.parametrize(
    "name", ["", 'a"', 'ana",no-x,principals="bo', "a b", "a\n", "*", "a*", "a,b", "!a", "x" * 129]
)
def test_a_name_that_could_stand_for_more_has_no_authority(name: str) -> None:
    assert authority_lines(name, ["ssh-ed25519 AAAA"]) == ""


def test_questions_are_of_the_shell_or_of_ssh() -> None:
    assert command_question(b"ls").protocol == "shell"
    asked = request_question("connect", "db", "1")
    assert (asked.protocol, asked.text) == ("ssh", b'connect "db" "1"')
    assert len(request_question("request", "x" * 10_000).text) < 300


def test_texts_that_the_target_would_read_otherwise_are_refused() -> None:
    assert refusal_of(b"ls") is None
    assert "NUL" in (refusal_of(b"ls\x00;id") or "")
    assert "UTF-8" in (refusal_of(b"ls \xff") or "")


def test_a_line_too_long_for_the_target_is_none() -> None:
    assert run_line("x" * (MAX_COMMAND - 100), "/bin/bash") is not None
    assert run_line("x" * MAX_COMMAND, "/bin/bash") is None
    assert run_line("'" * (MAX_COMMAND // 4), "/bin/bash") is None


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00")))
def test_any_posix_shell_hands_exactly_the_text_on(text: str) -> None:
    line = run_line(text, "/bin/bash")
    assert line is not None
    assert shlex.split(line) == ["exec", "/bin/bash", "--noprofile", "--norc", "-p", "-c", text]


def handed_on(login_shell: str, text: str) -> bytes | None:
    """What the program at the end of the line is given when an account has this login shell; None if nothing ran."""
    place = shutil.which(login_shell)
    if place is None:
        missing(f"the shell {login_shell}")
        raise AssertionError
    line = run_line(text, "/usr/bin/printf")
    assert line is not None
    # printf takes the place of bash and prints the last word.
    line = line.replace("--noprofile --norc -p -c", "%s", 1)
    done = subprocess.run(
        [place, "-c", line], capture_output=True, env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    )
    return done.stdout if done.returncode == 0 else None


@pytest.mark.parametrize("login_shell", ["sh", "bash", "fish", "tcsh"])
@settings(max_examples=20, deadline=None)
@given(text=st.text(st.sampled_from("\\'!#\"$`^=~ a{}()*;&|"), min_size=1, max_size=12))
def test_a_real_login_shell_hands_exactly_the_text_on(login_shell: str, text: str) -> None:
    assert handed_on(login_shell, text) == text.encode()


@pytest.mark.parametrize(
    ("login_shell", "text"),
    [("fish", "\\'; echo more; echo '"), ("tcsh", "!#"), ("tcsh", "echo !!"), ("fish", "a\nb"), ("sh", "a\nb\t\\")],
)
def test_what_a_login_shell_would_read_on_its_own_is_quoted(login_shell: str, text: str) -> None:
    assert handed_on(login_shell, text) == text.encode()


def test_csh_takes_no_text_of_several_lines() -> None:
    assert handed_on("tcsh", "echo one\necho two") is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LANG", "en_US.UTF-8"),
        ("LC_ALL", "C"),
        ("LC_TIME", "de_DE.utf8@euro"),
        ("LANG", "C.UTF-8"),
        ("TERM", "xterm-256color"),
    ],
)
def test_harmless_variables_are_carried(name: str, value: str) -> None:
    assert is_carried(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            (name, "x")
            for name in ("LD_PRELOAD", "BASH_ENV", "ENV", "PATH", "IFS", "GIT_SSH_COMMAND", "PROMPT_COMMAND")
        ),
        *((name, "x") for name in ("PYTHONPATH", "PERL5OPT", "LESSOPEN", "PAGER", "LC_", "LANGUAGE", "lang", "LANG ")),
        *(("LC_ALL", value) for value in ("zh_TW.Big5", "ja_JP.SJIS", "zh_CN.GBK", "en_US", "en_US.ISO-8859-1", "")),
        *(("LANG", value) for value in ("../../evil.UTF-8", "C.UTF-8\n", "/tmp/x.UTF-8", "en_US.UTF-8;id")),
        *(("TERM", value) for value in ("", "a b", "x;y", "x" * 65, "../x", "$(id)")),
        ("BASH_FUNC_ls%%", "() { id; }"),
    ],
)
def test_what_makes_a_program_do_something_else_is_not(name: str, value: str) -> None:
    assert not is_carried(name, value)


def test_a_line_of_the_guarded_shell_is_an_argument_of_a_bash_that_says_where_it_ended() -> None:
    line = line_of("nabc")("cd /tmp; x='1'", "/bin/bash")
    assert line is not None
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, cwd="/", timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.split(b"\0")[:4] == [b"", b"nabc", b"0", b"/tmp"]
    assert b"\0vx=1\0" in done.stdout
    assert line_of("nabc")("x" * 128 * 1024, "/bin/bash") is None
