"""HTTP/2 to a real target, nginx: what goes up, how many connections it takes, what comes back; and to one that speaks none."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.http.nginx import Nginx
from tests.interop.http.running import CARD, Running, Target, curl, gateway_before
from tests.interop.http.test_streams import until
from tests.interop.http.two import Client, secured_gateway
from tests.interop.http.two_nginx import CLEAR, OVER_TLS_OLD, resource, two_nginx


@pytest.fixture(scope="module")
def nginx(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    # WHY answered by itself: so many connections at once are more than the target behind it takes.
    own = 'location /many {{ default_type text/plain; return 200 "<$request_uri>"; }}'
    with two_nginx(tmp_path_factory.mktemp("nginx"), target.port, more=own) as made:
        yield made


@pytest.fixture(scope="module")
def running(nginx: Nginx, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    lines = resource("auto", nginx.folder / "target.crt")
    with gateway_before(tmp_path_factory.mktemp("gateway"), f"127.0.0.1:{nginx.port}", resource=lines) as made:
        yield made


def answered(nginx: Nginx, begin: str, count: int) -> list[str]:
    """The lines about paths that begin so, once there are so many: a line is written behind its answer."""

    def found() -> list[str]:
        return [line for line in nginx.requests() if line.split()[1].startswith(begin)]

    assert until(lambda: len(found()) >= count), nginx.requests()
    return found()


def spoken(nginx: Nginx, path: str) -> list[str]:
    """The versions in which a path was asked for, once it was."""
    return [line.split()[-2] for line in answered(nginx, path, 1) if line.split()[1] == path]


def connections(nginx: Nginx, paths: str) -> set[str]:
    return {line.split()[-1] for line in nginx.requests() if line.split()[1].startswith(paths)}


def test_it_is_allowed_masked_and_denied_as_ever(running: Running, nginx: Nginx, target: Target) -> None:
    shown = ("-o", "/dev/stdout", "-w", " %{http_code}")
    assert curl(running, "/a?x=1", *shown) == (0, '{"path": "/a?x=1", "length": 0} 200')
    code, said = curl(running, "/cards", *shown)
    assert (code, CARD in said, "[redacted]" in said) == (0, False, True)
    target.seen.clear()
    assert curl(running, "/admin", *shown)[1].endswith(" 403")
    assert target.seen == []
    assert curl(running, "/moved", "-o", "/dev/null", "-w", "%{http_code}") == (0, "302")
    assert curl(running, "/missing", "-o", "/dev/null", "-w", "%{http_code}") == (0, "404")
    assert spoken(nginx, "/a?x=1") == spoken(nginx, "/cards") == ["HTTP/2.0"]
    outcome = running.outcome(running.decisions()[-1].decision_id or "")
    assert outcome.kind.value == "outcome"


def test_heads_bodies_and_their_lengths_are_what_they_were(running: Running, target: Target, tmp_path: Path) -> None:
    code, said = curl(running, "/a", "-I")
    assert (code, "content-length: 27" in said) == (0, True)
    target.seen.clear()
    assert json.loads(curl(running, "/echo", "-d", "hello", "-H", "content-type: text/plain")[1])["length"] == 5
    assert target.seen[0].body == b"hello"
    large = tmp_path / "large"
    large.write_bytes(b"0123456789" * 200_000)
    for framed in (("-H", "expect:"), ("-H", "transfer-encoding: chunked"), ()):
        target.seen.clear()
        code, said = curl(running, "/upload", "-T", str(large), *framed)
        assert (code, json.loads(said)["length"]) == (0, 2_000_000)
        assert target.seen[0].body == large.read_bytes()
    assert curl(running, "/large", "-o", "/dev/null", "-w", "%{size_download}") == (0, str(8 * 1024 * 1024))


def test_the_credential_is_put_in_and_does_not_come_back(running: Running, target: Target) -> None:
    target.seen.clear()
    code, said = curl(running, "/headers", "-i", "-H", "cookie: a=1", "-H", "te: trailers")
    assert code == 0
    assert target.seen[0].headers["authorization"] == f"Bearer {running.secret}"
    assert running.secret not in said
    assert "set-cookie" not in said
    assert "cookie" not in target.seen[0].headers


def test_many_requests_are_on_few_connections_at_once(
    target: Target, nginx: Nginx, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, lines = tmp_path_factory.mktemp("many"), resource("auto", nginx.folder / "target.crt")
    with secured_gateway(folder, f"127.0.0.1:{nginx.port}", resource=lines) as running:
        failed: list[int] = []

        def one(who: int) -> None:
            with Client(running) as client:
                streams = [client.begin(client.fields("GET", f"/many/{who}-{number}")) for number in range(40)]
                posts = []
                for number in range(2):
                    posts.append(
                        client.begin(
                            client.fields("POST", f"/echo/many-{number}", ("content-type", "text/plain")), end=False
                        )
                    )
                    client.data(posts[-1], b"%d" % number * 3000, end=True)
                for number, stream in enumerate(streams):
                    got = client.wait(stream)
                    if bytes(got.body) != f"</many/{who}-{number}>".encode():
                        failed.append(stream)
                failed.extend(s for s in posts if json.loads(bytes(client.wait(s).body))["length"] != 3000)

        threads = [threading.Thread(target=one, args=(who,)) for who in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert failed == []
    assert len(answered(nginx, "/many/", 160)) == 160
    answered(nginx, "/echo/many", 8)
    assert len(connections(nginx, "/many/") | connections(nginx, "/echo/many")) <= 4


def test_events_pass_as_they_come_and_masked_and_who_leaves_ends_the_work(running: Running, target: Target) -> None:
    for path, first in (("/events", b"data: 1\n\n"), ("/cards/events", b"[redacted]")):
        target.gate.clear()
        with socket.create_connection(("127.0.0.1", running.port), timeout=20) as connection:
            connection.sendall(running.request(f"GET {path}", "Connection: close"))
            got = b""
            while first not in got:
                got += connection.recv(65536)
            assert b"0\r\n\r\n" not in got
            target.gate.set()
            while piece := connection.recv(65536):
                got += piece
            assert got.endswith(b"0\r\n\r\n")
            assert CARD.encode() not in got
    target.broken.clear()
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as connection:
        connection.sendall(running.request("GET /endless"))
        connection.recv(65536)
    assert target.broken.wait(20)


def test_one_that_nobody_reads_keeps_no_other_from_going_on(running: Running, target: Target) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(running.request("GET /endless"))
        connection.recv(1000)
        for _ in range(10):
            assert curl(running, "/large", "-o", "/dev/null", "-w", "%{size_download}") == (0, str(8 * 1024 * 1024))
    assert target.broken.wait(20)


def test_a_held_request_goes_up_once_it_is_approved(running: Running, target: Target) -> None:
    target.seen.clear()
    said: list[str] = []
    waiting = threading.Thread(target=lambda: said.append(curl(running, "/orders", "-d", "{}")[1]))
    waiting.start()
    ticket = running.ticket()
    assert target.seen == []
    running.approve(ticket)
    waiting.join(20)
    assert json.loads(said[0]) == {"path": "/orders", "length": 2}
    assert [one.path for one in target.seen] == ["/orders"]


def test_a_web_socket_goes_up_as_ever(running: Running, nginx: Nginx) -> None:
    said = curl(
        running, "/socket", "-i", *("-H", "upgrade: websocket", "-H", "connection: upgrade"),
        *("-H", "sec-websocket-version: 13", "-H", "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=="),
    )[1]  # fmt: skip
    assert said.startswith("HTTP/1.1 403"), "no rule allows it"


def test_a_target_that_chooses_http_1_is_spoken_to_in_it(target: Target, tmp_path: Path) -> None:
    (tmp_path / "nginx").mkdir()
    with two_nginx(tmp_path / "nginx", target.port, OVER_TLS_OLD) as nginx:
        certificate = nginx.folder / "target.crt"
        (tmp_path / "auto").mkdir()
        with gateway_before(
            tmp_path / "auto", f"127.0.0.1:{nginx.port}", resource=resource("auto", certificate)
        ) as running:
            urls = [f"http://127.0.0.1:{running.port}/old{number}" for number in range(10)]
            code, _ = curl(running, "/old", *urls, "--parallel", "-Z")
            assert code == 0
            assert curl(running, "/echo", "-d", "a")[0] == 0
            assert spoken(nginx, "/old1") == ["HTTP/1.1"]
        (tmp_path / "always").mkdir()
        target.seen.clear()
        with gateway_before(
            tmp_path / "always", f"127.0.0.1:{nginx.port}", resource=resource("always", certificate)
        ) as running:
            code, said = curl(running, "/a", "-w", "%{http_code}")
            assert (code, "NO_HTTP2" in said, said.endswith("502")) == (0, True, True)
            assert target.seen == []
            assert running.outcome(running.decisions()[-1].decision_id or "").error == "NO_HTTP2"


def test_without_tls_it_is_spoken_where_that_is_said_and_to_nobody_who_does_not(target: Target, tmp_path: Path) -> None:
    for name in ("nginx", "always", "old", "off"):
        (tmp_path / name).mkdir()
    with (
        two_nginx(tmp_path / "nginx", target.port, CLEAR) as nginx,
        gateway_before(tmp_path / "always", f"127.0.0.1:{nginx.port}", resource=resource("always", None)) as running,
    ):
        assert curl(running, "/clear", "-o", "/dev/null", "-w", "%{http_code}") == (0, "200")
        assert spoken(nginx, "/clear") == ["HTTP/2.0"]
    target.seen.clear()
    with gateway_before(tmp_path / "old", f"127.0.0.1:{target.port}", resource=resource("always", None)) as running:
        code, said = curl(running, "/a", "-w", "%{http_code}")
        assert (code, "NO_HTTP2" in said, said.endswith("502")) == (0, True, True)
    assert [one.path for one in target.seen if one.path == "/a"] == []


def test_it_is_off_where_nothing_is_said(target: Target, nginx: Nginx, tmp_path: Path) -> None:
    lines = f'[resource.tls]\nca_file = "{nginx.folder / "target.crt"}"'
    with gateway_before(tmp_path, f"127.0.0.1:{nginx.port}", resource=lines) as running:
        assert curl(running, "/as-before")[0] == 0
    assert spoken(nginx, "/as-before") == ["HTTP/1.1"]


def test_a_target_that_says_goodbye_again_and_again_loses_nobody_and_runs_nothing_twice(
    target: Target, tmp_path: Path
) -> None:
    """nginx ends a connection after five requests, and takes three at once."""
    for name in ("nginx", "gateway"):
        (tmp_path / name).mkdir()
    own = 'keepalive_requests 5; http2_max_concurrent_streams 3;\nlocation /many {{ default_type text/plain; return 200 "<$request_uri>"; }}'
    with two_nginx(tmp_path / "nginx", target.port, more=own) as nginx:
        lines = resource("always", nginx.folder / "target.crt")
        with secured_gateway(tmp_path / "gateway", f"127.0.0.1:{nginx.port}", resource=lines) as running:
            before = len(running.decisions())
            with Client(running) as client:
                streams = [client.begin(client.fields("GET", f"/many/{number}")) for number in range(60)]
                got = [client.wait(stream) for stream in streams]
            assert [bytes(one.body) for one in got] == [f"</many/{number}>".encode() for number in range(60)]
            assert len(running.decisions()) - before == 60
            asked = [line.split()[1] for line in answered(nginx, "/many/", 60)]
            assert sorted(asked) == sorted(f"/many/{number}" for number in range(60)), "each ran once"
            assert len(connections(nginx, "/many/")) >= 12
