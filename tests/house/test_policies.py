"""What every policy we ship has: a title, a suite beside it, and reasons that people can act on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from engine.compiler.gate_policies import read_gate_sources
from engine.source import Source
from tests.house.test_layout import ROOT, name

POLICIES = sorted(path for path in (ROOT / "policies").rglob("*") if path.suffix in {".rego", ".gate"})
DECIDING = [path for path in POLICIES if path.relative_to(ROOT / "policies").parts[0] != "lib"]
RULE = re.compile(r"^(allow|hold|mask|limit|deny) contains (\{.*?\}) if", re.MULTILINE | re.DOTALL)


def rego(path: Path) -> str:
    """The policy as Rego, whatever it is written in."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".rego":
        return text
    (module,) = read_gate_sources([Source(path.name, text)]).modules()
    return module.text


def rules(path: Path) -> list[tuple[str, str]]:
    return RULE.findall(rego(path))


@pytest.mark.parametrize("path", POLICIES, ids=name)
def test_each_policy_says_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".gate":
        assert re.match(
            r'policy [a-z_.]+ "[^"]+"\napplies to [a-z]+\n\n(# .+\n)+(define|deny|hold|mask|limit|allow)', text
        )
        return
    assert text.startswith("# METADATA\n# title: ")
    assert "\n# description: |\n" in text


def test_both_languages_are_in_the_library() -> None:
    assert {path.suffix for path in DECIDING} == {".rego", ".gate"}
    assert len({path.with_suffix("") for path in POLICIES}) == len(POLICIES)


@pytest.mark.parametrize("path", DECIDING, ids=name)
def test_each_policy_stands_beside_its_suite(path: Path) -> None:
    assert path.with_name(f"{path.stem}_suite.yaml").is_file()


@pytest.mark.parametrize("path", DECIDING, ids=name)
def test_each_rule_gives_a_reason_and_each_refusal_a_way_on(path: Path) -> None:
    found = rules(path)
    assert found
    for kind, head in found:
        assert '"reason": "' in head, head
        assert kind != "deny" or '"hint": "' in head, head


@pytest.mark.parametrize("path", DECIDING, ids=name)
def test_a_code_stands_for_one_rule(path: Path) -> None:
    codes = [re.search(r'"code": "([A-Z_]+)"', head) for _, head in rules(path)]
    names = [code[1] for code in codes if code is not None]
    assert len(names) == len(codes) == len(set(names))


@pytest.mark.parametrize("path", DECIDING, ids=name)
def test_each_rule_has_a_case_that_names_it(path: Path) -> None:
    package = re.search(r"^package policies\.(\S+)", rego(path), re.MULTILINE)
    assert package is not None
    suites = [yaml.safe_load(suite.read_text(encoding="utf-8")) for suite in path.parent.glob("*_suite.yaml")]
    named = {rule for suite in suites for case in suite["cases"] for rule in case.get("expect", {}).get("rules", ())}
    for _, head in rules(path):
        code = re.search(r'"code": "([A-Z_]+)"', head)
        assert code is not None
        assert f"{package[1]}/{code[1]}" in named


def test_every_policy_is_in_the_list() -> None:
    listed = (ROOT / "policies" / "README.md").read_text(encoding="utf-8")
    for path in POLICIES:
        inside = path.relative_to(ROOT / "policies")
        entry = f"`{inside.parts[0]}/{inside.parts[1] if inside.parts[0] == 'examples' else inside.stem}`"
        assert entry in listed, entry
