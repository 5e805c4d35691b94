"""The scanner against labelled corpora: secrets, look-alikes, personal data, ordinary answers of services.

What is computed stands in `tests/conformance/agreement/values.py`, whose tables are in `docs/measured/agreement.md`. The bounds are what
is kept today.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.agreement.values import Scanned, labelled_persons, labelled_secrets, ordinary_answers

CLAIMED_RECALL, OVERALL_RECALL, PRECISION = 0.955, 0.915, 0.955


@pytest.fixture(scope="module")
def secrets(corpora: Path) -> Scanned:
    return labelled_secrets(corpora)


def test_secrets_are_found(secrets: Scanned) -> None:
    assert secrets.claimed.labelled >= 0.8 * secrets.all.labelled
    assert secrets.claimed.recall >= CLAIMED_RECALL
    assert secrets.all.recall >= OVERALL_RECALL


def test_look_alikes_are_left_alone(secrets: Scanned) -> None:
    assert secrets.all.precision >= PRECISION


def test_structured_personal_data_is_found_and_little_else(corpora: Path) -> None:
    persons = labelled_persons(corpora)
    assert persons.claimed.recall >= 0.92
    assert persons.claimed.precision >= 0.96


def test_ordinary_answers_of_services_are_hardly_touched(corpora: Path) -> None:
    touched = ordinary_answers(corpora)
    assert touched.total > 5000
    assert touched.benign < 0.005 * touched.total
