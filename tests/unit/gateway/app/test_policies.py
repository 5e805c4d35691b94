"""The engine behind the services: compiled with the shared reader, texts read with their names."""

from __future__ import annotations

import pytest

from adapters.core.ports import Question
from engine import Request, Verdict, command_reader
from engine.errors import InputInvalid, PolicyRefused
from engine.source import Source
from gateway.app import policies
from gateway.app.policies import EngineTexts, compile_judge
from tests.strategies.gates import asked

ALLOW_ALL = Source(
    "a.rego", 'package policies.a\nallow contains {"code": "ALL", "reason": "x"} if { input.resource.name == "orders" }'
)


def test_what_does_not_compile_is_refused() -> None:
    with pytest.raises(PolicyRefused):
        compile_judge([Source("a.rego", "package")], {}, command_reader())


def test_texts_are_parsed_with_the_names_given() -> None:
    reader = command_reader()
    texts = EngineTexts(reader, lambda: None)
    names = texts.names(["public"], {"public.orders": ["id", "total"]})
    parsed = texts.parse(Question("postgres", b"SELECT total FROM orders", names)).command
    assert parsed.operations[0].targets[0].name == "public.orders"
    assert parsed.operations[0].targets[0].resolved
    with pytest.raises(InputInvalid):
        texts.names(["public"], {"public.orders": [7]})  # type: ignore[list-item]  # a wrong shape is the point


def test_explaining_without_policies_says_nothing() -> None:
    reader = command_reader()
    assert EngineTexts(reader, lambda: None).explain(asked()) == []
    judge = compile_judge([ALLOW_ALL], {}, reader)
    assert [found.rule for found in EngineTexts(reader, lambda: judge).explain(asked())] == ["a/ALL"]


class _Watched:
    """A program that notes on what it was run."""

    def __init__(self) -> None:
        self.warmed: list[Request] = []

    revision = "r"

    def warm(self, request: Request) -> None:
        self.warmed.append(request)


def test_new_policies_are_run_once_before_anybody_is_decided_on(monkeypatch: pytest.MonkeyPatch) -> None:
    program = _Watched()
    monkeypatch.setattr(policies, "compile_policies", lambda *_, **__: program)
    compile_judge([ALLOW_ALL], {}, command_reader())
    assert [one.principal.name for one in program.warmed] == ["nobody"]


def test_policies_that_fail_on_whatever_is_asked_are_loaded_all_the_same() -> None:
    failing = Source(
        "a.rego", 'package policies.a\ndeny contains {"code": "X"} if to_number(input.resource.name) > 1\n'
    )
    compiled = compile_judge([failing], {}, command_reader())
    assert compiled.judge(asked(), 0, None).decision.verdict is Verdict.DENY
