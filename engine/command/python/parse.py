"""Python source to a command: everything the program could import, call, touch, as operations. Nothing runs.

The text is read by Python's own grammar (`ast`). What nobody can read, resolve or see to the bottom is an operation of its
own kind and makes the command incomplete. Called by `engine/command/parse.py` and for code inside command lines of a shell.
"""

from __future__ import annotations

import ast
import hashlib
from dataclasses import replace
from typing import Final

from engine import _native
from engine.command.python.findings import Findings, Found
from engine.command.python.magics import Notebook, read_automagic, read_notebook
from engine.command.python.reading import MAX_TEXT, Source, decode_source, line_starts, parse_text
from engine.command.python.resolving import Resolver, TooMuch
from engine.command.python.walk import walk_program
from engine.command.shell.parse import parse_shell
from engine.command.tree import Command, Effect, Operation, ParsedCommand, Problem

_READS: Final = frozenset({"read_file", "read_environment", "secrets", "database", "select", "copy", "run_process"})
_SENDS: Final = frozenset({"send", "connect", "listen"})
_SHELL_SENDS: Final = frozenset({"sends_data", "exfiltration", "network_redirect", "reverse_shell"})


def parse_python(text: bytes | str) -> ParsedCommand:
    """The command tree of a program. Never raises on hostile text: the tree says what was wrong with it."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    found = _read(raw)
    if isinstance(found, Problem):
        return ParsedCommand.of(_refused(raw, found))
    source, notebook = found
    findings = Findings()
    try:
        walk_program(source, findings, resolver := Resolver())
        if notebook is not None:
            _magics(findings, notebook, source)
    except TooMuch:
        return ParsedCommand.of(
            _refused(raw, Problem("too_complex", "the program needs too many steps to be followed"))
        )
    except RecursionError:
        return ParsedCommand.of(_refused(raw, Problem("too_deep", "the program is nested too deeply to be followed")))
    if (
        _native.hide_secrets("\n".join([*_texts(source), *sorted(resolver.made)]).encode("utf-8", "replace"))
        is not None
    ):
        findings.features.add("secret_literal")
    return ParsedCommand.of(_command(raw, findings))


def _texts(source: Source) -> list[str]:
    """The constants and comments of a program. WHY not the whole: `def f(password): pass` tells no password."""
    constants = [node.value for node in ast.walk(source.tree) if isinstance(node, ast.Constant)]
    plain = [one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in constants]
    comments = [line.partition("#")[2] for line in source.text.splitlines() if "#" in line]
    return [one for one in plain if isinstance(one, str)] + comments


def _read(raw: bytes) -> tuple[Source, Notebook | None] | Problem:
    text = decode_source(raw)
    if isinstance(text, Problem):
        return text
    source = parse_text(text)
    if not isinstance(source, Problem):
        return source, read_automagic(text)
    if source.code != "syntax_error":
        return source
    notebook = read_notebook(text) or read_automagic(text)
    if notebook is None:
        return source
    python = parse_text(notebook.text)
    if isinstance(python, Problem):
        return source
    plain = text.encode()
    return replace(python, raw=plain, text=text, starts=line_starts(plain)), notebook


def _magics(findings: Findings, notebook: Notebook, source: Source) -> None:
    findings.features.add("notebook")
    for number, line in notebook.shell:
        at = source.starts[number - 1]
        findings.nest(
            parse_shell(line).command, ("top", "magic"), (at, min(at + len(line), len(source.raw))), "process_unseen"
        )
    for number in notebook.opaque:
        findings.problem(
            "notebook_line", f"line {number} belongs to a notebook and is not understood", source.starts[number - 1]
        )
        findings.add(Found("unknown", None, ("top", "magic"), (source.starts[number - 1], len(source.raw))), 0)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and notebook.lines & set(
            range(node.lineno, (node.end_lineno or 0) + 1)
        ):
            findings.problem(
                "notebook_line", "a line of a notebook stands inside a text", source.starts[node.lineno - 1]
            )


def _command(raw: bytes, findings: Findings) -> Command:
    operations = tuple(replace(one, statement=number) for number, one in enumerate(findings.operations))
    if not operations:
        operations = (Operation("empty", Effect.READ, ("top",), span=(0, len(raw))),)
    features = findings.features | _flow(operations)
    return Command(
        protocol="python",
        text=raw.decode("utf-8", "replace"),
        digest=hashlib.sha256(b"python\0" + raw).hexdigest(),
        operations=operations,
        features=tuple(sorted(features)),
        complete=findings.is_complete(),
        problems=tuple(findings.problems.values()),
    )


def _flow(operations: tuple[Operation, ...]) -> set[str]:
    """Whether data are read, and whether something leaves: both together is what a policy calls exfiltration."""
    found = set()
    for one in operations:
        signs = {*(one.python.signs if one.python else ()), *(one.shell.signs if one.shell else ())}
        if one.kind in _READS or "credential_read" in signs or (one.shell is not None and one.effect is Effect.READ):
            found.add("reads_data")
        if one.kind in _SENDS or "sends_data" in signs or signs & _SHELL_SENDS:
            found.add("sends_data")
    return found | ({"exfiltration"} if len(found) == 2 else set())


def _refused(raw: bytes, problem: Problem) -> Command:
    return Command(
        protocol="python",
        text=raw[:MAX_TEXT].decode("utf-8", "replace"),
        digest=hashlib.sha256(b"python\0" + raw).hexdigest(),
        operations=(Operation("unknown", Effect.UNKNOWN, ("top",), span=(0, len(raw))),),
        complete=False,
        problems=(problem,),
    )
