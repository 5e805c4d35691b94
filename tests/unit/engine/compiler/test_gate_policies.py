"""`.gate` sources on their way to the core, and what the core says on its way back."""

from __future__ import annotations

import msgspec
import pytest

from engine.compiler.gate_policies import read_gate_sources
from engine.compiler.stages import compile_policies
from engine.errors import PolicyRefused
from engine.source import Diagnostic, Severity, Source, Span
from tests.gate_files import NOW, request

GATE = Source(
    "db/p.gate",
    """policy db
import "lib.gate"

deny drops
  when risky
allow reading
  when every operation has effect read
test "reading" run postgres "SELECT 1" expect allow by reading
""",
)
LIBRARY = Source("db/lib.gate", "library\n\ndefine risky =\n  any operation has kind drop_table\n")
REGO = Source("other.rego", 'package policies.other\n\nallow contains {"code": "OK"} if input.resource.name == "x"\n')


def test_both_languages_are_one_program_with_places_as_written() -> None:
    compiled = compile_policies([GATE, LIBRARY, REGO])
    assert {(rule.package, rule.kind, rule.file, rule.line) for rule in compiled.rules} == {
        ("policies.db", "deny", "db/p.gate", 4),
        ("policies.db", "allow", "db/p.gate", 6),
        ("policies.other", "allow", "other.rego", 3),
    }
    answer = msgspec.msgpack.decode(compiled.core.evaluate(msgspec.msgpack.encode(request()), NOW))
    assert [value["code"] for _, value in answer["results"]] == ["READING"]
    assert [case.name for case in compiled.gate.cases] == ["reading"]


def test_a_revision_is_of_what_was_written() -> None:
    one = compile_policies([GATE, LIBRARY]).revision
    assert compile_policies([LIBRARY, GATE]).revision == one
    assert compile_policies([Source(GATE.name, GATE.text + "# a comment\n"), LIBRARY]).revision != one


def test_mistakes_of_both_languages_are_told_together() -> None:
    with pytest.raises(PolicyRefused) as caught:
        compile_policies([Source("p.gate", "policy p\ndeny a when x\n"), Source("q.rego", "package q\nx := [")])
    assert [(one.source, one.code) for one in caught.value.diagnostics] == [
        ("p.gate", "UNKNOWN_NAME"),
        ("q.rego", "SYNTAX"),
    ]


def test_a_mistake_in_the_language_alone_refuses_too() -> None:
    with pytest.raises(PolicyRefused) as caught:
        compile_policies([REGO, Source("p.gate", "policy p\ndeny a when x\n")])
    assert [one.code for one in caught.value.diagnostics] == ["UNKNOWN_NAME"]


def test_warnings_stand_where_the_author_wrote() -> None:
    text = 'policy p\n\ndeny a when resource.name like "x*"\ndefine y = command.complete\n'
    found = compile_policies([Source("p.gate", text)]).warnings
    assert [(one.code, one.source, one.span.line, one.severity) for one in found if one.span] == [
        ("UNUSED", "p.gate", 4, Severity.WARNING),
        ("NO_INDEX", "p.gate", 3, Severity.WARNING),
    ]


def at(line: int, code: str = "SYNTAX", severity: Severity = Severity.ERROR) -> Diagnostic:
    return Diagnostic(code, "wrong", "db/p.gate", Span(line, 1, line, 2), severity)


def test_what_the_core_finds_in_a_definition_is_shown_in_the_file_of_the_definition() -> None:
    gate = read_gate_sources([GATE, LIBRARY])
    lines = gate.lowered["db/p.gate"].module.text.splitlines()
    number = next(at for at, line in enumerate(lines, 1) if "drop_table" in line)
    found = gate.translate(at(number))
    assert found is not None
    assert (found.source, found.span and found.span.line) == ("db/lib.gate", 4)
    assert found.message == "wrong (used by rule `drops`)"
    assert gate.locate("db/p.gate", number) == ("db/lib.gate", 4)


def test_what_has_no_place_keeps_its_file_only() -> None:
    gate = read_gate_sources([GATE, LIBRARY])
    found = gate.translate(at(1))
    assert found is not None
    assert (found.source, found.span) == ("db/p.gate", None)
    assert gate.locate("db/p.gate", 1) == ("db/p.gate", 1)


def test_warnings_about_hand_written_rego_do_not_concern_the_author() -> None:
    gate = read_gate_sources([GATE, LIBRARY])
    assert gate.translate(at(4, "MAY_BE_ABSENT", Severity.WARNING)) is None
    other = Diagnostic("MAY_BE_ABSENT", "wrong", "other.rego", None, Severity.WARNING)
    assert gate.translate(other) is other


def test_without_gate_files_nothing_is_read() -> None:
    assert read_gate_sources([REGO]) == read_gate_sources([])


def test_why_a_rule_did_not_match_is_known_for_rules_of_the_language() -> None:
    gate = read_gate_sources([GATE, LIBRARY, REGO])
    found = gate.why_not("db/p.gate", 4, request(), NOW)
    assert found is not None
    assert (found.text, found.values) == (
        "any operation has kind drop_table",
        {"command.operations[].kind": ["select"]},
    )
    assert gate.why_not("db/p.gate", 6, request(), NOW) is None
    assert gate.why_not("other.rego", 3, request(), NOW) is None


def test_a_policy_that_becomes_too_long_is_told_to_be_split() -> None:
    rules = "\n".join(f'deny r{number} when resource.name == "x{number}"' for number in range(5000))
    with pytest.raises(PolicyRefused) as caught:
        compile_policies([Source("p.gate", f"policy p\n{rules}\n")])
    assert [(one.code, one.source) for one in caught.value.diagnostics] == [("TOO_LONG", "p.gate")]
