"""What the documentation says is there, and its examples run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bench.__main__ import AREAS
from engine import Principal, Resource, Session, Source, TextQuestion, compile_policies
from gateway.config.reading import read_config
from tests.house.test_layout import FILES, ROOT, name

PAGES = [path for path in FILES if path.suffix == ".md"]
PATH_NAMED = re.compile(r"`((?:engine|adapters|gateway|grpc_proto|policies|bench|tests|docs)/[\w./-]+)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NOW = 1_764_000_000 * 10**9


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [body for kind, body in FENCE.findall(text) if kind == language]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert dead == []


@pytest.mark.parametrize("page", ["docs/map.md", "docs/threat-model.md", "policies/README.md", "README.md"])
def test_every_file_it_names_is_there(page: str) -> None:
    named = PATH_NAMED.findall((ROOT / page).read_text(encoding="utf-8"))
    assert [path for path in named if "/a/b/" not in path and not (ROOT / path).exists()] == []


def test_the_first_policy_compiles_and_its_suite_passes() -> None:
    (module,) = blocks("docs/policies.md", "rego")
    (suite,) = blocks("docs/policies.md", "yaml")
    program = compile_policies([Source("night_shift.rego", module)], {})
    for case in yaml.safe_load(suite)["cases"]:
        question = TextQuestion(
            principal=Principal(case["principal"], groups=("night-shift",)),
            session=Session("s"),
            resource=Resource(case["resource"], "postgres", labels={"environment": "prod"}),
            protocol=case["command"]["protocol"],
            text=case["command"]["text"].encode(),
            now=NOW,
        )
        decision = program.decide_text(question).decision
        assert decision.verdict == case["expect"]["verdict"]
        assert {reason.rule for reason in decision.reasons} >= set(case["expect"]["rules"])


def test_the_rule_the_front_page_shows_is_the_demonstrations() -> None:
    (shown,) = blocks("README.md", "rego")
    assert shown in (ROOT / "policies/examples/demo/shop.rego").read_text(encoding="utf-8")


def test_the_configuration_shown_is_one_that_is_accepted(tmp_path: Path) -> None:
    (text,) = blocks("docs/operating.md", "toml")
    (tmp_path / "policies").mkdir()
    for file in ("db-ca.pem", "gateway.crt", "gateway.key", "build_hosts"):
        (tmp_path / file).write_text("")
    (tmp_path / "sallyport.toml").write_text(text)
    _, problems = read_config(tmp_path / "sallyport.toml", {})
    assert problems == []


def test_every_key_of_the_configuration_is_told() -> None:
    page = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    model = (ROOT / "gateway/config/model.py").read_text(encoding="utf-8")
    keys = set(re.findall(r"^    (\w+): ", model, re.MULTILINE)) - {"folder", "policies", "resource", "listener"}
    assert {key for key in keys if not re.search(rf"\b{key}\b", page)} == set()


def test_every_test_that_is_named_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", (ROOT / "SECURITY.md").read_text(encoding="utf-8"))
    assert len(named) > 20
    gone = [
        f"{file}::{test}"
        for file, test in named
        if not re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert gone == []


def test_the_page_of_the_bench_tells_of_every_area() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "bench" / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(AREAS)
