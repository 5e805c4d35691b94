"""What must not stand in the project: calls that break a promise, places and hosts of one machine, private keys."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.house.test_layout import FILES, MODULES, ROOT, RUST, name

BROAD_EXCEPT_ALLOWED = {"adapters/core/relay.py", "gateway/gate.py", "gateway/tending.py"}
PURE = ("engine/",)
BANNED_IN_ENGINE = {"open", "input", "print", "exec", "eval", "breakpoint"}
BANNED_EVERYWHERE = {"eval", "exec", "breakpoint"}

MACHINE = re.compile(rb"(?<![\w.])/(?:work|root|home/\w+)/|\.pyenv|index-url|--registry")
PRIVATE_KEY = re.compile(rb"-----BEGIN (?:RSA |EC |OPENSSH |ENCRYPTED )?PRIVATE KEY-----\s+[A-Za-z0-9+/]{20}")
LEFT_OVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError|\bassert True\b")


UNMERGED = re.compile(rb"^(?:<{7}|>{7}|\|{7}) ", re.MULTILINE)


def calls(tree: ast.AST) -> set[str]:
    return {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_broad_except_stands_only_where_the_house_allows_it(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    broad = [
        handler.lineno
        for handler in ast.walk(tree)
        if isinstance(handler, ast.ExceptHandler)
        and (
            handler.type is None
            or (isinstance(handler.type, ast.Name) and handler.type.id in ("Exception", "BaseException"))
        )
    ]
    assert not broad or name(path) in BROAD_EXCEPT_ALLOWED, broad


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_banned_call(path: Path) -> None:
    banned = BANNED_IN_ENGINE if name(path).startswith(PURE) else BANNED_EVERYWHERE
    assert calls(ast.parse(path.read_text(encoding="utf-8"))) & banned == set()


KNOWS_PLACES = {
    "engine/native/src/shell/walk/options.tsv",
    "engine/native/src/shell/walk/paths.rs",
    "engine/native/src/shell/walk/paths.tsv",
    "engine/native/src/shell/walk/verbs.tsv",
    "tests/unit/engine/command/shell/test_tables.py",
}
"""What commands do is judged by the places they touch, so these name those that every machine has."""


def test_nothing_is_left_of_two_versions() -> None:
    assert {name(path) for path in FILES if UNMERGED.search(path.read_bytes())} == set()


def test_nothing_names_a_place_on_one_machine() -> None:
    here = Path(__file__)
    found = {name(p) for p in FILES if p != here and MACHINE.search(p.read_bytes())}
    assert found - KNOWS_PLACES == set()


def test_no_private_key_is_kept() -> None:
    assert {name(p) for p in FILES if PRIVATE_KEY.search(p.read_bytes())} == set()


@pytest.mark.parametrize("path", MODULES + RUST, ids=name)
def test_nothing_is_left_over(path: Path) -> None:
    found = LEFT_OVER.search(path.read_text(encoding="utf-8"))
    assert found is None, found


def test_no_test_sleeps_for_a_fixed_time() -> None:
    tests = [p for p in FILES if p.suffix == ".py" and name(p).startswith("tests/") and p != Path(__file__)]
    sleeping = {name(p) for p in tests if re.search(r"\btime\.sleep\(", p.read_text(encoding="utf-8"))}
    assert sleeping == set()


def test_no_corpus_is_copied_here() -> None:
    assert not [p for p in FILES if p.name in ("items.jsonl.gz", "SOURCE.txt")]
    assert not [p for p in FILES if p.stat().st_size > 1_000_000 and p != ROOT / "uv.lock"]


@pytest.mark.parametrize("path", [p for p in MODULES if name(p).startswith("engine/")], ids=name)
def test_inside_the_engine_only_the_core_is_taken_from_its_face(path: Path) -> None:
    # The layers contract ignores imports of `engine` itself, because the core is no Python module.
    taken = {
        alias.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "engine"
        for alias in node.names
    }
    assert taken <= {"_native"}
