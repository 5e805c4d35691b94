"""A repository that `sallyport init` made: its checks pass, and every file for CI runs what it says, with the real command."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

COMMIT = ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "first"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository, committed, with `sallyport` in the PATH."""
    folder = tmp_path_factory.mktemp("init")
    (folder / "bin").mkdir()
    command = folder / "bin" / "sallyport"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m gateway.cli "$@"\n')
    command.chmod(0o755)
    bash(folder, "sallyport init repository")
    repository = folder / "repository"
    for words in (["init", "-q"], ["add", "-A"], COMMIT):
        subprocess.run(["git", "-C", str(repository), *words], check=True, timeout=60)
    return folder


def bash(folder: Path, script: str, **environment: str) -> None:
    path = f"{folder if (folder / 'bin').is_dir() else folder.parent}/bin:{os.environ['PATH']}"
    quiet = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    words = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, **quiet, **environment, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"


def test_what_ci_runs_in_it_passes_and_builds_a_bundle(place: Path) -> None:
    repository = place / "repository"
    job = yaml.safe_load((repository / ".gitlab-ci.yml").read_text())["policies"]
    for line in job["script"]:
        bash(repository, line)
    (bundle,) = job["artifacts"]["paths"]
    bash(repository, f"sallyport verify {bundle}")
    steps = yaml.safe_load((repository / ".github/workflows/policies.yml").read_text())["jobs"]["policies"]["steps"]
    runs = [step["run"] for step in steps if step.get("run", "").startswith("sallyport")]
    assert runs == job["script"]


def test_hooks_here_and_there_say_the_same(place: Path) -> None:
    here = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    (there,) = yaml.safe_load((place / "repository" / ".pre-commit-config.yaml").read_text())["repos"]
    assert [f"{hook['entry']} {' '.join(hook['args'])}" for hook in here] == [hook["entry"] for hook in there["hooks"]]
    for hook in there["hooks"]:
        bash(place / "repository", hook["entry"])
        re.compile(hook["files"])


@pytest.mark.parametrize("is_signed", [True, pytest.param(False, marks=pytest.mark.long)])
def test_the_action_checks_tests_and_builds(place: Path, is_signed: bool) -> None:
    repository = place / "repository"
    action = yaml.safe_load((ROOT / ".github/actions/policies/action.yml").read_text())
    key = ""
    if is_signed:
        bash(place, "rm -f k.pem; sallyport signing-key k.pem k.pub")
        key = (place / "k.pem").read_text()
    given = {"policies": "policies", "bundle": "made.bundle", "signing-key": key, "install": ""}
    assert set(given) == set(action["inputs"])
    for step in action["runs"]["steps"]:
        asked = re.search(r"inputs\.([\w-]+) != ''", step.get("if", ""))
        if asked is not None and not given[asked[1]]:
            continue
        values = {name: given[re.search(r"inputs\.([\w-]+)", text)[1]] for name, text in step["env"].items()}  # type: ignore[index]  # it is there
        bash(repository, step["run"], **values)
    bash(repository, f"sallyport verify made.bundle {'--key ../k.pub' if is_signed else ''}")
