"""AutoGen's own environment: made once, found again, and an index that cannot be reached is told."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path

import pytest

from gateway.demo.autogen.environment import REQUIREMENTS, autogen_python, environment_folder
from gateway.demo.binaries import DemoUnavailable


def made(folder: Path, **_: object) -> None:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch()


def test_the_folder_is_in_the_users_cache_and_of_these_requirements(tmp_path: Path) -> None:
    folder = environment_folder({"XDG_CACHE_HOME": str(tmp_path)})
    assert folder.parent == tmp_path / "sallyport"
    assert environment_folder({"HOME": str(tmp_path)}).parts[-3:-1] == (".cache", "sallyport")


def test_it_is_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(venv, "create", made)
    monkeypatch.setattr(subprocess, "run", lambda words, **_: ran.append(words))
    for _ in range(2):
        assert autogen_python({"XDG_CACHE_HOME": str(tmp_path)}).name == "python"
    assert len(ran) == 1
    assert set(REQUIREMENTS) <= set(ran[0])


@pytest.mark.parametrize(
    "failure",
    [subprocess.CalledProcessError(1, "pip", stderr="no such index\n"), subprocess.TimeoutExpired("pip", 1)],
)
def test_what_cannot_be_installed_is_told_and_tried_again(
    failure: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(venv, "create", made)
    monkeypatch.setattr(subprocess, "run", fails)
    for _ in range(2):
        with pytest.raises(DemoUnavailable, match="AutoGen could not be installed"):
            autogen_python({"XDG_CACHE_HOME": str(tmp_path)})
