"""Which kind of job a job is."""

from __future__ import annotations

import pytest

from gateway.activity.kinds import kind_of


@pytest.mark.parametrize(
    ("job", "kind"),
    [
        ("build-42", "build"),
        ("nightly/report-2026-11-29", "nightly/report"),
        ("report:7c9e6679-7425-40de-944b-e07fc1f90ae7", "report"),
        ("deploy", "deploy"),
        ("123456", ""),
        (None, ""),
        ("", ""),
        ("v2/build", "v2/build"),
        ("build-x7f", "build"),
    ],
)
def test_a_kind_is_a_name_without_what_tells_runs_apart(job: str | None, kind: str) -> None:
    assert kind_of(job) == kind


def test_a_hostile_name_takes_no_time() -> None:
    assert kind_of("a-" * 50_000 + "1" * 50_000).startswith("a-")
    assert kind_of("-1" * 20_000) == ""
