"""The shell parser against outside commands: every command that mvdan/sh sees is seen, what bash refuses is not complete.

`facts` of the corpora come from shfmt (mvdan/sh). Differences have causes (`EXPLAINED`); anything else is a failure.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from collections import Counter
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from engine.command.tree import Command
from tests.conftest import missing
from tests.shell_commands import command, facts
from tests.shell_decisions import measure
from tests.time_bounds import within

CORPORA = ("shell-tldr", "shell-ci-docs", "shell-agent-sessions", "shell-syntax")
BUDGET_SECONDS = 1.0
# What the open items give today; docs say what is let through and why. They only rise.
FLOOR_STOPPED = 0.97
FLOOR_FREE = 0.30
SYNTAX = {"syntax", "here_document", "too_deep", "too_complex"}
EXPLAINED = {
    "quoted or escaped": "mvdan/sh gives the word as written, we the word that bash makes of it",
    "only known at run time": "the word is a pattern, a brace expansion or dynamic: an unknown operation, not a name",
    "a module of Python": "`python -m pip` is pip",
    "a NUL byte": "refused as a whole",
    "bash reads it otherwise": "`time -a` is the program, `coproc name word` runs `name`",
    "bash refuses it": "`bash -n` refuses the text too, or the part of it in `eval`, `trap`, `sh -c`",
    "zsh, ksh or newer": "syntax of other shells (`${|`, `${(f)x}`, `${%x}`, `coproc $name`): refused, so not complete",
}


@cache
def items(corpora: Path, name: str) -> list[dict[str, Any]]:
    with gzip.open(corpora / name / "items.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def seen(tree: Command) -> set[str]:
    found: set[str] = set()
    for operation in tree.operations:
        shell = facts(operation)
        words = [shell.program, *shell.argv[:1], *shell.wrappers]
        found |= {name for word in words if word for name in (word, word.rsplit("/", 1)[-1])}
    return found


def why_unseen(program: str, text: str, tree: Command) -> str | None:
    if not program:
        return "only known at run time"
    if re.search(r"\btime -a|\bcoproc \w+ \w", text):
        return "bash reads it otherwise"
    if "\0" in text:
        return "a NUL byte"
    if set(program) & set("*?[]{}"):
        return "only known at run time"
    if set(program) & set("\\'\"$`"):
        return "quoted or escaped"
    if program.startswith("python") and "pip" in seen(tree):
        return "a module of Python"
    return None


def bash_refuses(text: str) -> bool:
    bash = shutil.which("bash")
    if bash is None:
        missing("bash")
        return False
    done = subprocess.run(
        [bash, "-n", "-O", "extglob"], input=text.encode(), capture_output=True, timeout=20, check=False
    )
    return done.returncode != 0


def why_refused(text: str) -> str | None:
    if any(word in text for word in ("eval", "trap", "sh -c", "bash -c", "source")) or bash_refuses(text):
        return "bash refuses it"
    if any(
        sign in text
        for sign in ("${|", "${(", "${%", "${+", "${~", "${^", "${=", "${:", '"${ ', "coproc $", '${"', "[[ ]]", "`")
    ):
        return "zsh, ksh or newer"
    return None


@pytest.mark.parametrize("name", CORPORA)
def test_every_command_that_mvdan_sees_is_seen(corpora: Path, name: str) -> None:
    unexplained, causes = [], Counter[str]()
    for item in items(corpora, name):
        if not item["facts"].get("parse_ok"):
            continue
        tree = command(item["command"])
        for program in set(item["facts"]["programs"]) - seen(tree):
            if program.rsplit("/", 1)[-1] in seen(tree):
                continue
            refused = SYNTAX & {problem.code for problem in tree.problems}
            why = why_unseen(program, item["command"], tree) or (why_refused(item["command"]) if refused else None)
            causes[why or "unexplained"] += 1
            if why is None:
                unexplained.append((program, item["command"]))
    assert not unexplained, (causes, unexplained[:10])
    assert set(causes) <= set(EXPLAINED)


def test_what_bash_refuses_is_never_complete(corpora: Path) -> None:
    wrong = [
        item["command"]
        for item in items(corpora, "shell-syntax")
        if item["label"] == "syntax-error" and command(item["command"]).complete and bash_refuses(item["command"])
    ]
    assert wrong == []


@pytest.mark.parametrize("name", CORPORA)
def test_no_text_takes_long(corpora: Path, name: str) -> None:
    for item in items(corpora, name):
        assert within(BUDGET_SECONDS, partial(command, item["command"]), item["command"]).operations


def test_the_example_policy_stops_what_is_dangerous_and_lets_people_work(corpora: Path) -> None:
    # One of seven of the harmless: the whole table is `python -m tests.shell_decisions`.
    table = measure(corpora, every=7)
    assert table.share("dangerous", {"deny", "hold"}) >= FLOOR_STOPPED
    assert table.share("harmless", {"allow", "hold"}) >= 0.95
    assert table.share("harmless", {"allow"}) >= FLOOR_FREE
