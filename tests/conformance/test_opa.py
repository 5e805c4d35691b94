"""OPA's own evaluation suite: answered as OPA does, or named as something we do not have.

What is not right yet is counted, and the counts may only shrink: `known_gaps.toml` holds the ceilings and names the
cases that are answered otherwise, each with its cause.
"""

from __future__ import annotations

import gzip
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.suite.conformance import answer_lines

GAPS = tomllib.loads(Path(__file__).with_name("known_gaps.toml").read_text(encoding="utf-8"))


def cases(corpora: Path) -> Iterator[dict[str, object]]:
    with gzip.open(corpora / "rego-opa-conformance-v1" / "items.jsonl.gz", "rt", encoding="utf-8") as lines:
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
    raise TypeError(type(value))


def sorted_rows(rows: object) -> object:
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True)) if isinstance(rows, list) else rows


def agrees(case: dict[str, object], answer: dict[str, object]) -> bool:
    if "want_result" in case:
        if "result" not in answer:
            return False
        got, wanted = plain(answer["result"]), plain(case["want_result"])
        return sorted_rows(got) == sorted_rows(wanted)
    return "error" in answer


@pytest.fixture(scope="module")
def outcome(corpora: Path) -> dict[str, list[tuple[str, str]]]:
    """Cases by what became of them: right, unsupported (with the builtin), wrong (with the note)."""
    items = list(cases(corpora))
    lines = (json.dumps({"id": item["id"], **item["case"]}).encode() for item in items)  # type: ignore[dict-item]
    found: dict[str, list[tuple[str, str]]] = {"right": [], "unsupported": [], "wrong": []}
    for item, line in zip(items, answer_lines(lines), strict=True):
        case, answer = item["case"], json.loads(line)
        assert isinstance(case, dict)
        assert answer["id"] == item["id"]
        if "unsupported" in answer:
            found["unsupported"].append((str(case["note"]), str(answer["unsupported"])))
        else:
            found["right" if agrees(case, answer) else "wrong"].append((str(case["note"]), str(item["id"])))
    return found


def test_every_case_gets_an_answer_and_most_are_right(outcome: dict[str, list[tuple[str, str]]]) -> None:
    total = sum(map(len, outcome.values()))
    print({kind: len(found) for kind, found in outcome.items()})
    assert total > 1000
    assert len(outcome["unsupported"]) / total <= GAPS["ceiling"]["unsupported"]


def test_no_answer_is_wrong_but_the_known_ones(outcome: dict[str, list[tuple[str, str]]]) -> None:
    known = set(GAPS["wrong"]["cases"])
    assert {note for note, _ in outcome["wrong"]} <= known
