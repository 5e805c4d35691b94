"""Every way around, in every spelling, through a whole gateway to a real server: stopped or masked, no leak, no write.

What was not stopped is sent again to the same tables with other secrets in them: whoever may not see them must not be able to tell.
"""

from __future__ import annotations

import pytest

from tests.e2e.bypass.postgres.cases import CASES, RUN, Case
from tests.e2e.bypass.postgres.dialogues import spellings
from tests.e2e.bypass.postgres.page import PAGE, page_text
from tests.e2e.bypass.postgres.place import Came, Place, Speaker, is_met, leaks, told

ONLY_EXTENDED = 3
"""So many spellings of a case go the extended way too."""
LEAST_SPELLINGS = 4


@pytest.mark.parametrize("case", [case for case in CASES if case.texts], ids=lambda case: f"{case.number} {case.title}")
def test_a_way_around_comes_to_what_it_must(place: Place, case: Case) -> None:
    before = place.fingerprint()
    with Speaker(place) as speaker:
        wrong = []
        again: list[tuple[str, bool, Came]] = []
        for text, expected, is_extended in ways(case):
            came = speaker.say(text, is_extended)
            if leaks(came.found) or not is_met(expected, came.verdict):
                wrong.append((text, is_extended, came.verdict, leaks(came.found), came.found[:3]))
            if came.verdict != "stopped":
                again.append((text, is_extended, came))
        assert wrong == []
        with place.other_secrets(wanted=bool(again)):
            seen = [(text, told(came), told(speaker.say(text, extended))) for text, extended, came in again]
        assert [(text, one, other) for text, one, other in seen if one != other] == []
    assert place.fingerprint() == before


def ways(case: Case) -> list[tuple[str, str, bool]]:
    """Texts, what must come of them, and whether they go the extended way."""
    simple = [(text, case.expected, False) for text in case.texts] + [(text, RUN, False) for text in case.harmless]
    extended = [(text, expected, True) for text, expected, _ in simple if ";" not in text]
    return simple + extended[:ONLY_EXTENDED]


def test_every_case_has_enough_spellings() -> None:
    assert [case.number for case in CASES] == list(range(1, 60))
    few = [case.number for case in CASES if len(set(case.texts)) + spellings(case.number) < LEAST_SPELLINGS]
    assert few == []
    assert sum(case.expected == RUN for case in CASES) >= 3


def test_the_page_says_what_the_cases_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page_text(), "python -m tests.e2e.bypass.postgres.page"
