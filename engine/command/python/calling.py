"""Calls and references as operations: which function it is, what its table says, what its arguments mean.

Called by `walk` for each call, reference and import; texts inside (command lines, SQL, code) are read in their own
language and what they do follows the operation that runs them.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field, replace
from typing import Final

from engine.command.python.arguments import KEYWORD_ONLY, Given, Meant, meaning, signs_of_variable
from engine.command.python.findings import Findings, Found
from engine.command.python.reading import Source, parse_text
from engine.command.python.resolving import Resolver
from engine.command.python.scopes import Scope
from engine.command.python.table import (
    COMPUTES,
    UNLISTED,
    Role,
    Row,
    canonical,
    is_known_module,
    is_module,
    is_private,
    method_row,
    row_of,
)
from engine.command.python.values import Const, Many, Own, Ref, Values, the_text
from engine.command.shell.parse import parse_shell
from engine.command.sql.parse import parse_sql
from engine.command.tree import Access, Problem, Target

MAX_CODE_DEPTH: Final = 4
_MODES: Final = {
    "builtins.open": 1,
    "codecs.open": 1,
    "gzip.open": 1,
    "bz2.open": 1,
    "lzma.open": 1,
    "gzip.GzipFile": 1,
    "io.FileIO": 1,
    "zipfile.ZipFile": 1,
    "tarfile.open": 1,
}
"""Functions that open a file, and where their mode stands."""
_BACKENDS: Final = frozenset({"matplotlib.use", "matplotlib.pyplot.switch_backend"})
_QUIET_BACKENDS: Final = frozenset({"agg", "Agg", "svg", "SVG", "pdf", "PDF"})
_CARRIERS: Final = frozenset({"xml.etree.ElementTree.parse()", "lxml.etree.parse()"})
"""Results whose plain `write` names a file: where they are handed on, nobody sees that any more."""
_WEB: Final = re.compile(r"https?://", re.IGNORECASE)
_PATH: Final = re.compile(r"(?:/|~|\.\./)[^\s]*$")
_PLACEHOLDER: Final = re.compile(r"%\(\w+\)s|%s|\?|(?<![:\w]):[A-Za-z_]\w*")
_QUIET: Final = frozenset({"compute", "call_method", "call_function", "inspect"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: its scope, the way there, its bytes, and the methods that the text defines."""

    scope: Scope
    via: tuple[str, ...]
    span: tuple[int, int]
    methods: frozenset[str] = frozenset()


@dataclass(slots=True)
class Calls:
    """Makes operations of calls. Texts that are run as code go to `inside`, to be walked later."""

    findings: Findings
    resolver: Resolver
    inside: list[tuple[Source, Place]]
    _read: set[tuple[str, str]] = field(default_factory=set)

    def call(self, node: ast.Call, given: Given, place: Place) -> None:
        """One call that stands in the text."""
        rows = self._functions(node.func, given, place)
        for number, (name, row, owner) in enumerate(rows):
            self._operation(name, row, owner, given, place, calls=0 if number else 1)

    def apply(self, decorator: ast.expr, place: Place) -> None:
        """A decorator: what it is, is called with what stands below it."""
        given = Given((frozenset({Own("below")}),))
        for name, row, owner in self._functions(decorator, given, place):
            self._operation(name, row, owner, given, place, calls=0)

    def imports(self, module: str, name: str | None, place: Place, *, by_text: bool = False, calls: int = 0) -> None:
        """One module, or one name of a module."""
        signs = {"by_text"} if by_text else set()
        whole = canonical(module if name is None else f"{module}.{name}")
        base = whole if name is None or is_module(whole) else canonical(module)
        is_known = not module.startswith(".") and is_known_module(base)
        hidden = name is not None and is_private(name) and not is_module(whole)
        kind = "import_module" if is_known and not hidden else "import_unknown"
        target = Target("module", base[:500], Access.READ, resolved=is_known)
        self.findings.add(Found(kind, whole[:500], place.via, place.span, frozenset(signs), (target,)), calls)

    def environment(self, name: str | None, place: Place, *, writes: bool = False) -> None:
        """A variable of the environment, read or set as an item of `os.environ`."""
        kind = "write_environment" if writes else "read_environment"
        access = Access.SET if writes else Access.READ
        signs = {"dynamic"} if name is None else signs_of_variable(name)
        targets = () if name is None else (Target("variable", name[:500], access, resolved=True),)
        self.findings.add(Found(kind, "os.environ", place.via, place.span, frozenset(signs), targets), 0)

    def reference(self, node: ast.expr, place: Place, *, is_owner: bool = False) -> None:
        """A value that is handed on: whoever gets it may call it. `is_owner`: it only stands before a dot."""
        for one in self.resolver.values(node, place.scope):
            if isinstance(one, Ref) and one.path in _CARRIERS and not is_owner:
                signs = frozenset({"reference", "dynamic"})
                self.findings.add(Found("write_file", one.path, (*place.via, "reference"), place.span, signs), 0)
            if not isinstance(one, Ref) or one.path.endswith("()"):
                continue
            row = row_of(one.path)
            signs = frozenset({"reference", *row.signs, *(("by_text",) if one.by_text else ())})
            via = (*place.via, "reference")
            if is_module(one.path) or one.path == "builtins":
                if not is_owner:
                    found = Found("reflect", one.path, via, place.span, signs | {"module_passed"})
                    self.findings.add(found, 0)
            elif row.kind in _QUIET or ("()" in one.path and row is UNLISTED) or (is_owner and row is UNLISTED):
                continue
            elif one.path not in ("os.environ", "os.environb") or not is_owner:
                self._unseen(row, place)
                self.findings.add(Found(row.kind, one.path, via, place.span, signs | {"dynamic"}), 0)

    # Which function.

    def _functions(self, func: ast.expr, given: Given, place: Place) -> list[tuple[str | None, Row, str | None]]:
        """Everything a call may call: the name, what it does, the path that its owner stands for."""
        found: list[tuple[str | None, Row, str | None]] = []
        for one in self.resolver.values(func, place.scope):
            match one:
                case Ref():
                    found.append((one.path, self._row(one, given), one.about))
                case Own():
                    found.append((one.name, Row("call_function"), None))
                case _:
                    by_name = self._by_name(func, given, place)
                    if by_name not in found:
                        found.append(by_name)
        # The gravest first, so that it is the one that counts the call; the order is the same each time.
        return sorted(found, key=lambda one: (one[1].kind in _QUIET, one[0] or "", one[1].kind))

    def _row(self, ref: Ref, given: Given) -> Row:
        row = row_of(ref.path)
        if row.signs and "dynamic" in row.signs and ref.path.startswith("os.environ"):
            return row
        if ref.path.startswith("builtins.super()."):
            return Row("call_function")
        if ref.path in _MODES:
            return _opened(row, _mode(given, _MODES[ref.path]))
        if "()" in ref.path:
            name = ref.path.rpartition(".")[2]
            if name == "open" and row.kind == "write_file":
                return _opened(row, _mode(given, 0))
            if (
                name == "replace"
                and len(given.positional) == 1
                and not given.keywords
                and ref.path.startswith("pathlib.")
            ):
                return row_of("pathlib.Path().rename")
        if ref.path == "urllib.request.urlopen" and (len(given.positional) > 1 or "data" in given.keywords):
            return replace(row, kind="send", signs=("sends_data",))
        if ref.path == "numpy.load" and (given.is_true("allow_pickle") or len(given.positional) > 2 or given.is_open):
            return Row("deserialise")
        if ref.path == "logging.basicConfig" and ("filename" in given.keywords or given.is_open):
            return Row("write_file", (), (Role("write", KEYWORD_ONLY, "filename"),))
        if ref.path == "argparse.ArgumentParser" and ("fromfile_prefix_chars" in given.keywords or given.is_open):
            return Row("read_file", ("dynamic",))
        if ref.path in _BACKENDS and given.texts() and given.texts()[0] in _QUIET_BACKENDS:
            return COMPUTES
        return row

    def _by_name(self, func: ast.expr, given: Given, place: Place) -> tuple[str | None, Row, str | None]:
        """A call of something whose owner nobody knows: by the name of the method alone."""
        if not isinstance(func, ast.Attribute):
            return None, Row("call_dynamic", ("dynamic",)), None
        name = func.attr
        owners = self.resolver.values(func.value, place.scope)
        first = the_text(given.positional[0]) if given.positional else None
        if name in ("get", "post", "put", "patch", "delete", "head", "request") and first and _WEB.match(first):
            return f".{name}", row_of("requests.get" if name in ("get", "head") else "requests.post"), None
        if name == "write" and first is not None and _PATH.match(first):
            return f".{name}", Row("write_file", (), (Role("write", 0),)), None
        if owners and all(isinstance(one, Const | Many) for one in owners):
            return f".{name}", COMPUTES if not self._formats(name, owners) else Row("reflect", ("insides",)), None
        if name == "replace" and len(given.positional) == 1 and not given.keywords:
            return f".{name}", row_of("pathlib.Path().rename"), None
        row = COMPUTES if name in ("setter", "getter", "deleter") else method_row(name)
        if name == "open" and row is not None:
            return f".{name}", _opened(row, _mode(given, 0)), None
        if row is not None:
            return f".{name}", row, None
        if name in place.methods or _is_super(func.value):
            return f".{name}", Row("call_function"), None
        return f".{name}", Row("call_unknown", ("dynamic",)), None

    def _formats(self, name: str, owners: Values) -> bool:
        """`"{0.__class__}".format(x)` reads attributes by text."""
        texts = [one.value for one in owners if isinstance(one, Const) and isinstance(one.value, str)]
        return name in ("format", "format_map") and any("__" in text or "._" in text for text in texts)

    # What it does.

    def _operation(
        self, name: str | None, row: Row, owner: str | None, given: Given, place: Place, *, calls: int
    ) -> None:
        meant = meaning(name, row, given, owner)
        if name in ("builtins.__import__", "importlib.import_module"):
            self._imports(meant, place, calls)
            return
        self._unseen(row, place, is_seen=not meant.unseen)
        arguments = () if row.kind in _QUIET else given.texts()
        shown = None if name is None else name[:500]
        found = Found(row.kind, shown, place.via, place.span, frozenset(meant.signs), tuple(meant.targets), arguments)
        self.findings.add(found, calls)
        self._inside(meant, place)

    def _unseen(self, row: Row, place: Place, *, is_seen: bool = False) -> None:
        """Why a program that does this is not complete, besides what its kind says."""
        if row.kind == "run_process" and not is_seen:
            self.findings.problem("process_unseen", "which program runs is only known when it runs", place.span[0])
        if row.kind == "database" and not is_seen:
            self.findings.problem("sql_unseen", "SQL that is put together when it runs", place.span[0])
        if "changes_imports" in row.signs or "rebinds" in row.signs:
            self.findings.problem("names_changed", "the program changes where modules come from", place.span[0])

    def _imports(self, meant: Meant, place: Place, calls: int) -> None:
        for module in meant.modules:
            self.imports(module, None, place, by_text=True, calls=calls)
            calls = 0
        if meant.unseen or not meant.modules:
            found = Found("import_unknown", None, place.via, place.span, frozenset({"by_text", "dynamic"}))
            self.findings.add(found, calls)

    def _inside(self, meant: Meant, place: Place) -> None:
        """Texts of other languages."""
        for text in meant.shell:
            if self._is_new("shell", text):
                self.findings.nest(parse_shell(text).command, (*place.via, "process"), place.span, "process_unseen")
        for text in meant.sql:
            if self._is_new("sql", text):
                command = parse_sql(text).command
                if any(problem.code == "syntax_error" for problem in command.problems):
                    # WHY only then: what a driver puts in there are values, and the parser knows them as `$1`.
                    command = parse_sql(_PLACEHOLDER.sub("$1", text)).command
                self.findings.nest(command, (*place.via, "sql"), place.span, "sql_unseen")
        for text in meant.code:
            if self._is_new("code", text):
                self._code(text, place)

    def _code(self, text: str, place: Place) -> None:
        self.findings.features.add("code_from_text")
        source = parse_text(text.lstrip(" \t"))
        if isinstance(source, Problem) or place.via.count("code") >= MAX_CODE_DEPTH:
            found = Found("unknown", None, (*place.via, "code"), place.span, frozenset({"code_from_text"}))
            self.findings.add(found, 0)
            return
        self.inside.append((source, place))

    def _is_new(self, language: str, text: str) -> bool:
        # WHY: one text that a program runs in a thousand places is read once.
        if (language, text) in self._read:
            return False
        self._read.add((language, text))
        return True


def _mode(given: Given, at: int) -> str | None:
    """The mode of something that opens a file: None where nobody knows, `r` where it is not given."""
    values = given.positional[at] if at < len(given.positional) else given.keywords.get("mode")
    if values is None:
        return None if given.is_open else "r"
    return the_text(values)


def _opened(row: Row, mode: str | None) -> Row:
    if mode is None:
        return replace(row, signs=(*row.signs, "dynamic"))
    if row.kind == "archive" and mode.startswith("r"):
        return replace(row, roles=tuple(replace(role, what="read") for role in row.roles))
    if set(mode) <= set("rbtU"):
        return replace(row, kind="read_file", roles=tuple(replace(role, what="read") for role in row.roles))
    return row


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"
