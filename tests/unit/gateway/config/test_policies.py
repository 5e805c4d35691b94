"""`[policies]`: one origin, with what belongs to it, and nothing that leads elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.config import Config
from gateway.config.model import Policies
from gateway.config.policies import find_policy_misfits

SSH = {"git": "ssh://git@host/p.git", "ssh_key": "file", "known_hosts": "file"}
WEB = {"bundle": "https://host/p.bundle", "key": ("file",)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "file").write_text("")
    return tmp_path


def misfits(folder: Path, fields: dict[str, object]) -> list[str]:
    config = replace(Config(), policies=Policies(**fields), folder=folder)  # type: ignore[arg-type]  # fields of a test
    return [".".join(str(part) for part in path) for path, _ in find_policy_misfits(config)]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"path": "policies"},
        {"bundle": "file"},
        {"bundle": "file", "key": ("file",), "ca_file": "file"},
        WEB,
        SSH,
        {"git": "file:///srv/p.git", "branch": "release/7", "subfolder": "a/b"},
        {"candidate": "policies"},
        {"candidate": "file"},
        {"max_age_seconds": 60.0},
    ],
)
def test_what_fits_is_accepted(folder: Path, fields: dict[str, object]) -> None:
    assert misfits(folder, fields) == []


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"path": "nowhere"}, "policies.path"),
        ({"path": "policies", "git": "file:///r"}, "policies.git"),
        ({"git": "file:///r", "bundle": "file"}, "policies.bundle"),
        ({"bundle": "nowhere"}, "policies.bundle"),
        ({**WEB, "key": ()}, "policies.key"),
        ({**WEB, "key": ("nowhere",)}, "policies.key.0"),
        ({**WEB, "ca_file": "nowhere"}, "policies.ca_file"),
        ({"git": "ext::sh"}, "policies.git"),
        ({**SSH, "git": "ssh://-oProxyCommand=x/p"}, "policies.git"),
        ({**SSH, "branch": "--upload-pack"}, "policies.branch"),
        ({**SSH, "subfolder": "../x"}, "policies.subfolder"),
        ({**SSH, "ssh_key": None}, "policies.ssh_key"),
        ({**SSH, "known_hosts": None}, "policies.known_hosts"),
        ({**SSH, "known_hosts": "nowhere"}, "policies.known_hosts"),
        ({"candidate": "nowhere"}, "policies.candidate"),
        ({"candidate": "https://host/p"}, "policies.key"),
        ({"watch_seconds": -1.0}, "policies.watch_seconds"),
        ({"poll_seconds": 0.0}, "policies.poll_seconds"),
        ({"max_age_seconds": 3.0}, "policies.max_age_seconds"),
        ({**SSH, "max_age_seconds": 45.0}, "policies.max_age_seconds"),
        ({"watch_seconds": 0.0, "max_age_seconds": 9.0}, "policies.max_age_seconds"),
    ],
)
def test_what_does_not_fit_is_told_by_its_key(folder: Path, fields: dict[str, object], key: str) -> None:
    assert misfits(folder, fields) == [key]
