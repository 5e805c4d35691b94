"""What an author waits for: `check` of 1,000 rules and `test` of 1,000 cases, beside OPA's commands on the same Rego.

Whole processes from start to end, start-up included, both in turns; the median of the ratios' parts counts. `python -m
bench authoring`. OPA comes from the tools folder (`peers/build.sh opa`).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.servers import Missing, run_folder, script, tools

RULES = 1_000
CASES = 1_000
ROUNDS = 5
UNUSUAL = frozenset({"RUST_BACKTRACE", "PYTHONDONTWRITEBYTECODE"})
"""What no author's shell asks for: a backtrace of every refusal in the parser, and Python to compile itself each time."""


@dataclass(frozen=True, slots=True)
class Run:
    """One command: median seconds of wall time, and of processor time."""

    command: str
    tool: str
    seconds: float
    cpu_seconds: float


def policies() -> str:
    rules = [
        f'deny contains {{"code": "R{number}", "reason": "no"}} if {{\n\tinput.resource.name == "res-{number}"\n'
        '\tsome op in input.command.operations\n\top.effect in {"write", "delete"}\n'
        '\tnot "dba" in input.principal.groups\n}\n'
        for number in range(RULES)
    ]
    return "package policies.big\n\n" + "\n".join(rules)


def tests() -> str:
    cases = [
        f"test_{number} if {{\n\tsome answer in big.deny with input as {{"
        f'"resource": {{"name": "res-{number}"}}, "command": {{"operations": [{{"effect": "write"}}]}}, '
        f'"principal": {{"groups": []}}}}\n\tanswer.code == "R{number}"\n}}\n'
        for number in range(CASES)
    ]
    return "package policies.big_test\n\nimport data.policies.big\n\n" + "\n".join(cases)


def measure(rounds: int = ROUNDS) -> list[Run]:
    """Both tools, in turns."""
    opa = next(
        (line for line in script(tools() / "peers" / "build.sh", "opa").splitlines() if line.endswith("/opa")), None
    )
    if opa is None:
        raise Missing("peers/build.sh built no opa")
    sallyport = str(Path(sys.executable).with_name("sallyport"))
    with run_folder() as folder:
        checked, tested = folder / "check", folder / "test"
        for place in (checked, tested):
            place.mkdir()
            (place / "big.rego").write_text(policies(), encoding="utf-8")
        (tested / "big_test.rego").write_text(tests(), encoding="utf-8")
        commands = {
            ("check", "sallyport"): [sallyport, "check", str(checked)],
            ("check", "opa"): [opa, "check", str(checked)],
            ("test", "sallyport"): [sallyport, "test", str(tested)],
            ("test", "opa"): [opa, "test", str(tested)],
        }
        for words in commands.values():
            timed(words)
        taken: dict[tuple[str, str], list[tuple[float, float]]] = {key: [] for key in commands}
        for _ in range(rounds):
            for key, words in commands.items():
                taken[key].append(timed(words))
    return [
        Run(command, tool, *(statistics.median(one[at] for one in runs) for at in (0, 1)))
        for (command, tool), runs in taken.items()
    ]


def timed(words: Sequence[str]) -> tuple[float, float]:
    """Wall and processor seconds of a command that must succeed."""
    environment = {name: value for name, value in os.environ.items() if name not in UNUSUAL}
    before, began = os.times(), time.perf_counter()
    said = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=600)
    taken, after = time.perf_counter() - began, os.times()
    if said.returncode != 0:
        raise Missing(f"`{' '.join(words)}` failed: {(said.stderr or said.stdout).strip()[-400:]}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return taken, cpu


def promises(runs: Sequence[Run]) -> tuple[Mapping[str, float | None], Mapping[str, str]]:
    """The ratios, and what OPA took."""
    found = {(run.command, run.tool): run for run in runs}
    measured: dict[str, float | None] = {}
    peers: dict[str, str] = {}
    for command in ("check", "test"):
        ours, theirs = found[command, "sallyport"], found[command, "opa"]
        measured[f"{command}_opa"] = ours.seconds / theirs.seconds
        peers[f"{command}_opa"] = f"opa {theirs.seconds:.2f} s, sallyport {ours.seconds:.2f} s"
    return measured, peers


def document(runs: Sequence[Run]) -> dict[str, object]:
    return {"rules": RULES, "cases": CASES, "runs": [asdict(run) for run in runs]}
