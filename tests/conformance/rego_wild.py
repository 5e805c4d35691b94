"""Rego found in public repositories (`rego-in-the-wild`): which modules are read, and what their `test_` rules come to.

`python -m tests.conformance.rego_wild CORPORA [--opa OPA]` prints the table of `docs/conformance.md`. A module is asked as Rego
v1 and, where it is none, as v0. `test_` rules of a package are asked in one question, with the modules beside them and those
they name. What OPA itself answers to the same is counted where its program is given: modules that are missing from the open
items fail in OPA as well.
"""

from __future__ import annotations

import argparse
import json
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--opa")
    chosen = parser.parse_args()
    modules = list(wild(chosen.corpora))
    counts, why = read(modules)
    print(f"modules: {len(modules)}, read: {counts['read']}, refused: {counts['refused']}")
    for message, number in why.most_common(20):
        print(f"  {number} {message}")
    if chosen.opa:
        print(f"refused, but taken by OPA: {taken(chosen.opa, modules)}")
    outcomes: Counter[str] = Counter()
    for suite in suites(modules):
        answer = asked(suite.modules, suite.query)
        outcomes["suites"] += 1
        outcomes["tests"] += len(suite.tests)
        outcomes["passed"] += len(passed(answer))
        outcomes["differing"] += "interpreter" in answer
        kind = next((kind for kind in ("unsupported", "error") if kind in answer), "answered")
        outcomes[kind] += 1
        if chosen.opa:
            said = opa_answer(chosen.opa, suite)
            outcomes["opa answers"] += "result" in said
            outcomes["opa passed"] += len(passed(said))
            same = "result" in answer and "result" in said and passed(answer) == passed(said)
            outcomes["as opa"] += same or ("result" not in answer and "result" not in said)
            if not same and "result" in said:
                print("  otherwise:", suite.package, answer.get("error", answer.get("unsupported", "")))
    print(dict(outcomes))


if __name__ == "__main__":
    main()
