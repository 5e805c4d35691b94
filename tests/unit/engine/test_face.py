"""The public face of the engine: from sources and texts to decisions in a few lines."""

from __future__ import annotations

import pytest

import engine
from engine import (
    DenyKind,
    PolicyRefused,
    Principal,
    Request,
    Resource,
    Session,
    Source,
    TextQuestion,
    Verdict,
    command_reader,
    compile_policies,
    parse_command,
)

POLICY = Source(
    "shop.rego",
    """package policies.shop

allow contains {"code": "READ"} if {
	"readers" in input.principal.groups
	every op in input.command.operations {
		op.effect == "read"
	}
}
""",
)
ANA, SESSION, SHOP = Principal("ana", groups=("readers",)), Session("s"), Resource("shop", "postgres")


def test_policies_compile_and_decide_on_trees_and_texts() -> None:
    program = compile_policies([POLICY])
    request = Request(ANA, SESSION, SHOP, parse_command("postgres", "SELECT 1"), 1)
    assert program.decide(request).verdict is Verdict.ALLOW
    judged = program.decide_text(TextQuestion(ANA, SESSION, SHOP, "postgres", b"DROP TABLE t", 1))
    assert judged.decision.deny_kind is DenyKind.NO_MATCH
    assert judged.command is not None
    assert judged.command.command.operations[0].kind == "drop_table"


def test_no_policies_deny() -> None:
    request = Request(ANA, SESSION, SHOP, parse_command("postgres", "SELECT 1"), 1)
    assert compile_policies([]).decide(request).deny_kind is DenyKind.NO_MATCH


def test_broken_policies_are_refused_with_every_mistake() -> None:
    broken = [Source("a.rego", "package policies.a\n\nallow contains {"), Source("b.rego", "package policies.b\n\n!")]
    with pytest.raises(PolicyRefused) as caught:
        compile_policies(broken)
    assert {found.source for found in caught.value.diagnostics} == {"a.rego", "b.rego"}


def test_programs_may_share_a_reader() -> None:
    reader = command_reader()
    assert compile_policies([POLICY], reader=reader).reader is compile_policies([], reader=reader).reader


def test_everything_that_is_promised_is_there() -> None:
    assert all(hasattr(engine, name) for name in engine.__all__)
