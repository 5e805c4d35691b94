"""The team runs elsewhere, so it may know nothing of ours, and nothing of it may go past the gateway."""

from __future__ import annotations

import ast
import sys

from engine.command.parse import parse_command
from tests.conftest import ROOT

TEXT = (ROOT / "gateway/demo/autogen/team.py").read_text(encoding="utf-8")


def test_it_imports_the_standard_library_and_autogen_alone() -> None:
    names = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(ast.parse(TEXT))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    roots = {name.partition(".")[0] for name in names}
    assert roots - set(sys.stdlib_module_names) == {"autogen_agentchat", "autogen_core", "autogen_ext"}


def test_its_ways_out_are_those_of_one_class() -> None:
    tree = ast.parse(TEXT)
    (gateway,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Gateway"]
    found = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    inside = {ast.unparse(node.func) for node in ast.walk(gateway) if isinstance(node, ast.Call)}
    ways = {"asyncio.create_subprocess_exec", "urllib.request.Request"}
    assert ways <= inside
    assert {
        name for name in found if name.startswith(("asyncio.create", "urllib", "os.system", "subprocess"))
    } <= inside


def test_we_read_it_as_we_read_any_program() -> None:
    command = parse_command("python", TEXT).command
    assert {"run_process", "import_unknown"} <= {one.kind for one in command.operations}
    assert not command.complete
