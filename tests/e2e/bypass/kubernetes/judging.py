"""The shipped policies for Kubernetes as a gate that answers one session at a time, for a developer of one cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from adapters.core.ports import Answer
from engine import Principal, Program, Request, Resource, Session, Source, Verdict, command_reader, compile_policies
from tests.conftest import ROOT

NOW = 1_767_614_400 * 10**9


def shipped() -> Mapping[str, str]:
    """The texts of the policies, by their names."""
    folders = (ROOT / "policies" / "kubernetes", ROOT / "policies" / "lib")
    files = [path for folder in folders for path in sorted(folder.iterdir()) if path.suffix in (".rego", ".gate")]
    return {str(path.relative_to(ROOT / "policies")): path.read_text(encoding="utf-8") for path in files}


@cache
def _program() -> Program:
    return compile_policies([Source(name, text) for name, text in shipped().items()])


def judge_for(environment: str) -> Callable[[bytes], Answer]:
    """What the gate says of a text in a cluster of that environment."""
    resource = Resource(environment, "kubernetes", None, None, {"environment": environment})
    reader = command_reader()

    def judge(text: bytes) -> Answer:
        command = reader.read("kubernetes", text, None)
        asked = Request(Principal("ana", "user", ("developers",)), Session("s"), resource, command, NOW)
        decision = _program().decide(asked)
        return Answer(decision, "d-1", "t-1" if decision.verdict is Verdict.HOLD else None, command=command)

    return judge
