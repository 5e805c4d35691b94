"""`check`: everything that is wrong with a policy folder, as text, JSON, SARIF or GitHub annotations.

Here is what it does, and a short way into it: people wait for this command after every change, so its plain forms
(`check`, `check FOLDER --strict`, ...) are understood without the library that reads command lines. Called by
`gateway.cli` (the short way) and `policies` (every other form, help and mistakes included).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from engine.source import Diagnostic, Severity
from gateway.cli.diagnostics import fields, line
from gateway.cli.output import say, say_json, say_text

DEFAULT_FOLDER = Path("policies")
UNREADABLE = "CATALOG_UNREADABLE"


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


class Wanted(NamedTuple):
    """What was asked for. `catalog`: a file with the columns that masks are for (docs/lineage.md), which no plain form names."""

    folder: Path = DEFAULT_FOLDER
    is_strict: bool = False
    format: Format = Format.TEXT
    catalog: Path | None = None


def plainly_asked(arguments: Sequence[str]) -> Wanted | None:
    """What the arguments of `check` ask for; None where that takes more than a look: help, mistakes, unusual spellings."""
    folders, is_strict, format_ = list[str](), False, None
    rest = iter(arguments)
    for one in rest:
        if one == "--strict" and not is_strict:
            is_strict = True
        elif one == "--json" and format_ is None:
            format_ = Format.JSON
        elif one == "--format" and format_ is None:
            name = next(rest, "")
            if name not in {known.value for known in Format}:
                return None
            format_ = Format(name)
        elif one and not one.startswith("-") and not folders:
            folders.append(one)
        else:
            return None
    return Wanted(Path(folders[0]) if folders else DEFAULT_FOLDER, is_strict, format_ or Format.TEXT)


def check_folder(wanted: Wanted) -> int:
    """Print everything that is wrong with a folder and return the exit code. Raises GatewayError, NativeFailure."""
    found = diagnose(wanted.folder, None if wanted.catalog is None else read_catalog_file(wanted.catalog))
    match wanted.format:
        case Format.TEXT:
            for one in found:
                say(line(one))
            if not found:
                say(f"{wanted.folder}: fine")
        case Format.JSON:
            say_json({"diagnostics": [fields(one) for one in found]})
        case Format.SARIF:
            from engine.suite.sarif import sarif

            say_json(sarif(found, wanted.folder.as_posix(), _version()))
        case Format.GITHUB:
            from engine.suite.annotations import of_diagnostics

            say_text(of_diagnostics(found, wanted.folder.as_posix()))
    return 1 if any(wanted.is_strict or one.severity is Severity.ERROR for one in found) else 0


def diagnose(folder: Path, catalog: Mapping[str, object] | None = None) -> Sequence[Diagnostic]:
    """Everything wrong with every set of policies below the folder: examples are sets of their own.

    With the document of a `catalog` also the columns that masks would leave NULL because of their type.
    """
    from engine.compiler.stages import compile_policies
    from engine.errors import PolicyRefused
    from engine.suite.sets import policy_sets
    from gateway.policy_store.folder import read_folder

    found = list[Diagnostic]()
    loaded = read_folder(folder, found)
    for one in policy_sets((*loaded.sources, *loaded.tests), ()):
        data = read_folder(folder / one.root, []).data if one.root else loaded.data
        try:
            policies = compile_policies(one.sources, data)
        except PolicyRefused as error:
            found += error.diagnostics
            continue
        found += policies.warnings
        if catalog is not None:
            from engine.compiler.unfit import unfit_masks

            found += unfit_masks(policies, catalog)
    return found


def read_catalog_file(file: Path) -> Mapping[str, object]:
    """The document of a catalog. Raises GatewayError for a file that cannot be read, is no JSON or no catalog."""
    import msgspec

    from engine.command.sql.parse import read_catalog
    from engine.errors import InputInvalid
    from gateway.errors import GatewayError

    try:
        document = msgspec.json.decode(file.read_bytes())
        read_catalog(document)
    except OSError as error:
        raise GatewayError(f"`{file}` cannot be read: {error.strerror or error}", code=UNREADABLE) from None
    except (msgspec.DecodeError, InputInvalid) as error:
        raise GatewayError(
            f"`{file}`: {error}", help="docs/lineage.md says what a catalog is", code=UNREADABLE
        ) from None
    return document  # type: ignore[no-any-return]  # read_catalog takes objects alone


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("sallyport")
    except PackageNotFoundError:
        return "0"
