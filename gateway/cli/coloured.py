"""Command trees on a terminal: the roles of `engine/command/show.py` in colours, so that the eye finds what writes and what nobody
could see; plain text elsewhere.

Called by `parse`. Rich leaves the colours out where standard output is no terminal or `NO_COLOR` is set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TextIO

from rich.console import Console
from rich.text import Text

from engine.command.show import Line, Role
from gateway.cli.output import plain

STYLES: Final[Mapping[Role, str]] = {
    Role.PLAIN: "",
    Role.LABEL: "bold",
    Role.FAINT: "dim",
    Role.KIND: "bold",
    Role.LOOKS: "green",
    Role.CHANGES: "yellow",
    Role.GRAVE: "bold red",
    Role.UNSEEN: "bold magenta",
    Role.OBJECT: "cyan",
    Role.ORIGIN: "blue",
    Role.SIGN: "yellow",
}


def say_tree(lines: Iterable[Line], file: TextIO | None = None) -> None:
    """A tree for whoever looks at it."""
    console = Console(file=file, highlight=False, soft_wrap=True)
    for line in lines:
        console.print(Text.assemble(*((plain(text), STYLES[role]) for text, role in line)))
