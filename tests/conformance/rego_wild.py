"""Rego found in public repositories (`rego-in-the-wild`): which modules are read, and what their `test_` rules come to.

`python -m tests.conformance.rego_wild CORPORA [--opa OPA]` prints the table of `docs/conformance.md`. A module is asked as Rego
v1 and, where it is none, as v0. `test_` rules of a package are asked in one question, with the modules beside them and those
they name. What OPA itself answers to the same is counted where its program is given: modules that are missing from the open
items fail in OPA as well.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tests.conformance.rego_corpora import Answer, ask, items, package_of

Module: TypeAlias = Mapping[str, object]
NAMED = re.compile(r"\bdata((?:\.\w+)+)")
TEST = re.compile(r"^(test_\w+)\b", re.MULTILINE)
# Modules that a package and what it names may come to; more is a whole repository.
MOST = 60


def wild(corpora: Path) -> Iterator[Module]:
    return items(corpora, "rego-in-the-wild")


def text_of(module: Module) -> str:
    return str(module["module"])


def asked(modules: Sequence[str], query: str) -> Answer:
    """The answer as v1, or as v0 where a module is no v1."""
    case = {"modules": list(modules), "query": query, "data": {}}
    answer = ask(case)
    match answer.get("error"):
        case {"code": "rego_parse_error"}:
            older = ask({**case, "rego_version": "v0"})
            return answer if "error" in older else older
        case _:
            return answer


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests of one package and everything they need that is there."""

    modules: tuple[str, ...]
    package: str
    tests: tuple[str, ...]

    @property
    def query(self) -> str:
        fields = ",\n".join(f'"{name}": [v | v := data.{self.package}.{name}]' for name in self.tests)
        return f"x = {{{fields}}}"


def suites(modules: Sequence[Module]) -> Iterator[Suite]:
    """One suite for each package with tests, of one folder."""
    by_source: defaultdict[str, list[Module]] = defaultdict(list)
    for module in modules:
        by_source[str(module["source"])].append(module)
    for around in by_source.values():
        packages: defaultdict[str, list[str]] = defaultdict(list)
        for module in around:
            packages[package_of(text_of(module))].append(text_of(module))
        tested = defaultdict(list)
        for module in around:
            if module["label"] == "test" and re.fullmatch(r"[\w.]+", package_of(text_of(module))):
                tested[str(module["path"]).rpartition("/")[0], package_of(text_of(module))].append(text_of(module))
        for (folder, package), texts in tested.items():
            beside = [text_of(one) for one in around if str(one["path"]).rpartition("/")[0] == folder]
            names = sorted({name for text in texts for name in TEST.findall(text)})
            needed = reached(beside, packages)
            if names and len(needed) <= MOST:
                yield Suite(tuple(needed), package, tuple(names))


def reached(beside: Sequence[str], packages: Mapping[str, Sequence[str]]) -> list[str]:
    """The texts, and those of the packages that they name, and so on."""
    found = dict.fromkeys(beside)
    waiting = list(beside)
    while waiting and len(found) <= MOST:
        for path in NAMED.findall(waiting.pop()):
            for package, texts in packages.items():
                if f"{path[1:]}.".startswith(f"{package}."):
                    waiting.extend(text for text in texts if text not in found)
                    found.update(dict.fromkeys(texts))
    return list(found)


def passed(answer: Answer) -> set[str]:
    rows = answer.get("result")
    found = rows[0]["x"] if isinstance(rows, list) and rows else {}
    return {name for name, values in found.items() if values == [True]}


def opa_answer(opa: str, suite: Suite) -> Answer:
    """What OPA says to the same question; an error where it has one."""
    said: dict[str, list[dict[str, object]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, text in enumerate(suite.modules):
            Path(folder, f"{number}.rego").write_text(text, encoding="utf-8")
        for version in ("--v1-compatible", "--v0-compatible"):
            line = [opa, "eval", "--format=json", "--timeout=20s", version, "--data", folder, suite.query]
            said = json.loads(subprocess.run(line, capture_output=True, check=False).stdout or b"{}")
            if "result" in said:
                return {"result": [row["bindings"] for row in said["result"]]}
        return {"error": said.get("errors")}


def taken(opa: str, modules: Sequence[Module]) -> int:
    """How many of the modules that are refused here `opa check` takes."""
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "module.rego")
        for module in modules:
            if "error" in asked([text_of(module)], "x = 1"):
                place.write_text(text_of(module), encoding="utf-8")
                lines = [[opa, "check", version, str(place)] for version in ("--v1-compatible", "--v0-compatible")]
                count += any(subprocess.run(line, capture_output=True, check=False).returncode == 0 for line in lines)
    return count


def read(modules: Sequence[Module]) -> tuple[Counter[str], Counter[str]]:
    """How many modules are read by themselves, and why the others are not."""
    counts: Counter[str] = Counter()
    why: Counter[str] = Counter()
    for module in modules:
        error = asked([text_of(module)], "x = 1").get("error")
        counts["refused" if error else "read"] += 1
        if isinstance(error, dict):
            why[re.sub(r"`[^`]*`|'[^']*'", "...", str(error["message"]))[:70]] += 1
    return counts, why


@dataclass(slots=True)
class Tally:
    """Packages of one sort, and their `test_` rules: how many there are, how many pass here and by OPA."""

    packages: int = 0
    tests: int = 0
    passed: int = 0
    by_opa: int = 0

    def add(self, suite: Suite, answer: Answer, other: Answer) -> None:
        self.packages += 1
        self.tests += len(suite.tests)
        self.passed += len(passed(answer))
        self.by_opa += len(passed(other))


def sort_of(answer: Answer, other: Answer) -> str:
    """What came of a package's tests: here and, where it was asked, by OPA."""
    if "unsupported" in answer:
        return "call builtins of other programs"
    if "result" not in answer:
        return "refused" if "result" not in other else "refused, answered by OPA"
    if "result" not in other:
        return "answered, not by OPA"
    return "answered by both alike" if passed(answer) == passed(other) else "answered by both otherwise"


def table(sorts: Mapping[str, Tally]) -> str:
    lines = ["| packages with `test_` rules | packages | tests | pass | pass in OPA |", "|---|---|---|---|---|"]
    for sort, tally in sorted(sorts.items()):
        lines.append(f"| {sort} | {tally.packages} | {tally.tests} | {tally.passed} | {tally.by_opa} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--opa")
    chosen = parser.parse_args()
    # WHY: a backtrace for each condition that does not hold takes a hundred times as long as the tests themselves.
    os.environ["RUST_LIB_BACKTRACE"] = "0"
    modules = list(wild(chosen.corpora))
    counts, why = read(modules)
    print(f"modules: {len(modules)}, read: {counts['read']}, refused: {counts['refused']}")
    for message, number in why.most_common(20):
        print(f"  {number} {message}")
    if chosen.opa:
        print(f"refused, but taken by OPA: {taken(chosen.opa, modules)}")
    sorts: defaultdict[str, Tally] = defaultdict(Tally)
    for suite in suites(modules):
        answer = asked(suite.modules, suite.query)
        other = opa_answer(chosen.opa, suite) if chosen.opa else {}
        sort = sort_of(answer, other)
        sorts[sort].add(suite, answer, other)
        if "interpreter" in answer or sort in {"refused, answered by OPA", "answered by both otherwise"}:
            print(f"  {sort}: {suite.package}")
    print(table(sorts))


if __name__ == "__main__":
    main()
