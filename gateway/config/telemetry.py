"""`[telemetry]`: where traces go, how many, and whose word counts in them. Read by `model`, checked by `check`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from gateway.config.places import Path
from gateway.config.references import REFERENCE_EXPECTED, SECRET


@dataclass(frozen=True, slots=True)
class Telemetry:
    """`[telemetry]`: `traces` is the URL of an OpenTelemetry collector (OTLP over HTTP, protobuf); without it there are none.

    `ratio` of decisions are traced, each for itself. `token` goes along as `Authorization: Bearer`. `trust`: principals whose
    `traceparent` is the parent of what they cause; that of others is only linked.
    """

    traces: str | None = None
    ratio: float = 1.0
    token: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    trust: tuple[str, ...] = ()


def find_telemetry_misfits(
    telemetry: Telemetry, known: Collection[str], is_postable: bool, is_file: bool
) -> Iterator[tuple[Path, str]]:
    """Everything that does not fit together, as in `check`. `known` are the principals; the last two are about `traces` and `ca_file`."""
    if telemetry.traces is not None and not is_postable:
        yield (
            ("telemetry", "traces"),
            "is no URL that may be posted to; expected https://HOST/v1/traces without a user (there is `token`)",
        )
    if not 0.0 <= telemetry.ratio <= 1.0:
        yield ("telemetry", "ratio"), "is out of range; expected 0 to 1"
    if telemetry.token is not None and not SECRET.fullmatch(telemetry.token):
        yield ("telemetry", "token"), f"holds no reference; {REFERENCE_EXPECTED}"
    if telemetry.ca_file is not None and not is_file:
        yield ("telemetry", "ca_file"), "is no file; expected PEM certificates"
    for index, name in enumerate(telemetry.trust):
        if name not in known:
            yield ("telemetry", "trust", index), "names no [[identity.principal]]"
