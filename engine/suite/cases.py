"""Suites read from YAML: cases and matrices, with their fixtures, each case whole and with its place.

A YAML file with a key `suite` is a suite; others hold fixtures or data. Every mistake is a diagnostic with file and line;
a suite with a mistake is not run and counts as failed. Called by `runner.py`.
"""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.decision import DenyKind, Verdict
from engine.errors import SuiteInvalid
from engine.request import Json
from engine.source import Diagnostic, Source, Span
from engine.suite.plain_yaml import Document, read_yaml
from engine.suite.stated import Stated

SUITE_KEYS = ("suite", "fixtures", "defaults", "cases", "matrix")
CASE_KEYS = ("name", "principal", "resource", "command", "session", "context", "catalog", "now", "approval", "expect")
EXPECT_KEYS = ("verdict", "deny_kind", "rules", "masks", "obligations")
MATRIX_KEYS = ("principals", "resources", "commands", "verdicts", "session", "context", "catalog", "now")
Where: TypeAlias = "tuple[str, int]"
"""File and line."""

CELL_KEYS = ("principal", "resource", "command", "verdict")
PARTS = ("principal", "resource", "command", "session", "context", "catalog", "now", "approval")
FIXTURES: Mapping[str, str] = {
    "principal": "principals",
    "resource": "resources",
    "command": "commands",
    "session": "sessions",
    "context": "contexts",
    "catalog": "catalogs",
}
"""The part of a case that may be a name, and where in the fixtures that name stands."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What must come out. What nobody wrote is a deny. `rules` must have had a say; others may too."""

    verdict: Verdict = Verdict.DENY
    deny_kind: DenyKind | None = None
    rules: tuple[str, ...] = ()
    masks: Mapping[str, str] = field(default_factory=dict)
    obligations: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One request and what must come out of it."""

    suite: str
    name: str
    source: str
    line: int
    stated: Stated
    expected: Expected


@dataclass(frozen=True, slots=True)
class Suites:
    """All cases of some files, and everything that is wrong with the files."""

    cases: tuple[Case, ...]
    mistakes: tuple[Diagnostic, ...]


def read_suites(files: Sequence[Source]) -> Suites:
    """Read every suite among the files; fixtures are looked up among them by path."""
    cases: list[Case] = []
    mistakes: list[Diagnostic] = []
    by_name = {file.name: file for file in files}
    for file in sorted(files, key=lambda file: file.name):
        try:
            document = read_yaml(file)
            if isinstance(document.value, dict) and "suite" in document.value:
                cases.extend(_Suite(file.name, document, by_name).cases())
        except SuiteInvalid as error:
            span = Span(error.line, 1, error.line, 1)
            mistakes.append(Diagnostic(error.code, str(error), error.source, span))
    return Suites(tuple(cases), tuple(mistakes))


def case_of(fields: Mapping[str, Json], suite: str, source: str, line: int) -> Case:
    """A case whose parts are all written out, as tests in `.gate` files are. Raises SuiteInvalid."""
    where = (source, line)
    _known(fields, CASE_KEYS, where)
    stated = {part: fields.get(part) for part in PARTS}
    return Case(
        suite, _text(fields.get("name"), "name", where), source, line, Stated(**stated), _expected(fields, where)
    )


class _Suite:
    """One file on its way to cases."""

    def __init__(self, name: str, document: Document, files: Mapping[str, Source]) -> None:
        self._name = name
        self._lines = document.lines
        self._fields = _mapping(document.value, "a suite", (name, 1))
        _known(self._fields, SUITE_KEYS, (name, 1))
        self._suite = _text(self._fields.get("suite"), "suite", (name, 1))
        self._fixtures = self._read_fixtures(files)
        self._defaults = _mapping(self._fields.get("defaults") or {}, "`defaults`", (name, 1))
        _known(self._defaults, PARTS, (name, 1))

    def cases(self) -> Iterator[Case]:
        stated = self._fields.get("cases") or []
        if not isinstance(stated, list):
            raise SuiteInvalid(self._name, 1, "`cases` is no list")
        lines = self._lines.get("cases", ())
        for item, line in zip(stated, lines, strict=False):
            where = (self._name, line)
            fields = _mapping(item, "a case", where)
            whole = dict(self._defaults) | dict(fields)
            resolved = {key: self._resolved(key, value, where) for key, value in whole.items()}
            yield case_of(resolved, self._suite, self._name, line)
        matrix = self._fields.get("matrix")
        if matrix is not None:
            yield from self._matrix(_mapping(matrix, "`matrix`", (self._name, 1)))
        if not stated and matrix is None:
            raise SuiteInvalid(self._name, 1, "the suite has neither `cases` nor a `matrix`")

    def _matrix(self, matrix: Mapping[str, Json]) -> Iterator[Case]:
        where = (self._name, self._lines.get("matrix", (1,))[0])
        _known(matrix, MATRIX_KEYS, where)
        principals, resources, commands = (
            self._named(matrix.get(key), key, where) for key in ("principals", "resources", "commands")
        )
        verdicts = self._verdicts(matrix.get("verdicts"), (principals, resources, commands), where)
        shared = {
            key: self._resolved(key, matrix.get(key, self._defaults.get(key)), where)
            for key in ("session", "context", "catalog", "now")
        }
        for who, principal in principals.items():
            for which, resource in resources.items():
                for what, command in commands.items():
                    verdict = verdicts.get((who, which, what), Verdict.DENY)
                    stated = Stated(principal, resource, command, **shared)
                    name = f"{who} · {which} · {what}"
                    yield Case(self._suite, name, self._name, where[1], stated, Expected(verdict))

    def _verdicts(
        self, stated: Json, axes: Sequence[Mapping[str, Json]], where: Where
    ) -> Mapping[tuple[str, str, str], Verdict]:
        """What each cell is said to be. INVARIANT: a cell that nobody lists is a deny; none is said to be two things."""
        found: dict[tuple[str, str, str], Verdict] = {}
        for item in stated if isinstance(stated, list) else []:
            cell = _mapping(item, "a line of `verdicts`", where)
            _known(cell, CELL_KEYS, where)
            verdict = _verdict(cell.get("verdict"), where)
            chosen = [
                _chosen(cell.get(key), axis, key, where)
                for key, axis in zip(("principal", "resource", "command"), axes, strict=True)
            ]
            for who in chosen[0]:
                for which in chosen[1]:
                    for what in chosen[2]:
                        if found.setdefault((who, which, what), verdict) is not verdict:
                            raise SuiteInvalid(*where, f"`{who} · {which} · {what}` has two verdicts")
        return found

    def _named(self, stated: Json, key: str, where: Where) -> Mapping[str, Json]:
        """One axis of a matrix: a list of names from the fixtures, or a mapping of names to what they stand for."""
        if isinstance(stated, dict) and stated:
            return stated
        if not isinstance(stated, list) or not stated:
            raise SuiteInvalid(*where, f"`matrix.{key}` is neither a list of names nor a mapping")
        known = self._fixtures.get(key, {})
        return {_text(name, key, where): _looked_up(_text(name, key, where), known, key, where) for name in stated}

    def _resolved(self, key: str, value: Json, where: Where) -> Json:
        """The part itself, where a case gives its name."""
        if key not in FIXTURES or not isinstance(value, str):
            return value
        return _looked_up(value, self._fixtures.get(FIXTURES[key], {}), key, where)

    def _read_fixtures(self, files: Mapping[str, Source]) -> Mapping[str, Mapping[str, Json]]:
        stated = self._fields.get("fixtures")
        names = [] if stated is None else stated if isinstance(stated, list) else [stated]
        found: dict[str, dict[str, Json]] = {key: {} for key in FIXTURES.values()}
        for name in names:
            path = posixpath.normpath(
                posixpath.join(posixpath.dirname(self._name), _text(name, "fixtures", (self._name, 1)))
            )
            if path not in files:
                raise SuiteInvalid(self._name, 1, f"there are no fixtures `{path}`")
            document = _mapping(read_yaml(files[path]).value, "the file of fixtures", (path, 1))
            _known(document, tuple(FIXTURES.values()), (path, 1))
            for key, entries in document.items():
                for entry, value in _mapping(entries, f"`{key}`", (path, 1)).items():
                    if entry in found[key]:
                        raise SuiteInvalid(path, 1, f"`{key}.{entry}` stands in two files of fixtures")
                    found[key][entry] = value
        return found


def _expected(fields: Mapping[str, Json], where: Where) -> Expected:
    stated = fields.get("expect")
    if stated is None:
        return Expected()
    expect = _mapping(stated, "`expect`", where)
    _known(expect, EXPECT_KEYS, where)
    rules = expect.get("rules")
    if rules is not None and not isinstance(rules, list):
        raise SuiteInvalid(*where, "`expect.rules` is no list")
    return Expected(
        verdict=_verdict(expect.get("verdict", Verdict.DENY.value), where),
        deny_kind=_deny_kind(expect.get("deny_kind"), where),
        rules=tuple(_text(rule, "expect.rules", where) for rule in rules or []),
        masks={key: _text(value, "expect.masks", where) for key, value in _optional(expect, "masks", where).items()},
        obligations=_optional(expect, "obligations", where),
    )


def _verdict(stated: Json, where: Where) -> Verdict:
    if stated not in list(Verdict):
        raise SuiteInvalid(*where, f"`verdict` is none of {', '.join(Verdict)}")
    return Verdict(str(stated))


def _deny_kind(stated: Json, where: Where) -> DenyKind | None:
    if stated is None:
        return None
    if stated not in list(DenyKind):
        raise SuiteInvalid(*where, f"`deny_kind` is none of {', '.join(DenyKind)}")
    return DenyKind(str(stated))


def _chosen(stated: Json, axis: Mapping[str, Json], key: str, where: Where) -> Collection[str]:
    if stated is None:
        return axis.keys()
    names = stated if isinstance(stated, list) else [stated]
    for name in names:
        _looked_up(_text(name, key, where), axis, key, where)
    return [str(name) for name in names]


def _looked_up(name: str, known: Mapping[str, Json], key: str, where: Where) -> Json:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known.keys(), 1)
    meant = f", did you mean `{near[0]}`?" if near else ""
    raise SuiteInvalid(*where, f"no fixture `{name}` for `{key}`{meant}")


def _optional(fields: Mapping[str, Json], key: str, where: Where) -> Mapping[str, Json]:
    return _mapping(fields.get(key) or {}, f"`expect.{key}`", where)


def _mapping(stated: Json, what: str, where: Where) -> Mapping[str, Json]:
    if not isinstance(stated, dict):
        raise SuiteInvalid(*where, f"{what} is no mapping")
    return stated


def _known(fields: Mapping[str, Json], known: Collection[str], where: Where) -> None:
    for key in fields:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            meant = f", did you mean `{near[0]}`?" if near else f"; there are {', '.join(known)}"
            raise SuiteInvalid(*where, f"no key `{key}` here{meant}")


def _text(stated: Json, what: str, where: Where) -> str:
    if not isinstance(stated, str) or not stated:
        raise SuiteInvalid(*where, f"`{what}` is missing or no text")
    return stated
