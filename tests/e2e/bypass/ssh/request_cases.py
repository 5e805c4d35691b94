"""The ways around a guard that are no commands (78 to 81), in several spellings each: files, forwardings, channels, what is typed.

Files are tried in a folder that is somebody's home: `keys` lets people in, `start` is run, `plain` is nothing special. What one spelling does
stands in a function of the client and that folder.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import asyncssh
from asyncssh import SFTPAttrs, SFTPClient

Act: TypeAlias = Callable[[SFTPClient, Path], Awaitable[object]]


async def _write(client: SFTPClient, path: str | bytes, mode: str = "wb") -> None:
    async with client.open(path, mode) as file:
        await file.write(b"evil")


async def _opened(client: SFTPClient, path: str, flags: int) -> None:
    async with client.open(path, flags, SFTPAttrs(), encoding=None):
        pass


async def _truncated(client: SFTPClient, path: str) -> None:
    async with client.open(path, "rb") as file:
        await file.truncate(0)


def _climbing(home: Path) -> str:
    """Up from wherever it begins to the root, and down to the keys."""
    return "../" * 20 + str(home / ".ssh" / "authorized_keys")[1:]


FILES: tuple[tuple[str, Act], ...] = (
    ("the file itself", lambda client, home: _write(client, f"{home}/.ssh/authorized_keys")),
    ("a start file", lambda client, home: _write(client, f"{home}/.bashrc")),
    ("behind a link", lambda client, home: _write(client, f"{home}/innocent")),
    ("behind a link of a link", lambda client, home: _write(client, f"{home}/twice")),
    ("in a linked folder", lambda client, home: _write(client, f"{home}/folder/authorized_keys")),
    ("down and up again", lambda client, home: _write(client, f"{home}/folder/../.ssh/./authorized_keys")),
    ("slashes", lambda client, home: _write(client, f"{home}//.ssh//authorized_keys")),
    ("the root by another name", lambda client, home: _write(client, f"/proc/self/root{home}/.ssh/authorized_keys")),
    ("the root of another process", lambda client, home: _write(client, f"/proc/1/root{home}/.ssh/authorized_keys")),
    ("up from the folder it begins in", lambda client, home: _write(client, _climbing(home))),
    ("at its end", lambda client, home: _write(client, f"{home}/.ssh/authorized_keys", "ab")),
    ("a new file beside it", lambda client, home: _write(client, f"{home}/.ssh/rc", "xb")),
    ("emptied by being opened", lambda client, home: _opened(client, f"{home}/.ssh/authorized_keys", asyncssh.FXF_READ | asyncssh.FXF_TRUNC)),
    ("emptied by its size", lambda client, home: client.truncate(f"{home}/.bashrc", 0)),
    ("emptied by the size of what is open to read", lambda client, home: _truncated(client, f"{home}/.bashrc")),
    ("renamed over it", lambda client, home: client.posix_rename(f"{home}/plain", f"{home}/.ssh/authorized_keys")),
    ("renamed to beside it", lambda client, home: client.rename(f"{home}/plain", f"{home}/folder/rc")),
    ("a folder that becomes its folder", lambda client, home: client.rename(f"{home}/stage", f"{home}/new/.ssh")),
    ("a folder that becomes the one of start files", lambda client, home: client.rename(f"{home}/stage", f"{home}/new/.config")),
    ("the same at once", lambda client, home: client.posix_rename(f"{home}/stage", f"{home}/new/.config")),
    ("a link that becomes its folder", lambda client, home: client.symlink(f"{home}/stage", f"{home}/new/.ssh")),
    ("a link that becomes the one of start files", lambda client, home: client.symlink(f"{home}/stage", f"{home}/new/.config")),
    ("a folder that becomes the one of a repository", lambda client, home: client.rename(f"{home}/stage", f"{home}/new/.git")),
    ("a link to it", lambda client, home: client.symlink(f"{home}/.ssh/authorized_keys", f"{home}/aim")),
    ("a link beside it", lambda client, home: client.symlink(f"{home}/plain", f"{home}/folder/environment")),
    ("another name for it", lambda client, home: client.link(f"{home}/.ssh/authorized_keys", f"{home}/name")),
    ("it as another name", lambda client, home: client.link(f"{home}/plain", f"{home}/.ssh/environment")),
    ("copied on the target", lambda client, home: client.copy(f"{home}/plain", f"{home}/.ssh/authorized_keys", remote_only=True)),
    ("removed", lambda client, home: client.remove(f"{home}/.ssh/authorized_keys")),
    ("its folder renamed away", lambda client, home: client.rename(f"{home}/.ssh", f"{home}/away")),
    ("run as somebody else", lambda client, home: client.chmod(f"{home}/plain", 0o4777)),
    ("run as a group", lambda client, home: client.setstat(f"{home}/plain", SFTPAttrs(permissions=0o102755))),
    ("given away", lambda client, home: client.chown(f"{home}/plain", 65534, 65534)),
    ("a NUL in its name", lambda client, home: _write(client, f"{home}/plain\0/../.ssh/authorized_keys")),
    ("no UTF-8", lambda client, home: _write(client, f"{home}/".encode() + b"\xff/../.ssh/authorized_keys")),
    ("a file of the system", lambda client, home: client.open("/etc/shadow", "rb")),
    ("a file of cron", lambda client, home: _write(client, "/etc/cron.d/../cron.d/sallyport-way")),
    ("a hook of a repository", lambda client, home: _write(client, f"{home}/repo/.git/hooks/post-commit")),
)  # fmt: skip

HOSTS: tuple[str, ...] = (
    "127.0.0.1", "localhost", "LOCALHOST", "localhost.", "127.1", "127.0.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0", "0.0.0.0", "::1", "::ffff:127.0.0.1", "[::1]", "::", "",
    " 127.0.0.1", "127.0.0.1 ", "127.0.0.1\0.example.org", "x@127.0.0.1", "127.0.0.1#", "a" * 300,
)  # fmt: skip
"""Destinations of connections through a target (79): each is this machine to somebody."""
SOCKETS: tuple[str, ...] = (
    "/run/x.sock",
    "/var/run/docker.sock",
    "/run/../run/docker.sock",
    "\0abstract",
    "docker.sock",
    "",
    "/proc/1/root/run/docker.sock",
)
LISTENERS: tuple[tuple[str, int], ...] = (
    ("", 0),
    ("localhost", 0),
    ("*", 0),
    ("0.0.0.0", 0),
    ("127.0.0.1", 2222),
    ("::", 0),
    ("127.0.0.1", 22),
)
CHANNELS: tuple[bytes, ...] = (
    b"forwarded-tcpip",
    b"x11",
    b"auth-agent@openssh.com",
    b"forwarded-streamlocal@openssh.com",
    b"tun@openssh.com",
    b"session ",
    b"SESSION",
    b"direct-tcpip\0",
    b"",
)
"""Kinds of channels that a client has no business with (79, 80)."""

SUBSYSTEMS: tuple[str, ...] = (
    "/bin/sh", "sftp;sh", "internal-sftp", "netconf", "SFTP", "exec", "sftp ", " sftp", "sftp\n", "sftp\0sh", "/usr/lib/openssh/sftp-server", "sftp -d /", "../sftp", "shell", "s\u0444tp", "sftp\tx", "sftp$(id)",
)  # fmt: skip
"""Names of subsystems that are none (80)."""
SECOND: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    ("sleep 5", (b"exec",)), ("sleep 5", (b"shell",)), ("sleep 5", (b"subsystem",)), ("sleep 5", (b"exec", b"exec")), ("sleep 5", (b"shell", b"exec")), ("sleep 5", (b"subsystem", b"exec")), ("rm -rf /", (b"exec",)),
    ("rm -rf /", (b"shell", b"exec")),
)  # fmt: skip
"""What a channel has begun with, and what is asked of it besides (80)."""

TYPED: tuple[str, ...] = (
    "touch {c}\n", "touch \\\n{c}\n", "true\r\ntouch {c}\r", "\x1b[200~true\ntouch {c}\n\x1b[201~\n", "true; touch {c}\n", "cat <<E\n$(touch {c})\nE\n", "bash\ntouch {c}\nexit\n", "true\n!!; touch {c}\n",
    "true x\n^x^; touch {c}^\n", "\x16\x03touch {c}\n", "if true\nthen touch {c}\nfi\n", "f() {\ntouch {c}\n}\nf\n", "echo '\ntouch {c}\n'\"$(touch {c})\"\n", "touc\x7f\x7f\x7f\x7ftouch {c}\n", "true\x1a\ntouch {c} &\n",
)  # fmt: skip
"""Lines for a guarded shell (81); `{c}` must not come to be."""

SPELLINGS: dict[str, int] = {
    "test_78_no_spelling_of_an_operation_changes_them": len(FILES),
    "test_79_no_spelling_of_a_destination_is_reached": len(HOSTS) + len(SOCKETS) + len(LISTENERS),
    "test_80_a_channel_that_has_its_command_runs_no_other": len(SECOND),
    "test_80_other_kinds_of_channels_are_not_opened": len(CHANNELS),
    "test_80_subsystems_are_no_way_to_a_program": len(SUBSYSTEMS),
    "test_81_no_spelling_of_a_line_is_run": len(TYPED),
}
"""How many spellings a test of `test_requests.py` tries."""
