"""Rego of others: decisions of Gatekeeper's and Kubescape's policies, regorus' own tests.

The bounds are those of `docs/conformance.md`, which `tests/conformance/rego_corpora.py` prints.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conformance.rego_corpora import CORPORA, gatekeeper, measure
from tests.conformance.rego_wild import read, wild

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
ROW = re.compile(r"^\| `(rego-[\w-]+)` \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE)


def rows() -> dict[str, tuple[int, ...]]:
    found = ROW.findall(PAGE.read_text(encoding="utf-8"))
    return {name: tuple(map(int, numbers)) for name, *numbers in found}


def test_the_page_has_a_row_for_each_corpus_and_its_numbers_add_up() -> None:
    assert set(rows()) == set(CORPORA)
    for total, right, unsupported, otherwise, by_rvm in rows().values():
        assert right + unsupported + otherwise == total
        assert by_rvm <= total


def test_gatekeepers_policies_decide_as_the_page_says(corpora: Path) -> None:
    outcome = measure(gatekeeper(corpora))
    _, right, _, otherwise, _ = rows()["rego-gatekeeper-cases"]
    assert outcome.counts["right"] >= right
    assert outcome.counts["otherwise"] <= otherwise
    assert outcome.differing == ()


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(CORPORA))
def test_the_numbers_of_the_page_are_bounds(corpora: Path, name: str) -> None:
    outcome = measure(CORPORA[name](corpora))
    _, right, _, otherwise, _ = rows()[name]
    assert outcome.counts["right"] >= right, outcome.wrong
    assert outcome.counts["otherwise"] <= otherwise, outcome.wrong


@pytest.mark.long
def test_modules_of_public_repositories_are_read_as_the_page_says(corpora: Path) -> None:
    said = re.search(
        r"Of the (\d+) open modules of `rego-in-the-wild`, (\d+) are read", PAGE.read_text(encoding="utf-8")
    )
    assert said is not None
    counts, why = read(list(wild(corpora)))
    assert (counts.total(), counts["read"]) == (int(said[1]), int(said[2])), why
