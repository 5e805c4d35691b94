"""The shell parser against mvdan/sh and bash: every command they see is seen, what bash refuses is not complete.

`facts` of the corpora come from shfmt (mvdan/sh).
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from engine.command.tree import Command
from tests.conformance import corpus
from tests.conformance.agreement.tally import Tally
from tests.conftest import missing
from tests.shell_commands import command, facts

CORPORA = ("shell-tldr", "shell-ci-docs", "shell-agent-sessions", "shell-syntax")
SYNTAX = {"syntax", "here_document", "too_deep", "too_complex"}
EXPLAINED: Mapping[str, str] = {
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
    return list(corpus.items(corpora, name))


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


def seen_by_both(corpora: Path, name: str) -> Tally:
    """Of every program that mvdan/sh names in a text it can parse: is it in our tree?"""
    tally = Tally(name, "a program that mvdan/sh sees is seen")
    for item in items(corpora, name):
        if not item["facts"].get("parse_ok"):
            continue
        text = item["command"]
        tree = command(text)
        ours = seen(tree)
        for program in sorted(set(item["facts"]["programs"])):
            if program in ours or program.rsplit("/", 1)[-1] in ours:
                tally.compare(True, None, text)
                continue
            refused = SYNTAX & {problem.code for problem in tree.problems}
            why = why_unseen(program, text, tree) or (why_refused(text) if refused else None)
            tally.compare(False, None if why is None else f"{why}: {EXPLAINED[why]}", text)
    return tally


def refused_by_bash(corpora: Path) -> Tally:
    """Cases of syntax errors that `bash -n` refuses as well."""
    tally = Tally("shell-syntax", "what bash refuses is refused, or not complete")
    for item in items(corpora, "shell-syntax"):
        if item["label"] == "syntax-error" and bash_refuses(item["command"]):
            tally.demand(not command(item["command"]).complete, item["command"])
    return tally


def rows(corpora: Path) -> list[Tally]:
    return [*(seen_by_both(corpora, name) for name in CORPORA), refused_by_bash(corpora)]
