"""`[telemetry]`: a place that may be posted to, a share, secrets by reference, people that there are."""

from __future__ import annotations

from gateway.config.telemetry import Telemetry, find_telemetry_misfits

GOOD = Telemetry("https://otel.internal/v1/traces", 0.1, "env:TOKEN", "ca.pem", ("app",))


def misfits(telemetry: Telemetry, *, is_postable: bool = True, is_file: bool = True) -> list[object]:
    return [path[1] for path, _ in find_telemetry_misfits(telemetry, {"app"}, is_postable, is_file)]


def test_what_fits_is_accepted() -> None:
    assert misfits(Telemetry(), is_postable=False, is_file=False) == []
    assert misfits(GOOD) == []


def test_what_does_not_fit_is_told() -> None:
    assert misfits(GOOD, is_postable=False) == ["traces"]
    assert misfits(GOOD, is_file=False) == ["ca_file"]
    assert misfits(Telemetry(ratio=1.5)) == ["ratio"]
    assert misfits(Telemetry(ratio=float("nan"))) == ["ratio"]
    assert misfits(Telemetry(token="hunter2")) == ["token"]
    assert misfits(Telemetry(trust=("app", "nobody"))) == ["trust"]
