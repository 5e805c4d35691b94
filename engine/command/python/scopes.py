"""Which names a program binds, where, and to what: the scopes of Python's own rules, without running anything.

A name has every value that any of its bindings gives it: the order of statements is not followed. WHY: a loop, a call or
an exception can run them in another one, and a guard that errs on the side of "could be" cannot be led astray by it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Function: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"
Comprehension: TypeAlias = "ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp"

FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True, eq=False)
class Assigned:
    """Bound to the value of an expression that is evaluated in `where`; `entered`: to what `with` makes of it."""

    value: ast.expr
    where: Scope
    entered: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """Bound to a module, or to something of one."""

    path: str


@dataclass(frozen=True, slots=True, eq=False)
class Defined:
    """Bound to a function or class, through its decorators, which are evaluated in `where`."""

    node: Function | ast.ClassDef
    where: Scope


@dataclass(frozen=True, slots=True)
class Anything:
    """Bound to something nobody knows: a parameter, an item of a loop."""


Binding: TypeAlias = "Assigned | Imported | Defined | Anything"


@dataclass(slots=True)
class Scope:
    """One scope. `is_open`: a name that is bound here may mean the one outside as well."""

    kind: str
    parent: Scope | None
    names: dict[str, list[Binding]] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    inner: dict[int, Scope] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        # WHY: before a name of a module or class is bound, or after `del`, it means what it means outside.
        return self.kind in ("module", "class")

    def bind(self, name: str, binding: Binding) -> None:
        self.owner(name).names.setdefault(name, []).append(binding)

    def owner(self, name: str) -> Scope:
        """The scope to which a binding of a name here belongs."""
        where = self.elsewhere.get(name)
        scope: Scope = self
        if where is None:
            return self
        while scope.parent is not None:
            scope = scope.parent
            if where == "global" and scope.kind == "module":
                return scope
            if where == "nonlocal" and scope.kind == "function" and name in scope.names:
                return scope
        return scope


def build_scopes(tree: ast.Module, parent: Scope | None = None) -> Scope:
    """The scope of a program, with the scopes inside by the `id` of their node."""
    module = Scope("module", parent)
    module.inner[id(tree)] = module
    for statement in tree.body:
        _declare(statement, module)
    for statement in tree.body:
        _statement(statement, module, module.inner)
    return module


def _declare(node: ast.AST, scope: Scope) -> None:
    """`global` and `nonlocal` hold for a whole function, also above where they stand."""
    if isinstance(node, ast.Global | ast.Nonlocal):
        word = "global" if isinstance(node, ast.Global) else "nonlocal"
        scope.elsewhere.update(dict.fromkeys(node.names, word))
    if not isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
        for child in ast.iter_child_nodes(node):
            _declare(child, scope)


def _statement(node: ast.AST, scope: Scope, inner: dict[int, Scope]) -> None:
    for outside in evaluated_outside(node):
        _statement(outside, scope, inner)
    if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Lambda, *COMPREHENSIONS)):
        within = _open(node, scope)
        inner[id(node)] = within
        for child in evaluated_inside(node):
            _declare(child, within)
        for child in evaluated_inside(node):
            _statement(child, within, inner)
        return
    _bindings(node, scope)
    for child in ast.iter_child_nodes(node):
        _statement(child, scope, inner)


def evaluated_outside(node: ast.AST) -> list[ast.AST]:
    """The parts of a function, class or comprehension that are evaluated where it stands."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return [*node.decorator_list, *_defaults(node.args), *hints_of(node), *_type_parameters(node)]
        case ast.ClassDef():
            return [*node.decorator_list, *node.bases, *node.keywords, *_type_parameters(node)]
        case ast.Lambda():
            return list(_defaults(node.args))
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            return [node.generators[0].iter]
        case _:
            return []


def hints_of(node: ast.AST) -> list[ast.expr]:
    """The annotations of a function's parameters and result."""
    if not isinstance(node, FUNCTIONS):
        return []
    found = [one.annotation for one in _arguments(node.args)] + [node.returns]
    return [one for one in found if one is not None]


def evaluated_inside(node: ast.AST) -> list[ast.AST]:
    """The other parts, which are evaluated in the scope that it opens."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return list(node.body)
        case ast.Lambda():
            return [node.body]
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
            return [node.elt, *_generators(node)]
        case ast.DictComp():
            return [node.key, node.value, *_generators(node)]
        case _:
            return []


def _generators(node: Comprehension) -> Iterator[ast.AST]:
    for number, one in enumerate(node.generators):
        yield one.target
        yield from one.ifs
        if number:
            yield one.iter


def _type_parameters(node: ast.AST) -> list[ast.AST]:
    return list(getattr(node, "type_params", ()))


def _arguments(given: ast.arguments) -> list[ast.arg]:
    more = [one for one in (given.vararg, given.kwarg) if one is not None]
    return [*given.posonlyargs, *given.args, *given.kwonlyargs, *more]


def _defaults(given: ast.arguments) -> Iterator[ast.expr]:
    yield from given.defaults
    yield from (one for one in given.kw_defaults if one is not None)


def _open(node: ast.AST, scope: Scope) -> Scope:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            scope.bind(node.name, Defined(node, scope))
            within = Scope("function", scope)
        case ast.ClassDef():
            scope.bind(node.name, Defined(node, scope))
            return Scope("class", scope)
        case ast.Lambda():
            within = Scope("function", scope)
        case _:
            within = Scope("comprehension", scope)
            for one in getattr(node, "generators", ()):
                _target(one.target, None, within)
            return within
    for argument in _arguments(node.args):
        within.names.setdefault(argument.arg, []).append(Anything())
    return within


def _bindings(node: ast.AST, scope: Scope) -> None:
    match node:
        case ast.Import():
            for one in node.names:
                # `import a.b` binds `a`; `import a.b as c` binds the module itself.
                name = one.asname or one.name.partition(".")[0]
                scope.bind(name, Imported(one.name if one.asname else name))
        case ast.ImportFrom():
            _import_from(node, scope)
        case ast.Assign():
            for target in node.targets:
                _target(target, node.value, scope)
        case ast.AnnAssign() if node.value is not None:
            _target(node.target, node.value, scope)
        case ast.AugAssign() | ast.For() | ast.AsyncFor():
            _target(node.target, None, scope)
        case ast.NamedExpr():
            outside = scope
            while outside.kind == "comprehension" and outside.parent is not None:
                outside = outside.parent
            outside.bind(node.target.id, Assigned(node.value, scope))
        case ast.withitem() if node.optional_vars is not None:
            _target(node.optional_vars, node.context_expr, scope, entered=True)
        case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar() if node.name is not None:
            scope.bind(node.name, Anything())
        case ast.MatchMapping() if node.rest is not None:
            scope.bind(node.rest, Anything())
        case _:
            _newer(node, scope)


def _newer(node: ast.AST, scope: Scope) -> None:
    """Type parameters and aliases of later Pythons, by their fields."""
    name = getattr(node, "name", None)
    if type(node).__name__ in ("TypeVar", "ParamSpec", "TypeVarTuple") and isinstance(name, str):
        scope.bind(name, Anything())
    elif type(node).__name__ == "TypeAlias" and isinstance(name, ast.Name):
        scope.bind(name.id, Anything())


def _import_from(node: ast.ImportFrom, scope: Scope) -> None:
    module = "." * node.level + (node.module or "")
    for one in node.names:
        if one.name == "*":
            scope.stars.append(module)
        else:
            path = module + one.name if module.endswith(".") else f"{module}.{one.name}"
            scope.bind(one.asname or one.name, Imported(path))


def _target(target: ast.expr, value: ast.expr | None, scope: Scope, *, entered: bool = False) -> None:
    match target:
        case ast.Name():
            scope.bind(target.id, Anything() if value is None else Assigned(value, scope, entered))
        case ast.Tuple() | ast.List():
            pairs = value.elts if isinstance(value, ast.Tuple | ast.List) else []
            starred = any(isinstance(one, ast.Starred) for one in (*target.elts, *pairs))
            fits = len(pairs) == len(target.elts) and not starred and not entered
            for number, one in enumerate(target.elts):
                _target(one, pairs[number] if fits else None, scope)
        case ast.Starred():
            _target(target.value, None, scope)
        case _:
            return
