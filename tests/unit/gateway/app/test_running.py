"""A real process: it starts, says where, reloads on SIGHUP, drains on SIGTERM, and fails in words."""

from __future__ import annotations

import asyncio
import os
import queue
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.app.running import _Loop
from gateway.audit.read import read
from gateway.errors import GatewayError
from gateway.store.database import open_database
from gateway.tending import Tending
from tests.strategies.gateways import ENVIRONMENT, settle_in

ROOT = Path(__file__).parents[4]


def start(file: Path, command: str = "up") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gateway.cli", command, "--config", str(file)],
        cwd=ROOT,
        env={**os.environ, **ENVIRONMENT},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    running = start(settle_in(tmp_path))
    yield running
    running.kill()
    running.communicate()


class Unwatched:
    """A gateway whose look at its sessions fails."""

    def __init__(self) -> None:
        self.is_stopped = False
        self.tending = Tending()

    async def start(self, *, listeners: bool) -> list[str]:
        return []

    async def stop(self) -> None:
        self.is_stopped = True

    async def watch_sessions(self) -> None:
        raise ZeroDivisionError

    async def sweep(self) -> None:
        await asyncio.Event().wait()

    hear_replicas = sweep


def test_a_gateway_that_cannot_see_to_its_sessions_ends_with_an_error() -> None:
    told: queue.SimpleQueue[str | GatewayError] = queue.SimpleQueue()
    gateway = Unwatched()
    loop = _Loop(gateway, listeners=True, told=told)  # type: ignore[arg-type]  # as much as is used
    loop.thread.start()
    loop.thread.join(20)
    assert not loop.thread.is_alive()
    said = [told.get_nowait() for _ in range(told.qsize())]
    assert gateway.is_stopped
    assert [one.code for one in said if isinstance(one, GatewayError)] == ["UNWATCHED"]
    assert said[-1] == "ended"


def until(process: subprocess.Popen[str], word: str) -> list[str]:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if lines[-1].startswith(word):
            return lines
    raise AssertionError(lines)


def test_it_starts_reloads_and_drains(process: subprocess.Popen[str], tmp_path: Path) -> None:
    places = until(process, "ready")
    assert [place.split()[0] for place in places] == ["policies", "metrics", "grpc", "grpc", "postgres", "ready"]
    (tmp_path / "policies" / "shop.rego").write_text("package policies.shop\n")
    process.send_signal(signal.SIGHUP)
    while len([entry for entry in read(tmp_path / "state" / "audit") if entry.kind.value == "policy"]) < 2:
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert [entry.kind.value for entry in read(tmp_path / "state" / "audit")][-1] == "stopped"
    assert not (tmp_path / "bo.sock").exists()


def test_what_keeps_it_from_starting_is_one_line_and_exit_code_3(tmp_path: Path) -> None:
    file = settle_in(tmp_path)
    file.write_text(file.read_text().replace('[metrics]\nbind = "127.0.0.1:0"', '[metrics]\nbind = "192.0.2.1:1"'))
    running = start(file)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 3
    assert "`192.0.2.1:1` cannot be listened on" in errors
    assert "Traceback" not in errors


def test_killed_in_the_middle_it_starts_again_and_misses_nothing(
    process: subprocess.Popen[str], tmp_path: Path
) -> None:
    until(process, "ready")
    process.kill()
    process.wait(60)
    again = start(tmp_path / "sallyport.toml", "serve")
    until(again, "ready")
    again.send_signal(signal.SIGINT)
    again.communicate(timeout=60)
    assert again.returncode == 0
    assert [entry.seq for entry in read(tmp_path / "state" / "audit")] == list(range(1, 6))
    open_database(f"sqlite:///{tmp_path}/state/store.db").close()
