"""Times of day."""

from __future__ import annotations

import pytest

from engine.dsl import typed as m
from tests.gate_files import condition, wrong_condition


def window(text: str) -> tuple[int, int, str, list[int]]:
    found = condition(text)
    assert isinstance(found, m.Window)
    return found.start, found.end, found.zone, sorted(found.days)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ('between 09:00 and 18:30 in "Europe/Zurich"', (540, 1110, "Europe/Zurich", [0, 1, 2, 3, 4, 5, 6])),
        ('between 22:00 and 06:00 in "UTC" on weekends', (1320, 360, "UTC", [5, 6])),
        ('between 00:00 and 24:00 in "UTC" on weekdays', (0, 1440, "UTC", [0, 1, 2, 3, 4])),
        ('between 09:00 and 18:00 in "UTC" on friday', (540, 1080, "UTC", [4])),
        ('between 09:00 and 18:00 in "UTC" on {monday, sunday}', (540, 1080, "UTC", [0, 6])),
    ],
)
def test_a_window_is_minutes_a_zone_and_days(text: str, meaning: tuple[int, int, str, list[int]]) -> None:
    assert window(text) == meaning


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ('between 09:00 and 09:00 in "UTC"', "TIME", "between 09:00 and 09:00 there is no time"),
        ('between 24:00 and 06:00 in "UTC"', "TIME", "between 24:00 and 06:00 there is no time"),
        ('between 09:60 and 10:00 in "UTC"', "TIME", "`09:60` is no time of day"),
        ('between 09:00 and 24:01 in "UTC"', "TIME", "`24:01` is no time of day"),
        ('between 09:00 and 10:00 in "Europe/Zurch"', "UNKNOWN_ZONE", "unknown time zone `Europe/Zurch`"),
        ('between 09:00 and 10:00 in "Europe"', "UNKNOWN_ZONE", "unknown time zone `Europe`"),
        ('between 09:00 and 10:00 in "UTC" on holidays', "UNKNOWN_VALUE", "unknown day `holidays`"),
        ('between 09:00 and 10:00 in "UTC" on {weekdays}', "UNKNOWN_VALUE", "unknown day `weekdays`"),
        ('between 09:00 and 10:00 in "UTC" on {}', "EMPTY_SET", "nothing is in an empty set"),
    ],
)
def test_what_is_no_time_says_so(text: str, code: str, message: str) -> None:
    found = wrong_condition(text)
    assert (found.code, found.message) == (code, message)
