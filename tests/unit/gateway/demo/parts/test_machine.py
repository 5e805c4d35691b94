"""The machine over SSH: a real sshd where there is one, and what is said where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from engine.decision import Verdict
from gateway.demo.parts import machine as machines
from gateway.demo.parts.machine import machine
from gateway.demo.parts.part import Absent, Ground, Part
from tests.conftest import missing


@pytest.fixture
def real(ground: Ground) -> Ground:
    if shutil.which("ssh-keygen") is None or not (shutil.which("sshd") or Path("/usr/sbin/sshd").exists()):
        missing("OpenSSH (sshd and ssh; apt: openssh-server openssh-client)")
    return replace(ground, folder=ground.folder / "machine", environment=dict(os.environ))


def test_it_runs_until_it_is_left_and_each_verdict_has_a_line(real: Ground) -> None:
    real.folder.mkdir()
    with ExitStack() as stack:
        part = machine(stack, real)
        assert isinstance(part, Part), part
        read = tomllib.loads(part.configuration)
        port = read["resource"][0]["address"].rpartition(":")[2]
        scanned = subprocess.run(
            ["ssh-keyscan", "-p", port, "127.0.0.1"], capture_output=True, text=True, timeout=30, check=False
        )
        key = (real.folder / "known").read_text().split()[2]
        assert key in scanned.stdout, "the key that is pinned is the server's"
    assert (
        subprocess.run(["ssh-keyscan", "-p", port, "127.0.0.1"], capture_output=True, timeout=30, check=False).stdout
        == b""
    )
    assert sorted(act.scene.verdict for act in part.acts) == sorted(Verdict)
    assert tomllib.loads(part.people["ana"])["ssh_key"][0].startswith("ssh-ed25519 ")
    mask = next(act.scene for act in part.acts if act.scene.verdict is Verdict.MASK)
    assert all("@" in pattern for pattern in mask.forbidden)
    (denied,) = [act for act in part.acts if act.scene.verdict is Verdict.DENY]
    assert denied.happened is not None
    assert not denied.happened()
    (real.folder / "home" / "people.csv").unlink()
    assert denied.happened()


def test_without_its_programs_it_is_absent(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines.shutil, "which", lambda name, path: None if name == "ssh" else f"/bin/{name}")
    with ExitStack() as stack:
        found = machine(stack, ground)
    assert isinstance(found, Absent)
    assert found.reason.startswith("no `ssh` found")


def test_a_server_that_does_not_start_is_told_with_its_last_words(
    real: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    real.folder.mkdir()
    monkeypatch.setattr(machines, "_sshd", lambda folder, port: "NoSuchOption yes\n")
    with ExitStack() as stack:
        found = machine(stack, real)
    assert isinstance(found, Absent)
    assert "sshd does not start: " in found.reason
    assert "terminating, 1 bad configuration options" in found.reason
