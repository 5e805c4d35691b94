"""Single `.gate` files from disk: one with all that it imports, or all below a folder. For `lower` and `fmt`.

Names are as the author gave them, so that diagnostics can be clicked on. Compiles nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path

from engine.dsl.parser import parse
from engine.dsl.tree import Import
from engine.source import Diagnostic, Source, decode_source
from gateway.errors import PolicyUnusable

MAX_IMPORTS = 1_000
MAX_BYTES = 4 << 20


def read_file(path: Path) -> Source | Diagnostic:
    """One file. Raises PolicyUnusable when it cannot be read; not being UTF-8 is a diagnostic."""
    try:
        with path.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise PolicyUnusable(f"`{path}` cannot be read ({error.strerror})") from error
    if len(raw) > MAX_BYTES:
        raise PolicyUnusable(f"`{path}` is longer than {MAX_BYTES} bytes")
    return decode_source(path.as_posix(), raw)


def read_with_imports(path: Path) -> tuple[list[Source], list[Diagnostic]]:
    """A file, first, and what it imports, directly or not; those imports that are not there are left out."""
    sources: list[Source] = []
    problems: list[Diagnostic] = []
    wanted, seen = [path], {path.as_posix()}
    while wanted and len(sources) < MAX_IMPORTS:
        found = read_file(wanted.pop(0))
        if isinstance(found, Diagnostic):
            problems.append(found)
            continue
        sources.append(found)
        for name in _imports(found):
            if name not in seen and Path(name).is_file():
                seen.add(name)
                wanted.append(Path(name))
    return sources, problems


def gate_files(paths: list[Path]) -> Iterator[Path]:
    """The files that are meant: those named, and every `.gate` file below a folder, hidden ones left out."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for file in sorted(path.rglob("*.gate")):
            if not any(part.startswith(".") for part in file.relative_to(path).parts):
                yield file


def _imports(source: Source) -> Iterator[str]:
    file = parse(source).file
    for item in file.items if file is not None else ():
        if isinstance(item, Import):
            yield posixpath.normpath(posixpath.join(posixpath.dirname(source.name), str(item.file.value)))
