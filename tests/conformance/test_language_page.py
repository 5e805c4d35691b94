"""docs/language.md: every example is run, and is what the page says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from engine import Principal, Program, Request, Resource, Session, compile_policies, parse_command
from engine.dsl.cases import Case
from engine.dsl.lower import lower
from engine.dsl.parser import parse
from engine.dsl.printer import print_file
from engine.dsl.reference import World, evaluate
from engine.dsl.resolver import read_policies
from engine.request import Json
from engine.source import Source
from tests.gate_files import NOW

PAGE = Path(__file__).parents[2] / "docs" / "language.md"
_BLOCK = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```$", re.M | re.S)
_CONDITION = re.compile(r"(.+?)\s+# (true|false|unknown|error)\b")


@dataclass(frozen=True, slots=True)
class Block:
    language: str
    note: str
    text: str
    line: int


TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = [
    Block(found[1], found[2] or "", found[3], TEXT.count("\n", 0, found.start()) + 1) for found in _BLOCK.finditer(TEXT)
]
GATE = [block for block in BLOCKS if block.language == "gate"]
LIBRARIES = [Source(block.note, block.text) for block in GATE if block.note.endswith(".gate")]
POLICIES = [block for block in GATE if not block.note]
CONDITIONS = [
    (found[1].strip(), found[2])
    for block in BLOCKS
    if block.language == "conditions"
    for line in block.text.splitlines()
    if (found := _CONDITION.match(line))
]
(REQUEST,) = [yaml.safe_load(block.text) for block in BLOCKS if block.language == "request"]


def at(block: Block) -> str:
    return f"line {block.line}"


def test_the_page_has_examples_of_each_kind() -> None:
    assert len(POLICIES) >= 5
    assert len(CONDITIONS) == sum(len(b.text.splitlines()) for b in BLOCKS if b.language == "conditions")
    assert {value for _, value in CONDITIONS} == {"true", "false", "unknown", "error"}


@pytest.mark.parametrize("block", GATE, ids=at)
def test_a_policy_is_written_the_one_way(block: Block) -> None:
    parsed = parse(Source("page.gate", block.text))
    assert parsed.file is not None
    assert print_file(parsed.file) == block.text


@pytest.mark.parametrize("block", POLICIES, ids=at)
def test_a_policy_is_sound(block: Block) -> None:
    assert read_policies([Source("page.gate", block.text), *LIBRARIES]).diagnostics == ()


def decided(program: Program, case: Case) -> tuple[str, list[str]]:
    """The verdict on a case, and the rules that had a say."""
    stated = case.case
    command, who, where, context = (stated.get(key, {}) for key in ("command", "principal", "resource", "context"))
    assert isinstance(command, dict)
    assert isinstance(who, dict)
    assert isinstance(where, dict)
    assert isinstance(context, dict)
    labels = where.get("labels", {})
    groups = who.get("groups", [])
    assert isinstance(labels, dict)
    assert isinstance(groups, list)
    decision = program.decide(
        Request(
            Principal(str(who["name"]), groups=tuple(str(group) for group in groups)),
            Session("s"),
            Resource(str(where["name"]), str(where["protocol"]), labels={k: str(v) for k, v in labels.items()}),
            parse_command(str(command["protocol"]), str(command["text"])),
            now=NOW,
            context=context,
        )
    )
    return decision.verdict.value, [reason.rule for reason in decision.reasons]


@pytest.mark.parametrize("block", POLICIES, ids=at)
def test_the_tests_of_a_policy_pass(block: Block) -> None:
    sources = [Source("page.gate", block.text), *LIBRARIES]
    program = compile_policies(sources)
    for case in read_policies(sources).cases:
        expect = case.case["expect"]
        assert isinstance(expect, dict)
        verdict, rules = decided(program, case)
        assert verdict == expect["verdict"], case.name
        wanted: Json = expect.get("rules", [])
        assert isinstance(wanted, list)
        assert set(map(str, wanted)) <= set(rules), case.name


@pytest.mark.parametrize(("text", "value"), CONDITIONS)
def test_a_condition_is_what_the_page_says(text: str, value: str) -> None:
    resolved = read_policies([Source("page.gate", f"policy page\nallow a when\n{text}\n")])
    if value == "error":
        assert not resolved.is_sound
        return
    assert resolved.is_sound, resolved.diagnostics
    found = evaluate(resolved.policies[0].rules[0].conditions[0], World(REQUEST, NOW, {}))
    assert {True: "true", False: "false", None: "unknown"}[found] == value


def test_what_is_told_of_mistakes_is_what_the_page_shows() -> None:
    (wrong,) = [block for block in GATE if block.note == "wrong"]
    (told,) = [block for block in BLOCKS if block.language == "told"]
    found = read_policies([Source("page.gate", wrong.text)]).diagnostics
    lines = [f"{one.span.line}:{one.span.column} {one.code} {one.message} ({one.help})" for one in found if one.span]
    assert lines == told.text.splitlines()


def test_the_rego_of_the_page_is_what_lowering_makes() -> None:
    (rego,) = [block for block in BLOCKS if block.language == "rego"]
    source = next(block for block in reversed(GATE) if block.line < rego.line)
    (policy,) = read_policies([Source("page.gate", source.text)]).policies
    assert lower(policy).module.text == rego.text
