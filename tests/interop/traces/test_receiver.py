"""A real OTLP receiver gets the spans of a whole gateway with a real PostgreSQL behind it: the decisions of the audit by their
numbers, in the traces of whoever is trusted, and nothing of what was said."""

from __future__ import annotations

import re
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import psycopg
import pytest

from gateway.demo.cluster import free_port
from grpc_proto.sallyport.decision.v1 import decision_pb2, decision_pb2_grpc
from tests.e2e.world import World, world

TRACES = """
[telemetry]
traces = "http://127.0.0.1:{port}/v1/traces"
ratio = {ratio}
trust = ["ana"]

[[identity.principal]]
name = "app"
kind = "service"
roles = ["adapter"]

[rpc]
bind = "127.0.0.1:{rpc}"
plaintext = "app"
"""


def run(tools: Path, *words: str) -> None:
    done = subprocess.run([str(tools / words[0]), *words[1:]], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def place(tools: Path) -> Iterator[tuple[World, Path, int, int]]:
    with world() as here:
        port, rpc = free_port(2), free_port()
        run(tools, "otel/start.sh", str(here.folder / "otel"), str(port), str(port + 1))
        try:
            yield here, here.folder / "otel" / "otel.log", port + 1, rpc
        finally:
            run(tools, "otel/stop.sh", str(here.folder / "otel"))


def until(wanted: Callable[[], bool], said: Callable[[], object]) -> None:
    deadline, pause = time.monotonic() + 60, threading.Event()
    while not wanted():
        assert time.monotonic() < deadline, said()
        pause.wait(0.1)


def traceparent() -> tuple[str, str]:
    trace = secrets.token_hex(16)
    return trace, f"00-{trace}-{secrets.token_hex(8)}-01"


def test_a_receiver_gets_every_decision_and_no_text(place: tuple[World, Path, int, int]) -> None:
    here, log, port, rpc = place
    here.config.write_text(here.config.read_text() + TRACES.format(port=port, ratio="1.0", rpc=rpc))
    here.start()
    canary = f"canary{secrets.token_hex(8)}"
    trace, parent = traceparent()
    named, name = traceparent()
    with psycopg.connect(here.conninfo(application_name=name), autocommit=True) as client:
        for number in range(5):
            client.execute(f"SELECT {number}, '{canary}'")  # type: ignore[arg-type]  # a text of a test
        client.execute(f"SELECT 1 /*traceparent='{parent}'*/")  # type: ignore[arg-type]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            client.execute(f"CREATE TABLE {canary} (a int)")  # type: ignore[arg-type]
    called, call = traceparent()
    with grpc.insecure_channel(f"127.0.0.1:{rpc}") as channel:
        asked = decision_pb2.DecideRequest(raw=decision_pb2.RawCommand(protocol="postgres", text=canary.encode()))
        asked.resource.name = "world"
        asked.resource.protocol = "postgres"
        decision_pb2_grpc.DecisionServiceStub(channel).Decide(asked, metadata=(("traceparent", call),))
    here.stop()  # the end sends what waits

    decided = {str(one["decision_id"]) for one in here.entries() if one["kind"] == "decision"}
    assert len(decided) == 8

    def told() -> str:
        return log.read_text(errors="replace")

    def seen() -> set[str]:
        return set(re.findall(r"sallyport\.decision_id: Str\((\S+?)\)", told()))

    until(lambda: seen() >= decided, lambda: decided - seen())
    # Spans come in several parts, and those of sessions behind those of what was decided in them.
    spans = ("decide", "parse", "judge", "record", "session", "connect")
    until(lambda: all(f"sallyport.{span}" in told() for span in spans), told)
    text = told()
    assert canary not in text
    assert here.password not in text
    assert here.cluster.password not in text
    for one in (trace, named, called):
        assert one in text, "the trace of a trusted caller goes on in ours"


def test_a_receiver_that_is_away_holds_nobody_up(place: tuple[World, Path, int, int]) -> None:
    here, _, _, rpc = place
    here.config.write_text(here.config.read_text() + TRACES.format(port=free_port(), ratio="1.0", rpc=rpc))
    here.start()
    slowest = 0.0
    with psycopg.connect(here.conninfo(), autocommit=True) as client:
        for number in range(3_000):
            began = time.perf_counter()
            client.execute("SELECT %s::int", (number,))
            slowest = max(slowest, time.perf_counter() - began)
    assert slowest < 2.0, slowest
    began = time.monotonic()
    here.stop()
    assert time.monotonic() - began < 20
