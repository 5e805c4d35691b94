"""One target and one gateway for all tests of a session."""

from __future__ import annotations

import grp
import os
import pty
from collections.abc import Iterator

import pytest

from tests.conftest import missing
from tests.interop.ssh.place import Place, placed


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    with placed() as made:
        yield made


@pytest.fixture
def terminals() -> None:
    """The target's sshd can open terminals. One that is not root's cannot where /dev/pts is mounted without the group `tty`: it may
    not give them to it (openssh, sshpty.c)."""
    near, far = pty.openpty()
    try:
        group = grp.getgrgid(os.fstat(far).st_gid).gr_name
    finally:
        os.close(near)
        os.close(far)
    if os.geteuid() != 0 and group != "tty":
        missing(f"a /dev/pts whose terminals have the group `tty` (they have `{group}`)")
