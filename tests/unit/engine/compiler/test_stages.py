"""Sources to compiled policies: what is refused, what is told, what a revision names."""

import subprocess
import sys

import msgspec
import pytest

from engine.compiler.stages import CompiledPolicies, compile_policies
from engine.errors import NativeFailure, PolicyRefused
from engine.rego.contract import RuleKind
from engine.source import Severity, Source

DENY = 'package policies.a\n\ndeny contains {"code": "X"} if input.resource.name == "orders"\n'


def compiled(*texts: str, **options: object) -> CompiledPolicies:
    return compile_policies([Source(f"{number}.rego", text) for number, text in enumerate(texts)], **options)  # type: ignore[arg-type]  # options of the tests


def refused(*texts: str) -> list[tuple[str, str, int]]:
    with pytest.raises(PolicyRefused) as caught:
        compiled(*texts)
    return [(one.code, one.source, one.span.line if one.span else 0) for one in caught.value.diagnostics]


def test_a_rule_is_described_with_its_place_and_its_reads() -> None:
    (rule,) = compiled(DENY).rules
    assert (rule.package, rule.kind, rule.file, rule.line) == ("policies.a", RuleKind.DENY, "0.rego", 3)
    assert rule.reads == ("input.resource.name",)
    assert not rule.is_always
    assert not rule.is_volatile


def test_a_rule_that_reads_the_time_is_volatile() -> None:
    by_call = compiled("package policies.a\nallow contains {} if time.now_ns() > 5\n").rules[0]
    by_input = compiled('package policies.a\nallow contains {} if input.context.now > "2026"\n').rules[0]
    assert by_call.is_volatile
    assert by_input.is_volatile


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = refused("package a\nx := [", "package b\ny := http.send({})\n", "package c\nf(x) := f(x)\n")
    assert [(code, source) for code, source, _ in found] == [
        ("SYNTAX", "0.rego"),
        ("BUILTIN_NOT_ALLOWED", "1.rego"),
        ("RECURSION", "2.rego"),
    ]


def test_a_rule_without_an_index_is_a_warning() -> None:
    policies = compiled('package policies.a\ndeny contains {"code": "X"} if startswith(input.resource.name, "a")\n')
    assert [(one.code, one.severity) for one in policies.warnings] == [("NO_INDEX", Severity.WARNING)]
    assert policies.rules[0].is_always


def test_what_only_opas_parser_takes_is_taken_and_told_of_at_its_own_place() -> None:
    policies = compiled(
        "package policies.a\n\n"
        'deny contains {"code": "X"} if {\n\tinput.resource.name\n\t(count(input.resource.labels) + 1) > 2\n\tnot safe(input.resource.protocol)\n}\n'
        'safe("tls")\n'
        "allow contains {} if time.now_ns() > 5\n"
    )
    allow, deny = policies.rules
    assert (deny.line, allow.line) == (3, 9)
    assert deny.reads == ("input.resource.labels", "input.resource.name", "input.resource.protocol")
    found = refused("package policies.a\nsafe(1)\ndeny contains {} if { safe(http.send({})) }\n")
    assert found == [("BUILTIN_NOT_ALLOWED", "0.rego", 3)]


def test_a_revision_names_the_contents_not_the_order() -> None:
    one, two = Source("a.rego", DENY), Source("b.rego", "package lib\nx := 1\n")
    same = {compile_policies(pair, {"k": 1, "l": 2}).revision for pair in ([one, two], [two, one])}
    assert len(same) == 1
    assert compile_policies([one], {"k": 1}).revision not in same
    assert compile_policies([one], {"k": 1}).revision != compile_policies([one], {"k": 2}).revision
    assert compile_policies([one]).revision != compile_policies([Source("c.rego", DENY)]).revision


def test_no_policies_are_no_rules() -> None:
    policies = compiled()
    assert policies.rules == ()
    answer = msgspec.msgpack.decode(policies.core.evaluate(msgspec.msgpack.encode({}), 0))
    assert answer == {"results": [], "errors": [], "volatile": False, "candidates": 0}


def test_a_limit_nobody_knows_is_the_callers_mistake() -> None:
    with pytest.raises(NativeFailure) as caught:
        compiled(DENY, limits={"patience": 5})
    assert caught.value.code == "INPUT_INVALID"


def test_data_is_what_rules_see_as_data() -> None:
    policies = compiled(
        "package policies.a\ndeny contains data.banned[input.resource.name] if true\n",
        data={"banned": {"orders": "no"}},
    )
    answer = msgspec.msgpack.decode(policies.core.evaluate(msgspec.msgpack.encode({"resource": {"name": "orders"}}), 0))
    assert answer["results"] == [[0, "no"]]


RELOADS = """
import sys
from engine.compiler.stages import compile_policies
from engine.source import Source

rules = [f'deny contains {{"code": "R{n}", "reason": "no"}} if input.resource.name == "res-{n}"' for n in range(400)]
text = "package policies.big\\n\\n" + "\\n".join(rules)
for number in range(150):
    compile_policies([Source("a.rego", f"{text}\\n# {number}")], limits={"memory_bytes": 48 << 20})
"""


def test_policies_may_be_loaded_any_number_of_times() -> None:
    # A process of its own: the limit is of the whole process, and other tests hold policies too.
    ended = subprocess.run([sys.executable, "-c", RELOADS], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr[-500:]
