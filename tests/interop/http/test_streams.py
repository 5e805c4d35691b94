"""Bodies of any length, connections that stay, clients that leave: on real sockets."""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from adapters.web.bodies import Chunked
from tests.interop.http.running import CARD, Running, Target, curl


def until(is_so: object, seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if callable(is_so) and is_so():
            return True
        threading.Event().wait(0.02)
    return False


def connect(running: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", running.port), timeout=20)


def read_until(connection: socket.socket, end: bytes) -> bytes:
    got = b""
    while end not in got:
        piece = connection.recv(65536)
        if not piece:
            break
        got += piece
    return got


def test_events_come_as_they_are_sent(running: Running, target: Target) -> None:
    target.gate.clear()
    with connect(running) as connection:
        connection.sendall(running.request("GET /events"))
        assert b"data: 1\n\n" in read_until(connection, b"data: 1\n\n"), "before the last one was sent"
        target.gate.set()
        assert b"data: 2\n\n" in read_until(connection, b"0\r\n\r\n")


def test_masked_events_come_as_they_are_sent(running: Running, target: Target) -> None:
    target.gate.clear()
    with connect(running) as connection:
        connection.sendall(running.request("GET /cards/events"))
        first = read_until(connection, b'"id":1')
        target.gate.set()
        got = first + read_until(connection, b"0\r\n\r\n")
    body = Chunked(is_strict=True).feed(got.partition(b"\r\n\r\n")[2])
    events = [b'event: order\ndata: {"id":%d,"card":"[redacted]"}\n\n' % number for number in range(3)]
    assert body == b"".join(events) + b"data: [DONE]\n\n"
    assert CARD.encode() not in got


def test_an_event_that_is_no_document_ends_the_stream_before_it_is_shown(running: Running, target: Target) -> None:
    target.gate.clear()
    with connect(running) as connection:
        connection.sendall(running.request("GET /cards/words"))
        first = read_until(connection, b'data: {"id":1}\n\n')
        target.gate.set()
        rest = read_until(connection, b"0\r\n\r\n")
    assert b'data: {"id":1}\n\n' in first
    assert CARD.encode() not in first + rest
    assert b"0\r\n\r\n" not in rest, "nobody takes it for the whole"


def test_the_cells_of_a_table_are_masked_and_another_kind_of_table_is_not_shown(running: Running) -> None:
    code, said = curl(running, "/cards/table")
    assert (code, said) == (0, "id,card,mail\n1,[redacted],***********.org\n2,[redacted],\n")
    code, said = curl(running, "/cards/other-table")
    assert "MASK_UNPROVEN" in said
    assert CARD not in said


def test_masked_lines_come_as_they_are_sent(running: Running, target: Target) -> None:
    target.gate.clear()
    with connect(running) as connection:
        connection.sendall(running.request("GET /cards/lines"))
        first = read_until(connection, b'"id":1')
        target.gate.set()
        got = first + read_until(connection, b"0\r\n\r\n")
    body = Chunked(is_strict=True).feed(got.partition(b"\r\n\r\n")[2])
    assert body == b"".join(b'{"id":%d,"card":"[redacted]"}\n' % number for number in range(3))
    assert CARD.encode() not in got


def test_several_requests_on_one_connection(running: Running, target: Target) -> None:
    target.seen.clear()
    with connect(running) as connection:
        for number in range(5):
            body = b'{"n": %d}' % number
            head = (f"Content-Length: {len(body)}", "Content-Type: application/json")
            connection.sendall(running.request(f"POST /echo/{number}", *head, body=body))
            assert f"/echo/{number}".encode() in read_until(connection, b"}")
    assert [(one.path, one.body) for one in target.seen] == [(f"/echo/{n}", b'{"n": %d}' % n) for n in range(5)]
    sessions = [entry for entry in running.entries() if entry.step == "opened"]
    assert len({entry.session for entry in sessions}) == len(sessions)


def test_pipelined_requests_are_answered_in_order(running: Running, target: Target) -> None:
    target.seen.clear()
    requests = [running.request(f"GET /p{number}") for number in range(20)]
    requests[7] = running.request("DELETE /p7")
    requests[-1] = running.request("GET /last", "Connection: close")
    got = running.raw(b"".join(requests))
    assert got.count(b"HTTP/1.1 200 ") == 19
    assert got.count(b"HTTP/1.1 403 ") == 1
    assert target.paths() == [f"/p{number}" for number in range(19) if number != 7] + ["/last"]


def test_curl_keeps_its_connection(running: Running, target: Target) -> None:
    target.seen.clear()
    done = subprocess.run(
        ["curl", "-sS", "-v", "-H", f"Authorization: Bearer {running.token}"]
        + [f"http://127.0.0.1:{running.port}/k{number}" for number in range(3)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr.count("Re-using existing connection") == 2
    assert target.paths() == ["/k0", "/k1", "/k2"]


def test_a_body_too_long_to_read_is_said_to_be_and_streams(running: Running, target: Target) -> None:
    target.seen.clear()
    size = 20 << 20
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"x" * size)
        file.flush()
        plain = ("-X", "POST", "-T", file.name, "-H", "Content-Type: application/octet-stream")
        assert curl(running, "/upload", *plain) == (0, json.dumps({"path": "/upload", "length": size}))
        assert curl(running, "/upload", *plain, "-H", "Transfer-Encoding: chunked")[0] == 0
        _, refused = curl(running, "/echo", *plain, "-i")
    assert [len(one.body) for one in target.seen] == [size, size]
    assert "403 Forbidden" in refused
    assert "sallyport-unread-body: unknown" in [entry.text for entry in running.decisions()][-2]


def test_who_sends_without_being_asked_reads_why_not(running: Running) -> None:
    with tempfile.NamedTemporaryFile() as file:
        # WHY no more: what is sent behind the answer is thrown away up to 1 MiB, and a busy client sends all of it before it looks.
        file.write(b"x" * (3 << 19))
        file.flush()
        code, said = curl(running, "/notallowed", "-T", file.name, "-H", "Expect:", "-i")
    assert code in (0, 55), said
    assert "403 Forbidden" in said


def test_an_answer_behind_which_the_connection_ends_comes_whole_to_a_slow_reader(
    running: Running, target: Target
) -> None:
    size = 65536 * 8 * 16
    with connect(running) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sendall(running.request("GET /large", "Connection: close"))
        got = read_until(connection, b"\r\n\r\n")
        body = len(got.partition(b"\r\n\r\n")[2])
        while piece := connection.recv(1 << 16):
            body += len(piece)
            if body > size - (1 << 20):
                threading.Event().wait(0.3)
    assert body == size


def test_continue_is_said_only_when_the_body_is_wanted(running: Running, target: Target) -> None:
    target.seen.clear()
    with connect(running) as connection:
        expects = ("Content-Length: 2", "Expect: 100-continue", "Content-Type: application/json")
        connection.sendall(running.request("POST /echo", *expects))
        assert read_until(connection, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert target.seen == []
        connection.sendall(b"{}")
        assert b"200 OK" in read_until(connection, b"}")
    with connect(running) as connection:
        connection.sendall(running.request("POST /admin", "Content-Length: 999999", "Expect: 100-continue"))
        got = read_until(connection, b"}")
    assert got.startswith(b"HTTP/1.1 403 ")
    assert len(target.seen) == 1
    assert "expect" not in target.seen[0].headers


def test_a_large_answer_comes_whole(running: Running, tmp_path: Path) -> None:
    code, _ = curl(running, "/large", "-o", str(tmp_path / "got"))
    assert code == 0
    assert (tmp_path / "got").read_bytes() == b"0123456789abcdef" * 65536 * 8


def test_a_client_that_leaves_ends_the_target_too(running: Running, target: Target) -> None:
    target.broken.clear()
    with connect(running) as connection:
        connection.sendall(running.request("GET /endless"))
        connection.recv(65536)
    assert target.broken.wait(20)
    assert until(lambda: any(entry.error == "CLIENT_LEFT" for entry in running.entries()))


def test_a_slow_client_holds_the_target_back(running: Running, target: Target) -> None:
    target.broken.clear()
    with connect(running) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sendall(running.request("GET /endless"))
        read_until(connection, b"\r\n\r\n")
        assert not target.broken.wait(1.0), "it waits; nothing fails"
        waiting = [task for task in threading.enumerate() if task.is_alive()]
        assert waiting
    assert target.broken.wait(20)


def test_who_leaves_while_held_takes_the_question_back(running: Running, target: Target) -> None:
    target.seen.clear()
    with connect(running) as connection:
        connection.sendall(running.request("POST /orders", "Content-Length: 3", body=b"c=3"))
        ticket = running.ticket()
    assert until(lambda: running.gateway.approvals.get(ticket.id).is_over)
    assert running.gateway.approvals.get(ticket.id).state.value == "withdrawn"
    assert target.seen == []


def test_a_target_that_is_away_is_a_502(running: Running, tmp_path: Path) -> None:
    from tests.interop.http.running import gateway_before

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with gateway_before(tmp_path, f"127.0.0.1:{port}") as alone:
        code, said = curl(alone, "/things", "-i")
        assert code == 0
        assert "502 Bad Gateway" in said
        assert "TARGET_UNREACHABLE" in said
