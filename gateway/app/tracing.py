"""From `[telemetry]` to what makes spans; without `traces` nothing of OpenTelemetry is loaded. Called by `assembly`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from engine import CommandReader, command_reader
from gateway.app.secrets import Secrets
from gateway.config import Config
from gateway.gate import Gate
from gateway.telemetry import Meters

if TYPE_CHECKING:
    from gateway.traced import Tracer


def build_tracer(config: Config, secrets: Secrets, meters: Meters) -> Tracer | None:
    """What makes spans; None where there are none to be made."""
    telemetry = config.telemetry
    if telemetry.traces is None:
        return None
    # WHY here: who has no traces loads no library for them.
    from gateway.traced import Tracer, otlp_exporter

    ca_file = None if telemetry.ca_file is None else config.at(telemetry.ca_file)
    exporter = otlp_exporter(telemetry.traces, secrets.traces_token(), ca_file)
    return Tracer(exporter, telemetry.ratio, frozenset(telemetry.trust), meters.spans_lost.inc)


def reader_of(tracer: Tracer | None) -> CommandReader:
    """What reads commands: whose parsing is seen where there are traces."""
    if tracer is None:
        return command_reader()
    from engine.command.parse import TextParser
    from gateway.traced import TracedReader

    return TracedReader(TextParser(), tracer)


def gate_with(tracer: Tracer | None) -> Callable[..., Gate]:
    """How the gate is made: without traces it is `Gate` itself."""
    if tracer is None:
        return Gate
    from gateway.traced import TracedGate

    return partial(TracedGate, tracer=tracer)
