"""Lines of a notebook that are no Python: `!ls`, `%pip install x`, `x = !date`, a cell that begins with `%%bash`.

Each becomes `pass` of the same length of lines, and what it runs is handed back as a text of the shell. A line that begins
so and is not understood here makes the whole text one that is not understood. Called by `parse`, only for a text that is
no Python without this.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from engine.command.python.reading import split_lines

_SHELL_CELL: Final = frozenset({"bash", "sh", "script", "cmd"})
_SHELL_LINE: Final = frozenset({"system", "sx", "sc"})
_INSTALLERS: Final = frozenset({"pip", "conda", "mamba", "uv"})
_QUIET: Final = frozenset(
    {"matplotlib", "precision", "autosave", "pprint", "xmode", "who", "whos", "lsmagic", "time", "timeit"}
)
_FILES: Final = {
    "ls": "ls",
    "cat": "cat",
    "less": "cat",
    "pwd": "pwd",
    "mkdir": "mkdir",
    "rmdir": "rmdir",
    "rm": "rm",
    "mv": "mv",
    "cp": "cp",
    **dict.fromkeys(("ll", "lf", "lk", "ldir", "lx"), "ls -l"),
}
_MAGICS: Final = frozenset(
    {
        *("alias", "alias_magic", "autoawait", "autocall", "automagic", "bookmark", "cat", "cd", "code_wrap"),
        *("colors", "conda", "config", "cp", "debug", "dhist", "dirs", "doctest_mode", "ed", "edit", "env", "gui"),
        *("hist", "history", "killbgscripts", "ldir", "lf", "lk", "ll", "load", "load_ext", "loadpy", "logoff"),
        *("logon", "logstart", "logstate", "logstop", "ls", "lsmagic", "lx", "macro", "magic", "mamba", "man"),
        *("matplotlib", "micromamba", "mkdir", "more", "less", "mv", "notebook", "page", "pastebin", "pdb", "pdef"),
        *("pdoc", "pfile", "pinfo", "pinfo2", "pip", "popd", "pprint", "precision", "prun", "psearch", "psource"),
        *("pushd", "pwd", "pycat", "pylab", "quickref", "recall", "rehashx", "reload_ext", "rep", "rerun", "reset"),
        *("reset_selective", "rm", "rmdir", "run", "save", "sc", "set_env", "store", "sx", "system", "tb", "time"),
        *("timeit", "unalias", "unload_ext", "uv", "who", "who_ls", "whos", "xdel", "xmode"),
    }
)
"""What a line of its own may begin with for it to be a magic without a `%` (`%automagic`, on by default). Source: `%lsmagic` and the
aliases of IPython 9, and what ipykernel adds."""
_ALONE: Final = frozenset({*_FILES, "env"})
"""Those that do something with nothing behind them."""
_AUTOMAGIC: Final = re.compile(r"\s*(?:In \[\d+\]:\s)?\s*(?P<name>[\w.*]+)\s*(?P<rest>.*)", re.DOTALL)
_LINE: Final = re.compile(
    r"(?P<indent>[ \t]*)(?:(?P<name>[A-Za-z_]\w*)[ \t]*=[ \t]*)?(?P<mark>!!?|%(?!%))(?P<rest>.*)", re.DOTALL
)
_CELL: Final = re.compile(r"\s*%%(?P<word>[A-Za-z_]\w*)(?P<rest>[^\n]*)(?:\n(?P<body>.*))?", re.DOTALL)


@dataclass(slots=True)
class Notebook:
    """A text without its lines of a notebook. `shell`: what they run, with the line; `opaque`: lines nobody understands."""

    text: str
    shell: list[tuple[int, str]] = field(default_factory=list)
    lines: set[int] = field(default_factory=set)
    opaque: list[int] = field(default_factory=list)


def read_notebook(text: str) -> Notebook | None:
    """The Python of a text with lines of a notebook; None when it has none."""
    lines = split_lines(text)
    cell = _CELL.fullmatch("\n".join(lines))
    if cell is not None:
        return _cell(len(lines), cell["word"], cell["rest"], cell["body"] or "")
    found = Notebook("")
    made: list[str] = []
    at = 0
    while at < len(lines):
        number = at + 1
        line = lines[at]
        at += 1
        match = _LINE.fullmatch(line)
        if match is None:
            made.append(line)
            continue
        rest, more = match["rest"], 0
        while rest.endswith("\\") and at < len(lines):
            rest = rest[:-1] + lines[at]
            at, more = at + 1, more + 1
        found.lines.update(range(number, number + more + 1))
        name = match["name"]
        # What a line gives is nothing anybody knows: `...` is no constant of ours.
        made.append(match["indent"] + (f"{name} = ..." if name else "pass"))
        made += [""] * more
        _take(found, number, match["mark"], rest.strip())
    if not found.lines:
        return None
    found.text = "\n".join(made)
    return found


def read_automagic(text: str) -> Notebook | None:
    """What a notebook makes of a text of one line that begins with a magic's name. It may be Python too: `cat /etc/passwd` is a division,
    and shows a file there.

    WHY of one line only: IPython does so with no other. None where it runs the text as Python.
    """
    found = _AUTOMAGIC.fullmatch(text.strip())
    if found is None or found["name"] not in _MAGICS or len(split_lines(text.strip())) > 1:
        return None
    name, rest = found["name"], found["rest"]
    if rest[:1] in ("=", ",") or (not rest and name not in _ALONE):
        return None
    made = Notebook("pass")
    _take(made, 1, "%", f"{name} {rest}".strip())
    return made


def _cell(lines: int, word: str, rest: str, body: str) -> Notebook:
    found = Notebook("", lines=set(range(1, lines + 1)))
    given = rest.split()
    if word in _SHELL_LINE:
        found.shell.append((1, f"{rest}\n{body}"))
    elif word in _SHELL_CELL and not (word == "script" and given[:1] not in (["bash"], ["sh"])):
        found.shell.append((1, body))
        if given[word == "script" :]:
            # WHY: they are given to the program, and `-c` has it run them.
            found.opaque.append(1)
    elif word in ("time", "timeit", "capture") and not given:
        found.text, found.lines = "\n" + body, {1}
        # WHY: the rest is run as a cell of its own, and there a line alone may be a magic.
        inner = read_automagic(body) or Notebook("")
        found.shell += [(number + 1, line) for number, line in inner.shell]
        found.opaque += [number + 1 for number in inner.opaque]
    else:
        found.opaque.append(1)
    return found


def _take(found: Notebook, number: int, mark: str, rest: str) -> None:
    word, _, after = rest.partition(" ")
    if mark != "%":
        line: str | None = rest
    elif word in _SHELL_LINE:
        line = after
    elif word in _INSTALLERS:
        line = rest
    elif word in _FILES:
        line = f"{_FILES[word]} {after}".strip()
    elif word in _QUIET and not after.strip():
        return
    else:
        line = None
    # WHY not braces: IPython puts the value of any expression of Python there.
    if not line or "{" in line or "$" in line:
        found.opaque.append(number)
    if line:
        found.shell.append((number, line))
