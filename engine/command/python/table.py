"""What is known of Python's modules and functions: the tables `modules.tsv` and `calls.tsv`, and how a name is found there.

A name that stands in no table is not known: whoever asks makes `call_unknown` of it. Called by `resolving` and `walk`.
"""

from __future__ import annotations

import builtins
import collections
import datetime
import io
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
BUILTINS: Final = frozenset(dir(builtins)) | {"__builtins__", "exit", "quit", "help", "copyright", "credits", "license"}

_CONSTANT: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_CONSTANTS_OF: Final = frozenset(
    {
        "os",
        "socket",
        "subprocess",
        "signal",
        "sys",
        "errno",
        "stat",
        "ssl",
        "logging",
        "io",
        "sqlite3",
        "resource",
        "asyncio",
    }
)
_ERRORS: Final = ("Error", "Exception", "Warning", "Expired")
QUIET_DUNDERS: Final = frozenset(
    {
        *("__name__", "__doc__", "__file__", "__version__", "__all__", "__init__", "__len__", "__str__", "__repr__"),
        *("__eq__", "__hash__", "__enter__", "__exit__", "__iter__", "__next__", "__qualname__", "__author__"),
        *("__post_init__", "__debug__", "__contains__", "__annotations__", "__slots__", "__aenter__", "__aexit__"),
    }
)
"""Names with two underscores that lead nowhere."""
INSIDES: Final = frozenset(
    {
        *("f_globals", "f_builtins", "f_locals", "f_back", "f_code", "tb_frame", "tb_next", "gi_frame", "gi_code"),
        *(
            "cr_frame",
            "cr_code",
            "cr_await",
            "ag_frame",
            "ag_code",
            "func_globals",
            "func_code",
            "co_code",
            "co_consts",
        ),
        *("co_names", "gi_yieldfrom", "mro", "im_func", "im_self", "im_class"),
    }
)
"""Attributes of frames, code and classes through which everything can be reached."""

# Modules through whose names others are reached: `json.codecs.builtins.eval`.
_DOORS_LEFT_OUT: Final = frozenset(
    {"code", "site", "select", "signal", "platform", "trace", "glob", "logging", "profile"}
)


@dataclass(frozen=True, slots=True)
class Role:
    """What an argument is: a path, a command line, a destination, a text of a language. `at` is its place, -1 the owner."""

    what: str
    at: int
    keyword: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What a function does."""

    kind: str
    signs: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ()


COMPUTES: Final = Row("compute")
UNLISTED: Final = Row("call_unknown")
INSIDE: Final = Row("reflect", ("insides",))


@dataclass(slots=True)
class _Tables:
    sorts: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    exact: dict[str, Row] = field(default_factory=dict)
    below: dict[str, Row] = field(default_factory=dict)
    methods: dict[str, Row] = field(default_factory=dict)


@cache
def tables() -> _Tables:
    """Both tables, read once."""
    found = _Tables()
    for line in _lines("modules.tsv"):
        sort, names = line.split("\t")
        for name in names.split():
            if sort == "alias":
                left, _, right = name.partition("=")
                found.aliases[left] = right
            else:
                found.sorts[name] = sort
    for line in _lines("calls.tsv"):
        names, kind, signs, roles = line.split("\t")
        row = Row(kind, _words(signs), tuple(_role(one) for one in _words(roles)))
        for name in names.split():
            where, key = (found.methods, name[1:]) if name.startswith(".") else (found.exact, name)
            if key.endswith(".*"):
                where, key = found.below, key[:-2]
            where[key] = row
    return found


def _lines(name: str) -> list[str]:
    text = (HERE / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _words(cell: str) -> tuple[str, ...]:
    return () if cell == "-" else tuple(cell.split())


def _role(word: str) -> Role:
    what, _, place = word.partition("@")
    at, _, keyword = place.partition("/")
    return Role(what, -1 if at == "self" else int(at), keyword)


@cache
def _doors(sort: str) -> Mapping[str, str]:
    """What a segment of a path leads to, whatever stands before it: `os`, `_os`, `sys`, `builtins` ..."""
    standard = frozenset(sys.stdlib_module_names) | {"builtins"}
    named = {name for name, one in tables().sorts.items() if one == sort and "." not in name}
    found = {name: name for name in (named & standard) - _DOORS_LEFT_OUT}
    return found | {f"_{name}": name for name in found} | ({"bltns": "builtins"} if sort == "listed" else {})


def _door(parts: list[str]) -> int:
    """The last segment of a path that is another module; 0 where none is."""
    found = 0
    # WHY not from others: what a listed module calls `stat` or `copy` is a function of its own.
    leaves_plain = _sort(parts[0]) == "plain"
    for at in range(1, len(parts)):
        leaves_plain = leaves_plain and "()" not in parts[at - 1]
        is_door = parts[at] in _doors("listed") or (leaves_plain and parts[at] in _doors("plain"))
        head = ".".join(parts[: at + 1])
        # `xml.etree`, `http.client`, `datetime.datetime`: parts of a package, no door.
        if (
            is_door
            and parts[at].lstrip("_") != parts[at - 1]
            and head not in tables().sorts
            and head not in tables().exact
        ):
            found = at
    return found


@cache
def _data_methods() -> frozenset[str]:
    """Names of methods of plain data and of open files."""
    kinds = (str, bytes, bytearray, list, dict, set, tuple, int, float, complex, collections.deque, collections.Counter)
    times = (datetime.datetime, datetime.timedelta, datetime.date)
    names = {name for kind in (*kinds, *times, io.TextIOWrapper, io.BytesIO) for name in dir(kind)}
    return frozenset(name for name in names if not name.startswith("_")) - {"detach", "reconfigure", "buffer", "fileno"}


def is_data_method(name: str) -> bool:
    """Whether only data and open files have a method of that name."""
    return name in _data_methods() and name not in tables().methods


def canonical(path: str) -> str:
    """The one name of what has several: `posix.system`, `random._os.system` and `os.system` are one function."""
    known = tables().aliases
    for _ in range(4):
        parts = path.split(".")
        begin = _door(parts)
        if begin:
            name = parts[begin]
            parts = [_doors("listed").get(name) or _doors("plain")[name], *parts[begin + 1 :]]
        made = ".".join(parts)
        for cut in range(len(parts), 0, -1):
            head = ".".join(parts[:cut])
            if head in known:
                made = ".".join([known[head], *parts[cut:]])
                break
        if made == path:
            return path
        path = made
    return path


def is_module(path: str) -> bool:
    """Whether a name is that of a module."""
    return path in tables().sorts and tables().sorts[path] != "guarded"


def is_known_module(path: str) -> bool:
    """Whether a module, or the package it is in, stands in a table."""
    return _sort(path) in ("plain", "listed")


def _sort(path: str) -> str | None:
    for head in _heads(path):
        if head in tables().sorts:
            return tables().sorts[head]
    return None


def _heads(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:cut]) for cut in range(len(parts), 0, -1)]


def row_of(path: str) -> Row:
    """What the function of a name does. A name that no table has is `call_unknown`."""
    found = tables()
    if path in found.exact:
        return found.exact[path]
    for head in _heads(path)[1:]:
        if head in found.below:
            return found.below[head]
    root, _, rest = path.partition(".")
    segments = rest.split(".") if rest else []
    if any(is_inside(segment) or is_private(segment) for segment in segments):
        return INSIDE
    last = segments[-1] if segments else ""
    if root == "builtins" and last in QUIET_DUNDERS:
        return COMPUTES
    sort = _sort(path.replace("()", ""))
    if last.endswith("()"):
        # What a call gave is called itself.
        return COMPUTES if sort == "plain" else UNLISTED
    if sort == "guarded" or sort is None:
        return _method(last, UNLISTED) if "()" in path else UNLISTED
    if last.endswith(_ERRORS) or (_CONSTANT.fullmatch(last) and root in _CONSTANTS_OF):
        return COMPUTES
    if "()" in path:
        return _method(last, COMPUTES if sort == "plain" else UNLISTED)
    return COMPUTES if sort == "plain" else UNLISTED


def _method(name: str, otherwise: Row) -> Row:
    known = tables().methods.get(name)
    if known is not None:
        return known
    return COMPUTES if is_data_method(name) else otherwise


def method_row(name: str) -> Row | None:
    """What a method does whose owner nobody knows, by its name alone; None where the name says nothing."""
    if is_inside(name):
        return INSIDE
    known = tables().methods.get(name)
    if known is not None:
        return known
    return Row("call_method") if is_data_method(name) else None


def is_inside(name: str) -> bool:
    """Whether an attribute of that name is one of the interpreter's insides."""
    name = name.removesuffix("()")
    return name in INSIDES or (name.startswith("__") and name.endswith("__") and name not in QUIET_DUNDERS)


def is_private(name: str) -> bool:
    """Whether a name of a module is none that it shows to others."""
    return name.startswith("_") and name.removesuffix("()") not in QUIET_DUNDERS
