"""Three paths and nothing else, over real HTTP on a free port."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from gateway.app.health import HealthServer
from gateway.errors import ConfigInvalid

TROUBLES: list[str] = []


@pytest.fixture
def server() -> Iterator[HealthServer]:
    TROUBLES.clear()
    running = HealthServer("127.0.0.1", 0, lambda: b"numbers 1\n", lambda: TROUBLES, lambda: {"revision": "r1"})
    yield running
    running.close()


def get(server: HealthServer, path: str) -> tuple[int, str, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


def test_numbers_are_told_as_prometheus_reads_them(server: HealthServer) -> None:
    status, kind, body = get(server, "/metrics")
    assert (status, body) == (200, "numbers 1\n")
    assert kind.startswith("text/plain; version=0.0.4")


def test_a_living_process_says_so_and_a_ready_one_too(server: HealthServer) -> None:
    assert get(server, "/healthz")[0] == 200
    assert get(server, "/readyz?verbose")[0] == 200
    TROUBLES.append("no policy is loaded")
    status, _, body = get(server, "/readyz")
    assert status == 503
    assert json.loads(body) == {"ready": False, "troubles": ["no policy is loaded"], "policies": {"revision": "r1"}}
    assert get(server, "/healthz")[0] == 200


def test_nothing_else_is_there(server: HealthServer) -> None:
    assert get(server, "/")[0] == 404
    assert get(server, "/metrics/..")[0] == 404


def test_an_address_that_cannot_be_had_is_said_to_be_one(server: HealthServer) -> None:
    with pytest.raises(ConfigInvalid, match="cannot be listened on"):
        HealthServer("127.0.0.1", server.port, lambda: b"", list)
