"""Rego corpora as cases of the conformance command, and the table of what became of them.

`python -m tests.conformance.rego_corpora CORPORA` prints the table of `docs/conformance.md`. Called by the tests of this
folder; what a corpus holds and how it is to be read is said in its SOURCE.txt.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from engine.suite.conformance import answer_lines

# Cases that ask for the time want a year past 2009 in which their short-lived tokens are long over.
NOW_NS = 1_767_225_600_000_000_000

Answer: TypeAlias = Mapping[str, object]
Item: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Question:
    """A case for the conformance command, and whether an answer to it is right."""

    note: str
    case: Mapping[str, object]
    is_right: Callable[[Answer], bool]


def items(corpora: Path, name: str) -> Iterator[Item]:
    with gzip.open(corpora / name / "items.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def plain(value: object) -> object:
    """A value in which 1 and 1.0 are one number, and the order of an object's keys does not count."""
    match value:
        case bool() | None | str():
            return value
        case int() | float():
            return float(value)
        case list():
            return [plain(item) for item in value]
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case other:
            raise TypeError(type(other))


def sorted_rows(rows: object) -> object:
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True)) if isinstance(rows, list) else rows


def agrees(case: Mapping[str, object], answer: Answer) -> bool:
    """Whether an answer is what OPA's suite wants; where it names an error and a result, the error is OPA's own."""
    if "want_error" in case or "want_error_code" in case:
        return "error" in answer
    return "result" in answer and sorted_rows(plain(answer["result"])) == sorted_rows(plain(case.get("want_result")))


def opa(corpora: Path, version: str) -> Iterator[Question]:
    for item in items(corpora, f"rego-opa-conformance-{version}"):
        case = item["case"]
        assert isinstance(case, dict)
        yield Question(str(case["note"]), {**case, "rego_version": version}, partial(agrees, case))


def value_of(answer: Answer) -> object:
    """The value of `x` in the only row of an answer; None where there is no row."""
    rows = answer.get("result")
    return rows[0].get("x") if isinstance(rows, list) and rows else None


def reviewed(item: Item) -> dict[str, object]:
    thing = item["object"]
    assert isinstance(thing, dict)
    if thing.get("kind") == "AdmissionReview":
        review = thing["request"]
    else:
        group, _, version = str(thing.get("apiVersion", "")).rpartition("/")
        kind = {"group": group, "version": version, "kind": thing.get("kind", "")}
        names = {key: value for key, value in thing.get("metadata", {}).items() if key in ("name", "namespace")}
        review = {"object": thing, "kind": kind, "operation": "CREATE", **names}
    return {"review": review, "parameters": item["parameters"] or {}}


def inventory(objects: object) -> dict[str, object]:
    """Objects as Gatekeeper keeps them: by namespace or for the cluster, then by version, kind and name."""
    assert isinstance(objects, list)
    found: dict[str, object] = {}
    for one in objects:
        metadata = one.get("metadata", {})
        place = ["namespace", metadata["namespace"]] if "namespace" in metadata else ["cluster"]
        at = found
        for part in (*place, one["apiVersion"], one["kind"]):
            below = at.setdefault(part, {})
            assert isinstance(below, dict)
            at = below
        at[metadata.get("name", "")] = one
    return found


def meets(assertions: list[dict[str, object]], violations: object) -> bool:
    found = violations if isinstance(violations, list) else []
    for assertion in assertions:
        pattern = str(assertion.get("message", ""))
        count = sum(1 for one in found if re.search(pattern, str(one.get("msg", ""))))
        match assertion.get("violations", True):
            case bool() as some:
                good = (count > 0) is some
            case number:
                good = count == number
        if not good:
            return False
    return True


def decides(assertions: list[dict[str, object]], answer: Answer) -> bool:
    return "result" in answer and meets(assertions, value_of(answer))


def reports(wanted: int, answer: Answer) -> bool:
    found = value_of(answer)
    return "result" in answer and (len(found) if isinstance(found, list) else 0) == wanted


def package_of(rego: str) -> str:
    found = re.search(r"^package\s+(\S+)", rego, re.MULTILINE)
    return found.group(1) if found else "missing"


def gatekeeper(corpora: Path) -> Iterator[Question]:
    for item in items(corpora, "rego-gatekeeper-cases"):
        rego, libs, assertions = str(item["rego"]), item["libs"], item["assertions"]
        if item["cel_only"] or not isinstance(libs, list) or not isinstance(assertions, list):
            continue
        data = {"inventory": inventory(item["inventory"])} if item["inventory"] else {}
        case = {"modules": [rego, *libs], "input": reviewed(item), "data": data}
        query = f"data.{package_of(rego)}.violation = x"
        asked = {**case, "query": query}
        yield Question(f"{item['policy']}/{item['case']}", asked, partial(decides, assertions))


def kubescape(corpora: Path) -> Iterator[Question]:
    for item in items(corpora, "rego-kubescape-cases"):
        rego, expected = str(item["rego"]), item["expected"]
        # Libraries and the configuration of controls are not in the items.
        if re.search(r"^import data\.", rego, re.MULTILINE) or "data.postureControlInputs" in rego:
            continue
        wanted = len(expected) if isinstance(expected, list) else 0
        case = {"modules": [rego], "input": item["input"], "data": {}, "query": "data.armo_builtins.deny = x"}
        yield Question(f"{item['rule']}/{item['case']}", case, partial(reports, wanted))


def decoded(value: object) -> object:
    """What regorus' tests write for sets, as OPA prints them: lists in order."""
    match value:
        case {"set!": list() as members}:
            return sorted_rows([decoded(member) for member in members])
        case dict():
            return {str(key): decoded(item) for key, item in value.items()}
        case list():
            return sorted_rows([decoded(item) for item in value])
        case other:
            return plain(other)


def gives(wanted: object, answer: Answer) -> bool:
    return decoded(value_of(answer)) == wanted


def engine_tests(corpora: Path) -> Iterator[Question]:
    for item in items(corpora, "rego-engine-tests"):
        case = item["case"]
        if item["label"] not in ("interpreter", "rvm:rego") or not isinstance(case, dict):
            continue
        query, modules = case.get("query"), case.get("modules")
        is_whole = isinstance(query, str) and re.fullmatch(r"data(\.\w+)+", query) and isinstance(modules, list)
        if not is_whole or "want_result" not in case or case["want_result"] == "#undefined":
            continue
        data = case.get("data")
        asked = {
            "modules": modules,
            "query": f"{query} = x",
            "data": data if isinstance(data, dict) else {},
            **({"input": case["input"]} if "input" in case else {}),
        }
        yield Question(str(case["note"]), asked, partial(gives, decoded(case["want_result"])))


CORPORA: Mapping[str, Callable[[Path], Iterator[Question]]] = {
    "rego-opa-conformance-v1": lambda corpora: opa(corpora, "v1"),
    "rego-opa-conformance-v0": lambda corpora: opa(corpora, "v0"),
    "rego-gatekeeper-cases": gatekeeper,
    "rego-kubescape-cases": kubescape,
    "rego-engine-tests": engine_tests,
}


def ask(case: Mapping[str, object]) -> Answer:
    answer = json.loads(next(iter(answer_lines([json.dumps({"id": 0, **case})], NOW_NS))))
    assert isinstance(answer, dict)
    return answer


def answered(question: Question) -> Answer:
    """The answer; a module that is no Rego v1 is read again as v0, as its users write it."""
    answer = ask(question.case)
    match answer.get("error"):
        case {"code": "rego_parse_error"} if "rego_version" not in question.case:
            older = ask({**question.case, "rego_version": "v0"})
            return answer if "error" in older else older
    return answer


@dataclass(frozen=True, slots=True)
class Outcome:
    """One corpus: counts by what became of its cases, and the cases by name."""

    counts: Counter[str]
    unsupported: Counter[str]
    wrong: tuple[str, ...]
    differing: tuple[str, ...]

    @property
    def total(self) -> int:
        return self.counts["right"] + self.counts["unsupported"] + self.counts["otherwise"]


def measure(questions: Iterator[Question]) -> Outcome:
    counts: Counter[str] = Counter()
    unsupported: Counter[str] = Counter()
    wrong: list[str] = []
    differing: list[str] = []
    for question in questions:
        answer = answered(question)
        counts[f"by {answer.get('evaluator', 'none')}"] += 1
        if "interpreter" in answer:
            differing.append(question.note)
        if "unsupported" in answer:
            counts["unsupported"] += 1
            unsupported[str(answer["unsupported"])] += 1
        elif question.is_right(answer):
            counts["right"] += 1
        else:
            counts["otherwise"] += 1
            wrong.append(question.note)
    return Outcome(counts, unsupported, tuple(wrong), tuple(differing))


def row(name: str, outcome: Outcome) -> str:
    counts = outcome.counts
    cells = (outcome.total, counts["right"], counts["unsupported"], counts["otherwise"], counts["by rvm"])
    return f"| `{name}` | " + " | ".join(map(str, cells)) + " |"


def main(corpora: Path) -> None:
    print("| corpus | cases | right | unsupported | otherwise | by the RVM |\n|---|---|---|---|---|---|")
    for name, questions in CORPORA.items():
        outcome = measure(questions(corpora))
        print(row(name, outcome), flush=True)
        for note in outcome.wrong[:40]:
            print(f"  otherwise: {note}", file=sys.stderr)
        print(f"  unsupported: {outcome.unsupported.most_common()}", file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
