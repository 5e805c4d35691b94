"""`[limits]`: none, or numbers that make sense."""

from __future__ import annotations

import pytest

from gateway.config.rates import RateLimits, find_rate_misfits


@pytest.mark.parametrize("limits", [RateLimits(), RateLimits(0.5, 1), RateLimits(1_000_000, 1_000_000)])
def test_what_fits_is_accepted(limits: RateLimits) -> None:
    assert list(find_rate_misfits(limits)) == []


@pytest.mark.parametrize(
    ("limits", "key"),
    [
        (RateLimits(-1), "requests_per_second"),
        (RateLimits(0.001), "requests_per_second"),
        (RateLimits(float("nan")), "requests_per_second"),
        (RateLimits(1, 0), "burst"),
        (RateLimits(1, 10_000_000), "burst"),
    ],
)
def test_what_does_not_fit_is_told(limits: RateLimits, key: str) -> None:
    assert [path[1] for path, _ in find_rate_misfits(limits)] == [key]
