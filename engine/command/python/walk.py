"""Every node of a program, once: what it imports, calls, refers to and changes, as operations.

INVARIANT: each call that stands in the text is counted in exactly one operation, and what could be handed on under
another name (a function of the operating system, a module as a value) is an operation where it is handed on. So it does
not matter that nobody follows values through parameters, containers and results.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Final

from engine.command.python.arguments import SECRET_NAME, Given, read_call
from engine.command.python.calling import Calls, Place
from engine.command.python.findings import Findings, Found
from engine.command.python.reading import Source, parse_text
from engine.command.python.resolving import Resolver
from engine.command.python.scopes import (
    FUNCTIONS,
    Scope,
    build_scopes,
    evaluated_inside,
    evaluated_outside,
    hints_of,
)
from engine.command.python.table import BUILTINS, is_inside, row_of
from engine.command.python.values import Ref, the_text
from engine.command.tree import Problem

MAX_PROGRAMS: Final = 40
_MAX_VIA: Final = 8
_SETTERS: Final = frozenset({"builtins.setattr", "builtins.delattr"})


def walk_program(source: Source, findings: Findings, resolver: Resolver) -> None:
    """Everything a program does, and what the texts do that it runs as code. Raises TooMuch."""
    waiting: list[tuple[Source, tuple[str, ...], Scope | None]] = [(source, ("top",), None)]
    for number, (one, via, outside) in enumerate(waiting):
        if number > MAX_PROGRAMS:
            findings.problem("too_complex", f"more than {MAX_PROGRAMS} texts are run as code")
            return
        walker = Walker(one, findings, resolver, via, outside)
        walker.run()
        # WHY not at once: each walk needs its own share of the stack.
        waiting += [(text, (*place.via, "code"), place.scope) for text, place in walker.inside]


class Walker:
    """One walk over one program. `via` is how the program itself is reached."""

    def __init__(
        self, source: Source, findings: Findings, resolver: Resolver, via: tuple[str, ...], outside: Scope | None = None
    ) -> None:
        self.source = source
        self.findings = findings
        self.resolver = resolver
        self.module = build_scopes(source.tree, outside)
        self.inside: list[tuple[Source, Place]] = []
        """Texts that this program runs as code: programs of their own, with the names around them."""
        self.calls = Calls(findings, resolver, self.inside)
        self.via = via
        self._is_inside = outside is not None
        self._methods = frozenset(
            one.name
            for owner in ast.walk(source.tree)
            if isinstance(owner, ast.ClassDef)
            for one in owner.body
            if isinstance(one, FUNCTIONS)
        )

    def run(self) -> None:
        """Visit everything."""
        self._body(self.source.tree.body, self.module, self.via)

    def _body(self, nodes: Iterable[ast.AST], scope: Scope, via: tuple[str, ...]) -> None:
        for node in nodes:
            self._visit(node, scope, via)

    def _place(self, node: ast.AST, scope: Scope, via: tuple[str, ...]) -> Place:
        return Place(scope, via, (0, 0) if "code" in via else self.source.place(node), self._methods)

    def _visit(self, node: ast.AST, scope: Scope, via: tuple[str, ...]) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Lambda():
                self._definition(node, scope, via)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self._body(evaluated_outside(node), scope, via)
                self._body(evaluated_inside(node), self.module.inner.get(id(node), scope), via)
            case ast.Import():
                for one in node.names:
                    self._import(one.name, None, self._place(node, scope, via))
            case ast.ImportFrom():
                self._import_from(node, self._place(node, scope, via))
            case ast.Call():
                self._call(node, scope, via)
            case ast.Name():
                self._name(node, scope, via)
            case ast.Attribute():
                self._attribute(node, scope, via)
            case ast.Subscript():
                self._subscript(node, scope, via)
            case _:
                self._other(node, scope, via)

    def _other(self, node: ast.AST, scope: Scope, via: tuple[str, ...]) -> None:
        match node:
            case ast.Assign(targets=[ast.Name()], value=value):
                self._credential(node.targets[0], value, scope)
                self._visit(node.targets[0], scope, via)
                self._alias(value, scope, via)
                return
            case ast.Assign() | ast.AnnAssign():
                if isinstance(node, ast.AnnAssign):
                    self._annotations([node.annotation], scope, via)
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    self._credential(target, node.value, scope)
            case ast.keyword(arg=str(name)):
                self._credential(ast.Name(name), node.value, scope)
            case ast.Dict():
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        self._credential(ast.Name(key.value), value, scope)
            case ast.MatchClass():
                for name in node.kwd_attrs:
                    if is_inside(name):
                        self._inside(name, self._place(node, scope, via))
            case _:
                pass
        self._body(ast.iter_child_nodes(node), scope, via)

    def _definition(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda,
        scope: Scope,
        via: tuple[str, ...],
    ) -> None:
        for decorator in getattr(node, "decorator_list", ()):
            place = self._place(decorator, scope, (*via, "decorator"))
            self.calls.apply(decorator, place)
        self._body(evaluated_outside(node), scope, via)
        self._annotations(hints_of(node), scope, via)
        word = "class" if isinstance(node, ast.ClassDef) else "lambda" if isinstance(node, ast.Lambda) else "function"
        inner = via if len(via) >= _MAX_VIA else (*via, word)
        within = self.module.inner.get(id(node), scope)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name in BUILTINS:
            self.findings.features.add("shadowed_name")
        self._body(evaluated_inside(node), within, inner)

    def _annotations(self, hints: Iterable[ast.AST], scope: Scope, via: tuple[str, ...]) -> None:
        """Texts in annotations are code for whoever evaluates them: `typing`, pydantic, `singledispatch`."""
        for hint in hints:
            for one in ast.walk(hint):
                if not isinstance(one, ast.Constant) or not isinstance(one.value, str):
                    continue
                source = parse_text(one.value.strip(), "eval")
                if not isinstance(source, Problem) and any(
                    isinstance(part, ast.Call) for part in ast.walk(source.tree)
                ):
                    place = self._place(one, scope, via)
                    self.findings.problem("code_from_text", "an annotation is a text with calls in it", place.span[0])
                    self.findings.features.add("code_from_text")
                    self.inside.append((source, place))

    # Imports.

    def _import_from(self, node: ast.ImportFrom, place: Place) -> None:
        module = "." * node.level + (node.module or "")
        for one in node.names:
            if one.name == "*":
                self.findings.features.add("star_import")
                self._import(module, None, place)
            else:
                self._import(module, one.name, place)

    def _import(self, module: str, name: str | None, place: Place) -> None:
        self.calls.imports(module, name, place)

    # Names, attributes, items.

    def _name(self, node: ast.Name, scope: Scope, via: tuple[str, ...]) -> None:
        place = self._place(node, scope, via)
        if not isinstance(node.ctx, ast.Load):
            if node.id in BUILTINS:
                self.findings.features.add("shadowed_name")
            if node.id.startswith("__") and node.id.endswith("__") and is_inside(node.id):
                self._inside(node.id, place)
            return
        self._known(node, place)
        self.calls.reference(node, place)

    def _known(self, node: ast.Name, place: Place) -> None:
        """A name must have a meaning in the text, and be spelled the way it is read."""
        if node.id.startswith("__") and is_inside(node.id):
            self._inside(node.id, place)
        elif not self.resolver.is_defined(node.id, place.scope):
            self.findings.problem(
                "undefined_name", "a name is used that nothing in the text gives a meaning", place.span[0]
            )
        self._spelling(node, node.id)

    def _spelling(self, node: ast.AST, name: str) -> None:
        start, end = self.source.place(node)
        if not self._is_inside and not self.source.raw[start:end].endswith(name.encode()):
            self.findings.features.add("non_ascii_name")

    def _attribute(self, node: ast.Attribute, scope: Scope, via: tuple[str, ...]) -> None:
        place = self._place(node, scope, via)
        self._spelling(node, node.attr)
        self._reaches(node, place)
        if isinstance(node.ctx, ast.Load):
            self.calls.reference(node, place)
        else:
            self._rebinds(node.value, node.attr, place)
        self._owner(node.value, scope, via, node.attr)

    def _reaches(self, node: ast.Attribute, place: Place, then: str = "") -> None:
        """An attribute of the insides; `x.__class__.__name__` only names a class."""
        if is_inside(node.attr) and not (node.attr == "__class__" and then in ("__name__", "__qualname__")):
            self._inside(node.attr, place)

    def _owner(self, node: ast.expr, scope: Scope, via: tuple[str, ...], then: str = "") -> None:
        """What stands before a dot: there a module is no value that is handed on."""
        match node:
            case ast.Name(ctx=ast.Load()):
                self._known(node, self._place(node, scope, via))
            case ast.Attribute():
                place = self._place(node, scope, via)
                self._spelling(node, node.attr)
                self._reaches(node, place, then)
                self.calls.reference(node, place, is_owner=True)
                self._owner(node.value, scope, via, node.attr)
            case _:
                self._visit(node, scope, via)

    def _subscript(self, node: ast.Subscript, scope: Scope, via: tuple[str, ...]) -> None:
        place = self._place(node, scope, via)
        key = the_text(self.resolver.values(node.slice, scope))
        if isinstance(node.ctx, ast.Load):
            self._read_item(node, key, place)
        else:
            self._rebinds(node.value, key, place, is_item=True)
        self._owner(node.value, scope, via)
        self._visit(node.slice, scope, via)

    def _read_item(self, node: ast.Subscript, key: str | None, place: Place) -> None:
        owners = self.resolver.values(node.value, place.scope)
        if any(isinstance(one, Ref) and one.path in ("os.environ", "os.environb") for one in owners):
            self.calls.environment(key, place)
        self.calls.reference(node, place)

    # What is given another meaning.

    def _rebinds(self, owner: ast.expr, key: str | None, place: Place, *, is_item: bool = False) -> None:
        for one in self.resolver.values(owner, place.scope):
            if not isinstance(one, Ref):
                continue
            if one.path in ("os.environ", "os.environb") and is_item:
                self.calls.environment(key, place, writes=True)
            elif "()" not in one.path or one.path.startswith("builtins."):
                if is_item and row_of(one.path).kind == "compute" and not one.path.startswith(("sys.", "builtins")):
                    continue
                self.rebound(f"{one.path}.{key or '?'}", place)

    def rebound(self, name: str, place: Place) -> None:
        """A name of a module, or of Python, means something else from here on."""
        self.findings.problem("names_changed", "the program gives names of modules another meaning", place.span[0])
        signs = frozenset({"rebinds", "changes_imports"})
        self.findings.add(Found("session", name, place.via, place.span, signs), 0)

    def _inside(self, name: str, place: Place) -> None:
        self.findings.add(Found("reflect", f".{name}", place.via, place.span, frozenset({"insides"})), 0)

    def _alias(self, value: ast.expr, scope: Scope, via: tuple[str, ...]) -> None:
        """`o = os`: another name for a module, which the resolver follows, is not yet a value that is handed on."""
        if isinstance(value, ast.Name):
            self._known(value, self._place(value, scope, via))
            self.calls.reference(value, self._place(value, scope, via), is_owner=True)
        else:
            self._visit(value, scope, via)

    def _credential(self, target: ast.expr, value: ast.expr | None, scope: Scope) -> None:
        name = target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""
        if value is None or not SECRET_NAME.search(name):
            return
        text = the_text(self.resolver.values(value, scope))
        if text is not None and len(text) >= 4 and " " not in text.strip() and not SECRET_NAME.fullmatch(text):
            self.findings.features.add("secret_literal")

    # Calls.

    def _call(self, node: ast.Call, scope: Scope, via: tuple[str, ...]) -> None:
        place = self._place(node, scope, via)
        given = read_call(node, lambda one: self.resolver.values(one, scope))
        self.calls.call(node, given, place)
        self._special(node, given, place)
        match node.func:
            case ast.Name():
                self._known(node.func, self._place(node.func, scope, via))
            case ast.Attribute():
                func_place = self._place(node.func, scope, via)
                self._spelling(node.func, node.func.attr)
                self._reaches(node.func, func_place)
                self._owner(node.func.value, scope, via)
            case _:
                self._visit(node.func, scope, via)
        self._body([*node.args, *node.keywords], scope, via)

    def _special(self, node: ast.Call, given: Given, place: Place) -> None:
        """`getattr`, `setattr` and their kin: an attribute by the name that a text gives."""
        for function in self.resolver.values(node.func, place.scope):
            if not isinstance(function, Ref) or not function.path.startswith("builtins."):
                continue
            if function.path in _SETTERS:
                self._set(node, given, place)
            elif function.path == "builtins.getattr":
                self._get(node, given, place)

    def _set(self, node: ast.Call, given: Given, place: Place) -> None:
        name = the_text(given.positional[1]) if len(given.positional) > 1 else None
        if node.args and not isinstance(node.args[0], ast.Starred):
            self._rebinds(node.args[0], name, place)
        if name is not None and is_inside(name):
            self._inside(name, place)

    def _get(self, node: ast.Call, given: Given, place: Place) -> None:
        name = the_text(given.positional[1]) if len(given.positional) > 1 else None
        if name is None:
            self.findings.add(
                Found("reflect", "builtins.getattr", place.via, place.span, frozenset({"by_text", "dynamic"})), 0
            )
        elif is_inside(name):
            self._inside(name, place)
        else:
            self.calls.reference(node, place)
