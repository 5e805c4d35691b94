"""docs/commands.md: the words of command trees, written from the tables of each language (`<language>/kinds.py`).

`python -m engine.command.page > docs/commands.md`; a test says when the page is stale. A language that publishes its
words is added to `LANGUAGES`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from engine.command.http import kinds as http
from engine.command.kubernetes import kinds as kubernetes
from engine.command.mcp import kinds as mcp
from engine.command.python import kinds as python
from engine.command.shell import kinds as shell
from engine.command.sql import kinds as sql
from engine.command.ssh import kinds as ssh
from engine.command.words import Kind


@dataclass(frozen=True, slots=True)
class Language:
    """The tables of one language, and what stands above its kinds."""

    name: str
    about: tuple[str, ...]
    kinds: tuple[Kind, ...]
    features: Mapping[str, str]
    via: Mapping[str, str]
    signs: Mapping[str, str] = field(default_factory=dict)


LANGUAGES: tuple[Language, ...] = (
    Language(
        "SQL",
        (
            "The effect is the usual one; a SELECT that contains a write has the effect of the write, EXPLAIN ANALYZE that of its",
            "statement, a function call that of its function.",
        ),
        sql.KINDS,
        sql.FEATURES,
        sql.VIA,
    ),
    Language(
        "Shell",
        (
            "One operation for each simple command that could run, wrappers taken off. Program, argv, variables, redirections, wrappers",
            "and signs stand in `shell` of the operation; SQL that a client is given follows as operations of SQL, and what kubectl asks",
            "of a cluster as operations of Kubernetes (`wrapper:kubectl`), with their facts in `kubernetes`. The grammar is bash's; a text",
            "inside the text that another shell may run, and that has what bash alone reads so, is not complete (`other_shell`).",
            "",
            "A program is known by its name, alone or in a folder of programs (`/usr/bin/rm`). Any other file is `run_file`, for it may be",
            "anything; where it is called like a program (`./rm`, `/x/.venv/bin/python`, `/bin/../bin/sh`), what its words would do to that",
            "program is listed behind it as well, and the text is no more complete than with the program itself. So is a name nobody knows",
            "that is another spelling of a program's: a version (`bash-5.2`, `/x/python3.11`), `.exe`, capitals.",
        ),
        shell.KINDS,
        shell.FEATURES,
        shell.VIA,
        shell.SIGNS,
    ),
    Language(
        "SSH",
        (
            "What a client of SSH asks for besides commands (those are of the shell): one operation each. Operations of SFTP have",
            "the shell's kinds, and in `shell` the program of a shell that does the same, with its signs.",
        ),
        ssh.KINDS,
        ssh.FEATURES,
        ssh.VIA,
    ),
    Language(
        "Kubernetes",
        (
            "A request to the API server, or what a kubectl line asks of it. The verb, group, resource and the facts of a body stand",
            "in `kubernetes` of the operation; what a container is told to run follows as operations of the shell.",
        ),
        kubernetes.KINDS,
        kubernetes.FEATURES,
        kubernetes.VIA,
    ),
    Language(
        "HTTP",
        (
            "One operation for the method, or those that the body carries. Path, query and body facts stand in `http` of the command;",
            "an OpenAPI document may give an operation another effect (`x-sallyport-effect`).",
        ),
        http.KINDS,
        http.FEATURES,
        http.VIA,
    ),
    Language(
        "MCP",
        (
            "One message of a client of the Model Context Protocol is one operation. Tool, URI, prompt and arguments stand in `mcp` of",
            "the command, the arguments by their JSON pointers (`/path`).",
        ),
        mcp.KINDS,
        mcp.FEATURES,
        mcp.VIA,
    ),
    Language(
        "Python",
        (
            "Calls that look alike are one operation with a count. Function, module, leading arguments and signs stand in `python` of",
            "the operation; command lines and SQL that the program hands on follow as operations of the shell and of SQL.",
        ),
        python.KINDS,
        python.FEATURES,
        python.VIA,
        python.SIGNS,
    ),
)


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# The words of command trees"
    yield ""
    yield "Written from the `kinds.py` of each language below `engine/command/` by `python -m engine.command.page`; do not edit."
    for language in LANGUAGES:
        yield ""
        yield f"## {language.name}"
        yield ""
        yield from language.about
        yield ""
        yield "| kind | effect | is |"
        yield "|---|---|---|"
        yield from (f"| `{kind.name}` | {kind.effect} | {kind.meaning} |" for kind in language.kinds)
        if language.signs:
            yield ""
            yield "| sign | means |"
            yield "|---|---|"
            yield from (f"| `{name}` | {meaning} |" for name, meaning in language.signs.items())
        yield ""
        yield "| feature | means |"
        yield "|---|---|"
        yield from (f"| `{name}` | {meaning} |" for name, meaning in language.features.items())
        yield ""
        yield "| step of `via` | reached through |"
        yield "|---|---|"
        yield from (f"| `{name}` | {meaning} |" for name, meaning in language.via.items())


if __name__ == "__main__":
    sys.stdout.write(page())
