"""Words that a text field takes from a list, protocol by protocol: kinds of operations, features, steps.

A misspelt kind would silence a guard, so it is an error where the list of every protocol that a policy applies to is
known, and a warning where a word is almost one of a list. A protocol whose parser publishes its words is added here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from engine.command.http import kinds as http
from engine.command.kubernetes import kinds as kubernetes
from engine.command.mcp import kinds as mcp
from engine.command.python import kinds as python
from engine.command.shell import kinds as shell
from engine.command.sql import kinds as sql
from engine.command.ssh import kinds as ssh
from engine.dsl.types import PROTOCOLS

_SQL: Final = ("postgres", "mysql", "sqlserver", "bigquery", "snowflake")
_WORDS: Final[Mapping[str, Mapping[str, frozenset[str]]]] = {
    "kind": dict.fromkeys(_SQL, sql.KIND_NAMES)
    | {
        "kubernetes": kubernetes.KIND_NAMES,
        "http": http.KIND_NAMES,
        # A shell runs Python and SQL, a program lines of the shell and SQL: what they do is listed in one tree.
        "shell": shell.KIND_NAMES | python.KIND_NAMES | sql.KIND_NAMES,
        "ssh": ssh.KIND_NAMES,
        "mcp": mcp.KIND_NAMES,
        "python": python.KIND_NAMES | shell.KIND_NAMES | sql.KIND_NAMES,
    },
    "feature": dict.fromkeys(_SQL, frozenset(sql.FEATURES))
    | {
        "kubernetes": frozenset(kubernetes.FEATURES),
        "http": frozenset(http.FEATURES),
        "shell": frozenset(shell.FEATURES) | frozenset(python.FEATURES),
        "ssh": frozenset(ssh.FEATURES),
        "mcp": frozenset(mcp.FEATURES),
        "python": frozenset(python.FEATURES),
    },
    "step": dict.fromkeys(_SQL, frozenset(sql.VIA))
    | {
        "kubernetes": frozenset(kubernetes.VIA),
        "http": frozenset(http.VIA),
        "ssh": frozenset(ssh.VIA),
        "mcp": frozenset(mcp.VIA),
    },
}


def words(name: str) -> frozenset[str]:
    """Every word of a list that some protocol publishes."""
    return frozenset().union(*_WORDS[name].values())


def is_closed(name: str, protocols: Sequence[str]) -> bool:
    """Whether all words that a list can hold in these protocols are known; no protocol means any."""
    return all(protocol in _WORDS[name] for protocol in protocols or PROTOCOLS)


def misspelt(name: str, word: str) -> str | None:
    """The word of the list that an unknown one is almost, if any."""
    known = words(name)
    if word in known:
        return None
    near = get_close_matches(word, sorted(known), 1, 0.8)
    return near[0] if near else None
