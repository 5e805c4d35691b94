"""The text of an SSH request to its tree: `connect "db.internal" "5432"`, `sftp remove "/srv/app/old"`.

A word or two, then values as JSON strings, one space between: written the one way, by `request_text`. Whatever is written
otherwise is `unknown`. Called by `engine/command/parse.py`; adapters write the texts.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
import shlex
from collections.abc import Sequence
from dataclasses import replace

from engine.command.shell.parse import parse_shell
from engine.command.shell.tree import Shell
from engine.command.ssh.kinds import EFFECTS, FEATURES, FILES, REQUESTS, UNJUDGED
from engine.command.tree import Access, Command, Effect, Operation, ParsedCommand, Problem, Target

MAX_TEXT = 64 << 10
"""Bytes of a request: two paths of 4096 bytes fit, each byte an escape of six."""

_WHOLE = re.compile(r'(?P<word>[a-z]+(?:[ -][a-z]+)?)(?P<values>(?: "(?:[^"\\\x00-\x1f]|\\.)*")*)')
_LOOKS = frozenset({"sftp read", "sftp list", "sftp stat", "sftp readlink"})
_MOVES = frozenset({"sftp rename", "sftp symlink"})
_FOLDERS = frozenset(
    [
        ".config",
        ".local",
        ".git",
        ".ssh",
        ".cargo",
        ".docker",
        ".gradle",
        ".ipython",
        ".jupyter",
        ".kube",
        ".m2",
        ".pip",
        ".vim",
        "applications",
        "autostart",
        "dbus-1",
        "environment.d",
        "hooks",
        "share",
        "site-packages",
        "systemd",
        "user",
        "git",
        "nvim",
    ]
)
"""Folders in which things are that somebody starts: whoever becomes one of them brings what is in it."""
_VALUE = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')


def request_text(word: str, *values: str) -> bytes:
    """The one way to write a request.

    >>> request_text("sftp remove", "/tmp/a b")
    b'sftp remove "/tmp/a b"'
    """
    return " ".join([word, *(json.dumps(value) for value in values)]).encode()


def parse_ssh(text: bytes | str) -> ParsedCommand:
    """The command tree of a request. Never raises on hostile text: the tree says what was wrong with it."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    found = _read(raw)
    if found is None:
        return _tree(raw, (_unknown(raw),), "not_canonical", "this is no request of SSH, or not written the one way")
    word, values = found
    if word in FILES:
        return _file_operation(raw, word, values)
    kind = REQUESTS[word][0]
    if kind == "unknown":
        return _tree(raw, (_unknown(raw),), "unknown_request", "nobody knows what this request does")
    operation = Operation(kind, EFFECTS[kind], ("top",), _targets(kind, values), (0, len(raw)))
    if kind in UNJUDGED:
        return _tree(raw, (operation,), "unjudged", "what is typed there runs without being asked about")
    return _tree(raw, (operation,))


def _read(raw: bytes) -> tuple[str, Sequence[str]] | None:
    """Word and values of a text that is written the one way."""
    if len(raw) > MAX_TEXT:
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    whole = _WHOLE.fullmatch(text)
    if whole is None:
        return None
    try:
        values = [str(json.loads(value)) for value in _VALUE.findall(whole["values"])]
    except ValueError:
        return None
    known = REQUESTS.get(whole["word"]) or FILES.get(whole["word"])
    if known is None or len(values) != known[1]:
        return None
    # INVARIANT: one meaning, one text: what people approve is read by nobody in another way.
    return (whole["word"], values) if request_text(whole["word"], *values) == raw else None


def _file_operation(raw: bytes, word: str, values: Sequence[str]) -> ParsedCommand:
    program = FILES[word][0]
    if word in ("sftp chmod", "sftp chown"):
        said = f"{program} {shlex.quote(values[0])} -- {shlex.quote(values[1])}"
    else:
        said = " ".join([program, *(shlex.quote(value) for value in values)])
    same = parse_shell(said).command
    operations = tuple(
        Operation(
            one.kind, one.effect, ("sftp",), one.targets, (0, len(raw)), shell=_with_signs(one.shell, word, values)
        )
        for one in same.operations
    )
    # WHY not the shell's own word for it: a hostile path makes no command there, and one operation is what SFTP does.
    if len(operations) != 1 or same.problems or not same.complete or operations[0].kind not in EFFECTS:
        return _tree(raw, (_unknown(raw),), "odd_path", "this path has characters that nobody sees as what they are")
    return _tree(raw, operations)


def _with_signs(shell: Shell | None, word: str, values: Sequence[str]) -> Shell | None:
    """What only SFTP shows: its paths are whole, and what is moved may be a folder with anything in it."""
    if shell is None or word in _LOOKS:
        return shell
    more = set()
    if word in _MOVES and posixpath.basename(values[-1].rstrip("/")) in _FOLDERS:
        more.add("persistence")
    # WHY wherever a home is: those of services are not where people's are.
    if any("/.ssh/" in f"{value}/" for value in values):
        more.add("credential_write")
    return replace(shell, signs=tuple(sorted({*shell.signs, *more}))) if more else shell


def _targets(kind: str, values: Sequence[str]) -> tuple[Target, ...]:
    match kind:
        case "connect" | "listen":
            return (Target("host", f"{values[0]}:{values[1]}", Access.EXECUTE),)
        case "connect_socket" | "listen_socket":
            return (Target("file", values[0], Access.EXECUTE),)
        case "set_variable":
            return (Target("setting", values[0], Access.SET),)
        case "subsystem" | "screen_program":
            return (Target("program", values[0], Access.EXECUTE),)
        case _:
            return ()


def _unknown(raw: bytes) -> Operation:
    return Operation("unknown", Effect.UNKNOWN, ("top",), span=(0, len(raw)))


def _tree(raw: bytes, operations: tuple[Operation, ...], code: str = "", message: str = "") -> ParsedCommand:
    return ParsedCommand.of(
        Command(
            protocol="ssh",
            text=raw[:MAX_TEXT].decode("utf-8", "replace"),
            digest=hashlib.sha256(b"ssh\0" + raw).hexdigest(),
            operations=operations,
            features=(code,) if code in FEATURES else (),
            complete=not code,
            problems=(Problem(code, message),) if code else (),
        )
    )
