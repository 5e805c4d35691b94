"""What does not fit together in what a configuration says of SSH: keys, known hosts, the shell. Called by `check`."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence

from gateway.config.model import Config, Listener, Resource
from gateway.config.places import Path
from gateway.config.references import REFERENCE_EXPECTED, SECRET

_BASH = re.compile(r"(?:/[A-Za-z0-9._-]+)+")


def find_ssh_resource_misfits(config: Config, resource: Resource, path: Path) -> Iterator[tuple[Path, str]]:
    """What an SSH target needs: a key to sign in with, a pinned key to be known by, a bash."""
    if resource.credential is None:
        yield (*path, "credential"), "is missing; expected where the gateway's private key is"
    if resource.known_hosts is None:
        # INVARIANT: no pin, no start; whoever answers at an address is not yet who should.
        yield (*path, "known_hosts"), "is missing; expected a file with the target's host key (`ssh-keyscan` prints it)"
    elif not config.at(resource.known_hosts).is_file():
        yield (*path, "known_hosts"), "is no file; expected one as OpenSSH's known_hosts"
    if resource.certificate is not None and not config.at(resource.certificate).is_file():
        yield (*path, "certificate"), "is no file; expected a certificate as `ssh-keygen -s` makes it"
    if not _BASH.fullmatch(resource.shell) or not resource.shell.endswith("/bash"):
        yield (*path, "shell"), "is no path of bash; commands are read as bash reads them, so nothing else may run them"
    if resource.database is not None:
        yield (*path, "database"), "is of no use with SSH"


def find_ssh_listener_misfits(listener: Listener, path: Path) -> Iterator[tuple[Path, str]]:
    """What an SSH listener needs: host keys, and nothing of TLS."""
    if not listener.host_key:
        yield (*path, "host_key"), f"is missing; {REFERENCE_EXPECTED} of a private key"
    for index, reference in enumerate(listener.host_key):
        if not SECRET.fullmatch(reference):
            yield (*path, "host_key", index), f"holds no reference; {REFERENCE_EXPECTED}"
    if listener.tls is not None:
        yield (*path, "tls"), "is of no use with SSH, which has its own"


def find_key_misfits(lines: Sequence[str], path: Path) -> Iterator[tuple[Path, str]]:
    """Public keys that are none."""
    for index, line in enumerate(lines):
        try:
            read_public_key(line)
        except ValueError as error:
            yield (*path, index), f"is no public key: {error}"


def read_public_key(line: str) -> bytes:
    """A line of OpenSSH's `.pub` files as the key stands on the wire. Raises ValueError for what is none.

    >>> read_public_key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDwH4w== ann@laptop")[4:15]
    b'ssh-ed25519'
    """
    parts = line.split(None, 2)
    if len(parts) < 2:
        raise ValueError("expected a type and a key, as in `ssh-ed25519 AAAA...`")
    try:
        wire = base64.b64decode(parts[1], validate=True)
    except binascii.Error:
        raise ValueError("the key is no base64") from None
    name = parts[0].encode()
    if wire[: 4 + len(name)] != len(name).to_bytes(4, "big") + name:
        raise ValueError("the key is not of the type that stands before it")
    if b"-cert-" in name:
        raise ValueError("a certificate is no key; expected the key itself")
    return wire
