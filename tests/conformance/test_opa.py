"""OPA's own evaluation suite: answered as OPA does, or named as a builtin we do not have.

`known_gaps.toml` holds the builtins that are not here and the share of cases that may call one; both may only shrink.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conformance.rego_corpora import Outcome, answered, measure, opa

GAPS = tomllib.loads(Path(__file__).with_name("known_gaps.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def outcome(corpora: Path) -> Outcome:
    return measure(opa(corpora, "v1"))


def test_every_case_gets_an_answer_and_few_call_what_is_not_there(outcome: Outcome) -> None:
    print(dict(outcome.counts), outcome.unsupported.most_common())
    assert outcome.total > 1000
    assert outcome.counts["unsupported"] / outcome.total <= GAPS["ceiling"]["unsupported"]


def test_no_answer_is_wrong(outcome: Outcome) -> None:
    assert outcome.wrong == ()


def test_the_interpreter_and_the_rvm_say_the_same(outcome: Outcome) -> None:
    assert outcome.differing == ()
    assert outcome.counts["by rvm"] > outcome.counts["by interpreter"]


def test_what_is_not_there_is_a_known_builtin(outcome: Outcome) -> None:
    assert set(outcome.unsupported) <= set(GAPS["missing"]["builtins"])


def test_a_case_that_is_not_answered_calls_the_builtin_it_names(corpora: Path) -> None:
    for question in opa(corpora, "v1"):
        answer = answered(question)
        if "unsupported" in answer:
            assert calls(question.case, str(answer["unsupported"])), question.note


def calls(case: Mapping[str, object], builtin: str) -> bool:
    """Whether the text of a case calls a builtin by name, or lets it stand in for another one."""
    texts = json.dumps([case.get("modules"), case.get("query")])
    return re.search(rf"{re.escape(builtin)}\(|\bas {re.escape(builtin)}\b", texts) is not None


@pytest.mark.long
def test_the_older_suite_is_answered_within_its_bound(corpora: Path) -> None:
    older = measure(opa(corpora, "v0"))
    print(dict(older.counts), older.wrong)
    assert older.counts["otherwise"] <= GAPS["ceiling"]["v0_otherwise"]
