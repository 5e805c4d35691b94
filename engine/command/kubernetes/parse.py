"""Text of protocol `kubernetes` to a command: a raw request to the API server, or a kubectl command line.

Called by `engine/command/parse.py`. Never raises on hostile text.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from itertools import zip_longest

from engine.command.documents.refusal import Refused
from engine.command.kubernetes.command_line import NotPlain, outline_commands, split_words
from engine.command.kubernetes.inside import ShellReader
from engine.command.kubernetes.kubectl import is_kubectl, kubectl_line
from engine.command.kubernetes.line import Line
from engine.command.kubernetes.lines import is_read_again, list_requests, runs_kubectl
from engine.command.kubernetes.request import read_api_request
from engine.command.shell.tree import Redirect
from engine.command.tree import Access, Command, Effect, Operation, ParsedCommand, Problem, Target

MAX_BYTES = 1024 * 1024
MAX_LINE = 128 * 1024
MAX_OUTLINED = 500
"""Operations of a line that only a shell can split; a line with more is not complete."""

_REQUEST = re.compile(rb"[^\r\n]{1,20000} HTTP/")


def parse_kubernetes(text: bytes | str, shell: ShellReader | None = None) -> ParsedCommand:
    """The command tree; in a `str` that is a request each character is one byte."""
    raw = _bytes(text)
    try:
        if len(raw) > MAX_BYTES:
            raise Refused("text_size", f"the text is longer than {MAX_BYTES} bytes")
        if _REQUEST.match(raw):
            return _command(raw, raw.decode("latin-1"), read_api_request(raw, shell))
        return _kubectl(raw, shell)
    except Refused as refusal:
        operation = Operation("unknown", Effect.UNKNOWN, ("top",), span=(0, len(raw)))
        line = Line([operation], set(), [Problem(refusal.code, refusal.message, refusal.at)], False)
        return _command(raw, raw.decode("utf-8", "replace"), line)


def _bytes(text: bytes | str) -> bytes:
    if isinstance(text, bytes):
        return text
    try:
        if " HTTP/" in text[:20_010]:
            return text.encode("latin-1")
    except UnicodeEncodeError:
        pass
    return text.encode("utf-8", "surrogatepass")


def _kubectl(raw: bytes, shell: ShellReader | None) -> ParsedCommand:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("encoding", "the line is not UTF-8", error.start) from None
    if len(raw) > MAX_LINE:
        raise Refused("text_size", f"a kubectl line is longer than {MAX_LINE} bytes")
    try:
        argv = split_words(text)
    except NotPlain as reason:
        return _by_shell(raw, text, shell, reason)
    if not argv or argv[0] is None or not is_kubectl(argv[0]):
        raise Refused("not_kubernetes", "the text is neither a request to the API server nor a kubectl line")
    return _command(raw, text, kubectl_line(argv, shell))


def _by_shell(raw: bytes, text: str, shell: ShellReader | None, reason: NotPlain) -> ParsedCommand:
    """A line that a shell would not simply split: its parser says what runs."""
    if shell is None:
        return _command(raw, text, _outline(text, reason))
    command = shell(text)
    line = Line([], set(command.features), list(command.problems), command.complete)
    for operation, behind in zip_longest(command.operations, command.operations[1:]):
        line.operations += [] if is_read_again(operation, behind) else _inside(operation, line, shell)
        _surroundings(operation, line)
    # WHY: what the line itself does comes before what was run to get its words.
    line.operations.sort(key=lambda one: len(one.via))
    return _command(raw, text, line)


def _surroundings(operation: Operation, line: Line) -> None:
    """What a shell does around a program, that no request says: policies for clusters would not see it, so it is not granted."""
    facts = operation.shell
    if facts is None:
        return
    if any(one.target != "/dev/null" and not _is_duplicate(one) for one in facts.redirects):
        line.problem("shell_syntax", "files are read or written around the line: judge it as a command of a shell")
    is_changed = facts.env or (operation.effect is Effect.SESSION and operation.kind != "control")
    if is_changed or any(not is_kubectl(wrapper) for wrapper in facts.wrappers):
        line.problem(
            "shell_syntax", "the shell is changed or another program runs it: judge it as a command of a shell"
        )


def _is_duplicate(redirect: Redirect) -> bool:
    """Whether a redirection joins a stream to another of the process (`2>&1`)."""
    return redirect.operator in (">&", "<&") and (redirect.target or "").isdigit()


def _inside(operation: Operation, line: Line, shell: ShellReader) -> list[Operation]:
    """An operation of a shell's; where it runs kubectl, what that asks of the API server."""
    facts = operation.shell
    if facts is None or not runs_kubectl(operation):
        return [operation]
    if len(line.operations) >= MAX_OUTLINED:
        line.problem("too_many_objects", f"the line makes more than {MAX_OUTLINED} requests")
        return [operation]
    part = kubectl_line(facts.argv, shell)
    line.features |= part.features
    line.problems += part.problems
    line.is_complete = line.is_complete and part.is_complete
    return [
        replace(one, via=(*operation.via, *one.via[1:]), span=operation.span, statement=operation.statement)
        for one in part.operations
    ]


def _outline(text: str, reason: NotPlain) -> Line:
    """What such a line is about, without a shell's parser: never complete."""
    line = Line()
    for argv in outline_commands(text):
        program = argv[0]
        if program is not None and is_kubectl(program) and len(line.operations) < MAX_OUTLINED:
            part = kubectl_line(argv)
            line.operations += part.operations
            line.features |= part.features
        elif line.operations and len(line.operations) < MAX_OUTLINED:
            target = Target("program", (program or "?")[:500], Access.EXECUTE)
            line.operations.append(Operation("program", Effect.EXECUTE, ("top",), (target,)))
        else:
            break
    if not line.operations:
        line.operations.append(Operation("unknown", Effect.UNKNOWN, ("top",)))
    line.problem("shell_syntax", f"the line needs a shell: {reason}")
    return line


def _command(raw: bytes, text: str, line: Line) -> ParsedCommand:
    only = [one.kubernetes for one in line.operations if one.kubernetes is not None]
    # What a container runs may be kubectl.
    list_requests(line)
    return ParsedCommand.of(
        Command(
            protocol="kubernetes",
            text=text,
            digest=hashlib.sha256(b"kubernetes\0" + raw).hexdigest(),
            operations=tuple(line.operations),
            features=tuple(sorted(line.features)),
            complete=line.is_complete and not line.problems,
            problems=tuple(line.problems),
            kubernetes=only[0] if len(only) == 1 else None,
        )
    )
