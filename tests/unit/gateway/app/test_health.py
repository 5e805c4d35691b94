"""Three paths and nothing else, over real HTTP on a free port."""

from __future__ import annotations

import json
import re
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from gateway.app.health import HealthServer
from gateway.errors import ConfigInvalid
from tests.api_descriptions import description, operations

TROUBLES: list[str] = []


@pytest.fixture
def server() -> Iterator[HealthServer]:
    TROUBLES.clear()
    running = HealthServer(
        *("127.0.0.1", 0, lambda: b"numbers 1\n", lambda: TROUBLES, lambda: {"revision": "r1"}), lambda: ["a part: why"]
    )
    yield running
    running.close()


def get(server: HealthServer, path: str) -> tuple[int, str, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=60) as answer:
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
    assert json.loads(body) == {
        "ready": False,
        "troubles": ["no policy is loaded"],
        "policies": {"revision": "r1"},
        "not_reloaded": ["a part: why"],
    }
    assert get(server, "/healthz")[0] == 200


def test_nothing_else_is_there(server: HealthServer) -> None:
    assert get(server, "/")[0] == 404
    assert get(server, "/metrics/..")[0] == 404


def test_the_description_is_of_all_paths_and_of_nothing_else(server: HealthServer) -> None:
    described = list(operations(description("health")))
    assert {one.path for one in described} == set(server._server.RequestHandlerClass.answers)  # type: ignore[attr-defined]
    assert [str(one) for one in described if get(server, one.path)[0] != 200 or not one.is_open] == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_another_method_is_refused_as_the_clients_mistake(server: HealthServer, method: str) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/metrics", method=method)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=60)
    with caught.value as answer:
        assert (answer.code, answer.headers["Allow"], answer.read()) == (405, "GET, HEAD", b"method not allowed\n")


def test_what_cannot_be_read_is_not_said_again(server: HealthServer) -> None:
    for line in (b"<script>alert(1)</script>", b"GET / HTTP/x<b>", b"GET /" + b"a" * 70_000 + b" HTTP/1.1"):
        with socket.create_connection(("127.0.0.1", server.port), 10) as wire:
            wire.sendall(line + b"\r\n\r\n")
            said = b""
            while chunk := wire.recv(4_096):
                said += chunk
        assert re.match(rb"HTTP/1\.[01] 4\d\d |(bad request|request-uri too long)\n", said), said
        assert b"<" not in said


def test_a_head_has_no_body(server: HealthServer) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/healthz", method="HEAD")
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert (answer.status, answer.headers["Content-Length"], answer.read()) == (200, "6", b"")


def test_an_address_that_cannot_be_had_is_said_to_be_one(server: HealthServer) -> None:
    with pytest.raises(ConfigInvalid, match="cannot be listened on"):
        HealthServer("127.0.0.1", server.port, lambda: b"", list)
