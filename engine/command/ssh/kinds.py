"""What the words of an SSH request mean: kinds, features, steps of `via`; and which request is of which kind.

Operations on files have the kinds of the shell's tables, so that one rule can speak of both. Policies are checked against
these tables, and `docs/commands.md` is written from them.
"""

from __future__ import annotations

from engine.command.tree import Effect
from engine.command.words import Kind

KINDS: tuple[Kind, ...] = (
    Kind("unknown", Effect.UNKNOWN, "A request that nobody knows, or a text that is none"),
    Kind("interactive_shell", Effect.EXECUTE, "A shell that reads from the client without a terminal"),
    Kind(
        "guarded_shell", Effect.SESSION, "A shell of the gateway's own: each line that is typed is a command by itself"
    ),
    Kind("raw_shell", Effect.EXECUTE, "A shell on a terminal of the target: recorded, judged by nobody"),
    Kind(
        "terminal",
        Effect.EXECUTE,
        "A terminal of the target for a command: what is typed is recorded, judged by nobody",
    ),
    Kind(
        "screen_program",
        Effect.EXECUTE,
        "A program on a terminal of the target, from a guarded shell; the target of the operation says which",
    ),
    Kind("set_variable", Effect.SESSION, "An environment variable for what runs"),
    Kind("subsystem", Effect.EXECUTE, "A subsystem by name"),
    Kind("forward_agent", Effect.GRANT, "The client's keys for whoever is on the target"),
    Kind("forward_display", Effect.GRANT, "The client's display for whoever is on the target"),
    Kind("tunnel", Effect.EXECUTE, "A network interface between client and target"),
    Kind(
        "connect",
        Effect.EXECUTE,
        "A connection from the target to a host and port; the target of the operation says which",
    ),
    Kind("connect_socket", Effect.EXECUTE, "A connection to a UNIX socket of the target"),
    Kind("listen", Effect.EXECUTE, "A port of the target that leads to the client"),
    Kind("listen_socket", Effect.EXECUTE, "A UNIX socket of the target that leads to the client"),
    Kind("inspect", Effect.READ, "Reads a file, lists a folder, looks at attributes"),
    Kind("create_file", Effect.CREATE, "Makes files, folders or links"),
    Kind("write_file", Effect.WRITE, "Opens a file for writing"),
    Kind("move_file", Effect.WRITE, "Renames"),
    Kind("delete_file", Effect.DELETE, "Removes files or folders, or empties them"),
    Kind("permissions", Effect.GRANT, "Owners and modes of files"),
)

KIND_NAMES: frozenset[str] = frozenset(kind.name for kind in KINDS)
EFFECTS: dict[str, Effect] = {kind.name: kind.effect for kind in KINDS}

REQUESTS: dict[str, tuple[str, int]] = {
    "shell": ("interactive_shell", 0),
    "shell guarded": ("guarded_shell", 0),
    "shell raw": ("raw_shell", 0),
    "screen": ("screen_program", 1),
    "terminal": ("terminal", 0),
    "variable": ("set_variable", 1),
    "subsystem": ("subsystem", 1),
    "agent": ("forward_agent", 0),
    "display": ("forward_display", 0),
    "tunnel": ("tunnel", 0),
    "connect": ("connect", 2),
    "connect-socket": ("connect_socket", 1),
    "listen": ("listen", 2),
    "listen-socket": ("listen_socket", 1),
    "request": ("unknown", 1),
}
"""The word of each request, its kind and how many values follow."""

FILES: dict[str, tuple[str, int]] = {
    "sftp read": ("cat --", 1),
    "sftp write": ("tee --", 1),
    "sftp list": ("ls -la --", 1),
    "sftp stat": ("stat --", 1),
    "sftp readlink": ("readlink --", 1),
    "sftp remove": ("rm --", 1),
    "sftp mkdir": ("mkdir --", 1),
    "sftp rmdir": ("rmdir --", 1),
    "sftp rename": ("mv --", 2),
    "sftp symlink": ("ln -s --", 2),
    "sftp link": ("ln --", 2),
    "sftp touch": ("touch --", 1),
    "sftp chmod": ("chmod", 2),
    "sftp chown": ("chown", 2),
}
"""Operations on files, the program of a shell that does the same, and how many values follow.

WHY programs: what is noteworthy about a path (keys, start files, the system's own) is known to the shell's tables.
"""

UNJUDGED: frozenset[str] = frozenset({"raw_shell", "terminal"})
"""Requests after which whatever is typed runs: their trees do not say what that will be, so they are not complete."""

FEATURES: dict[str, str] = {
    "unjudged": "what is typed afterwards runs without being asked about",
    "not_canonical": "the text is not written the one way, so nobody can be sure what it stands for",
}

VIA: dict[str, str] = {
    "top": "the request itself",
    "sftp": "an operation of SFTP",
}
