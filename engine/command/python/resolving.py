"""What an expression can be: names through imports, assignments and scopes, attributes, calls that give constants.

INVARIANT: an expression is never said to be less than it can be; whatever is not followed here is `UNKNOWN`.
Called by `walk`, node by node; nothing runs.
"""

from __future__ import annotations

import ast
import posixpath
from typing import Final

from engine.command.python import folding
from engine.command.python.scopes import Anything, Assigned, Binding, Defined, Imported, Scope
from engine.command.python.table import BUILTINS, canonical, is_known_module, row_of
from engine.command.python.values import (
    ANYTHING,
    MAX_PATH,
    UNKNOWN,
    Begins,
    Const,
    Many,
    Own,
    Plain,
    Ref,
    Value,
    Values,
    the_text,
)

MAX_STEPS: Final = 200_000
"""Expressions that are looked at for one program."""
MAX_VALUES: Final = 12
_MAX_HOPS: Final = 40
_PATHS: Final = frozenset({f"pathlib.{kind}{sort}Path" for kind in ("", "Pure") for sort in ("", "Posix", "Windows")})
_NAMESPACES: Final = frozenset({"builtins.globals()", "builtins.locals()", "builtins.vars()"})


class TooMuch(Exception):  # no error of ours: the text asks for more than it gets
    """The program needs more steps than it is given."""


class Resolver:
    """The values of the expressions of one program."""

    def __init__(self) -> None:
        self.steps = 0
        self.made: set[str] = set()
        """Texts that the program puts together."""
        self._known: dict[int, Values] = {}
        self._names: dict[tuple[int, str], Values] = {}

    def values(self, node: ast.expr, scope: Scope, hops: int = 0) -> Values:
        """Everything that an expression can be."""
        key = id(node)
        if key in self._known:
            return self._known[key]
        if hops > _MAX_HOPS:
            return ANYTHING
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise TooMuch
        # INVARIANT: whoever comes here again on the way finds anything, and anything never makes less of what it is part of.
        self._known[key] = ANYTHING
        found = self._values(node, scope, hops + 1)
        if len(found) > MAX_VALUES or not found:
            found = ANYTHING
        self.made.update(
            one.value for one in found if isinstance(one, Const) and one.made and isinstance(one.value, str)
        )
        self._known[key] = found
        return found

    def is_defined(self, name: str, scope: Scope) -> bool:
        """Whether the text, or Python itself, gives a name a meaning."""
        return name in BUILTINS or bool(self._bindings(name, scope)) or bool(_stars(scope))

    def _values(self, node: ast.expr, scope: Scope, hops: int) -> Values:
        match node:
            case ast.Constant():
                return _constant(node.value)
            case ast.Name():
                return self.name(node.id, scope, hops)
            case ast.Attribute():
                return frozenset(_attribute(one, node.attr) for one in self.values(node.value, scope, hops))
            case ast.Subscript():
                return self._item(node, scope, hops)
            case ast.Call():
                return self._call(node, scope, hops)
            case ast.BinOp():
                return self._binary(node, scope, hops)
            case ast.JoinedStr():
                return self._joined(node, scope, hops)
            case ast.IfExp():
                return self.values(node.body, scope, hops) | self.values(node.orelse, scope, hops)
            case ast.BoolOp():
                return frozenset().union(*(self.values(one, scope, hops) for one in node.values))
            case ast.NamedExpr() | ast.Await():
                return self.values(node.value, scope, hops)
            case ast.UnaryOp(ast.USub(), ast.Constant(int() as number)):
                return frozenset({Const(-number)})
            case ast.Tuple() | ast.List():
                return self._many(node, scope, hops)
            case ast.Lambda():
                return frozenset({Own("lambda")})
            case _:
                return ANYTHING

    # Names.

    def name(self, name: str, scope: Scope, hops: int = 0) -> Values:
        """Everything that a name can mean where it stands."""
        key = (id(scope), name)
        if key not in self._names:
            # WHY first: `x = x.strip()` leads here again.
            self._names[key] = ANYTHING
            self._names[key] = self._name(name, scope, hops)
        return self._names[key]

    def _name(self, name: str, scope: Scope, hops: int) -> Values:
        found: set[Value] = set()
        bindings = self._bindings(name, scope)
        for binding in bindings:
            found |= self._bound(binding, hops)
        if bindings and self._is_closed(name, scope):
            return frozenset(found)
        if name in BUILTINS:
            found.add(Ref("builtins") if name == "__builtins__" else Ref(canonical(f"builtins.{name}")))
        for module in _stars(scope):
            path = canonical(f"{module}.{name}")
            if not found or row_of(path).kind not in ("call_unknown", "compute"):
                found.add(Ref(path) if is_known_module(path) else UNKNOWN)
        return frozenset(found) or ANYTHING

    def _bindings(self, name: str, scope: Scope) -> list[Binding]:
        found: list[Binding] = []
        here: Scope | None = scope
        inside = True
        while here is not None:
            here = here.owner(name)
            if here.kind != "class" or inside:
                found += here.names.get(name, [])
                if name in here.names and not here.is_open:
                    break
            inside = inside and here.kind == "comprehension"
            here = here.parent
        return found

    def _is_closed(self, name: str, scope: Scope) -> bool:
        """Whether the nearest binding is one of a function, which hides all others."""
        here: Scope | None = scope
        while here is not None:
            here = here.owner(name)
            if name in here.names and not here.is_open:
                return True
            here = here.parent
        return False

    def _bound(self, binding: Binding, hops: int) -> Values:
        match binding:
            case Assigned():
                found = self.values(binding.value, binding.where, hops)
                return frozenset(_kept(one, entered=binding.entered) for one in found)
            case Imported():
                return ANYTHING if binding.path.startswith(".") else frozenset({Ref(canonical(binding.path))})
            case Defined():
                plain = all(self._is_plain(one, binding.where, hops) for one in binding.node.decorator_list)
                return frozenset({Own(binding.node.name)}) if plain else ANYTHING
            case Anything():
                return ANYTHING

    def _is_plain(self, decorator: ast.expr, scope: Scope, hops: int) -> bool:
        """Whether a decorator leaves a function what it is, more or less."""
        if isinstance(decorator, ast.Attribute) and decorator.attr in ("setter", "getter", "deleter"):
            return True
        found = self.values(decorator, scope, hops)
        return all(isinstance(one, Ref) and row_of(one.path).kind == "compute" for one in found)

    # What is made of others.

    def _item(self, node: ast.Subscript, scope: Scope, hops: int) -> Values:
        found: set[Value] = set()
        for owner in self.values(node.value, scope, hops):
            if isinstance(owner, Const) and isinstance(owner.value, str | bytes):
                found |= self._part(owner.value, node.slice, scope, hops)
            elif isinstance(owner, Many):
                found |= self._picked(owner, node.slice, scope, hops)
            elif isinstance(owner, Ref):
                found |= self._entry(owner, the_text(self.values(node.slice, scope, hops)), scope, hops)
            else:
                found.add(UNKNOWN)
        return frozenset(found)

    def _part(self, text: str | bytes, at: ast.expr, scope: Scope, hops: int) -> Values:
        if isinstance(at, ast.Slice):
            bounds = [None if one is None else self._plain(one, scope, hops) for one in (at.lower, at.upper, at.step)]
            given = [one for one in (at.lower, at.upper, at.step) if one is not None]
            if len(given) != sum(bound is not None for bound in bounds):
                return ANYTHING
            return _made(folding.fold_slice(text, bounds))
        number = self._plain(at, scope, hops)
        return _made(folding.fold_item(text, number)) if isinstance(number, int) else ANYTHING

    def _picked(self, many: Many, at: ast.expr, scope: Scope, hops: int) -> Values:
        number = None if isinstance(at, ast.Slice) else self._plain(at, scope, hops)
        if not isinstance(number, int) or not -len(many.items) <= number < len(many.items):
            return ANYTHING
        item = many.items[number]
        return ANYTHING if item is None else frozenset({item})

    def _entry(self, owner: Ref, key: str | None, scope: Scope, hops: int) -> Values:
        """An item of something of a module: of its `__dict__`, of `sys.modules`, of `globals()`, of a result."""
        path = owner.path
        if path.endswith(".__dict__") or path == "builtins":
            base = path.removesuffix(".__dict__")
            return ANYTHING if key is None else frozenset({Ref(canonical(f"{base}.{key}"), by_text=True)})
        if path == "sys.modules":
            return ANYTHING if key is None else frozenset({Ref(canonical(key), by_text=True)})
        if path in _NAMESPACES:
            return ANYTHING if key is None else _by_text(self.name(key, scope, hops))
        return frozenset({Ref(path)}) if "()" in path else ANYTHING

    def _binary(self, node: ast.BinOp, scope: Scope, hops: int) -> Values:
        found: set[Value] = set()
        lefts, rights = self.values(node.left, scope, hops), self.values(node.right, scope, hops)
        for left in lefts:
            for right in rights:
                if isinstance(left, Const) and isinstance(right, Const):
                    made = _made(folding.fold_binary(node.op, left.value, right.value))
                    found |= _begun(left, node.op) if made == ANYTHING else made
                elif isinstance(left, Ref) and isinstance(node.op, ast.Div) and left.path.removesuffix("()") in _PATHS:
                    about = right.value if isinstance(right, Const) and isinstance(right.value, str) else None
                    joined = None if left.about is None or about is None else posixpath.join(left.about, about)
                    found.add(Ref(left.path, joined))
                elif isinstance(left, Const | Begins):
                    found |= _begun(left, node.op)
                else:
                    found.add(Ref(left.path) if isinstance(left, Ref) and "()" in left.path else UNKNOWN)
        return frozenset(found)

    def _joined(self, node: ast.JoinedStr, scope: Scope, hops: int) -> Values:
        parts: list[Plain] = []
        for part in node.values:
            value = None
            if not isinstance(part, ast.FormattedValue):
                value = self._plain(part, scope, hops)
            elif part.format_spec is None and part.conversion == -1:
                value = self._plain(part.value, scope, hops)
            parts.append(str(value) if isinstance(value, str | int) else None)
        if None not in parts:
            return _made(folding.fold_join("", parts))
        known = folding.fold_join("", parts[: parts.index(None)])
        return frozenset({Begins(known)}) if isinstance(known, str) and known else ANYTHING

    def _many(self, node: ast.Tuple | ast.List, scope: Scope, hops: int) -> Values:
        if any(isinstance(one, ast.Starred) for one in node.elts):
            return ANYTHING
        items: list[Const | Ref | None] = []
        for one in node.elts:
            (value, *more) = self.values(one, scope, hops)
            items.append(value if isinstance(value, Const | Ref) and not more else None)
        return frozenset({Many(tuple(items), isinstance(node, ast.Tuple))})

    def _plain(self, node: ast.expr, scope: Scope, hops: int) -> Plain:
        (value, *more) = self.values(node, scope, hops)
        return value.value if isinstance(value, Const) and not more else None

    # Calls.

    def _call(self, node: ast.Call, scope: Scope, hops: int) -> Values:
        if any(isinstance(one, ast.Starred) for one in node.args):
            given: list[Values] = []
            is_whole = False
        else:
            given = [self.values(one, scope, hops) for one in node.args]
            is_whole = not node.keywords
        if isinstance(node.func, ast.Attribute):
            owners = self.values(node.func.value, scope, hops)
            if owners and all(isinstance(one, Const) for one in owners):
                return self._of_constants(owners, node.func.attr, given if is_whole else None)
        found: set[Value] = set()
        for function in self.values(node.func, scope, hops):
            if isinstance(function, Ref):
                found |= self._result(function, given, scope, hops, is_whole=is_whole)
            else:
                found.add(UNKNOWN)
        return frozenset(found)

    def _of_constants(self, owners: Values, name: str, given: list[Values] | None) -> Values:
        if (
            name == "format"
            and len(owners) == 1
            and (text := the_text(owners))
            and (given is None or the_text(given[0] if given else owners) is None)
        ):
            known = text.partition("{")[0]
            return frozenset({Begins(known)}) if known else ANYTHING
        if given is None or any(len(one) != 1 for one in given):
            return ANYTHING
        singles = [next(iter(one)) for one in given]
        found: set[Value] = set()
        for owner in owners:
            whole = owner.value if isinstance(owner, Const) else None
            if isinstance(whole, str) and name == "join" and len(singles) == 1 and isinstance(singles[0], Many):
                items = [item.value if isinstance(item, Const) else None for item in singles[0].items]
                found |= _made(folding.fold_join(whole, items))
            elif isinstance(whole, str | bytes) and all(isinstance(one, Const) for one in singles):
                plain = [one.value for one in singles if isinstance(one, Const)]
                found |= _made(folding.fold_method(whole, name, plain))
            else:
                found.add(UNKNOWN)
        return frozenset(found)

    def _result(self, function: Ref, given: list[Values], scope: Scope, hops: int, *, is_whole: bool) -> Values:
        path = function.path
        texts = [the_text(one) for one in given]
        match path, texts:
            case (("builtins.__import__" | "importlib.import_module" | "sys.modules.get"), [str(name), *_]):
                name = name.partition(".")[0] if path == "builtins.__import__" else name
                return frozenset({Ref(canonical(name), by_text=True)})
            case "builtins.getattr", [_, str(name), *rest]:
                reached = frozenset(_attribute(one, name, by_text=True) for one in given[0])
                return reached | (given[2] if rest else frozenset())
            case "builtins.vars", [_]:
                return frozenset(Ref(f"{one.path}.__dict__") if isinstance(one, Ref) else UNKNOWN for one in given[0])
            case "os.path.join", [*parts] if parts and is_whole and None not in parts:
                return _made(posixpath.join(*(part or "" for part in parts)))
            case (("os.path.expanduser" | "os.path.abspath" | "os.path.normpath" | "builtins.str"), [str(text)]):
                return _made(text)
            case "builtins.str", [None] if path == "builtins.str" and _about(given[0]) is not None:
                return _made(_about(given[0]))
        if path in _PATHS:
            known = [text for text in texts if text is not None]
            whole = posixpath.join(*known) if known and len(known) == len(texts) and is_whole else None
            return frozenset({Ref(f"{path}()", whole)})
        folded = self._folded(path, given) if is_whole else None
        if folded is not None:
            return folded
        about = texts[0] if path == "urllib.request.Request" and texts else None
        made = f"{path}()"
        return frozenset({Ref(made, about)}) if len(made) <= MAX_PATH else ANYTHING

    def _folded(self, path: str, given: list[Values]) -> Values | None:
        """What a function of constants gives, also over the items of a list: `map(chr, [115, 121])`, `bytes([1])`."""
        if any(len(one) != 1 for one in given) or not given:
            return None
        singles = [next(iter(one)) for one in given]
        if all(isinstance(one, Const) for one in singles):
            plain = [one.value for one in singles if isinstance(one, Const)]
            if path == "builtins.reversed" and isinstance(plain[0], str) and len(plain[0]) <= 400:
                return frozenset({Many(tuple(Const(char, made=True) for char in reversed(plain[0])), is_fixed=True)})
            made = folding.fold_call(path, plain)
            return None if made is None else _made(made)
        last = singles[-1]
        items = [one.value if isinstance(one, Const) else None for one in last.items] if isinstance(last, Many) else []
        if path in ("builtins.bytes", "builtins.bytearray") and items:
            numbers = [one for one in items if isinstance(one, int) and 0 <= one < 256]
            return _made(bytes(numbers)) if len(numbers) == len(items) else None
        first = singles[0]
        if path == "builtins.map" and isinstance(first, Ref) and items:
            made_items = [folding.fold_call(first.path, [item]) for item in items]
            return frozenset(
                {Many(tuple(None if one is None else Const(one, made=True) for one in made_items), is_fixed=True)}
            )
        return None


def _constant(value: object) -> Values:
    if value is None or isinstance(value, str | bytes | int | float):
        return frozenset({Const(value)})
    return ANYTHING


def _made(value: Plain) -> Values:
    return ANYTHING if value is None else frozenset({Const(value, made=True)})


def _begun(left: Const | Begins, operator: ast.operator) -> Values:
    """What is known of a text when only its left part is."""
    if isinstance(left, Begins):
        return frozenset({left})
    if not isinstance(left.value, str):
        return ANYTHING
    known = (
        left.value
        if isinstance(operator, ast.Add)
        else left.value.partition("%")[0]
        if isinstance(operator, ast.Mod)
        else ""
    )
    return frozenset({Begins(known)}) if known else ANYTHING


def _attribute(owner: Value, name: str, *, by_text: bool = False) -> Value:
    if not isinstance(owner, Ref):
        return UNKNOWN
    path = f"{owner.path}.{name}"
    if len(path) > MAX_PATH:
        return UNKNOWN
    return Ref(canonical(path), owner.about if "()" in path else None, by_text or owner.by_text)


def _about(values: Values) -> str | None:
    (one, *more) = values
    return one.about if isinstance(one, Ref) and not more else None


def _by_text(values: Values) -> Values:
    return frozenset(Ref(one.path, one.about, by_text=True) if isinstance(one, Ref) else one for one in values)


def _kept(value: Value, *, entered: bool) -> Value:
    """What is left of a value once it has a name: a list may have changed by then."""
    if isinstance(value, Many) and not value.is_fixed:
        return UNKNOWN
    return UNKNOWN if entered and not isinstance(value, Ref) else value


def _stars(scope: Scope) -> list[str]:
    """The modules whose names were all imported where a name may come from."""
    found: list[str] = []
    here: Scope | None = scope
    while here is not None:
        found += here.stars
        here = here.parent
    return found
