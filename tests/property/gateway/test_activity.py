"""Sliding windows against a naive model that keeps every event; and a restart that changes no number."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.activity.ledger import Ledger, Step
from gateway.activity.windows import HOUR, MINUTE, SECOND, Span
from tests.strategies.counting_gates import CountingHouse

T0 = 1_800_000_000 * SECOND
NAMES = ("ana", "bo", "cy", "di")
EVENTS = st.lists(
    st.tuples(
        st.integers(-30, 4_000),  # seconds that pass; now and then the clock is set back
        st.sampled_from(NAMES),
        st.sampled_from((None, "j-1", "j-2")),
        st.sampled_from(("ran", "denied", "held", "rows")),
        st.frozensets(st.integers(1, 8), max_size=4),
        st.integers(0, 50),
    ),
    max_size=40,
)


def since(now: int, span: Span) -> int:
    """Where a window begins: with its oldest bucket."""
    return (now // span.width - span.buckets) * span.width


class Naive:
    """Everything that ever happened, and the numbers by looking at all of it."""

    def __init__(self) -> None:
        self.events: list[tuple[int, str, str, str, frozenset[int], int]] = []

    def numbers(self, now: int, span: Span, name: str, job: str | None) -> dict[str, int]:
        theirs = [
            event
            for event in self.events
            if event[0] >= since(now, span) and event[1] == name and job in (None, event[2])
        ]
        ran = [event for event in theirs if event[3] == "ran"]
        return {
            "commands": len(ran),
            "denials": sum(event[3] == "denied" for event in theirs),
            "holds": sum(event[3] == "held" for event in theirs),
            "rows": sum(event[5] for event in theirs if event[3] == "rows"),
            "objects": len(frozenset().union(*(event[4] for event in ran))),
        }


def play(ledger: Ledger, naive: Naive, events: list[tuple[int, str, str | None, str, frozenset[int], int]]) -> int:
    # WHY not from the start on: the ledger knows no time before the first thing that happens.
    now, latest = T0, 0
    for passed, name, job, what, objects, rows in events:
        now += passed * SECOND
        latest = max(latest, now)
        naive.events.append((latest, name, job or "", what, objects, rows))
        if what == "rows":
            ledger.finished(name, job, now, rows, 0)
        else:
            ran = what == "ran"
            step = Step(int(ran), int(what == "denied"), int(what == "held"), 0, tuple(objects) if ran else ())
            ledger.decided(name, job, now, step)
    return latest or T0


@given(EVENTS, st.integers(0, 4_000))
@settings(max_examples=300, deadline=None)
def test_numbers_are_those_of_somebody_who_keeps_everything(
    events: list[tuple[int, str, str | None, str, frozenset[int], int]], later: int
) -> None:
    ledger, naive = Ledger(), Naive()
    now = play(ledger, naive, events) + later * SECOND
    for name in NAMES:
        for job in (None, "j-1", "j-2"):
            found = ledger.read(name, job, now)
            assert found.exact
            for window, span in (("minute", MINUTE), ("hour", HOUR)):
                for which, numbers in ((None, found.principal), (job or "", found.job)):
                    for number, wanted in naive.numbers(now, span, name, which).items():
                        assert numbers[f"{number}_last_{window}"] == wanted, (name, job, number, window)


@given(EVENTS, st.integers(1, 4), st.integers(0, 3), st.integers(0, 6))
@settings(max_examples=300, deadline=None)
def test_with_too_little_room_a_number_is_never_too_low_and_says_when_it_may_be_too_high(
    events: list[tuple[int, str, str | None, str, frozenset[int], int]], counted: int, objects: int, budget: int
) -> None:
    ledger, naive = Ledger(counted=counted, objects=objects, all_objects=budget), Naive()
    now = play(ledger, naive, events)
    for name in NAMES:
        found = ledger.read(name, "j-1", now)
        for window, span in (("minute", MINUTE), ("hour", HOUR)):
            for which, numbers in ((None, found.principal), ("j-1", found.job)):
                for number, wanted in naive.numbers(now, span, name, which).items():
                    told = numbers[f"{number}_last_{window}"]
                    assert told >= wanted, (name, number, window)
                    assert told == wanted or not found.exact, (name, number, window)


TEXTS = ("SELECT 1 FROM app.t", "SELECT 1 FROM app.u", "SELECT 1 FROM app.forbidden", "DROP TABLE app.t", "nonsense (")


@given(
    st.lists(
        st.tuples(
            st.integers(0, 900),
            st.sampled_from(TEXTS),
            st.sampled_from((None, "b-1", "b-2", "c-1")),
            st.integers(0, 60),
        ),
        max_size=12,
    ),
    st.integers(0, 1_000),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_restart_changes_no_number(events: list[tuple[int, str, str | None, int]], later: int) -> None:
    with TemporaryDirectory() as folder:
        house = CountingHouse(Path(folder))
        for passed, text, job, rows in events:
            house.clock.pass_seconds(passed)
            house.run(text, rows=rows, job=job)
        house.clock.pass_seconds(later)
        now = house.clock.now
        wanted = [house.gate.informed(house.asked(TEXTS[0], job=job), now).context for job in (None, "b-1", "c-9")]
        house.restart()
        assert [
            house.gate.informed(house.asked(TEXTS[0], job=job), now).context for job in (None, "b-1", "c-9")
        ] == wanted
        house.close()
