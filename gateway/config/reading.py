"""From a file and the environment to a `Config`, with every mistake found on the way.

An environment variable `SALLYPORT_SECTION__KEY` overrides a key; items of a list are named by their `name`, `id` or
number (`SALLYPORT_RESOURCE__ORDERS__ADDRESS`, `SALLYPORT_LISTENER__0__BIND`). Called by the command line and `app`.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from enum import StrEnum
from pathlib import Path as FilePath
from types import NoneType, UnionType
from typing import TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from gateway.config.check import find_misfits
from gateway.config.model import Config
from gateway.config.places import Path, places
from gateway.errors import ConfigInvalid

PREFIX = "SALLYPORT_"
MAX_FILE = 1 << 20
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it is, what is wrong, what was expected."""

    place: str
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: `{self.key}` {self.message}" if self.key else f"{self.place}: {self.message}"


class _Override(str):
    """A value that came from an environment variable."""

    __slots__ = ("variable",)
    variable: str


def load_config(file: FilePath, environment: Mapping[str, str]) -> Config:
    """The configuration. Raises ConfigInvalid, whose `problems` are all that was found."""
    config, problems = read_config(file, environment)
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise ConfigInvalid(
            f"{problems[0]}{more}",
            help="`sallyport config check` lists everything",
            problems=[str(p) for p in problems],
        )
    return config


def read_config(file: FilePath, environment: Mapping[str, str]) -> tuple[Config, list[Problem]]:
    """The configuration as far as it can be read, and everything wrong with it."""
    try:
        raw = file.read_bytes()
        text = raw.decode()
    except OSError as error:
        return Config(), [
            Problem(str(file), "", f"the file cannot be read ({error.strerror}); expected a sallyport.toml")
        ]
    except UnicodeDecodeError:
        return Config(), [Problem(str(file), "", "the file is not UTF-8")]
    if len(raw) > MAX_FILE:
        return Config(), [Problem(str(file), "", f"the file is longer than {MAX_FILE} bytes")]
    try:
        document: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Config(), [Problem(str(file), "", f"this is no TOML: {str(error)[:1].lower()}{str(error)[1:]}")]
    reader = _Reader(str(file), places(text))
    reader.override(document, environment)
    config = replace(reader.table(Config, document, ()), folder=file.absolute().parent)
    if not reader.problems:
        for path, message in find_misfits(config):
            reader.complain(path, message)
    return config, reader.problems


class _Reader:
    """Makes dataclasses of tables and remembers what did not fit."""

    def __init__(self, file: str, lines: Mapping[Path, int]) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._lines = lines
        self._overridden: dict[Path, str] = {}

    def complain(self, path: Path, message: str) -> None:
        self.problems.append(Problem(self._place(path), _dotted(path), message))

    def table(self, kind: type[T], table: object, path: Path) -> T:
        """A dataclass from a table; what cannot be read keeps its default, or an empty stand-in."""
        hints = get_type_hints(kind)
        known = {field.name: field for field in fields(cast("type[Config]", kind)) if field.metadata.get("key", True)}
        values: dict[str, object] = {}
        if not isinstance(table, Mapping):
            self.complain(path, "must be a table")
            table = {}
        for key in table:
            if key not in known:
                self.complain((*path, key), f"is no key here; {_suggest(key, known)}")
        for name, field in known.items():
            if name in table:
                values[name] = self._value(hints[name], table[name], (*path, name), field)
            elif _is_needed(field):
                self.complain((*path, name), f"is missing; expected {_expected(hints[name])}")
                values[name] = _stand_in(hints[name])
        return kind(**values)

    def _value(self, hint: object, value: object, path: Path, field: Field[object]) -> object:
        inner = _without_none(hint)
        if is_dataclass(inner):
            return self.table(cast("type[object]", inner), value, path)
        item = get_args(inner)[0] if get_origin(inner) is tuple else None
        if item is not None and is_dataclass(item):
            if not isinstance(value, Sequence) or isinstance(value, str):
                self.complain(path, f"must be a list of tables: [[{_dotted(path)}]]")
                return ()
            return tuple(self.table(cast("type[object]", item), one, (*path, index)) for index, one in enumerate(value))
        try:
            if isinstance(value, _Override):
                return _from_text(value, inner)
            return msgspec.convert(value, cast("type[object]", inner))
        except (msgspec.ValidationError, msgspec.DecodeError):
            self.complain(path, f"is {_shown(value)}; expected {_expected(hint)}")
            return _default(field, hint)

    def override(self, document: dict[str, object], environment: Mapping[str, str]) -> None:
        """Put what the environment says into the document."""
        for variable in sorted(environment):
            if variable.startswith(PREFIX) and "__" in variable:
                self._override_one(document, variable, environment[variable])

    def _override_one(self, document: dict[str, object], variable: str, text: str) -> None:
        parts = variable.removeprefix(PREFIX).lower().split("__")
        here: object = document
        path: Path = ()
        for part in parts[:-1]:
            step, here = _enter(here, part)
            path = (*path, step)
            if path not in self._lines:
                self._overridden.setdefault(path, variable)
        if not isinstance(here, dict):
            self.problems.append(Problem(variable, "", f"names no key; expected {PREFIX}SECTION__KEY"))
            return
        value = _Override(text)
        value.variable = variable
        here[parts[-1]] = value
        self._overridden[(*path, parts[-1])] = variable

    def _place(self, path: Path) -> str:
        for length in range(len(path), -1, -1):
            if path[:length] in self._overridden:
                return self._overridden[path[:length]]
            if path[:length] in self._lines:
                return f"{self._file}:{self._lines[path[:length]]}"
        return self._file


def _enter(here: object, part: str) -> tuple[str | int, object]:
    """One step of an overriding variable's name into the document; makes tables that are not there yet."""
    if isinstance(here, dict):
        return part, here.setdefault(part, {})
    if isinstance(here, list):
        for index, item in enumerate(here):
            names = [item.get(key) for key in ("name", "id")] if isinstance(item, dict) else []
            if part == str(index) or part in [str(name).lower().replace("-", "_") for name in names if name]:
                return index, item
    return part, None


def _from_text(value: _Override, hint: object) -> object:
    origin = get_origin(hint)
    if hint is str or hint is NoneType:
        return str(value)
    if origin in (tuple, Mapping) or hint in (tuple, Mapping) or (origin is not None and origin.__name__ == "Mapping"):
        return msgspec.json.decode(value.encode(), type=hint)
    return msgspec.convert(str(value), hint, strict=False)


def _without_none(hint: object) -> object:
    if get_origin(hint) in (Union, UnionType):
        return next(arg for arg in get_args(hint) if arg is not NoneType)
    return hint


def _is_needed(field: Field[object]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _default(field: Field[object], hint: object) -> object:
    if field.default is not MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not MISSING else _stand_in(hint)


def _stand_in(hint: object) -> object:
    """Something of the type, so that reading can go on; a configuration with problems is never used."""
    inner = _without_none(hint)
    if isinstance(inner, type) and issubclass(inner, StrEnum):
        return next(iter(inner))
    return ""


def _expected(hint: object) -> str:
    inner = _without_none(hint)
    if isinstance(inner, type) and issubclass(inner, StrEnum):
        return " or ".join(f'"{member.value}"' for member in inner)
    if get_origin(inner) is tuple:
        item = get_args(inner)[0]
        return "a list of tables" if is_dataclass(item) else f"a list of {_expected(item)}"
    names = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
    return names.get(cast("type[object]", inner), "a table")


def _shown(value: object) -> str:
    """A value for a message; never the content of a text that might be a secret somebody put in the wrong place."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return f"`{value}`" if len(value) <= 24 and value.isprintable() else "another text"
        case list() | dict():
            return "a list" if isinstance(value, list) else "a table"
        case _:
            return "something else"


def _suggest(key: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(key, known, 1)
    return f"did you mean `{close[0]}`?" if close else f"expected {', '.join(f'`{name}`' for name in known)}"


def _dotted(path: Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
