"""What SSH needs is asked for by name: no pin, no credential, no bash is no start."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.config.check import find_misfits
from gateway.config.model import Config, Identity, Listener, Local, Resource, ResourceProtocol, ServerTls
from gateway.config.ssh import read_public_key

SSH = ResourceProtocol.SSH
WIRE = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + b"k" * 32
LINE = f"ssh-ed25519 {base64.b64encode(WIRE).decode()} ana@laptop"
BOX = Resource("box", SSH, "box:22", role="deploy", credential="env:K", known_hosts="hosts")
LISTENER = Listener(SSH, "127.0.0.1:2222", host_key=("file:host",))
ANA = Local("ana", ssh_key=(LINE,))


@pytest.fixture
def good(tmp_path: Path) -> Config:
    (tmp_path / "policies").mkdir()
    (tmp_path / "hosts").write_text("")
    return Config(resource=(BOX,), listener=(LISTENER,), identity=Identity((ANA,)), folder=tmp_path)


def test_a_good_one_has_no_misfits(good: Config) -> None:
    assert list(find_misfits(good)) == []


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"known_hosts": None}, "known_hosts"),
        ({"known_hosts": "nowhere"}, "known_hosts"),
        ({"credential": None}, "credential"),
        ({"certificate": "nowhere"}, "certificate"),
        ({"role": None}, "role"),
        ({"database": "x"}, "database"),
        ({"shell": "/bin/sh"}, "shell"),
        ({"shell": "bash"}, "shell"),
        ({"shell": "/bin/bash -x"}, "shell"),
        ({"shell": "/bin/sh;/bash"}, "shell"),
        ({"shell": "/bin/bash\n"}, "shell"),
    ],
)
def test_a_target_that_is_not_whole_is_told(good: Config, changes: dict[str, object], key: str) -> None:
    config = replace(good, resource=(replace(BOX, **changes),))  # type: ignore[arg-type]  # fields of a test
    assert [path for path, _ in find_misfits(config)] == [("resource", 0, key)]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"host_key": ()}, ("host_key",)),
        ({"host_key": ("hunter2",)}, ("host_key", 0)),
        ({"tls": ServerTls("a", "b")}, ("tls",)),
    ],
)
def test_a_listener_that_is_not_whole_is_told(
    good: Config, changes: dict[str, object], key: tuple[object, ...]
) -> None:
    config = replace(good, listener=(replace(LISTENER, **changes),))  # type: ignore[arg-type]  # fields of a test
    assert [path for path, _ in find_misfits(config)] == [("listener", 0, *key)]


@pytest.mark.parametrize(
    "line",
    ["", "ssh-ed25519", "ssh-ed25519 x!", LINE.replace("ed25519", "rsa", 1), "ssh-ed25519 AAAA", "no-pty " + LINE],
)
def test_what_is_no_public_key_is_told(good: Config, line: str) -> None:
    config = replace(good, identity=Identity((replace(ANA, ssh_key=(line,)),)))
    ((path, said),) = find_misfits(config)
    assert path == ("identity", "principal", 0, "ssh_key", 0)
    assert said.startswith("is no public key: ")


def test_an_authority_that_is_no_public_key_is_told(good: Config) -> None:
    config = replace(good, identity=Identity((ANA,), ssh_ca=(LINE, "hunter2")))
    assert [path for path, _ in find_misfits(config)] == [("identity", "ssh_ca", 1)]


def test_a_certificate_is_no_key() -> None:
    name = b"ssh-ed25519-cert-v01@openssh.com"
    wire = base64.b64encode(len(name).to_bytes(4, "big") + name).decode()
    with pytest.raises(ValueError, match="certificate"):
        read_public_key(f"{name.decode()} {wire}")


def test_a_key_is_read_as_it_stands_on_the_wire() -> None:
    assert read_public_key(LINE) == read_public_key(LINE.rsplit(" ", 1)[0]) == WIRE
