"""Real repositories: a branch is followed, and nothing in one can run, lead elsewhere, or vanish in silence."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gateway.errors import PolicyUnusable
from gateway.policy_store import git_branch as module
from gateway.policy_store.git_branch import GitOrigin, Remote


def git(folder: Path, *words: str) -> str:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *identity, "-C", str(folder), *words], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    place = tmp_path / "repository"
    place.mkdir()
    git(place, "init", "--quiet", "--initial-branch=main")
    (place / "a.rego").write_text("package policies.a")
    (place / "below").mkdir()
    (place / "below" / "b.gate").write_text("policy b")
    (place / "below" / "data.json").write_text('{"v": 1}')
    (place / "README.md").write_text("not read")
    (place / ".hidden.rego").write_text("not read")
    commit(place, "first")
    return place


def commit(place: Path, message: str) -> str:
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", message)
    return git(place, "rev-parse", "HEAD")


def origin(repository: Path, tmp_path: Path, **fields: str) -> GitOrigin:
    return GitOrigin(Remote(f"file://{repository}", **fields), tmp_path / "state" / "git")  # type: ignore[arg-type]  # texts


def names(found: GitOrigin) -> list[str]:
    return [source.name for source in found.read().folder.sources]


def test_a_branch_is_read_and_followed(repository: Path, tmp_path: Path) -> None:
    found = origin(repository, tmp_path)
    loaded = found.read()
    assert [source.name for source in loaded.folder.sources] == ["a.rego", "below/b.gate"]
    assert loaded.folder.data == {"below": {"v": 1}}
    first = git(repository, "rev-parse", "HEAD")
    assert loaded.commit == first[:12]
    assert found.look() == first
    (repository / "c.rego").write_text("package policies.c")
    second = commit(repository, "second")
    assert found.look() == second
    assert "c.rego" in names(found)
    git(repository, "reset", "--quiet", "--hard", first)
    assert found.look() == first


def test_a_folder_of_another_branch_will_do(repository: Path, tmp_path: Path) -> None:
    git(repository, "checkout", "--quiet", "-b", "other")
    assert names(origin(repository, tmp_path, branch="other", folder="below")) == ["b.gate"]
    with pytest.raises(PolicyUnusable):
        origin(repository, tmp_path, folder="nowhere").read()
    with pytest.raises(PolicyUnusable, match="git could not fetch"):
        origin(repository, tmp_path, branch="nowhere").look()


def test_what_was_kept_outlives_the_repository(repository: Path, tmp_path: Path) -> None:
    first = origin(repository, tmp_path)
    assert first.kept() is None
    first.keep()
    first.read()
    assert first.kept() is None
    first.keep()
    (repository / "later.rego").write_text("package policies.later")
    commit(repository, "later")
    first.look()
    repository.rename(tmp_path / "gone")
    again = origin(repository, tmp_path)
    for attempt in (again.look, again.read):
        with pytest.raises(PolicyUnusable):
            attempt()
    found = again.kept()
    assert found is not None
    assert [source.name for source in found.folder.sources] == ["a.rego", "below/b.gate"]


@pytest.mark.parametrize("kind", ["link", "module"])
def test_a_policy_that_is_no_file_is_an_error_and_not_left_out(repository: Path, tmp_path: Path, kind: str) -> None:
    if kind == "link":
        (repository / "deny.rego").symlink_to("/etc/passwd")
        commit(repository, "a link")
    else:
        head = git(repository, "rev-parse", "HEAD")
        git(repository, "update-index", "--add", "--cacheinfo", f"160000,{head},deny.rego")
        git(repository, "commit", "--quiet", "--message", "a module")
    with pytest.raises(PolicyUnusable, match="a link or a module"):
        origin(repository, tmp_path).read()


def test_nothing_of_the_repository_or_of_the_user_runs(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "trap"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {trap}\ncat\n")
    program.chmod(0o755)
    (repository / ".gitattributes").write_text("*.rego filter=evil\n")
    commit(repository, "attributes")
    settings = tmp_path / "gitconfig"
    settings.write_text(
        f'[filter "evil"]\n\tsmudge = {program}\n\tclean = {program}\n[core]\n\tfsmonitor = {program}\n\tsshCommand = {program}\n'
        f'\thooksPath = {tmp_path}\n[credential]\n\thelper = {program}\n[url "ext::{program} "]\n\tinsteadOf = file://\n'
    )
    (tmp_path / "reference-transaction").write_bytes(program.read_bytes())
    (tmp_path / "reference-transaction").chmod(0o755)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", f"'core.sshCommand'='{program}'")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_SSH_COMMAND", str(program))
    assert len(names(origin(repository, tmp_path))) == 2
    assert not trap.exists()


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% /tmp/x",
        "--upload-pack=touch",
        "http://h/r",
        "git://h/r",
        "ssh://-oProxyCommand=x/r",
        "file:// x",
        "/path",
        "",
    ],
)
def test_only_some_urls_are_given_to_git(url: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyUnusable):
        GitOrigin(Remote(url), tmp_path)


@pytest.mark.parametrize("branch", ["--upload-pack=x", "a b", "", "a:b", "+x", "a*"])
def test_a_branch_is_a_name(branch: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyUnusable):
        GitOrigin(Remote("file:///r", branch), tmp_path)


def test_passwords_in_urls_are_not_shown(tmp_path: Path) -> None:
    assert GitOrigin(Remote("https://me:word@host/r"), tmp_path).name == "https://host/r#main"


@pytest.mark.parametrize(("limit", "value"), [("MAX_FILES", 1), ("MAX_BYTES", 10), ("MAX_FILE_BYTES", 5)])
def test_there_is_an_end_to_what_a_repository_may_hold(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(module, limit, value)
    with pytest.raises(PolicyUnusable):
        origin(repository, tmp_path).read()


def test_without_git_or_with_one_that_hangs_it_says_so(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = origin(repository, tmp_path)
    found.read()
    monkeypatch.setattr(module, "FETCH_SECONDS", 0.0)
    with pytest.raises(PolicyUnusable, match="took more than"):
        found.look()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PolicyUnusable, match="cannot be run"):
        found.look()
