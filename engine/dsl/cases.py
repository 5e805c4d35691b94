"""Tests that stand in a policy, as cases of a suite: the same shape as the cases of a YAML suite.

Called by `resolver.py`; run by `engine/suite`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from engine.dsl import tree as t
from engine.dsl.mistake import Mistake, unknown
from engine.dsl.paths import find_path, fit
from engine.dsl.typed import Place
from engine.dsl.types import PROTOCOLS, input_type
from engine.request import Json
from engine.source import Diagnostic

_RESOURCE_OF: Final = {"shell": "ssh", "sftp": "ssh", "python": "ssh"}
"""The protocol of the resource a command of some protocol runs on, where it has another name."""
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_SETTABLE = ("principal", "session", "resource", "context")

Section = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Case:
    """One test of a policy. `case` has the keys of a YAML suite's case: name, principal, resource, ..., expect."""

    name: str
    place: Place
    case: Mapping[str, Json]


def read_case(test: t.Test, policy: str, codes: Mapping[str, str], source: str, problems: list[Diagnostic]) -> Case:
    """The case a test states. `codes`: the code of each rule of the policy, by name; mistakes go to `problems`."""
    reader = _Reader(source)
    for part in (*(fact for given in test.given for fact in given.facts), test.run):
        try:
            reader.take(part)
        except Mistake as mistake:
            problems.append(Diagnostic(mistake.code, str(mistake), source, mistake.span, help=mistake.hint))
    rules: list[Json] = []
    for rule in test.expect.rules:
        if rule.text in codes:
            rules.append(f"{policy}/{codes[rule.text]}")
        else:
            wrong = unknown("UNKNOWN_RULE", "rule", rule.text, rule.span, codes)
            problems.append(Diagnostic(wrong.code, str(wrong), source, rule.span, help=wrong.hint))
    expect: Section = {"verdict": test.expect.verdict}
    if rules:
        expect["rules"] = rules
    name = str(test.name.value)
    case: Section = {"name": name, **reader.sections, "expect": expect}
    return Case(name, Place(source, test.span), case)


class _Reader:
    """Gathers what a test says of the request."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.sections: Section = {}

    def take(self, fact: t.Principal | t.Resource | t.Now | t.Fact | t.Run) -> None:
        match fact:
            case t.Principal():
                stated: Section = {"name": str(fact.name.value)}
                if fact.kind is not None:
                    kind = t.Literal(t.LiteralKind.WORD, fact.kind.text, fact.kind.text, span=fact.kind.span)
                    type_ = input_type().fields["principal"].type.fields["kind"].type
                    stated["kind"] = fit(type_, kind, Place(self.source, kind.span)).value
                if fact.groups is not None:
                    stated["groups"] = [str(item.value) for item in fact.groups.items]
                self._section("principal").update(stated)
            case t.Resource():
                stated = {"name": str(fact.name.value)}
                if fact.labels is not None:
                    stated["labels"] = {name: str(value.value) for name, value in fact.labels}
                for key, text in (("database", fact.database), ("role", fact.role)):
                    if text is not None:
                        stated[key] = str(text.value)
                self._section("resource").update(stated)
            case t.Now():
                if _RFC_3339.fullmatch(str(fact.at.value)) is None:
                    hint = 'such as "2026-03-02T10:00:00Z"'
                    raise Mistake("TIME", f"{fact.at.text[:60]} is no point in time", fact.at.span, hint)
                self.sections["now"] = str(fact.at.value)
            case t.Fact():
                self._field(fact)
            case t.Run():
                self._run(fact)

    def _run(self, run: t.Run) -> None:
        protocol = run.protocol.text
        if protocol not in PROTOCOLS:
            raise unknown("UNKNOWN_PROTOCOL", "protocol", protocol, run.protocol.span, PROTOCOLS)
        self.sections["command"] = {"protocol": protocol, "text": str(run.text.value)}
        self._section("principal").setdefault("name", "somebody")
        resource = self._section("resource")
        resource.setdefault("name", "something")
        resource.setdefault("protocol", _RESOURCE_OF.get(protocol, protocol))

    def _field(self, fact: t.Fact) -> None:
        if fact.path.parts[0] not in _SETTABLE:
            hint = "the command comes from `run`"
            raise unknown("UNKNOWN_FIELD", "part of a request", fact.path.parts[0], fact.path.span, _SETTABLE, hint)
        path = find_path(fact.path, (), Place(self.source, fact.path.span))
        value = fit(path.type, fact.value, Place(self.source, fact.value.span)).value
        *outer, last = path.keys
        section: Section = self.sections
        for key in outer:
            inner = section.setdefault(key, {})
            if not isinstance(inner, dict):
                raise Mistake("DUPLICATE", f"`{path}` was given a value already", fact.path.span)
            section = inner
        section[last] = value

    def _section(self, name: str) -> Section:
        found = self.sections.setdefault(name, {})
        return found if isinstance(found, dict) else {}
