"""What is told of a decision on something that a kind of job never did."""

from __future__ import annotations

import pytest

from gateway.audit.entry import Entry, Kind
from gateway.audit.unusual import numbers_in, unusual

DROP = {"operation": "drop_table", "effect": "delete", "object": "table a.b"}


def entry(**activity: object) -> Entry:
    return Entry(kind=Kind.DECISION, time=1, principal="ci", context={"activity": activity})


def test_a_job_that_does_what_its_kind_never_did_is_told_with_what_that_is() -> None:
    told = unusual(
        entry(
            unseen=[DROP, {"operation": "begin", "effect": "session", "object": ""}],
            unseen_count=2,
            kind="build",
            known_uses=3,
        )
    )
    assert told == "never done by jobs of kind build of ci: drop_table table a.b, begin"


def test_many_things_are_told_by_their_number() -> None:
    told = unusual(entry(unseen=[DROP] * 9, unseen_count=12, kind="", known_uses=3))
    assert told.startswith("never done by ci without a named job: drop_table table a.b, ")
    assert told.endswith(" and 9 more")


def test_a_kind_that_nothing_is_known_of_surprises_nobody() -> None:
    assert (
        unusual(entry(unseen=[DROP], unseen_count=1, kind="new", known_uses=0))
        == "nothing is known yet of jobs of kind new of ci"
    )


@pytest.mark.parametrize(
    "found",
    [
        Entry(kind=Kind.DECISION, time=1),
        entry(),
        entry(unseen=[], unseen_count=0, kind="build", known_uses=1),
        entry(unseen=3, unseen_count=1),
        entry(unseen=["x"], unseen_count="1"),
        Entry(kind=Kind.DECISION, time=1, context={"activity": "x"}),
    ],
)
def test_other_entries_are_not_unusual(found: Entry) -> None:
    assert unusual(found) == ""


def test_numbers_are_found_by_name_all_of_them_or_those_of_the_job() -> None:
    activity = {
        "rows_last_hour": 7,
        "holds_last_hour": 0,
        "exact": True,
        "kind": "x",
        "job": {"rows_last_hour": 3, "bytes_last_hour": 0},
    }
    assert numbers_in(activity, ("rows_last_hour", "nothing")) == (("rows_last_hour", 7),)
    assert numbers_in(activity, ("holds_last_hour",)) == (("holds_last_hour", 0),)
    assert numbers_in(activity, ("job",)) == (("job.bytes_last_hour", 0), ("job.rows_last_hour", 3))
    assert numbers_in(activity, ("job.rows_last_hour",)) == (("job.rows_last_hour", 3),)
    assert numbers_in(activity, ("",)) == (("exact", 1), ("job.rows_last_hour", 3), ("rows_last_hour", 7))
    assert numbers_in(None, ("",)) == numbers_in({"job": 7}, ("",)) == numbers_in(activity, ()) == ()
