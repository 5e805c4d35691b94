"""The policies that a file belongs to, as they are on disk with what is open in the editor laid over them.

Reads and compiles, knows no protocol. Called by `server.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.compiler.gate_policies import SUFFIX
from engine.compiler.stages import compile_policies
from engine.dsl.glance import Glance, glance
from engine.dsl.parser import parse
from engine.dsl.printer import print_file
from engine.errors import NativeFailure, PolicyRefused
from engine.source import Diagnostic, Source, Span
from engine.suite.sets import policy_sets, root_of
from gateway.errors import PolicyUnusable
from gateway.policy_store.folder import PolicyFolder, read_folder

FOLDER_NAME = "policies"
_BEGIN = Span(1, 1, 1, 1)


def folder_of(file: Path) -> Path:
    """The policy folder of a file: the outermost one called `policies` that it is in, else the folder it lies in."""
    named = [folder for folder in file.parents if folder.name == FOLDER_NAME]
    return named[-1] if named else file.parent


def diagnose(file: Path, opened: Mapping[Path, str]) -> dict[Path, list[Diagnostic]]:
    """What is wrong with every file of the set that a file belongs to; files without a mistake are there, too."""
    folder = folder_of(file)
    problems = list[Diagnostic]()
    try:
        loaded = read_folder(folder, problems)
        sources = _members(file, folder, loaded, opened)
        data = loaded.data
        root = root_of(_name(file, folder))
        data = read_folder(folder / root, []).data if root else data
    except PolicyUnusable as error:
        return {file: [Diagnostic("UNUSABLE", str(error), _name(file, folder), _BEGIN, help=error.help)]}
    names = {source.name for source in sources}
    problems = [one for one in problems if folder / one.source not in opened]
    try:
        problems += compile_policies(sources, data).warnings
    except PolicyRefused as error:
        problems += error.diagnostics
    except NativeFailure as error:
        problems.append(Diagnostic(error.code, str(error), _name(file, folder), _BEGIN))
    found: dict[Path, list[Diagnostic]] = {folder / name: [] for name in names}
    for one in problems:
        found.setdefault(folder / one.source, []).append(one)
    return found


def glance_at(file: Path, opened: Mapping[Path, str], line: int, column: int) -> Glance | None:
    """What stands at a place of a `.gate` file; places it was defined in are named from the policy folder on."""
    folder = folder_of(file)
    try:
        sources = _members(file, folder, read_folder(folder, []), opened)
    except PolicyUnusable:
        sources = [Source(_name(file, folder), opened[file])] if file in opened else []
    return glance([one for one in sources if one.name.endswith(SUFFIX)], _name(file, folder), line, column)


def formatted(text: str) -> str | None:
    """A `.gate` file as it is written; None while it has mistakes."""
    parsed = parse(Source("", text))
    return None if parsed.file is None or parsed.diagnostics else print_file(parsed.file)


def _members(file: Path, folder: Path, loaded: PolicyFolder, opened: Mapping[Path, str]) -> Sequence[Source]:
    """The policies and tests of a file's set, open ones as they are in the editor."""
    texts = {source.name: source.text for source in (*loaded.sources, *loaded.tests)}
    for path, text in opened.items():
        if path.suffix in (".rego", SUFFIX) and folder_of(path) == folder:
            texts[_name(path, folder)] = text
    wanted = root_of(_name(file, folder))
    sets = policy_sets((Source(name, text) for name, text in sorted(texts.items())), ())
    return next((one.sources for one in sets if one.root == wanted), ())


def _name(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix()
