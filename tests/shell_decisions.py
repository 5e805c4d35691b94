"""What the example policy for developers makes of outside shell commands: shares by corpus and label, and the misses by cause.

`python -m tests.shell_decisions [--misses]` prints the table over the open items; the conformance tests hold its promises.
Two halves (by a digest of the id) are shown apart: the tables of programs were written while looking at the first alone.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine import (
    Principal,
    Program,
    Resource,
    Session,
    Source,
    TextQuestion,
    Verdict,
    command_reader,
    compile_policies,
)
from engine.command.tree import Command, Effect
from tests.conftest import ROOT, shared
from tests.shell_commands import command

CORPORA = ("shell-tldr", "shell-ci-docs", "shell-agent-sessions", "shell-attacks", "guard-suites", "agent-incidents")
DANGEROUS = {
    "shell-attacks": {"attack-technique", "reverse-or-bind-shell", "injection-fragment", "bypass-technique"},
    "guard-suites": {"deny"},
    "agent-incidents": {"deny", "hold", "mask"},
}
HARMLESS = {
    "shell-tldr": {"benign-documented"},
    "shell-ci-docs": {"ci-script", "doc-command"},
    "shell-agent-sessions": {"agent-issued"},
    "guard-suites": {"allow"},
    "agent-incidents": {"allow"},
}
SHELL = {"shell", "http-cli", "sql-cli", None}
NOW = 1_767_614_400 * 10**9


@dataclass(frozen=True, slots=True)
class Case:
    """One outside command with the label its corpus gives it."""

    corpus: str
    label: str
    text: str
    half: int

    @property
    def is_dangerous(self) -> bool:
        return self.label in DANGEROUS.get(self.corpus, ())

    @property
    def is_harmless(self) -> bool:
        return self.label in HARMLESS.get(self.corpus, ())


def cases(corpora: Path, every: int = 1) -> Iterator[Case]:
    """The open items whose protocol is the shell; with `every`, one of that many."""
    for corpus in CORPORA:
        with gzip.open(corpora / corpus / "items.jsonl.gz", "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines):
                item = json.loads(line)
                if item.get("protocol") not in SHELL or (every > 1 and number % every and corpus in HARMLESS):
                    continue
                half = int(hashlib.sha256(item["id"].encode()).hexdigest(), 16) % 2
                yield Case(corpus, item["label"], item["command"], half)


def developer() -> Program:
    folder = ROOT / "policies/examples/developer"
    sources = [Source(path.name, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.rego"))]
    return compile_policies(sources, reader=command_reader())


def decide(program: Program, text: str) -> Verdict:
    question = TextQuestion(
        principal=Principal("bo", groups=("developers",)),
        session=Session("s"),
        resource=Resource("build", "ssh", labels={"environment": "dev"}),
        protocol="shell",
        text=text.encode("utf-8", "surrogatepass"),
        now=NOW,
    )
    return program.decide_text(question).decision.verdict


def cause(tree: Command) -> str:
    """Why a command that its corpus calls dangerous is nothing to this policy."""
    kinds = {operation.kind for operation in tree.operations}
    if kinds <= {"empty", "control", "assign"}:
        return "nothing runs"
    effects = {operation.effect for operation in tree.operations}
    if effects <= {Effect.READ, Effect.SESSION}:
        return "only looks, prints or asks a server"
    if kinds & {"build", "run_file"}:
        return "runs the project's own code"
    if "version_control" in kinds:
        return "ordinary version control"
    return "changes files of its own"


@dataclass(frozen=True, slots=True)
class Table:
    """Verdicts counted by corpus, label and half, and what was let through."""

    counts: dict[tuple[str, str, int], Counter[str]]
    misses: list[tuple[Case, str]]

    def share(self, wanted: str, verdicts: set[str], half: int | None = None) -> float:
        """The share of dangerous or harmless cases that got one of the verdicts."""
        sets = DANGEROUS if wanted == "dangerous" else HARMLESS
        chosen = [
            count
            for (corpus, label, of), count in self.counts.items()
            if label in sets.get(corpus, ()) and half in (None, of)
        ]
        every = sum(sum(count.values()) for count in chosen)
        return sum(count[verdict] for count in chosen for verdict in verdicts) / every if every else 0.0


def measure(corpora: Path, every: int = 1) -> Table:
    program = developer()
    counts: dict[tuple[str, str, int], Counter[str]] = defaultdict(Counter)
    misses = []
    for case in cases(corpora, every):
        verdict = decide(program, case.text)
        counts[case.corpus, case.label, case.half][verdict.value] += 1
        if case.is_dangerous and verdict in (Verdict.ALLOW, Verdict.MASK):
            misses.append((case, cause(command(case.text))))
    return Table(dict(counts), misses)


def main() -> int:
    corpora = shared("corpora", "SALLYPORT_CORPORA")
    if corpora is None:
        print("the folder of corpora is missing (SALLYPORT_CORPORA)", file=sys.stderr)
        return 3
    table = measure(corpora)
    print(f"{'corpus':22} {'label':24} half {'items':>6} {'allow':>7} {'hold':>7} {'deny':>7}")
    for (corpus, label, half), count in sorted(table.counts.items()):
        every = sum(count.values())
        shares = "".join(f" {count[verdict] / every:7.1%}" for verdict in ("allow", "hold", "deny"))
        print(f"{corpus:22} {label:24} {half:4} {every:6}{shares}")
    for half in (0, 1, None):
        stopped = table.share("dangerous", {"deny", "hold"}, half)
        passed = table.share("harmless", {"allow", "hold"}, half)
        free = table.share("harmless", {"allow"}, half)
        print(
            f"half {half}: dangerous stopped {stopped:.1%}; harmless not denied {passed:.1%}, allowed at once {free:.1%}"
        )
    print("let through, by cause:", dict(Counter(why for _, why in table.misses).most_common()))
    if "--misses" in sys.argv:
        for case, why in table.misses:
            print(f"{case.corpus} | {case.label} | {why} | {case.text[:200]!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
