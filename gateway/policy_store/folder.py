"""Reading a policy folder: what in it is a rule, a test, data or a suite. Reads files, compiles nothing.

- `*.rego` and `*.gate` are policies; those named `*_test.rego` are tests and decide nothing.
- `data.json`, `data.yaml`, `data.yml` are documents; one in `a/b/` stands at `data.a.b`, as in OPA's bundles.
- Any other YAML is handed to the test runner, which knows suites and fixtures.
Names that begin with a dot are not read, nor links that lead out of the folder. Called by `current` and the command line.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engine.source import Diagnostic, Source, decode_source
from gateway.errors import PolicyUnusable

# WHY late: who checks policies waits for no types of requests.
if TYPE_CHECKING:
    from engine.request import Json

MAX_FILES = 20_000
MAX_FILE_BYTES = 16 << 20
MAX_BYTES = 128 << 20
MAX_NODES = 1_000_000
"""Values in one data file; YAML's aliases can make millions of a few lines."""
MAX_DEPTH = 64
_POLICIES = frozenset({".rego", ".gate"})
TESTS = "_test.rego"
_DATA = frozenset({"data.json", "data.yaml", "data.yml"})


@dataclass(frozen=True, slots=True)
class PolicyFolder:
    """What a folder holds. `digest` is the SHA-256 of what decides: policies and data, names included."""

    path: Path
    sources: tuple[Source, ...]
    data: Mapping[str, Json]
    tests: tuple[Source, ...] = ()
    suites: tuple[Source, ...] = ()
    digest: str = field(default="")


def read_folder(path: Path, problems: list[Diagnostic] | None = None) -> PolicyFolder:
    """Read a folder. Raises PolicyUnusable that names the first file which cannot be used.

    With `problems` a policy or suite that is not UTF-8 is told there and left out, so that all can be told at once.
    """
    if not path.is_dir():
        raise PolicyUnusable(f"there is no policy folder `{path}`", help="see `[policies] path`")
    return read_files(path, ((name, _read(name, file)) for name, file in _files(path) if is_read(name)), problems)


def is_read(name: str) -> bool:
    """Whether a file is looked into at all."""
    return Path(name).suffix in (*_POLICIES, ".yaml", ".yml") or Path(name).name in _DATA


def is_deciding(name: str) -> bool:
    """Whether a file has a part in decisions: policies and data, not their tests."""
    return Path(name).name in _DATA or (Path(name).suffix in _POLICIES and not name.endswith(TESTS))


def read_files(
    path: Path, files: Iterable[tuple[str, bytes]], problems: list[Diagnostic] | None = None
) -> PolicyFolder:
    """Make a folder of files with their contents, wherever they come from. Raises PolicyUnusable as `read_folder` does."""
    sources, tests, suites = list[Source](), list[Source](), list[Source]()
    data: dict[str, Json] = {}
    digest, total = hashlib.sha256(), 0
    for name, raw in files:
        told = decode_source(name, raw) if problems is not None and Path(name).name not in _DATA else None
        if problems is not None and isinstance(told, Diagnostic):
            problems.append(told)
            continue
        text = _decoded(name, raw)
        total += len(raw)
        if total > MAX_BYTES:
            raise PolicyUnusable(f"the policy folder holds more than {MAX_BYTES} bytes")
        if Path(name).name in _DATA:
            _merge(data, Path(name).parent.parts, _parse(name, text), name)
        elif Path(name).suffix in _POLICIES:
            (tests if name.endswith(TESTS) else sources).append(Source(name, text))
        else:
            suites.append(Source(name, text))
        if is_deciding(name):
            for part in (name.encode(), raw):
                digest.update(b"%d:" % len(part))
                digest.update(part)
    return PolicyFolder(path, tuple(sources), data, tuple(tests), tuple(suites), digest.hexdigest())


def deciding_files(path: Path) -> dict[str, bytes]:
    """The files of a folder that have a part in decisions, with their contents. Raises PolicyUnusable."""
    return {name: _read(name, file) for name, file in _files(path) if is_deciding(name)}


def fingerprint(path: Path) -> tuple[tuple[str, int, int, int], ...]:
    """Something that differs when a file of the folder changed: names, times, sizes. Cheap; never raises."""
    found = []
    for name, file in _files(path):
        try:
            seen = file.stat()
        except OSError:
            found.append((name, -1, -1, -1))
            continue
        found.append((name, seen.st_mtime_ns, seen.st_size, seen.st_ino))
    return tuple(found)


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    """The files below a folder with their names in it, sorted; bounded."""
    real = root.resolve()
    count = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(folder) / name
            if name.startswith(".") or (file.is_symlink() and not file.resolve().is_relative_to(real)):
                continue
            count += 1
            if count > MAX_FILES:
                raise PolicyUnusable(f"the policy folder holds more than {MAX_FILES} files")
            yield file.relative_to(root).as_posix(), file


def _read(name: str, file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise PolicyUnusable(f"`{name}` cannot be read ({error.strerror})") from error
    if len(raw) > MAX_FILE_BYTES:
        raise PolicyUnusable(f"`{name}` is longer than {MAX_FILE_BYTES} bytes")
    return raw


def _decoded(name: str, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise PolicyUnusable(f"`{name}` is not UTF-8 (byte {error.start})") from error


def _parse(name: str, text: str) -> dict[str, Json]:
    # WHY late: most folders hold no data, and whoever checks them waits.
    import yaml

    try:
        found = json.loads(text) if name.endswith(".json") else yaml.load(text, Loader=yaml.CSafeLoader)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise PolicyUnusable(f"`{name}` cannot be read: {_where(error)}") from error
    if found is None:
        return {}
    budget = [MAX_NODES]
    plain = _plain(name, found, budget, 0)
    if not isinstance(plain, dict):
        raise PolicyUnusable(f"`{name}` must hold an object at the top")
    return plain


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return f"line {mark.line + 1}, column {mark.column + 1}"
    return (
        f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "nested too deep"
    )


def _plain(name: str, value: object, budget: list[int], depth: int) -> Json:
    """The value as JSON knows it. Raises PolicyUnusable for anything else, and for more of it than anybody means."""
    budget[0] -= 1
    if budget[0] < 0 or depth > MAX_DEPTH:
        raise PolicyUnusable(f"`{name}` holds too many values or is nested too deep")
    match value:
        case None | bool() | str():
            return value
        case int() if -(1 << 63) <= value < 1 << 64:
            return value
        case float() if math.isfinite(value):
            return value
        case list():
            return [_plain(name, item, budget, depth + 1) for item in value]
        case dict():
            if not all(isinstance(key, str) for key in value):
                raise PolicyUnusable(f"`{name}` has a key that is no text", help="put it in quotes")
            return {key: _plain(name, item, budget, depth + 1) for key, item in value.items()}
        case _:
            raise PolicyUnusable(f"`{name}` holds a value that JSON does not know", help="put dates in quotes")


def _merge(data: dict[str, Json], parts: tuple[str, ...], document: dict[str, Json], name: str) -> None:
    here = data
    for part in parts:
        below = here.setdefault(part, {})
        if not isinstance(below, dict):
            raise PolicyUnusable(f"`{name}` stands where another data file has a value")
        here = below
    _merge_into(here, document, name)


def _merge_into(here: dict[str, Json], document: dict[str, Json], name: str) -> None:
    for key, value in document.items():
        if key not in here:
            here[key] = value
            continue
        present = here[key]
        if not isinstance(present, dict) or not isinstance(value, dict):
            raise PolicyUnusable(f"`{name}` says `{key[:64]}`, which another data file says too")
        _merge_into(present, value, name)
