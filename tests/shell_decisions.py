"""What the example policy for developers makes of outside shell commands: shares by corpus and label, and the misses by cause.

`python -m tests.shell_decisions [--misses]` prints the table over the open items, `python -m tests.conformance.agreement verdicts`
writes it to `docs/measured/shell_verdicts.md`; the conformance tests hold its promises. Two halves (by a digest of the id)
are told apart: the tables of programs were written while looking at the first alone.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine import (
    Decision,
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
from engine.command.shell.tree import Shell
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


def decide(program: Program, text: str) -> Decision:
    question = TextQuestion(
        principal=Principal("bo", groups=("developers",)),
        session=Session("s"),
        resource=Resource("build", "ssh", labels={"environment": "dev"}),
        protocol="shell",
        text=text.encode("utf-8", "surrogatepass"),
        now=NOW,
    )
    return program.decide_text(question).decision


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


LOOKS = frozenset({"--help", "--version", "--list", "--status", "list", "status", "show", "history", "inspect"})
LOOKS_OF: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("iptables", "ip6tables", "arptables"), frozenset({"-L", "-S", "-vnL"})),
    **dict.fromkeys(("tcpdump", "tshark"), frozenset({"-r", "-D"})),
    **dict.fromkeys(("fdisk", "gdisk", "crontab", "semodule"), frozenset({"-l"})),
    "arecord": frozenset({"-l", "-L"}),
    "btrfs": frozenset({"sh", "l", "du", "df", "u", "g"}),
    "cryptsetup": frozenset({"luksDump"}),
    "diskutil": frozenset({"listFilesystems"}),
    "dracut": frozenset({"--list-modules"}),
    "firewall-cmd": frozenset({"--list-all", "--list-all-zones"}),
    "hdparm": frozenset({"-I", "-C"}),
    "losetup": frozenset({"-a"}),
    "mdadm": frozenset({"--detail"}),
    "nvme": frozenset({"smart-log", "discover"}),
    "nvram": frozenset({"-p"}),
    "script": frozenset({"-h"}),
    "sfdisk": frozenset({"-h", "-d"}),
    "sgdisk": frozenset({"-p", "-v", "-L"}),
    "tcpreplay": frozenset({"--listnics"}),
    "ufw": frozenset({"--dry-run"}),
    "wipefs": frozenset({"-n"}),
    "xinput": frozenset({"list-props"}),
}
"""Words that ask a tool only to show what is there, of all tools and of single ones. The tables give them the sign of what
the tool does with others."""


def denial(decision: Decision, tree: Command) -> str:
    """Why a command that its corpus calls harmless is denied: what the rule says of it, and whether it may only look."""
    said = sorted({reason.reason for reason in decision.reasons if reason.kind == "deny"})
    why = "; ".join(said) or f"no rule allows it ({decision.deny_kind})"
    signed = [one.shell for one in tree.operations if one.shell is not None and one.shell.signs]
    if signed and all(_looks(shell) for shell in signed):
        return f"{why}: too strict, it only lists or shows"
    return why


def _looks(shell: Shell) -> bool:
    name = (shell.program or "").rpartition("/")[2]
    words = {word for word in shell.argv[1:] if word}
    return name == "atq" or bool(words & (LOOKS | LOOKS_OF.get(name, frozenset())))


def tools(tree: Command) -> tuple[str, ...]:
    """The programs of what is noteworthy in a command, or of all of it, by their bare names."""
    shells = [one.shell for one in tree.operations if one.shell is not None and one.shell.program is not None]
    signed = [shell for shell in shells if shell.signs] or shells
    names = (str(shell.program).rpartition("/")[2] for shell in signed)
    # What has an underscore is mostly a word that stands for some program.
    return tuple(dict.fromkeys(name for name in names if name.replace("-", "").isalnum()))


@dataclass(frozen=True, slots=True)
class Miss:
    """A dangerous command that was let through, or a harmless one that was denied, with its cause."""

    case: Case
    why: str
    tools: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Verdicts counted by corpus, label and half; what was let through, and what harmless was denied."""

    counts: dict[tuple[str, str, int], Counter[str]]
    misses: list[Miss]
    denied: list[Miss]

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
    misses, denied = [], []
    for case in cases(corpora, every):
        decision = decide(program, case.text)
        counts[case.corpus, case.label, case.half][decision.verdict.value] += 1
        if case.is_dangerous and decision.is_granted:
            tree = command(case.text)
            misses.append(Miss(case, cause(tree), tools(tree)))
        if case.is_harmless and decision.verdict is Verdict.DENY:
            tree = command(case.text)
            denied.append(Miss(case, denial(decision, tree), tools(tree)))
    return Table(dict(counts), misses, denied)


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
    for title, found in (("let through", table.misses), ("harmless, denied", table.denied)):
        print(f"{title}, by cause:", dict(Counter(miss.why for miss in found).most_common()))
        if "--misses" in sys.argv:
            for miss in found:
                print(f"{miss.case.corpus} | {miss.case.label} | {miss.why} | {miss.case.text[:200]!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
