"""The lists of hostile paths, and how a text becomes a request line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from tests.conformance.corpus import items

LISTED = ("path-traversal", "path-bypass:midpaths", "path-bypass:endpaths", "sensitive-file")


def given_as_path(corpora: Path) -> Iterator[tuple[str, str]]:
    """Label and text of each entry of the lists of paths."""
    for item in items(corpora, "http-paths-urls"):
        if item["label"] in LISTED:
            yield item["label"], item["input"]


def escaped(text: str, keep: str = "\\x21-\\x7e") -> str:
    """A text as it could stand on a request line."""
    return re.sub(f"[^{keep}]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), text)


def climbs(text: str) -> bool:
    """Whether a path climbs when it is decoded as often as it can be."""
    for _ in range(4):
        if ".." in re.split(r"[/\\]", text.partition("?")[0]):
            return True
        text = unquote(text, errors="replace")
    return False
