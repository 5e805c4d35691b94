"""What a container is told to run."""

from __future__ import annotations

import pytest

from engine.command.kubernetes.inside import Inside, inside_container
from engine.command.tree import Command, Effect, Operation

VIA = ("top", "exec")


def shell(text: str) -> Command:
    return Command("shell", text, "d", (Operation("run", Effect.EXECUTE, ("top", "pipeline")),), ("f",), True)


def test_a_program_is_an_operation() -> None:
    inside = inside_container(["/bin/ps", "aux"], VIA, None, stdin=False)
    assert [(one.kind, one.via, one.targets[0].name) for one in inside.operations] == [("program", VIA, "/bin/ps")]
    assert inside.is_complete


@pytest.mark.parametrize(
    "argv", [["sh", "-c", "rm -rf /"], ["env", "rm"], ["python3", "-c", "x"], ["/bin/busybox", "rm"]]
)
def test_programs_that_run_others_are_not_seen_to_the_bottom_without_a_shell(argv: list[str | None]) -> None:
    assert not inside_container(argv, VIA, None, stdin=False).is_complete


def test_a_shell_parser_says_what_runs() -> None:
    inside = inside_container(["sh", "-c", "a | b"], VIA, shell, stdin=False)
    assert inside.operations == (Operation("run", Effect.EXECUTE, (*VIA, "pipeline")),)
    assert (inside.features, inside.is_complete) == ({"f"}, True)


@pytest.mark.parametrize(
    "text",
    [
        "echo hi &>/tmp/x rm foo",
        "ls; [[ a || reboot ]]",
        "[[ a || reboot ]]",
        "echo $'a\\'b; rm x; c'",
        "echo 'a\\nreboot' | sh",
    ],
)
def test_a_text_that_another_shell_than_bash_may_read_otherwise_is_not_seen_to_the_bottom_there(text: str) -> None:
    for program in ("sh", "/bin/dash", "busybox", "/x/dash-0.5", "busybox.nosuid"):
        assert not inside_container([program, "-c", text], VIA, shell, stdin=False).is_complete
    assert inside_container(["bash", "-c", text], VIA, shell, stdin=False).is_complete
    assert inside_container(
        ["sh", "-c", "sed 's/[[:space:]]//' f | grep \"a$\" 2>&1"], VIA, shell, stdin=False
    ).is_complete


@pytest.mark.parametrize(
    "argv", [["bash"], ["/bin/sh", "-i"], ["sh", "--login"], ["sh", "-s"], ["/x/bash-5.2"], ["./BASH", "-l"]]
)
def test_a_shell_that_reads_its_input_is_never_complete(argv: list[str | None]) -> None:
    inside = inside_container(argv, VIA, shell, stdin=True)
    assert (inside.features, inside.is_complete) == ({"shell_text"}, False)


def test_words_that_are_no_literals_are_never_complete() -> None:
    inside = inside_container(["ls", None], VIA, shell, stdin=False)
    assert (inside.features, inside.is_complete) == ({"dynamic_argument"}, False)
    assert inside_container([None], VIA, shell, stdin=False).operations[0].targets[0].name == "?"


def test_nothing_runs_nothing() -> None:
    assert inside_container([], VIA, shell, stdin=False) == Inside()
