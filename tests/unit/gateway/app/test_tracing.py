"""Without `[telemetry] traces` the gate is the gate, and no library of traces is loaded; with it, what is asked is traced."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine import CommandReader
from gateway.app.assembly import Gateway
from gateway.app.secrets import Secrets
from gateway.app.tracing import build_tracer, gate_with, reader_of
from gateway.config import load_config
from gateway.config.telemetry import Telemetry
from gateway.errors import ConfigInvalid
from gateway.gate import Gate
from gateway.telemetry import Meters
from gateway.traced import TracedGate, TracedReader
from tests.conftest import ROOT
from tests.strategies.gateways import ENVIRONMENT, settle_in


def test_without_traces_everything_is_what_it_was(tmp_path: Path) -> None:
    config = load_config(settle_in(tmp_path), {})
    assert build_tracer(config, Secrets(config, ENVIRONMENT), Meters()) is None
    assert gate_with(None) is Gate
    assert type(reader_of(None)) is CommandReader
    built = Gateway(config, ENVIRONMENT)
    assert type(built.gate) is Gate
    built.close()


def test_without_traces_no_library_of_theirs_is_loaded() -> None:
    code = "import sys, gateway.app.assembly; sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=120).returncode == 0


def test_with_traces_gate_and_reader_are_the_traced_ones(tmp_path: Path) -> None:
    config = load_config(settle_in(tmp_path), {})
    config = replace(config, telemetry=Telemetry("http://127.0.0.1:1/v1/traces", token="env:TRACES"))
    with pytest.raises(ConfigInvalid):
        Secrets(config, {**ENVIRONMENT, "TRACES": "a\nb"}).traces_token()
    built = Gateway(config, {**ENVIRONMENT, "TRACES": "t0ken"})
    assert type(built.gate) is TracedGate
    assert type(built._reader) is TracedReader
    built.close()
