"""Times of day: `between 09:00 and 18:00 in "Europe/Zurich" on weekdays`, from its spelling to its meaning.

Called by `conditions.py`.
"""

from __future__ import annotations

import re
from functools import cache
from zoneinfo import available_timezones

from engine.dsl import tree as t
from engine.dsl.mistake import Mistake, unknown
from engine.dsl.typed import Place, Window
from engine.source import Span

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MINUTES = 24 * 60

_TIME = re.compile(r"(\d\d):(\d\d)")
_DAY_WORDS = {"weekdays": frozenset(range(5)), "weekends": frozenset({5, 6})}


def read_window(node: t.Window, place: Place) -> Window:
    """The window a condition states. Raises Mistake."""
    start, end = _minutes(node.start, node.span), _minutes(node.end, node.span)
    if start in (end, MINUTES):
        message = f"between {node.start} and {node.end} there is no time"
        raise Mistake("TIME", message, node.span, "the end is not included; a whole day is 00:00 to 24:00")
    zone = str(node.zone.value)
    if zone not in _zones():
        raise unknown("UNKNOWN_ZONE", "time zone", zone, node.zone.span, _zones(), "such as `Europe/Zurich`")
    return Window(start, end, zone, _days(node.days), place=place)


def _minutes(text: str, span: Span) -> int:
    found = _TIME.fullmatch(text)
    minutes = int(found[1]) * 60 + int(found[2]) if found else MINUTES + 1
    if found is None or int(found[2]) >= 60 or minutes > MINUTES:
        raise Mistake("TIME", f"`{text}` is no time of day", span, "times go from 00:00 to 24:00")
    return minutes


def _days(node: t.Name | t.Items | None) -> frozenset[int]:
    if node is None:
        return frozenset(range(7))
    if isinstance(node, t.Name):
        if node.text in _DAY_WORDS:
            return _DAY_WORDS[node.text]
        return frozenset({_day(node.text, node.span, (*_DAY_WORDS, *DAYS))})
    if not node.items:
        raise Mistake("EMPTY_SET", "nothing is in an empty set", node.span, "name at least one day")
    return frozenset(_day(str(item.value), item.span, DAYS) for item in node.items)


def _day(word: str, span: Span, known: tuple[str, ...]) -> int:
    if word not in DAYS:
        raise unknown("UNKNOWN_VALUE", "day", word, span, known)
    return DAYS.index(word)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
