"""`sallyport demo --check` as a user runs it: a real PostgreSQL, a real psql, an approval through the command line; `--all` with all there is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.demo.binaries import DemoUnavailable, find_binaries
from tests.conftest import missing, shared
from tests.interop.kubernetes.cluster import built

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    return play(tmp_path_factory)


def play(
    factory: pytest.TempPathFactory, *options: str, more: Mapping[str, str] | None = None
) -> tuple[subprocess.CompletedProcess[str], Path]:
    try:
        if find_binaries(os.environ).psql is None:
            missing("psql")
    except DemoUnavailable as absent:
        missing(f"PostgreSQL ({absent})")
    place = Path("/tmp") if os.geteuid() == 0 else factory.mktemp("demo")  # the server's user must reach it
    ended = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "demo", "--check", *options],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(place), **(more or {})},
        capture_output=True,
        text=True,
        timeout=290,
    )
    return ended, place


def test_every_verdict_shows_what_it_promises(played: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    ended, _ = played
    assert ended.returncode == 0, ended.stdout + ended.stderr
    lines = ended.stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:5]] == [
        ["ok", "allow"],
        ["ok", "mask"],
        ["ok", "deny"],
        ["ok", "hold"],
    ]


def test_nothing_is_left_behind(played: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    _, place = played
    assert list(place.glob("sallyport-demo-*")) == []


def test_all_that_the_machine_has_is_shown_and_what_it_lacks_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    ended, place = play(tmp_path_factory, "--all", more={"SALLYPORT_TOOLS": "/nowhere"})
    assert ended.returncode == 0, ended.stdout + ended.stderr
    absent = [line for line in ended.stdout.splitlines() if " is not shown: " in line]
    assert [line.partition(":")[0] for line in absent][-1] == "A Kubernetes cluster is not shown"
    verdicts = [line.split()[:2] for line in ended.stdout.splitlines() if line.startswith(("ok ", "DIFFERS"))]
    assert verdicts == [["ok", verdict] for verdict in ("allow", "mask", "deny", "hold")] * (4 - len(absent))
    assert list(place.glob("sallyport-demo-*")) == []


def test_a_cluster_that_was_built_is_shown_too(tmp_path_factory: pytest.TempPathFactory) -> None:
    tools = shared("tools", "SALLYPORT_TOOLS")
    if tools is None or built() is None:
        missing("a built Kubernetes (tools/kube/build.sh)")
    ended, _ = play(tmp_path_factory, "--all", more={"SALLYPORT_TOOLS": str(tools)})
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "A Kubernetes cluster is not shown" not in ended.stdout
    assert sum(line.startswith("ok ") for line in ended.stdout.splitlines()) >= 8
