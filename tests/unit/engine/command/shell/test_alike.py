"""What bash and others read alike: by lists, and by real shells that run what is said to be alike."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.command.parse import parse_command
from engine.command.shell.alike import other_reading

ALIKE = [
    *("kubectl exec web -- ls", "grep source f"),
    *("ls -la /tmp", "cd /usr && pwd; false", "x='a b'; echo \"$x\" ${y:-z}", "for i in 1 2; do echo n$i; done"),
    *("if [ -f x ]; then cat x; fi", "ps | grep foo | wc -l", "cat < f > g 2>&1", "echo $(ls | wc -l) $((1+2))"),
    *("find . -name '*.py' -exec wc -l {} \\;", "while read l; do printf '%s\\n' \"$l\"; done < f", "(cd /; ls)"),
    *("{ ls; pwd; }", 'test -n "$HOME" || exit 3', "export A=b", 'case "$x" in a*) ls;; *) pwd;; esac', "ls ~ ~/x"),
    *(
        "kill -9 12",
        "env A=b ls",
        "head -n 2; # what stands here",
        "ls 2>/dev/null >&2",
        "! ls",
        "ls [a-c]* ?x",
        "echo $",
    ),
    *('echo "a $(ls "$x") b"', "a=1 b=$a ls", "ls \\\n -l", "echo -n x", "echo '#' a#b", "x=$(ls); ls <&-"),
]
OTHERWISE = [
    *("declare x=1", "typeset x=1", "local x=1", "readonly x=1", "pushd /", "ls; shopt -s x", "x=1 source f"),
    *("echo hi &>/tmp/x rm foo", "echo hi >&f", "cat <(ls)", "ls |& cat", "echo $'a'", "[[ a == b ]]", "((rm foo))"),
    *(
        "function f { ls; }",
        "x+=y",
        "x[0]=y",
        "x=(a b)",
        "echo {a,b}",
        "echo ${x/a/b}",
        "echo ${!x}",
        "`ls`",
        "sh -c ls",
    ),
    *("eval ls", "echo ls | sh", "echo 'a\\nb'", "echo -e a", "echo 'a\\nb'$x", "time ls", "source f", "10>f ls"),
    *("cat <<E\nx\nE", "cat <<< x", "echo $_", "rm /d/$UID", "echo ${RANDOM}", "export X=$y", "x=a >$x", "ls\r"),
    *("echo a~+", "echo @(a|b)", "select x in a; do ls; done", "echo $(<f)", "echo $[1+1]", 'echo $"a"', "exec ls"),
    *(
        "echo $((x++))",
        "ls [^a]",
        'echo "`ls`"',
        "2>&1<f ls",
        "find . -exec sh -c 'ls' \\;",
        "let x=1",
        "echo $(case a in a) ls;; esac)",
    ),
]


def why(text: str) -> str | None:
    return other_reading(text, parse_command("shell", text.encode()).command)


@pytest.mark.parametrize("text", ALIKE)
def test_what_posix_has_is_alike(text: str) -> None:
    assert why(text) is None


@pytest.mark.parametrize("text", OTHERWISE)
def test_what_one_of_them_reads_otherwise_is_not(text: str) -> None:
    assert why(text) is not None


@pytest.mark.parametrize("text", ["'a", '"a', "$(ls", "${x", "a\\", "echo \0", '"a\\'])
def test_what_has_no_end_is_not(text: str) -> None:
    assert why(text) is not None


TOKENS = [
    *(
        "p",
        "q",
        "p a",
        "q b",
        " ",
        "\n",
        ";",
        "&&",
        "||",
        "|",
        "&",
        "&>",
        "|&",
        ">f",
        ">>f",
        "<f",
        "10>f",
        ">&f",
        ">&2",
        "2>&1",
    ),
    *(
        "<<<a",
        "<(p)",
        "$(p)",
        "$(q a)",
        "`p`",
        "$'p'",
        "$x",
        "${x}",
        "${x:-p}",
        "${x/a/b}",
        "${x^}",
        "$((1+2))",
        "((p))",
        "(p)",
    ),
    *(
        "{ p; }",
        "{p,q}",
        "{1..3}",
        "{",
        "}",
        "[[ a ]]",
        "[ a ]",
        "if p; then q; fi",
        "for i in a b; do p $i; done",
        "x=p",
        "x+=q",
    ),
    *(
        "case a in a) p;; esac",
        "time p",
        "! p",
        "x[0]=p",
        "~",
        "~+",
        "a*",
        "?",
        "[a-f]*",
        "\\",
        "'a b'",
        '"a $x"',
        '"$(p)"',
        "#p",
    ),
    *(
        "$_",
        "eval p",
        "coproc p",
        "let x=1",
        "export x=$y",
        "echo a",
        "echo -e a",
        "printf '%s' a",
        "exec p",
        "=",
        "a=b",
        "{}",
    ),
    *("$[1+1]", "!(a)", "<>f", ">|f", "<&-", "&>>f", "\t", "then", "in", "$"),
]
"""Of POSIX and of bash alone. None that loops."""


@pytest.mark.parametrize("seed", range(3))
def test_a_real_bash_and_a_real_dash_run_the_same_programs_with_what_is_alike(seed: int, tmp_path: Path) -> None:
    bash, dash = shutil.which("bash"), shutil.which("dash")
    if bash is None or dash is None:
        pytest.skip("bash and dash are not both on this machine")
    chance, tried = random.Random(20261129 + seed), 0
    log, folder = tmp_path / "log", tmp_path / "bin"
    folder.mkdir()
    for name in "pq":
        program = folder / name
        program.write_text(
            f'#!{dash}\nprintf "%s" "{name}" >>{log}\nfor a; do printf "<%s>" "$a" >>{log}; done\necho >>{log}\n'
        )
        program.chmod(0o755)

    def run(shell: str, text: str) -> tuple[list[str], list[str]]:
        log.write_text("")
        place = tmp_path / "place"
        place.mkdir()
        (place / "af").touch()
        try:
            subprocess.run([shell, "-c", text], cwd=place, env={"PATH": str(folder)}, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)  # fmt: skip
            return sorted(log.read_text().splitlines()), sorted(one.name for one in place.iterdir())
        finally:
            shutil.rmtree(place)

    while tried < 25:
        text = "".join(chance.choice(TOKENS) + chance.choice(["", " "]) for _ in range(chance.randrange(2, 7)))
        command = parse_command("shell", text.encode()).command
        if not command.complete or command.problems or "background" in command.features or other_reading(text, command):
            continue
        tried += 1
        assert run(bash, text) == run(dash, text), text
