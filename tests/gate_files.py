"""Short ways for tests to read policies of the language."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent

from engine.dsl import typed as m
from engine.dsl.lower import lower
from engine.dsl.resolver import Resolved, read_policies
from engine.request import Json
from engine.source import Diagnostic, Source

NOW = 1_774_000_000 * 10**9
"""Friday, 2026-03-20, 09:46:40 UTC."""


def read(text: str, **others: str) -> Resolved:
    """Read `p.gate`, beside other files: `lib="..."` is `lib.gate`."""
    sources = [Source("p.gate", dedent(text))]
    sources += [Source(f"{name}.gate", dedent(other)) for name, other in others.items()]
    return read_policies(sources)


def sound(text: str, **others: str) -> m.Policy:
    """The policy of `p.gate`, which has no errors."""
    resolved = read(text, **others)
    assert resolved.is_sound, resolved.diagnostics
    return next(policy for policy in resolved.policies if policy.source == "p.gate")


def rego(policy: m.Policy) -> Source:
    """A policy as the Rego module that a Rego author could have written."""
    return Source("p.rego", lower(policy).module.text)


def problems(text: str, **others: str) -> list[Diagnostic]:
    return list(read(text, **others).diagnostics)


def problem(text: str, **others: str) -> Diagnostic:
    """The one thing that is wrong."""
    (found,) = problems(text, **others)
    return found


def condition(text: str, before: str = "") -> m.Condition:
    """The meaning of one condition; `before` are lines of definitions."""
    policy = sound(f"policy p\n{before}\nallow a when {text}\n")
    return policy.rules[0].conditions[-1]


def wrong_condition(text: str) -> Diagnostic:
    """The one thing that is wrong with a condition."""
    return problem(f"policy p\nallow a when {text}\n")


def request(**sections: Mapping[str, Json]) -> dict[str, Json]:
    """A valid input document: a SELECT by somebody, with what is given put in."""
    document: dict[str, Json] = {
        "principal": {"name": "ana", "kind": "user", "groups": [], "attributes": {}},
        "session": {"id": "s", "state": {}},
        "resource": {"name": "orders", "protocol": "postgres", "labels": {}},
        "command": {
            "protocol": "postgres",
            "text": "SELECT 1",
            "digest": "0",
            "operations": [operation()],
            "features": [],
            "complete": True,
            "problems": [],
        },
        "context": {"now": "2026-03-20T09:46:40.000000000Z"},
    }
    for name, fields in sections.items():
        section = document[name]
        assert isinstance(section, dict)
        document[name] = {**section, **fields}
    return document


def operation(kind: str = "select", effect: str = "read", **fields: Json) -> dict[str, Json]:
    return {"kind": kind, "effect": effect, "via": ["top"], "targets": [], "span": [0, 8], "statement": 0, **fields}
