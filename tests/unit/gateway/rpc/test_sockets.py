"""A UNIX socket stands where only its user can connect, and never anything less."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from gateway.errors import ConfigInvalid
from gateway.rpc.sockets import MAX_SOCKET_NAME, place


class Binder:
    """Listens like gRPC does, and looks at how exposed the socket is at that moment."""

    def __init__(self) -> None:
        self.folder_mode = 0
        self.socket: socket.socket | None = None

    def __call__(self, name: str) -> None:
        self.folder_mode = stat.S_IMODE(os.stat(os.path.dirname(name)).st_mode)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(name)
        self.socket.listen()

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()


@pytest.fixture
def binder() -> Binder:
    return Binder()


@pytest.fixture(autouse=True)
def closing(binder: Binder) -> object:
    yield
    binder.close()


def refused(path: Path, binder: Binder, uid: int | None = None) -> str:
    with pytest.raises(ConfigInvalid) as caught:
        place(path, os.geteuid() if uid is None else uid, binder)
    assert [each for each in path.parent.iterdir() if each.name.startswith(".")] == []
    return str(caught.value)


def test_the_socket_is_for_its_user_and_was_never_for_others(tmp_path: Path, binder: Binder) -> None:
    path = tmp_path / "run" / "a.sock"
    placed = place(path, os.geteuid(), binder)
    assert binder.folder_mode == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o711
    assert [each.name for each in path.parent.iterdir()] == ["a.sock"]
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    placed.remove()
    assert not path.exists()
    placed.remove()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a socket away")
def test_the_socket_is_given_to_the_user_it_is_for(tmp_path: Path, binder: Binder) -> None:
    path = tmp_path / "a.sock"
    place(path, 12_345, binder)
    assert path.stat().st_uid == 12_345


def test_a_socket_that_cannot_be_given_is_not_made(
    tmp_path: Path, binder: Binder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "chown", forbidden)
    assert "cannot be given" in refused(tmp_path / "a.sock", binder, os.geteuid() + 1)
    assert [*tmp_path.iterdir()] == []


def test_what_a_dead_process_left_is_replaced_and_a_living_one_is_not(tmp_path: Path, binder: Binder) -> None:
    path = tmp_path / "a.sock"
    first = Binder()
    first(str(path))
    assert "another process" in refused(path, binder)
    first.close()
    place(path, os.geteuid(), binder)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_what_is_no_socket_is_left_alone(tmp_path: Path, binder: Binder) -> None:
    path = tmp_path / "a.sock"
    path.write_text("precious")
    assert "no socket" in refused(path, binder)
    assert path.read_text() == "precious"


@pytest.mark.parametrize("mode", [0o777, 0o772, 0o720, 0o1777])
def test_a_folder_that_others_may_write_is_refused(tmp_path: Path, binder: Binder, mode: int) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(mode)
    assert "others may write" in refused(folder / "a.sock", binder)


def test_a_link_to_a_folder_is_refused(tmp_path: Path, binder: Binder) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "real")
    assert "no folder" in refused(tmp_path / "run" / "a.sock", binder)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, binder: Binder) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigInvalid, match="cannot be made"):
        place(tmp_path / "file" / "run" / "a.sock", os.geteuid(), binder)


def test_a_name_that_the_kernel_cannot_hold_is_refused(tmp_path: Path, binder: Binder) -> None:
    assert "too long" in refused(tmp_path / ("x" * MAX_SOCKET_NAME), binder)


def test_another_socket_in_our_place_is_left_there(tmp_path: Path, binder: Binder) -> None:
    path = tmp_path / "a.sock"
    placed = place(path, os.geteuid(), binder)
    other = Binder()
    other(str(tmp_path / "other.sock"))
    (tmp_path / "other.sock").rename(path)
    placed.remove()
    assert path.exists()
    other.close()
