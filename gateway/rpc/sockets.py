"""Puts a UNIX socket where only one user can connect to it (docs/decisions/0003-unix-socket-identity.md).

gRPC binds by name and cannot tell who connects. So the socket is bound inside a folder of ours that nobody else can
enter, gets its owner and mode there, and is then moved into its place: at no moment can anybody else connect.
"""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import ConfigInvalid

# The kernel's limit on the name of a UNIX socket, without the NUL at its end.
MAX_SOCKET_NAME = 107


@dataclass(frozen=True, slots=True)
class PlacedSocket:
    """A socket in its place. `remove` takes it away unless somebody put another there."""

    path: Path
    inode: int

    def remove(self) -> None:
        """Take the socket file away."""
        try:
            if os.lstat(self.path).st_ino == self.inode:
                self.path.unlink()
        except FileNotFoundError:
            return


def place(path: Path, uid: int, bind: Callable[[str], None]) -> PlacedSocket:
    """Have `bind` make a socket, and put it at `path` for this user alone. Raises ConfigInvalid when that cannot be."""
    path = path.absolute()
    _prepare_folder(path.parent)
    _check_free(path)
    private = Path(tempfile.mkdtemp(prefix=".", dir=path.parent))  # made with mode 0700
    try:
        made = private / "s"
        if len(os.fsencode(made)) > MAX_SOCKET_NAME or len(os.fsencode(path)) > MAX_SOCKET_NAME:
            raise ConfigInvalid(
                f"the socket name `{path}` is too long", help="put it into a folder with a shorter name"
            )
        bind(str(made))
        made.chmod(0o600)
        _give(made, uid, path)
        inode = os.lstat(made).st_ino
        made.rename(path)
        return PlacedSocket(path, inode)
    finally:
        (private / "s").unlink(missing_ok=True)
        private.rmdir()


def _prepare_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigInvalid(f"the folder `{folder}` cannot be made ({error.strerror})") from error
    state = os.lstat(folder)
    if not stat.S_ISDIR(state.st_mode):
        raise ConfigInvalid(f"`{folder}` is no folder", help="name the folder itself, not a link to it")
    # INVARIANT: whoever may write the folder may put a socket of their own in our place.
    if state.st_uid not in (0, os.geteuid()) or state.st_mode & 0o022:
        raise ConfigInvalid(
            f"others may write the folder `{folder}` of a socket",
            help=f"chown it to this user and `chmod 711 {folder}`",
        )


def _check_free(path: Path) -> None:
    try:
        state = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(state.st_mode):
        raise ConfigInvalid(f"`{path}` is there and no socket", help="name another place, or remove it")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return  # left behind by a process that is gone
    raise ConfigInvalid(f"another process serves `{path}`", help="stop it first, or name another socket")


def _give(made: Path, uid: int, path: Path) -> None:
    if uid == os.geteuid():
        return
    try:
        os.chown(made, uid, -1)
    except PermissionError as error:
        raise ConfigInvalid(
            f"the socket `{path}` cannot be given to user {uid}", help="only root can; or run the gateway as that user"
        ) from error
