"""A real sshd for one run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.demo.autogen.host import running_host, wait_until_it_listens
from gateway.demo.binaries import DemoUnavailable
from tests.conftest import missing


def test_the_host_lets_in_the_gateways_key_and_ends(tmp_path: Path) -> None:
    if shutil.which("ssh") is None or not (shutil.which("sshd") or Path("/usr/sbin/sshd").exists()):
        missing("OpenSSH (sshd and ssh)")
    with running_host(tmp_path / "host") as host:
        words = ["ssh", "-F", "none", "-i", str(host.key), "-o", f"UserKnownHostsFile={host.known_hosts}"]
        words += ["-o", "BatchMode=yes", "-p", str(host.port), f"{host.user}@127.0.0.1", "echo here"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert done.stdout == "here\n", done.stderr
    assert subprocess.run(words, capture_output=True, timeout=60).returncode != 0


def test_a_machine_without_openssh_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(DemoUnavailable, match="no OpenSSH"), running_host(tmp_path / "host"):
        pass


def test_a_server_that_ends_is_told_with_its_last_word(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("first\nthe port is taken\n")
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    with pytest.raises(DemoUnavailable, match="the port is taken"):
        wait_until_it_listens(1, process, log)
