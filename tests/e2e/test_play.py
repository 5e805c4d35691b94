"""`sallyport play` and `sessions search` as somebody runs them: beside a gateway that runs, hangs, or was killed, the audit is told first."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.config import load_config
from gateway.demo.cluster import free_port
from gateway.recording.keys import WrappingKeys, own_secret
from gateway.recording.recorder import About, Recordings
from gateway.recording.shelf import files
from tests.e2e.world import ROOT, sallyport, wait_until_listening

SHOWN = b"what was shown\n"
POLICY = 'package policies.p\n\nallow contains {"code": "R"} if input.command.protocol == "postgres"\n'
CONFIGURATION = """
[audit]
low_water_bytes = 1048576
[recording]
low_water_bytes = 1048576
[metrics]
bind = "127.0.0.1:{port}"
[[rpc.socket]]
path = "edge.sock"
principal = "edge"
[[rpc.socket]]
path = "vera.sock"
principal = "vera"
[[identity.principal]]
name = "edge"
kind = "service"
roles = ["asker", "approver", "operator"]
[[identity.principal]]
name = "vera"
roles = ["auditor"]
"""


class Place:
    """A folder with one recording in it, and a gateway for it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        (folder / "policies").mkdir()
        (folder / "policies" / "p.rego").write_text(POLICY)
        (folder / "sallyport.toml").write_text(CONFIGURATION.format(port=self.port))
        config = load_config(folder / "sallyport.toml", {})
        shelf = config.at(config.recording.dir)
        shelf.mkdir(parents=True)
        recorder = Recordings(
            shelf, WrappingKeys([own_secret(shelf)]), lambda: 1, lambda progress: None, low_water_bytes=0
        )
        one = recorder.begin(About("s-1", "ana", "box", "d-1", "build-42"), None, lambda: None)
        one.output(SHOWN)
        one.end(0)
        recorder.close()
        self.recording = files(shelf)[0].stem

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """A gateway, as long as the block lasts."""
        words = [*sallyport(), "serve", "--config", str(self.folder / "sallyport.toml")]
        with (self.folder / "gateway.log").open("ab") as log:
            process = subprocess.Popen(words, cwd=ROOT, stdout=log, stderr=log)
        try:
            wait_until_listening(process, (self.port,), self.folder / "gateway.log")
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(30)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*sallyport(), *words, "--config", str(self.folder / "sallyport.toml")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=240,
        )

    def play(self, *more: str) -> subprocess.CompletedProcess[str]:
        return self.run("play", self.recording, "--speed", "0", *more)

    def looks(self) -> list[tuple[object, ...]]:
        said = self.run("audit", "show", "--json", "--kind", "recording")
        assert said.returncode == 0, said.stderr
        found = [json.loads(line) for line in said.stdout.splitlines()]
        return [(one["step"], one["person"], one.get("note", ""), one.get("text", "")) for one in found]


@pytest.fixture
def place() -> Iterator[Place]:
    # WHY not pytest's: the path of a UNIX socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="sp-"))
    yield Place(folder)
    shutil.rmtree(folder)


def test_beside_a_gateway_it_is_told_as_one_of_its_auditors_or_not_shown(place: Place) -> None:
    with place.running():
        said = place.play()
        assert (said.returncode, said.stdout) == (0, "what was shown\n"), said.stderr
        assert place.looks() == [("played", "vera", place.recording, "")]
        exported = place.play("--export", "lines")
        assert SHOWN.strip().decode() in exported.stdout
        found = place.run("sessions", "search", "was shown", "--job", "build-42")
        assert place.recording in found.stdout
        told = [("exported", "vera", place.recording, ""), ("searched", "vera", "", "was shown")]
        assert place.looks()[1:] == told
        for words in (["play", place.recording, "--speed", "0"], ["sessions", "search", "shown"]):
            refused = place.run(*words, "--as", "edge")
            assert (refused.returncode, refused.stdout) == (3, "")
            assert "needs one of the roles `auditor`" in refused.stderr
        assert place.looks()[1:] == told
        denied = place.run("audit", "show", "--json", "--verdict", "deny").stdout.splitlines()
        announce = "/sallyport.recording.v1.RecordingService/Announce"
        assert [(one["caller"], one["step"]) for one in map(json.loads, denied)] == [("edge", announce)] * 2
    assert place.run("audit", "verify").returncode == 0


def test_beside_one_that_does_not_answer_nothing_is_shown(place: Place) -> None:
    with place.running() as process:
        process.send_signal(signal.SIGSTOP)
        said = place.play()
        assert (said.returncode, said.stdout) == (3, "")
        assert "the audit could not be told" in said.stderr


def test_behind_one_that_was_killed_it_is_written_and_the_next_goes_on(place: Place) -> None:
    with place.running() as process:
        process.kill()
        process.wait()
        said = place.play()
        assert (said.returncode, said.stdout) == (0, "what was shown\n"), said.stderr
    with place.running():
        assert place.play().returncode == 0
        (first, second) = place.looks()
    assert first[0] == second[0] == "played"
    assert str(first[1]).startswith("local:")
    assert second[1] == "vera"
    assert place.run("audit", "verify").returncode == 0
    if os.geteuid() == 0:
        # Nothing in the log belongs to somebody else than its folder.
        folder = place.folder / "state" / "audit"
        assert {path.stat().st_uid for path in folder.rglob("*")} == {folder.stat().st_uid}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may be somebody else")
def test_the_log_of_somebody_else_is_not_written_to(place: Place) -> None:
    with place.running():
        pass
    audit = place.folder / "state" / "audit"
    os.chown(audit, 65_534, -1)
    before = sorted(path.name for path in audit.rglob("*"))
    said = place.play()
    assert (said.returncode, said.stdout) == (3, "")
    assert "be the user that the log belongs to" in said.stderr
    assert sorted(path.name for path in audit.rglob("*")) == before
