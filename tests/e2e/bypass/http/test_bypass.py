"""Every way around, sent to the proxy before a real Python server and before a real nginx: nothing reaches what was not granted.

The same bytes sent straight to the Python server do reach it, so the cases are no paper tigers (`test_without_us_...`).
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.e2e.bypass.http.cases import CASES, REFUSE, TOKEN, Case
from tests.interop.http.nginx import has_nginx, nginx_over
from tests.interop.http.running import Running, Target, gateway_before
from tests.interop.http.two_nginx import resource, two_nginx

PARAMETERS = [pytest.param(case, id=f"{case.number} {case.title}") for case in CASES]


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    made = Target()
    yield made
    made.close()


@pytest.fixture(scope="module", params=["python", "nginx", "nginx in HTTP/2"])
def running(
    request: pytest.FixtureRequest, target: Target, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("way")
    if request.param == "python":
        with gateway_before(folder, f"127.0.0.1:{target.port}") as made:
            yield made
        return
    if not has_nginx():
        missing("nginx")
    place = tmp_path_factory.mktemp("nginx")
    place.chmod(0o755)
    if request.param == "nginx in HTTP/2":
        with two_nginx(place, target.port) as two:
            lines = resource("always", place / "target.crt")
            with gateway_before(folder, f"127.0.0.1:{two.port}", resource=lines) as made:
                yield made
        return
    with nginx_over(place, target.port) as nginx, gateway_before(folder, f"127.0.0.1:{nginx.port}") as made:
        yield made


def send(port: int, data: bytes) -> bytes:
    """Send bytes as a client that waits a little for each answer; what came until the other side closed."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        try:
            connection.sendall(data)
            connection.settimeout(0.15)
            with contextlib.suppress(TimeoutError):
                while not is_answer(got) and (piece := connection.recv(65536)):
                    got += piece
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(10)
            while piece := connection.recv(65536):
                got += piece
        except OSError:
            pass
    return got


def is_answer(got: bytes) -> bool:
    """Whether there is one whole answer, as far as a plain look tells."""
    head, end, body = got.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return bool(end) and length is not None and len(body) >= int(length[1])


def statuses(got: bytes) -> list[int]:
    return [int(piece[:3]) for piece in got.split(b"HTTP/1.1 ")[1:] if piece[:3].isdigit()]


@pytest.mark.parametrize("case", PARAMETERS)
def test_nothing_that_was_not_granted_arrives(case: Case, running: Running, target: Target) -> None:
    assert len(TOKEN) == len(running.token)
    for text in case.texts:
        target.seen.clear()
        before = len(running.decisions())
        got = send(running.port, text.replace(TOKEN.encode(), running.token.encode()))
        asked = running.decisions()[before:]
        assert len(asked) <= 1, "nobody took a part of it for a request of its own"
        assert not any(entry.text.startswith("GET /admin/smuggled") for entry in asked)
        assert not any("admin" in one.path.lower() for one in target.seen), text
        assert b"the secret area" not in got
        if case.expected == REFUSE:
            assert target.seen == [], text
            assert got == b"" or all(status >= 400 for status in statuses(got)), text
        else:
            assert len(target.seen) <= 1, text
            assert len(statuses(got)) == 1, text
            assert all(one.headers.get("x-forwarded-for") is None for one in target.seen)
    target.seen.clear()
    assert 200 in statuses(running.raw(running.request("GET /canary", "Connection: close"))), (
        "the next client is served as ever"
    )
    assert target.paths() == ["/canary"]


def test_there_are_enough_spellings_of_each() -> None:
    assert {case.number for case in CASES} == {95, 96, 97, 98, 99}
    assert all(len(set(case.texts)) >= 4 for case in CASES)
    assert sum(len(case.texts) for case in CASES) > 140


def test_without_us_the_same_bytes_reach_what_nobody_granted(target: Target) -> None:
    reached = set()
    for case in CASES:
        for text in case.texts[:4]:
            target.seen.clear()
            send(target.port, text)
            if any("admin" in one.path.lower() or one.method == "DELETE" for one in target.seen):
                reached.add(case.title)
    assert len(reached) >= 5, reached


def test_what_was_refused_stands_in_the_audit_of_who_tried(running: Running, target: Target) -> None:
    before = len(running.decisions())
    data = (
        running.request("GET /ok")
        + running.request("POST /echo", "Content-Length: 3", "Transfer-Encoding: chunked")
        + b"0\r\n\r\n"
    )
    assert statuses(send(running.port, data)) == [200, 400]
    assert statuses(send(running.port, running.request("GET /a/../admin"))) == [400]
    told = running.decisions()[before:]
    assert [(entry.verdict, entry.principal) for entry in told] == [("allow", "ana"), ("deny", "ana"), ("deny", "ana")]
    assert not any(running.token in entry.text for entry in told)
