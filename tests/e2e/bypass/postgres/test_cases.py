"""Every way around, in every spelling, through a whole gateway to a real server: stopped or masked, no leak, no write."""

from __future__ import annotations

import pytest

from tests.e2e.bypass.postgres.cases import CASES, RUN, Case
from tests.e2e.bypass.postgres.page import PAGE, page_text
from tests.e2e.bypass.postgres.place import Place, answer, extended, is_met, leaks, simple, verdict

ONLY_EXTENDED = 2
"""So many spellings of a case go the extended way too."""


@pytest.mark.parametrize("case", [case for case in CASES if case.texts], ids=lambda case: f"{case.number} {case.title}")
def test_a_way_around_comes_to_what_it_must(place: Place, case: Case) -> None:
    before = place.fingerprint()
    wrong = []
    client = place.client()
    for number, text in enumerate(case.texts):
        ways = [simple(text)] + ([extended(text)] if number < ONLY_EXTENDED and _is_single(text) else [])
        for messages in ways:
            found, held = answer(client, *messages)
            came = verdict(found, held)
            if leaks(found) or not is_met(case.expected, came):
                wrong.append((text, len(messages), came, leaks(found), found[:3]))
            if held or found[-1] != ("Z", b"I"):
                client.close()
                client = place.client()
    client.close()
    assert wrong == []
    assert place.fingerprint() == before


def _is_single(text: str) -> bool:
    return ";" not in text


def test_every_case_has_enough_spellings() -> None:
    assert [case.number for case in CASES] == list(range(1, 60))
    assert [case.number for case in CASES if not case.special and len(case.texts) < 4] == []
    assert sum(case.expected == RUN for case in CASES) >= 3


def test_the_page_says_what_the_cases_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page_text(), "python -m tests.e2e.bypass.postgres.page"
