"""What a guarded shell keeps between two lines, and how: as text that is judged again with each line. Pure.

Each line runs in a bash of its own. The folder and the variables that the last one ended with stand before the next one as plain
commands (`cd -- '/srv' || exit 1`, `export X='1'`), and the whole is what is asked about, shown to approvers and run.
INVARIANT: nothing else reaches the next line. What a command says about its state may be a lie; it comes to no more than words in
the next question. docs/decisions/0024 tells why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from adapters.terminal.messages import plain
from engine.command.parse import parse_command
from engine.command.tree import Command

MAX_TEXT = 64 << 10
MAX_STATE = 256 << 10
MAX_VARIABLES = 64
MAX_VALUE = 4096
MAX_PATH = 4096
SCREEN_PROGRAMS = frozenset(
    {
        "htop",
        "info",
        "joe",
        "less",
        "man",
        "more",
        "most",
        "nano",
        "pico",
        "rvim",
        "tig",
        "top",
        "vi",
        "view",
        "vim",
        "vimdiff",
        "watch",
    }
)
"""Programs that need the whole screen: whether one may have it is asked (`screen "less"`)."""
_REFUSED = {
    **dict.fromkeys(("fg", "bg", "jobs", "disown", "suspend", "wait"), "there are no jobs here"),
    **dict.fromkeys(("alias", "unalias"), "there are no aliases here"),
    **dict.fromkeys(
        ("shopt", "hash", "enable", "complete", "compopt", "bind", "trap"), "the shell's own workings stay as they are"
    ),
    **dict.fromkeys(("history", "fc"), "history is kept here, not by the shell: use the Up key or Ctrl-R"),
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_NEVER = re.compile(
    r"BASH.*|COMP.*|DIRSTACK|EPOCH.*|ENV|EUID|EXECIGNORE|FCEDIT|FIGNORE|FUNCNEST|FUNCNAME|GLOBIGNORE|GLOBSORT|GROUPS|HIST.*|HOME"
    r"|HOSTNAME|HOSTTYPE|IFS|IGNOREEOF|INPUTRC|LINENO|LINES|COLUMNS|LOGNAME|MACHTYPE|MAIL.*|OPT(?:ARG|ERR|IND)|OSTYPE|PATH|CDPATH"
    r"|PIPESTATUS|POSIXLY_CORRECT|PPID|PROMPT.*|PS[0-4]|PWD|RANDOM|READLINE.*|REPLY|SALLYPORT.*|SECONDS|SHELL|SHELLOPTS|SHLVL"
    r"|SRANDOM|SSH_.*|SUDO_.*|TERM|TIMEFORMAT|TMOUT|TMPDIR|UID|USER|_"
)
_LOCALE = re.compile(r"LANG|LANGUAGE|LC_.*")
_LOCALE_NAME = re.compile(r"LANG|LC_[A-Z]{1,20}")
_UTF8_LOCALE = re.compile(r"(?:C|POSIX|[A-Za-z]{2,3}(?:_[A-Za-z]{2})?)\.(?:UTF-8|utf8)(?:@[a-z]{1,16})?|C|POSIX")


@dataclass(frozen=True, slots=True)
class ShellState:
    """Where a new shell begins, the folder, the variables that differ from those of a new shell (with whether they are exported), the last
    exit status."""

    start: str
    cwd: str
    base: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    status: int = 0

    def before(self, text: str, command: Command | None = None) -> str:
        """The text with what stands before it: what is asked about, and run.

        WHY not the folder before a `cd` to an absolute one: where the folder is gone, there has to be a way out.
        """
        lines = []
        if self.cwd != self.start and not (command is not None and _goes_elsewhere(command)):
            lines.append(f"cd -- {_word(self.cwd)} || exit 1")
        for name, (value, is_exported) in sorted(self.variables.items()):
            lines.append(f"{'export ' if is_exported else ''}{name}={_word(value)}")
        if self.status and ("$?" in text or "${?" in text):
            lines.append(f"(exit {self.status})")
        return "\n".join([*lines, text])

    def with_status(self, status: int) -> ShellState:
        """The same after another exit status."""
        return replace(self, status=status & 0xFF)

    @property
    def home(self) -> str:
        """What `~` is."""
        return self.base.get("HOME", self.start)

    def shown(self) -> str:
        """The folder as a prompt has it."""
        home = self.home.rstrip("/")
        is_inside = bool(home) and (self.cwd == home or self.cwd.startswith(home + "/"))
        return plain("~" + self.cwd[len(home) :] if is_inside else self.cwd)


def is_unfinished(text: str, command: Command) -> bool:
    """Whether more lines are needed before this is a command: all that is wrong with it is that it ends."""
    if not command.problems:
        tail = text[len(text.rstrip("\\")) :]
        return len(tail) % 2 == 1
    end = len(text.encode())
    return all(
        one.code in ("syntax", "here_document") and one.at is not None and one.at >= end for one in command.problems
    )


def refusal_of_line(command: Command) -> str | None:
    """Why a line is not even asked about, for what a guarded shell does not have."""
    if "background" in command.features:
        return "there are no jobs here: leave the `&` away"
    if "alias_defined" in command.features or "function_defined" in command.features:
        return "aliases and functions are not kept here: say what they stand for"
    for one in command.operations:
        if "coprocess" in one.via:
            return "there are no jobs here: leave `coproc` away"
        names = (one.shell.program or "", *one.shell.wrappers) if one.shell is not None else ()
        for name in names:
            if name in _REFUSED:
                return f"`{name}`: {_REFUSED[name]}"
        if any(step == "wrapper:trap" for step in one.via):
            return f"`trap`: {_REFUSED['trap']}"
    return None


def exit_of(command: Command, before: int) -> int | None:
    """The exit status of a line that is nothing but `exit`; None for every other."""
    if len(command.operations) != 1 or command.operations[0].via != ("top",) or command.operations[0].shell is None:
        return None
    argv = command.operations[0].shell.argv
    match argv:
        case ("exit" | "logout",):
            return before & 0xFF
        case ("exit" | "logout", str(status)) if re.fullmatch(r"[0-9]{1,9}", status):
            return int(status) & 0xFF
        case _:
            return None


def _goes_elsewhere(command: Command) -> bool:
    """Whether a line is nothing but `cd`, to a place that does not depend on the folder."""
    if len(command.operations) != 1 or command.operations[0].via != ("top",) or command.operations[0].shell is None:
        return False
    match command.operations[0].shell.argv:
        case ("cd",):
            return True
        case ("cd", str(place)) | ("cd", "--", str(place)):
            return place.startswith("/")
        case _:
            return False


def screen_program(command: Command) -> str | None:
    """The program that wants the whole screen, of a line that is it alone. A file that is called like one may be another."""
    if len(command.operations) != 1 or not command.complete:
        return None
    one = command.operations[0]
    if (
        one.kind == "run_file"
        or one.via != ("top",)
        or one.shell is None
        or one.shell.redirects
        or one.shell.program is None
    ):
        return None
    name = one.shell.program.rpartition("/")[2]
    return name if name in SCREEN_PROGRAMS else None


def outer_of(nonce: str) -> str:
    """The text of the bash that runs a line, which is its first argument, and then says where it ended.

    WHY `eval` of an argument: the text is parsed by itself, whatever it ends with; nothing of ours can become part of it, and it
    sees no arguments or variables of ours. `nonce` begins with a letter: `printf` would take digits behind the zero for its own.
    """
    return (
        'eval "set --\n$1"\n'
        'set -- "$?"\n{ set +eufnxv; } 2>/dev/null\n'
        f'builtin printf \'\\0{nonce}\\0%s\\0%s\\0\' "$1" "$PWD"\n'
        "IFS=$' \\t\\n'\n"
        'for SALLYPORT_N in $(builtin compgen -A arrayvar); do builtin unset "$SALLYPORT_N"; done 2>/dev/null\n'
        'for SALLYPORT_N in $(builtin compgen -A export); do builtin printf \'x%s=%s\\0\' "$SALLYPORT_N" "${!SALLYPORT_N}"; done\n'
        'for SALLYPORT_N in $(builtin compgen -A variable); do builtin printf \'v%s=%s\\0\' "$SALLYPORT_N" "${!SALLYPORT_N}"; done\n'
        f"builtin printf '\\0{nonce}\\0'\n"
        'exit "$1"'
    )


def argv_of(nonce: str, text: str, shell: str) -> tuple[str, ...]:
    """The words that run a text so. `-p`: no functions, BASH_ENV or SHELLOPTS out of the environment."""
    return (shell, "--noprofile", "--norc", "-p", "-c", outer_of(nonce), shell, text)


def is_locale(name: str) -> bool:
    """Whether a variable says which locale programs are in."""
    return _LOCALE_NAME.fullmatch(name) is not None


def is_read_alike(locale: str) -> bool:
    """Whether in a locale bytes mean the characters that we read. WHY not in all: in Big5 or Shift JIS a backslash can be the second
    half of a letter, and a shell would read another command than we did."""
    return _UTF8_LOCALE.fullmatch(locale) is not None


class StateReader:
    """Takes a line's output apart: what is shown, and the state behind it. A state that is none is output like any other."""

    def __init__(self, nonce: str) -> None:
        self._mark = b"\0" + nonce.encode() + b"\0"
        self._held = b""
        self._is_inside = False

    def feed(self, data: bytes) -> bytes:
        """What of the output can be shown by now."""
        self._held += data
        if self._is_inside:
            if len(self._held) <= MAX_STATE:
                return b""
            shown, self._held, self._is_inside = self._held, b"", False
            return shown
        at = self._held.find(self._mark)
        if at < 0:
            at = len(self._held) - _overlap(self._held, self._mark)
            shown, self._held = self._held[:at], self._held[at:]
            return shown
        shown, self._held, self._is_inside = self._held[:at], self._held[at:], True
        return shown + self.feed(b"")

    def end(self) -> tuple[bytes, list[bytes] | None]:
        """What was kept back and is output after all, and the fields of the state."""
        held, self._held = self._held, b""
        parts = held.split(self._mark)
        # The last two marks stand around the state; whatever is before them, marks or not, is output.
        if len(parts) < 3 or parts[-1]:
            return held, None
        return self._mark.join(parts[:-2]), parts[-2].split(b"\0")


def first_state(fields: list[bytes]) -> ShellState | None:
    """The state of a new shell, from what the first line said."""
    read = _read(fields)
    if read is None:
        return None
    _, cwd, values = read
    return ShellState(cwd, cwd, {name: value for name, (value, _) in values.items()})


def next_state(before: ShellState, fields: list[bytes]) -> tuple[ShellState, list[str]]:
    """The state after a line, and what people are told of it. Fields that say nothing usable leave it as it was."""
    read = _read(fields)
    if read is None:
        return before, []
    status, cwd, values = read
    kept: dict[str, tuple[str, bool]] = {}
    told: list[str] = []
    for name, (value, is_exported) in values.items():
        if before.base.get(name) == value or _NEVER.fullmatch(name):
            if name in ("PATH", "IFS", "CDPATH", "HOME") and before.base.get(name) not in (None, value):
                told.append(f"`{name}` is not kept: set it on the line that needs it")
            continue
        why = _unkept(name, value)
        if why is None and len(kept) < MAX_VARIABLES:
            kept[name] = (value, is_exported)
        elif before.variables.get(name) != (value, is_exported):
            told.append(f"`{name}` is not kept: {why or 'there are too many variables'}")
    return replace(before, cwd=cwd, variables=kept, status=status), told


def _read(fields: list[bytes]) -> tuple[int, str, dict[str, tuple[str, bool]]] | None:
    try:
        status, cwd, *entries = [one.decode() for one in fields]
        code = int(status)
    except (UnicodeDecodeError, ValueError):
        return None
    if not cwd.startswith("/") or len(cwd) > MAX_PATH or not 0 <= code <= 255 or plain(cwd) != cwd:
        return None
    values: dict[str, tuple[str, bool]] = {}
    for entry in entries:
        name, equals, value = entry[1:].partition("=")
        if equals and _NAME.fullmatch(name):
            values[name] = (value, entry[0] == "x" or values.get(name, ("", False))[1])
    return code, cwd, values


def _unkept(name: str, value: str) -> str | None:
    """Why a variable does not go on to the next line."""
    if len(value) > MAX_VALUE:
        return "its value is too long"
    if plain(value.replace("\n", " ")) != value.replace("\n", " "):
        return "its value has characters that cannot be seen"
    if _LOCALE.fullmatch(name) and not (is_locale(name) and is_read_alike(value)):
        # WHY: in some locales bytes mean other characters, and the next line would be read otherwise than we read it.
        return "only locales in UTF-8 are"
    said = parse_command("shell", f"export {name}={_word(value)}".encode()).command
    # WHY: before every line it would be held or denied, and nothing could be done any more.
    if not said.complete or any(one.shell is not None and one.shell.signs for one in said.operations):
        return "it makes programs run others"
    return None


def _word(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"


def _overlap(data: bytes, mark: bytes) -> int:
    """How many bytes at the end could be the beginning of a mark."""
    for size in range(min(len(mark) - 1, len(data)), 0, -1):
        if data.endswith(mark[:size]):
            return size
    return 0
