"""Conditions: from what is written to what is meant, every name found and every type checked.

A definition is put in the place of its name. A mistake is noted and reading goes on, so that all of them are told.
Called by `resolver.py`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import assert_never

from engine.dsl import tree as t
from engine.dsl import typed as m
from engine.dsl.definitions import Definition, Unit
from engine.dsl.globs import MAX_CHARACTERS, MAX_WILDCARDS, wildcards
from engine.dsl.mistake import Mistake, unknown
from engine.dsl.paths import Bound, find_list, find_path, fit, fit_all
from engine.dsl.tree import LiteralKind
from engine.dsl.types import NUMBER, TEXT, Sort, Type
from engine.dsl.vocabulary import is_closed, misspelt, words
from engine.dsl.windows import read_window
from engine.source import Diagnostic, Severity, Span

MAX_NODES = 5_000
"""How large a rule may grow when its definitions are put in place; doubling ones would fill the memory."""
MAX_DEPTH = 60
"""How deep conditions may stand in each other when definitions are put in place."""

_WHOLE_RULE = frozenset({"TOO_BIG", "TOO_DEEP", "RECURSIVE"})
"""Mistakes after which the rest of a condition is not read."""
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


class Conditions:
    """Resolves the conditions of one file, or those of a definition where it is used (`used_at`)."""

    def __init__(self, unit: Unit, problems: list[Diagnostic], used_at: m.Place | None = None) -> None:
        self.unit = unit
        self.problems = problems
        self.used_at = used_at
        self.using: tuple[Definition, ...] = ()
        self.checking = False
        self.nodes = 0

    def resolve(self, node: t.Condition) -> m.Condition:
        """The meaning of a condition of a rule. What is wrong stands in `problems`."""
        self.nodes = 0
        try:
            return self._condition(node, ())
        except Mistake as mistake:  # nothing more of it is read
            if self.using:
                self.using[0].is_refused = True
            self._note(mistake)
            return self._nothing(node.span)

    def check(self, definition: Definition) -> None:
        """Resolve a definition by itself, so that its mistakes are told once and where they are."""
        self.using = (definition,)
        self.checking = True
        if not isinstance(definition.meaning, t.Items):
            self.resolve(definition.meaning)
        elif len({item.kind is LiteralKind.NUMBER for item in definition.meaning.items}) > 1:
            self._note(Mistake("TYPE", "the values of this set are of different types", definition.meaning.span))

    def place(self, span: Span) -> m.Place:
        return m.Place(self.unit.source, span, self.used_at)

    def _condition(self, node: t.Condition, scope: tuple[Bound, ...], depth: int = 0) -> m.Condition:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            message = f"with its definitions put in place this has more than {MAX_NODES} conditions"
            raise Mistake("TOO_BIG", message, node.span, "use fewer definitions inside of definitions")
        if depth > MAX_DEPTH:
            message = f"with its definitions put in place this is more than {MAX_DEPTH} deep"
            raise Mistake("TOO_DEEP", message, node.span, "use fewer definitions inside of definitions")
        place = self.place(node.span)
        match node:
            case t.And(items=items):
                return m.And(tuple(self._condition(item, scope, depth + 1) for item in items), place=place)
            case t.Or(items=items):
                return m.Or(tuple(self._condition(item, scope, depth + 1) for item in items), place=place)
            case t.Not(item=item):
                return m.Not(self._condition(item, scope, depth + 1), place=place)
            case t.Truth(path=path) if len(path.parts) == 1 and (found := self._definition(path)) is not None:
                return self._inlined(found, path.span, depth)
        try:
            if isinstance(node, t.Quantified):
                return self._quantified(node, scope, depth, place)
            return self._leaf(node, scope, place)
        except Mistake as mistake:
            if mistake.code in _WHOLE_RULE:
                raise
            self._note(mistake)
            return self._nothing(node.span)

    def _quantified(self, node: t.Quantified, scope: tuple[Bound, ...], depth: int, place: m.Place) -> m.Condition:
        over = find_list(node.noun, scope, self.place(node.noun.span))
        bound = Bound(f"x{len(scope)}", over.type.item or over.type)
        body = self._condition(node.body, (*scope, bound), depth + 1)
        return m.Quantified(node.amount, over, bound.variable, body, place=place)

    def _leaf(self, node: t.Condition, scope: tuple[Bound, ...], place: m.Place) -> m.Condition:
        match node:
            case t.Truth():
                path = self._path(node.path, scope)
                if path.type.sort not in (Sort.TRUTH, Sort.ANY):
                    hint = f"compare it: `{path} == ...`" if path.type.plain in (Sort.TEXT, Sort.NUMBER) else ""
                    raise Mistake("NOT_A_CONDITION", f"`{path}` is {path.type}, not true or false", node.span, hint)
                return m.Truth(path, place=place)
            case t.Is():
                return self._compare(self._path(node.path, scope), "==", node.value, scope, place)
            case t.Compare():
                return self._comparison(node, scope, place)
            case t.Among():
                return self._signed(self._among(node, scope, place), node.negative, place)
            case t.InGroup():
                return self._signed(self._in_group(node, scope, place), node.negative, place)
            case t.Overlaps():
                over = self._path(node.path, scope)
                if over.type.sort not in (Sort.LIST, Sort.ANY):
                    raise Mistake("TYPE", f"`{over}` is {over.type}", node.path.span, "`overlaps` is for lists")
                return m.Overlaps(over, self._fit_all(self._item(over), self._items(node.among), place), place=place)
            case t.Like():
                return self._signed(self._like(node, scope, place), node.negative, place)
            case t.Within():
                return self._signed(self._within(node, scope, place), node.negative, place)
            case t.Presence():
                path = self._path(node.path, scope)
                if path.certain:
                    raise Mistake("ALWAYS_PRESENT", f"`{path}` is always present", node.span, "delete this condition")
                return self._signed(m.Present(path, place=place), not node.present, place)
            case t.Window():
                return read_window(node, place)
            case t.And() | t.Or() | t.Not() | t.Quantified():
                raise TypeError("only conditions without parts come here")
            case _:
                assert_never(node)

    # --- comparisons

    def _comparison(self, node: t.Compare, scope: tuple[Bound, ...], place: m.Place) -> m.Condition:
        left, right, operator = node.left, node.right, node.operator
        if isinstance(left, t.Literal):
            if isinstance(right, t.Literal):
                raise Mistake("CONSTANT", "this compares two constants", node.span, "one side is a field")
            left, right, operator = right, left, _FLIPPED.get(operator, operator)
        return self._compare(self._measure(left, scope), operator, right, scope, place)

    def _compare(
        self, left: m.Path | m.Count | m.Age, operator: str, right: t.Term, scope: tuple[Bound, ...], place: m.Place
    ) -> m.Condition:
        if isinstance(left, m.Age):
            return self._age(left, operator, right, place)
        type_ = NUMBER if isinstance(left, m.Count) else left.type
        if type_.sort in (Sort.LIST, Sort.RECORD):
            hint = "for a list write `VALUE in LIST`, `overlaps` or `count LIST`" if type_.sort is Sort.LIST else ""
            raise Mistake("TYPE", f"`{left}` is {type_} and is not compared", left.place.span, hint)
        if isinstance(right, t.Literal):
            constant = self._fit(type_, right, self.place(right.span))
            self._ordered(operator, type_ if type_.sort is not Sort.ANY else _type_of(constant), right.span)
            return m.Compare(left, operator, constant, place=place)
        other = self._measure(right, scope)
        if isinstance(other, m.Age):
            return self._age(other, _FLIPPED.get(operator, operator), right, place)
        second = NUMBER if isinstance(other, m.Count) else other.type
        if Sort.ANY in (type_.sort, second.sort):
            if type_.sort is second.sort:
                message = "nothing says of which type these two are"
                raise Mistake("TYPE", message, place.span, "compare each with a constant")
        elif type_.plain is not second.plain or Sort.TIME in (type_.sort, second.sort):
            raise Mistake("TYPE", f"`{left}` is {type_}, `{other}` is {second}", place.span)
        elif Sort.ADDRESS in (type_.sort, second.sort):
            raise Mistake("TYPE", "addresses are not compared as texts", place.span, "write `within`")
        self._ordered(operator, second if type_.sort is Sort.ANY else type_, place.span)
        return m.Compare(left, operator, other, place=place)

    def _age(self, left: m.Age, operator: str, right: t.Term, place: m.Place) -> m.Condition:
        if not isinstance(right, t.Literal) or right.kind is not LiteralKind.DURATION:
            raise Mistake("TYPE", "an age is compared with a duration", right.span, "such as `15m`")
        nanoseconds = int(right.value) * 1_000_000
        return m.Compare(left, operator, m.Constant(nanoseconds, place=self.place(right.span)), place=place)

    def _ordered(self, operator: str, type_: Type, span: Span) -> None:
        if operator not in ("==", "!=") and type_.plain is not Sort.NUMBER:
            raise Mistake("TYPE", f"`{operator}` is for numbers, this is {type_}", span)

    def _measure(self, node: t.Term, scope: tuple[Bound, ...]) -> m.Path | m.Count | m.Age:
        match node:
            case t.Path():
                return self._path(node, scope)
            case t.Count():
                path = self._path(node.path, scope)
                if path.type.sort is not Sort.LIST:
                    raise Mistake("TYPE", f"`{path}` is {path.type}", node.span, "`count` is for lists")
                return m.Count(path, place=self.place(node.span))
            case t.Age():
                path = self._path(node.path, scope)
                if path.type.sort is not Sort.TIME:
                    raise Mistake("TYPE", f"`{path}` is {path.type}", node.span, "`age of` is for points in time")
                return m.Age(path, place=self.place(node.span))
            case t.Literal():
                raise Mistake("CONSTANT", "a constant stands alone here", node.span, "one side is a field")
            case _:
                assert_never(node)

    # --- sets, lists, patterns

    def _among(self, node: t.Among, scope: tuple[Bound, ...], place: m.Place) -> m.Condition:
        if isinstance(node.among, t.Items) or self._set(node.among) is not None:
            if not isinstance(node.left, t.Path):
                raise Mistake("CONSTANT", "what is in a set must be a field", node.left.span)
            path = self._path(node.left, scope)
            if path.type.sort in (Sort.LIST, Sort.RECORD, Sort.TIME):
                hint = "write `LIST overlaps SET`" if path.type.sort is Sort.LIST else ""
                raise Mistake("TYPE", f"`{path}` is {path.type}", node.left.span, hint)
            return m.InSet(path, self._fit_all(path.type, self._items(node.among), place), place=place)
        over = self._path(node.among, scope)
        if over.type.sort not in (Sort.LIST, Sort.ANY):
            hint = "after `in` comes a list, or a set in braces"
            raise Mistake("TYPE", f"`{over}` is {over.type}", node.among.span, hint)
        if isinstance(node.left, t.Literal):
            return m.Contains(over, self._fit(self._item(over), node.left, self.place(node.left.span)), place=place)
        item = self._measure(node.left, scope)
        if not isinstance(item, m.Path) or item.type.sort not in (Sort.TEXT, Sort.CHOICE):
            raise Mistake("TYPE", "only a text is looked for in a list", node.left.span)
        if self._item(over).sort not in (Sort.TEXT, Sort.CHOICE):
            raise Mistake("TYPE", f"`{over}` is no list of texts", node.among.span, "look for a constant")
        return m.Contains(over, item, place=place)

    def _in_group(self, node: t.InGroup, scope: tuple[Bound, ...], place: m.Place) -> m.Condition:
        if node.path.parts != ("principal",):
            raise Mistake("TYPE", "only the `principal` is in a group", node.path.span, "`principal in group ...`")
        groups = self._path(t.Path(("principal", "groups"), span=node.path.span), scope)
        if isinstance(node.groups, t.Literal):
            return m.Contains(groups, self._fit(TEXT, node.groups, place), place=place)
        return m.Overlaps(groups, self._fit_all(TEXT, self._items(node.groups), place), place=place)

    def _like(self, node: t.Like, scope: tuple[Bound, ...], place: m.Place) -> m.Condition:
        path = self._path(node.path, scope)
        if path.type.sort not in (Sort.TEXT, Sort.CHOICE, Sort.ANY):
            raise Mistake("TYPE", f"`{path}` is {path.type}", node.path.span, "`like` is for texts")
        globs = self._texts(node.globs)
        for glob, span in globs:
            if len(glob) > MAX_CHARACTERS or wildcards(glob) > MAX_WILDCARDS:
                message = f"a glob has at most {MAX_CHARACTERS} characters and {MAX_WILDCARDS} of `*` and `?`"
                raise Mistake("GLOB", message, span, "use several, in a set")
            if "***" in glob:
                raise Mistake("GLOB", "`***` means nothing more than `**`", span, "write `**`")
        return m.Like(path, tuple(glob for glob, _ in globs), place=place)

    def _within(self, node: t.Within, scope: tuple[Bound, ...], place: m.Place) -> m.Condition:
        path = self._path(node.path, scope)
        if path.type.sort not in (Sort.ADDRESS, Sort.ANY):
            raise Mistake("TYPE", f"`{path}` is {path.type}", node.path.span, "`within` is for network addresses")
        networks = []
        for text, span in self._texts(node.networks):
            try:
                networks.append(str(ipaddress.ip_network(text)))
            except ValueError:
                raise _bad_network(text, span) from None
        return m.Within(path, tuple(networks), place=place)

    # --- names

    def _path(self, node: t.Path, scope: Sequence[Bound]) -> m.Path:
        if len(node.parts) == 1 and (found := self.unit.seen.get(node.parts[0])) is not None:
            what = "a set" if isinstance(found.meaning, t.Items) else "a condition"
            raise Mistake("TYPE", f"`{node.parts[0]}` is {what}, not a field", node.span)
        try:
            return find_path(node, scope, self.place(node.span), self.unit.seen)
        except Mistake as mistake:
            if mistake.code == "UNKNOWN_NAME" and self.unit.lost & {node.parts[0], "*"}:
                raise Mistake("", "", node.span) from None
            raise

    def _definition(self, node: t.Path) -> Definition | None:
        found = self.unit.seen.get(node.parts[0])
        return None if found is None or isinstance(found.meaning, t.Items) else found

    def _inlined(self, found: Definition, span: Span, depth: int) -> m.Condition:
        found.used = True
        if found in self.using:
            # Told once for a circle, at its first definition.
            code = "RECURSIVE" if self.checking and found is self.using[0] else ""
            message = f"`{found.name.text}` is defined by itself"
            raise Mistake(code, message, span, "a definition says something by other names")
        if found.is_refused:
            raise Mistake("", "", span)
        # Its own mistakes were told where it stands.
        inner = Conditions(found.unit, [], self.place(span))
        inner.using = (*self.using, found)
        inner.checking = self.checking
        inner.nodes = self.nodes
        meaning = found.meaning
        if isinstance(meaning, t.Items):
            raise TypeError("a set is not put in place as a condition")
        try:
            condition = inner._condition(meaning, (), depth + 1)
        except Mistake as mistake:
            raise Mistake(mistake.code, str(mistake), span, mistake.hint) from None
        finally:
            self.nodes = inner.nodes
        return condition

    def _set(self, node: t.Path) -> t.Items | None:
        found = self.unit.seen.get(node.parts[0]) if len(node.parts) == 1 else None
        if found is None or not isinstance(found.meaning, t.Items):
            return None
        found.used = True
        return found.meaning

    def _items(self, node: t.Items | t.Path | t.Name) -> t.Items:
        if isinstance(node, t.Items):
            return node
        parts = node.parts if isinstance(node, t.Path) else (node.text,)
        found = self._set(t.Path(parts, span=node.span))
        if found is not None:
            return found
        name = ".".join(parts)
        if self.unit.lost & {name, "*"}:
            raise Mistake("", "", node.span)
        known = [name for name, one in self.unit.seen.items() if isinstance(one.meaning, t.Items)]
        raise unknown("UNKNOWN_NAME", "set", name, node.span, known, "a set stands in braces, or `define NAME = {...}`")

    def _texts(self, node: t.Texts) -> list[tuple[str, Span]]:
        if isinstance(node, t.Literal):
            return [(str(self._fit(TEXT, node, self.place(node.span)).value), node.span)]
        items = self._items(node)
        constants = self._fit_all(TEXT, items, self.place(items.span))
        spans = {str(item.value): item.span for item in items.items}
        # What stands in a definition of another file is shown where it is used.
        here = isinstance(node, t.Items)
        return [(str(one.value), spans[str(one.value)] if here else node.span) for one in constants]

    def _fit(self, type_: Type, literal: t.Literal, place: m.Place) -> m.Constant:
        self._check_word(type_, literal)
        return fit(type_, literal, place)

    def _fit_all(self, type_: Type, items: t.Items, place: m.Place) -> tuple[m.Constant, ...]:
        for item in items.items:
            self._check_word(type_, item)
        return fit_all(type_, items, place)

    def _check_word(self, type_: Type, literal: t.Literal) -> None:
        """Raises Mistake for a word that its list does not have in the protocols this is for."""
        name, word = type_.words, literal.value
        if not name or not isinstance(word, str) or word in words(name):
            return
        applies = self.unit.file.header.applies
        protocols = () if applies is None else tuple(one.text for one in applies.protocols)
        if is_closed(name, protocols):
            raise unknown("UNKNOWN_VALUE", name, word, literal.span, words(name))
        near = misspelt(name, word)
        if near is not None:
            message = f"no {name} known here is called `{word}`"
            help_ = f"did you mean `{near}`?"
            source = self.unit.source
            self.problems.append(Diagnostic("MISSPELT", message, source, literal.span, Severity.WARNING, help_))

    def _item(self, over: m.Path) -> Type:
        return over.type.item or Type(Sort.ANY)

    def _signed(self, condition: m.Condition, negative: bool, place: m.Place) -> m.Condition:
        return m.Not(condition, place=place) if negative else condition

    def _nothing(self, span: Span) -> m.Condition:
        """Stands where a mistake was; never lowered, because there is a diagnostic."""
        return m.And((), place=self.place(span))

    def _note(self, mistake: Mistake) -> None:
        if mistake.code:
            self.problems.append(
                Diagnostic(mistake.code, str(mistake), self.unit.source, mistake.span, help=mistake.hint)
            )


def _type_of(constant: m.Constant) -> Type:
    value = constant.value
    if isinstance(value, bool):
        return Type(Sort.TRUTH)
    return TEXT if isinstance(value, str) else NUMBER


def _bad_network(text: str, span: Span) -> Mistake:
    try:
        fixed = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return Mistake("NETWORK", f"`{text[:60]}` is no network", span, "such as `10.0.0.0/8` or `2001:db8::/32`")
    return Mistake("NETWORK", f"`{text}` has bits set beyond its length", span, f"did you mean `{fixed}`?")
