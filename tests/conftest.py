"""What all tests share: where outside cases and tools are, and that a missing real component is a failure in CI."""

from __future__ import annotations

import grp
import os
import pty
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]
IN_CI = os.environ.get("CI") == "true"

# WHY: what gRPC does in a child before it becomes the program (servers are started as other users) ends that child at times with a
# signal, where threads of ours were calling. No child of ours speaks gRPC before that. It is read when gRPC is loaded.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if IN_CI else "local")


def shared(name: str, variable: str) -> Path | None:
    """A folder beside the checkout, or where the variable says; None when there is none."""
    place = Path(os.environ.get(variable) or ROOT.parent / "shared" / name)
    return place if place.is_dir() else None


def missing(what: str) -> None:
    """Say that a real component is absent: a failure in CI, a skip with its reason elsewhere."""
    if IN_CI:
        pytest.fail(f"{what} is missing, and CI must have it")
    pytest.skip(f"{what} is missing")


@pytest.fixture(scope="session")
def corpora() -> Path:
    place = shared("corpora", "SALLYPORT_CORPORA")
    if place is None:
        missing("the folder of corpora (SALLYPORT_CORPORA)")
        raise AssertionError
    return place


@pytest.fixture(scope="session")
def tools() -> Path:
    place = shared("tools", "SALLYPORT_TOOLS")
    if place is None:
        missing("the folder of tools (SALLYPORT_TOOLS)")
        raise AssertionError
    return place


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
