"""What is particular to one simple command survives the way through the core and out again."""

from __future__ import annotations

import pytest

from engine.command.shell.parse import parse_shell
from engine.command.shell.tree import Assignment, Redirect, Shell


def test_the_facts_of_one_command_are_what_its_words_say() -> None:
    (operation,) = parse_shell('A=1 B="$C" sudo -u bob cat ~/x "a b" *.txt 2>>err.log <in').command.operations
    assert operation.shell == Shell(
        program="cat",
        argv=("cat", None, "a b", None),
        env=(Assignment("A", "1"), Assignment("B", None)),
        redirects=(Redirect(">>", "2", "err.log"), Redirect("<", None, "in")),
        wrappers=("sudo",),
        signs=("privilege_change",),
    )


def test_a_command_on_another_host_says_so() -> None:
    operations = parse_shell("ssh web uptime").command.operations
    assert [(item.shell.program, item.shell.remote) for item in operations if item.shell] == [
        ("ssh", False),
        ("uptime", True),
    ]


def test_a_command_of_more_words_than_are_listed_is_not_complete() -> None:
    listed = parse_shell("git add " + " ".join(f"f{number}" for number in range(498))).command
    assert (listed.complete, listed.problems) == (True, ())
    for command in ("git add ", "sudo git add "):
        more = parse_shell(command + " ".join(f"f{number}" for number in range(499))).command
        assert (more.complete, [one.code for one in more.problems]) == (False, ["too_many_words"])


OWN = ("echo a &>f rm b", "echo a &>>f rm b", "[[ a || rm b ]]", "((a))", "echo $'\\'; rm b; '")


def quoted(text: str) -> str:
    return text.replace("'", "'\\''")


@pytest.mark.parametrize("text", OWN)
@pytest.mark.parametrize(
    "by",
    [
        "sh -c '{}'",
        "env dash -c '{}'",
        "busybox sh -c '{}'",
        "find . -exec sh -c '{}' ';'",
        "ssh h '{}'",
        "sh <<'E'\n{}\nE",
    ],
)
def test_what_bash_alone_reads_so_is_not_complete_where_another_shell_may_run_it(by: str, text: str) -> None:
    command = parse_shell(by.format(text if "<<" in by else quoted(text))).command
    assert (command.complete, "other_shell" in [one.code for one in command.problems]) == (False, True)


@pytest.mark.parametrize("by", ["fish", "csh", "tcsh"])
def test_a_text_for_a_shell_of_other_quotes_is_never_complete(by: str) -> None:
    for text in ("ls", "echo '\\\\''; rm b; #'"):
        command = parse_shell(f'{by} -c "{text}"').command
        assert (command.complete, [one.code for one in command.problems]) == (False, ["other_shell"])


def test_what_zsh_runs_in_a_pattern_is_not_complete() -> None:
    command = parse_shell("zsh -c \"ls *(e:'rm b':)\"").command
    assert (command.complete, [one.code for one in command.problems]) == (False, ["other_shell"])
    assert parse_shell("zsh -c 'ls *.py | wc -l'").command.complete


@pytest.mark.parametrize("text", OWN[:4])
def test_what_bash_alone_reads_so_is_complete_where_bash_runs_it(text: str) -> None:
    for by in (text, f"bash -c '{quoted(text)}'", f"sh -c 'bash -c \"{quoted(text)}\"'"):
        command = parse_shell(by).command
        assert (command.complete, command.problems) == (True, ())


def test_what_all_shells_read_alike_is_complete_in_each() -> None:
    for text in ("echo a >f 2>&1", "grep '[[:space:]]$' f", "[ -f a ] && echo $((1 + 2))", 'echo "$(ls)" &'):
        assert parse_shell(f"sh -c '{quoted(text)}'").command.complete
