"""Fetching a secret: `env:NAME`, `file:PATH`, `exec:COMMAND ARGUMENTS`.

A file must belong to us (or root) and be readable by nobody else. A command is run without a shell, with a deadline, and
prints the secret on its standard output, as kubectl's and docker's helpers do; with when it ends, if it likes (`answers`). No error text ever holds a secret, nor
what a command printed. Called by `gateway.app` and `config check`.
"""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

from gateway.credentials.answers import AnswerUnreadable, Fetched, read_answer
from gateway.errors import GatewayError

MAX_SECRET = 64 << 10
EXEC_SECONDS = 10.0


class CredentialUnavailable(GatewayError):
    """A secret cannot be had. Says where it was looked for, never what was found."""

    code = "CREDENTIAL_UNAVAILABLE"


def fetch_secret(reference: str, *, environment: Mapping[str, str], folder: Path) -> bytes:
    """The secret a reference names, without the newline at its end. `folder` is what a relative path starts from."""
    kind, _, place = reference.partition(":")
    match kind:
        case "env":
            found = _from_environment(place, environment)
        case "file":
            found = _from_file(folder / Path(place).expanduser())
        case "exec":
            found = _from_command(place, environment, folder)
        case _:
            raise CredentialUnavailable(
                "a credential is no reference", help="write env:NAME, file:PATH or exec:COMMAND"
            )
    if not found:
        raise CredentialUnavailable(f"the credential in `{_named(reference)}` is empty")
    if b"\x00" in found or len(found) > MAX_SECRET:
        raise CredentialUnavailable(f"what is in `{_named(reference)}` is no credential")
    return found


def fetch_answer(reference: str, *, environment: Mapping[str, str], folder: Path, now: float) -> Fetched:
    """The same with what a helper said of it. `now` is seconds since 1970. Others than helpers say nothing."""
    text = fetch_text(reference, environment=environment, folder=folder)
    if not reference.startswith("exec:"):
        return Fetched(text)
    try:
        return read_answer(text, now)
    except AnswerUnreadable as error:
        raise CredentialUnavailable(f"what `{_named(reference)}` printed cannot be read: {error}") from None


def fetch_text(reference: str, *, environment: Mapping[str, str], folder: Path) -> str:
    """The same as a text."""
    try:
        return fetch_secret(reference, environment=environment, folder=folder).decode()
    except UnicodeDecodeError:
        raise CredentialUnavailable(f"what is in `{_named(reference)}` is not UTF-8") from None


def _from_environment(name: str, environment: Mapping[str, str]) -> bytes:
    value = environment.get(name)
    if value is None:
        raise CredentialUnavailable(f"the environment has no `{name}`", help="set it, or name another place")
    return value.encode("utf-8", "surrogateescape")


def _from_file(path: Path) -> bytes:
    try:
        # WHY open first and look at what was opened: between a look at the path and the opening it could be exchanged.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with open(fd, "rb") as file:
            _check_private(path, os.fstat(fd))
            return _without_newline(file.read(MAX_SECRET + 2))
    except OSError as error:
        raise CredentialUnavailable(f"`{path}` cannot be read ({error.strerror})") from error


def _check_private(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise CredentialUnavailable(f"`{path}` is no file")
    if found.st_uid not in (0, os.geteuid()):
        raise CredentialUnavailable(f"`{path}` belongs to somebody else", help="chown it to the user of the gateway")
    if found.st_mode & 0o077:
        raise CredentialUnavailable(f"others may read or write `{path}`", help=f"chmod 600 {path}")


def _from_command(command: str, environment: Mapping[str, str], folder: Path) -> bytes:
    try:
        arguments = shlex.split(command)
    except ValueError:
        arguments = []
    if not arguments:
        raise CredentialUnavailable("an `exec:` credential names no command")
    name = arguments[0]
    try:
        done = subprocess.run(
            arguments,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=EXEC_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CredentialUnavailable(f"`{name}` took longer than {EXEC_SECONDS:g} s") from None
    except OSError as error:
        raise CredentialUnavailable(f"`{name}` cannot be run ({error.strerror})") from None
    if done.returncode != 0:
        raise CredentialUnavailable(f"`{name}` ended with {done.returncode}")
    return _without_newline(done.stdout)


def _named(reference: str) -> str:
    """A reference as errors show it; of a command only its name, for arguments can be secrets."""
    kind, _, place = reference.partition(":")
    return f"exec:{place.split(maxsplit=1)[0]}" if kind == "exec" and place.strip() else f"{kind}:{place}"


def _without_newline(value: bytes) -> bytes:
    return value.removesuffix(b"\n").removesuffix(b"\r")
