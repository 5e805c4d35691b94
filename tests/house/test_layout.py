"""Rules of the house that no linter says: sizes, a test for each module, names, where things may lie."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("engine", "adapters", "gateway")
MAX_LINES = 500
MAX_TEST_LINES = 800
SAYS_NOTHING = {"util", "utils", "helper", "helpers", "common", "misc", "base", "manager"}
TOP_LEVEL = {
    *("engine", "adapters", "gateway", "grpc_proto", "policies", "bench", "tests", "docs", "deploy"),
    *("pyproject.toml", "Makefile", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "LICENSE"),
    *("Dockerfile", "compose.yaml", "uv.lock"),
}


def tracked() -> list[Path]:
    """Every file git knows or would take in."""
    said = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / line for line in said.stdout.splitlines() if (ROOT / line).is_file()]


FILES = tracked()
MODULES = [p for p in FILES if p.suffix == ".py" and p.relative_to(ROOT).parts[0] in ROOMS]
RUST = [p for p in FILES if p.suffix == ".rs"]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [p for p in MODULES if p.name not in ("__init__.py", "__main__.py")], ids=name)
def test_each_module_has_its_unit_test(path: Path) -> None:
    inside = path.relative_to(ROOT)
    if "migrations" in inside.parts:
        return
    assert (ROOT / "tests/unit" / inside.parent / f"test_{inside.name}").exists()


@pytest.mark.parametrize("path", MODULES + RUST, ids=name)
def test_no_source_file_grows_past_the_red_line(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_no_test_file_grows_past_its_line() -> None:
    tests = [p for p in FILES if p.suffix == ".py" and p.relative_to(ROOT).parts[0] == "tests"]
    assert {name(p) for p in tests if len(p.read_text(encoding="utf-8").splitlines()) > MAX_TEST_LINES} == set()


def test_every_name_says_something() -> None:
    assert {name(p) for p in MODULES + RUST if p.stem in SAYS_NOTHING} == set()


def test_nothing_lies_at_top_level_that_the_plan_does_not_name() -> None:
    top = {p.relative_to(ROOT).parts[0] for p in FILES}
    assert {entry for entry in top if not entry.startswith(".")} - TOP_LEVEL == set()


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_each_module_says_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8").lstrip()
    assert not text or text.startswith(('"""', 'r"""'))


def test_the_two_halves_of_make_test_and_what_make_check_runs_are_all_tests() -> None:
    makefile = (ROOT / "Makefile").read_text()
    words = dict(re.findall(r"^(FIRST_HALF|SECOND_HALF) := (.*)$", makefile, re.MULTILINE))
    checked = re.findall(r"^\t\$\(BIN\)/python -m pytest -q -p no:cacheprovider (\S+)$", makefile, re.MULTILINE)
    halves = [words["FIRST_HALF"].split(), words["SECOND_HALF"].split()]
    for one, other in (halves, halves[::-1]):
        left_out = [word.removeprefix("--ignore=") for word in one if word.startswith("--ignore=")]
        assert [word for word in left_out if word not in other] == []
        one[:] = [word for word in one if not word.startswith("--ignore=")]
        other[:] = [word for word in other if word not in left_out]
    told = [*halves[0], *halves[1], *checked]
    tests = [path.relative_to(ROOT) for path in FILES if path.name.startswith("test_") and path.suffix == ".py"]
    assert sorted(told) == sorted({"/".join(path.parts[:2]) for path in tests if path.parts[0] == "tests"})
