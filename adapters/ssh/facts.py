"""From what a client sends to what is asked and what is run: questions, the line for the target, variables. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from adapters.core.ports import Question
from adapters.terminal.shell_state import is_locale, is_read_alike, outer_of
from engine.command.ssh.parse import request_text

MAX_COMMAND = 128 * 1024 - 1
"""Bytes of a line as the target gets it: Linux takes no longer argument (MAX_ARG_STRLEN)."""
MAX_NAME = 256

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,127}")
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9._+-]{1,64}")
_READ_BETWEEN_QUOTES = re.compile(r"[\\'!]")


@dataclass(frozen=True, slots=True)
class WhoAndWhere:
    """A user name as clients give it: who they are, and the resource if they name one."""

    user: str
    resource: str | None


def who_and_where(username: str) -> WhoAndWhere:
    """`ana+build` is ana on the resource `build`. WHY `+`: no name holds it, and ssh, scp, git and rsync all carry it."""
    user, plus, resource = username.partition("+")
    return WhoAndWhere(user, resource if plus else None)


def authority_lines(user: str, authorities: Sequence[str]) -> str:
    """The authorities as OpenSSH's `authorized_keys` has them, for certificates that name this user and nobody else.

    Empty for a name that could not stand between the quotes there; nobody has such a name.
    """
    if _NAME.fullmatch(user) is None:
        return ""
    return "".join(f'cert-authority,principals="{user}" {" ".join(line.split()[:2])}\n' for line in authorities)


def command_question(text: bytes) -> Question:
    """The question of a command."""
    return Question("shell", text)


def request_question(word: str, *values: str) -> Question:
    """The question of a request that is no command (engine/command/ssh)."""
    return Question("ssh", request_text(word, *(value[:MAX_NAME] for value in values)))


def file_question(word: str, *values: str) -> Question:
    """The question of an operation on files; its paths as they are, however long."""
    return Question("ssh", request_text(word, *values))


def refusal_of(text: bytes) -> str | None:
    """Why a command is not even asked about: what ran might be something else than what was read."""
    if b"\x00" in text:
        return "a command with a NUL byte: the target would see only what stands before it"
    try:
        text.decode()
    except UnicodeDecodeError:
        return "a command that is not UTF-8"
    return None


def run_line(text: str, shell: str) -> str | None:
    """What the target's own shell is given, so that the shell we read the text for runs it; None when it is too long.

    WHY not the bare text: an account's login shell may be any (fish, csh), and its start files may change what words mean.
    `-p`: no functions, BASH_ENV or SHELLOPTS out of the environment.
    """
    line = f"exec {shell} --noprofile --norc -p -c {quoted(text)}"
    return line if len(line.encode()) <= MAX_COMMAND else None


def line_of(nonce: str) -> Callable[[str, str], str | None]:
    """What the target is given for a line of the guarded shell: a bash that runs it, then says where it ended."""

    def made(text: str, shell: str) -> str | None:
        start = run_line(outer_of(nonce), shell)
        line = f"{start} {shell} {quoted(text)}"
        return line if start is not None and len(line.encode()) < 128 * 1024 else None

    return made


def quoted(text: str) -> str:
    """One word that every login shell reads as this text: POSIX shells, fish, csh.

    WHY not `shlex.quote`: between single quotes fish still reads a backslash, csh an exclamation mark (the line so far, for
    instance), and zsh an equals sign where nothing needs quotes. A backslash before one of them, outside, means the same to all.
    """
    return "'" + _READ_BETWEEN_QUOTES.sub(r"'\\\g<0>'", text) + "'"


def is_carried(name: str, value: str) -> bool:
    """Whether a variable of the client's may reach the target.

    Nothing that makes a program run another, and no locale in which bytes mean other characters: in Big5 or Shift JIS
    a backslash can be the second half of a letter, and a shell would read another command than we did.
    """
    if is_locale(name):
        return is_read_alike(value)
    return name in ("TERM", "COLORTERM") and _PLAIN_VALUE.fullmatch(value) is not None
