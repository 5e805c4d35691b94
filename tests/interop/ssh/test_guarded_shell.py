"""The guarded shell by the real ssh on a real pty, on a real target: it feels like a shell, and runs what was judged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.interop.ssh.place import Place
from tests.interop.typing import Typist, at_terminal

PROMPT = r"guarded:[^\r\n]*\$ "


@contextmanager
def shell(place: Place, size: tuple[int, int] = (24, 80)) -> Iterator[Typist]:
    with at_terminal(place.command(options=["-t"]), size=size) as typist:
        typist.until("each command is judged")
        typist.until(PROMPT)
        yield typist


def run(typist: Typist, line: str) -> str:
    """What a line shows, until the next prompt, without the line."""
    typist.type(line + "\r")
    said = typist.until(r"\x1b\[\?2004l\r\n(?s:.*?)" + PROMPT)
    return (
        re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.partition("\x1b[?2004l\r\n")[2])
        .replace("\r\n", "\n")
        .rpartition("\n")[0]
        + "\n"
    )


def texts(place: Place) -> list[str]:
    return [entry.text for entry in place.decisions() if entry.protocol == "shell"]


def test_folders_variables_and_statuses_go_on(place: Place) -> None:
    with shell(place) as typist:
        assert run(typist, "cd /usr/share && pwd") == "/usr/share\n"
        assert run(typist, "pwd; false") == "/usr/share\n"
        assert run(typist, "echo $?") == "1\n"
        run(typist, "x='a b'; export Y=\"it's\"")
        assert run(typist, "echo \"$x\" $Y; sh -c 'echo [$x] [$Y]'") == "a b it's\n[] [it's]\n"
        run(typist, "unset x")
        assert run(typist, 'echo "<$x>"') == "<>\n"
        run(typist, "cd -- ..")
        assert run(typist, "cd - && pwd") == "/usr/share\n/usr/share\n"
        typist.type("exit 4\r")
        assert typist.end() == 4
    assert "cd -- '/usr/share' || exit 1\nexport Y='it'\\''s'\nunset x" not in texts(place)
    assert any(
        text.startswith("cd -- '/usr/share' || exit 1\n") and text.endswith("pwd; false") for text in texts(place)
    )


def test_unfinished_commands_ask_for_more(place: Place) -> None:
    with shell(place) as typist:
        typist.type("for i in 1 2; do\r")
        typist.until("> ")
        typist.type("echo n$i\r")
        typist.until("> ")
        typist.type("done\r")
        typist.until("n1\r\nn2\r\n")
        typist.until(PROMPT)
        typist.type("cat <<END\r")
        typist.until("> ")
        typist.type("one $HOME\r")
        typist.until("> ")
        typist.type("END\r")
        typist.until(f"one {place.folder}\r\n")
        typist.until(PROMPT)
        typist.type("echo a\\\r")
        typist.until("> ")
        typist.type("b\r")
        typist.until("\r\nab\r\n")
        typist.until(PROMPT)
        # Pasted in brackets: one command of three lines.
        typist.type("\x1b[200~echo p1\necho p2\necho p3\x1b[201~\r")
        typist.until("p1\r\np2\r\np3\r\n")
        typist.until(PROMPT)
    assert any(text.endswith("echo p1\necho p2\necho p3") for text in texts(place))


def test_denials_and_holds_are_told_on_the_screen(place: Place) -> None:
    canary = place.folder / "guarded-canary"
    with shell(place) as typist:
        said = run(typist, f"touch {canary} #deny")
        assert "denied: the mark says no" in said
        assert "rule place/MARKED" in said
        assert run(typist, "echo $?") == "126\n"
        typist.type("echo held #hold\r")
        typist.until("held: ticket")
        place.decide_hold(granted=True)
        typist.until("approved: ticket")
        typist.until("held\r\n")
        typist.until(PROMPT)
        typist.type("echo held #hold\r")
        typist.until("held: ticket")
        typist.type("\x03")
        typist.until(PROMPT)
        place.wait_until(lambda: not place.gateway.approvals.pending(2**62))
    assert not canary.exists()


def test_ctrl_c_ends_what_runs_and_ctrl_d_the_shell(place: Place) -> None:
    with shell(place) as typist:
        typist.type("echo be''gun; sleep 60; echo after\r")
        typist.until("begun")
        typist.type("\x03")
        # As root OpenSSH passes no signals on; then a second Ctrl-C leaves it.
        if "again" in typist.until(f"(again leaves it|{PROMPT})"):
            typist.type("\x03")
            typist.until(PROMPT)
        typist.type("half a line\x03")
        typist.until(r"\^C")
        typist.until(PROMPT)
        typist.type("cat\r")
        typist.until(r"\[\?2004l")
        typist.type("typed\r")
        typist.until("typed\r\ntyped\r\n")
        typist.type("\x04")
        typist.until(PROMPT)
        typist.type("\x04")
        assert typist.end() == 0
    assert b"after\r\nguarded" not in typist.seen


def test_history_and_keys(place: Place) -> None:
    with shell(place) as typist:
        run(typist, "echo first")
        assert run(typist, "\x1b[A") == "first\n"
        assert run(typist, "\x12fir") == "first\n"
        assert run(typist, "echo abc\x7f\x7f\x1b[D\x1b[CXY\x01\x0b\x19") == "aXY\n"
        assert run(typist, "echo '!!' ^a^b") == "!! ^a^b\n"


def test_names_are_completed_off_the_wire(place: Place) -> None:
    (place.folder / "completes").mkdir(exist_ok=True)
    (place.folder / "completes" / "only-one.txt").write_text("content here\n")
    with shell(place) as typist:
        run(typist, f"cd {place.folder}")
        typist.type("cat comp\t")
        typist.until("completes/")
        typist.type("o\t")
        typist.until("only-one.txt ")
        typist.type("\r")
        typist.until("content here\r\n")
        typist.until(PROMPT)
    asked = [entry.text for entry in place.decisions() if entry.text.startswith("sftp list")]
    assert f'sftp list "{place.folder}/completes"' in asked


def test_what_a_guarded_shell_does_not_have_is_said_and_recorded(place: Place) -> None:
    canary = place.folder / "not-had"
    with shell(place) as typist:
        for line in (
            f"touch {canary} &",
            "fg",
            "alias ls=rm",
            f"f() {{ touch {canary}; }}",
            "shopt -s extglob",
            "trap id EXIT",
            "coproc id",
        ):
            assert "refused:" in run(typist, line), line
    assert not canary.exists()
    assert {entry.verdict for entry in place.decisions() if entry.text in ("fg", "alias ls=rm", "coproc id")} == {
        "deny"
    }


@pytest.mark.usefixtures("terminals")
def test_programs_of_the_whole_screen_have_one_and_are_recorded(place: Place) -> None:
    (place.folder / "long.txt").write_text("".join(f"line {number}\n" for number in range(200)))
    with shell(place) as typist:
        run(typist, f"cd {place.folder}")
        typist.type("less long.txt\r")
        typist.until("line 3\r")
        typist.type("q")
        typist.until(PROMPT)
        assert run(typist, "echo back") == "back\n"
        typist.type("exit\r")
        typist.end()
    (text,) = [text for text in texts(place) if text.endswith("less long.txt")]
    assert text.startswith("export LESSSECURE='1'\n")
    found = place.recordings()[-1]
    assert found.shape == "terminal"
    lines = place.recorded_lines(found.id)
    assert b"line 3" in lines
    assert b"echo back" in lines


def test_variables_that_change_what_runs_do_not_go_on(place: Place) -> None:
    with shell(place) as typist:
        # What a shell would run is not complete, which is all that is allowed here.
        assert "denied" in run(typist, "export BASH_ENV=/tmp/x")
        said = run(
            typist,
            "export PATH=/tmp LD_PRELOAD= GIT_PAGER='id' IFS=, CDPATH=/etc POSIXLY_CORRECT=1 LC_ALL=ja_JP.SJIS OK=1",
        )
        assert "`PATH` is not kept" in said
        assert "`LC_ALL` is not kept" in said
        run(typist, "echo next")
        run(typist, "function_x=1; export -f ls 2>/dev/null; declare -a arr=(a b); echo")
        assert (
            run(
                typist,
                "env | grep -E '^(BASH_ENV|LD_PRELOAD|GIT_PAGER|CDPATH|POSIXLY|LC_ALL|BASH_FUNC)' | cat; echo $OK",
            )
            == "1\n"
        )
    last = texts(place)[-1]
    assert last.startswith("export OK='1'\nfunction_x='1'\n")


def test_what_a_command_says_of_its_state_is_only_words_that_are_judged(place: Place) -> None:
    with shell(place) as typist:
        # It reads the mark of its own line and lies about where it ended.
        lie = "m=$(tr '\\0' '\\n' < /proc/$$/cmdline | grep -oE 'n[0-9a-f]{32}' | head -1); printf \"\\\\0$m\\\\0000\\\\0/etc\\\\0xEVIL=1\\\\0\\\\0$m\\\\0\"; exit 0"
        run(typist, lie)
        run(typist, "pwd")
    last = texts(place)[-1]
    assert last.endswith("pwd")
    assert last in ("pwd", "cd -- '/etc' || exit 1\nexport EVIL='1'\npwd")
