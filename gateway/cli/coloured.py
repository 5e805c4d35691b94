"""Command trees on a terminal: effects and problems in colours, so that the eye finds what writes; plain text elsewhere.

Called by `parse`. Rich leaves the colours out where standard output is no terminal or `NO_COLOR` is set.
"""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.text import Text

from gateway.cli.output import plain

STYLES = {
    r"\((?:read|session)\)": "green",
    r"\((?:write|create)\)": "yellow",
    r"\((?:delete|execute|grant|unknown)\)": "bold red",
    r"(?m)^problem: .*$": "bold red",
    r"\[no where\]|\(not proven\)|\(not in the catalog\)|^complete: no": "magenta",
    r"(?m)^(?:complete|operations|reads|writes|filters by|result)\b": "bold",
}


def say_tree(text: str, file: TextIO | None = None) -> None:
    """A tree's text for whoever looks at it."""
    shown = Text(plain(text), end="")
    for pattern, style in STYLES.items():
        shown.highlight_regex(pattern, style)
    Console(file=file, highlight=False, soft_wrap=True).print(shown, end="")
