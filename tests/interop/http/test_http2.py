"""HTTP/2 for real clients (curl, httpx), and what each stream is for the others: before a real server, over real sockets."""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import httpx2
import pytest

from adapters.core.listening import RelayListener
from gateway.approvals.states import State
from tests.interop.http.running import CARD, Running, Target, curl, gateway_before
from tests.interop.http.test_streams import until
from tests.interop.http.two import Client, secured_gateway


@pytest.fixture(scope="module")
def running(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("two")
    with secured_gateway(folder, f"127.0.0.1:{target.port}") as made:
        yield made


@pytest.fixture
def client(running: Running) -> Iterator[Client]:
    with Client(running) as made:
        yield made


def asked(running: Running, *arguments: str) -> tuple[int, str]:
    folder = running.gateway.config.at("..")
    return curl(running, *arguments, "--http2", "--cacert", str(folder / "gateway.crt"), scheme="https")


def test_curl_speaks_http_2_and_is_allowed_masked_denied(running: Running) -> None:
    shown = ("-o", "/dev/stdout", "-w", " %{http_version} %{http_code}")
    assert asked(running, "/a?x=1", *shown) == (0, '{"path": "/a?x=1", "length": 0} 2 200')
    code, said = asked(running, "/cards", *shown)
    assert (code, CARD in said, "[redacted]" in said) == (0, False, True)
    code, said = asked(running, "/admin", "-i")
    assert code == 0
    assert said.startswith("HTTP/2 403")
    assert '"code": "SECRET_AREA"' in said
    assert "connection:" not in said


def test_curl_uploads_and_waits_for_a_word(running: Running, target: Target, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"0123456789" * 200_000)
    target.seen.clear()
    code, said = asked(running, "/upload", "-T", str(large), "-H", "Expect: 100-continue")
    assert (code, json.loads(said)["length"]) == (0, 2_000_000)
    assert len(target.seen[0].body) == 2_000_000
    for waits in (("-H", "Expect: 100-continue"), ("-H", "Expect:")):
        code, said = asked(running, "/nowhere", "-i", "-T", str(large), *waits)
        assert code == 0, said
        assert said.startswith("HTTP/2 403")
    assert len(target.seen) == 1


def test_curl_sends_requests_side_by_side_on_one_connection(running: Running, target: Target) -> None:
    target.seen.clear()
    urls = [f"https://127.0.0.1:{running.port}/n{number}" for number in range(30)]
    code, _ = asked(running, "/n", *urls, "--parallel", "--parallel-max", "20")
    assert code == 0
    assert len(target.seen) == 31


def test_a_client_without_http_2_is_served_as_ever(running: Running) -> None:
    folder = running.gateway.config.at("..")
    code, said = curl(running, "/a", "-i", "--http1.1", "--cacert", str(folder / "gateway.crt"), scheme="https")
    assert code == 0
    assert said.startswith("HTTP/1.1 200 OK")


def test_httpx_streams_and_shares_a_connection(running: Running) -> None:
    headers, plain = {"authorization": f"Bearer {running.token}"}, {"content-type": "text/plain"}
    with httpx2.Client(http2=True, verify=False, headers=headers) as one:
        base = f"https://127.0.0.1:{running.port}"
        answer = one.get(f"{base}/cards")
        assert (answer.http_version, answer.json()[0]["card"]) == ("HTTP/2", "[redacted]")
        with one.stream("GET", f"{base}/large") as stream:
            assert sum(len(piece) for piece in stream.iter_bytes()) == 8 * 1024 * 1024
        assert one.post(f"{base}/echo", content=iter([b"a", b"b"]), headers=plain).json()["length"] == 2
        assert one.get(f"{base}/missing").status_code == 404
        assert one.request("HEAD", f"{base}/a").content == b""


def test_httpx_is_told_why_not_and_waits_while_it_is_held(running: Running, target: Target) -> None:
    headers = {"authorization": f"Bearer {running.token}"}
    with httpx2.Client(http2=True, verify=False, headers=headers, timeout=60) as one, ThreadPoolExecutor() as pool:
        base = f"https://127.0.0.1:{running.port}"
        denied = one.get(f"{base}/admin")
        assert (denied.status_code, denied.json()["code"]) == (403, "SECRET_AREA")
        target.seen.clear()
        for answer, status in ((running.approve, 200), (running.refuse, 403)):
            held = pool.submit(one.post, f"{base}/orders", json={"item": status})
            ticket = running.ticket()
            assert not [seen for seen in target.seen if str(status).encode() in seen.body]
            answer(ticket)
            assert held.result(60).status_code == status
    assert [json.loads(seen.body) for seen in target.seen] == [{"item": 200}]


def test_the_credential_is_put_in_and_does_not_come_back(client: Client) -> None:
    got = client.ask("GET", "/headers", ("cookie", "a=1"), ("x-forwarded-for", "10.0.0.1"))
    seen = json.loads(bytes(got.body))
    assert set(seen["authorization"].removeprefix("Bearer ")) == {"*"}
    assert "cookie" not in seen
    assert "x-forwarded-for" not in seen
    assert client.running.token not in str(seen)
    assert "set-cookie" not in got.headers
    assert set(got.headers["x-seen"].removeprefix("Bearer ")) == {"*"}


def test_no_token_and_a_wrong_one_are_refused_and_the_next_stream_is_served(client: Client) -> None:
    stream = client.begin(client.fields("GET", "/a", bears=False))
    assert client.wait(stream).status == 401
    assert (
        client.wait(client.begin(client.fields("GET", "/a", ("authorization", "Bearer x"), bears=False))).status == 401
    )
    assert client.ask("GET", "/a").status == 200


def test_while_one_is_held_the_others_go_on_and_it_goes_on_when_approved(client: Client, target: Target) -> None:
    target.seen.clear()
    held = client.begin(client.fields("POST", "/orders", ("content-type", "application/json")), end=False)
    client.data(held, b'{"id": 1}', end=True)
    ticket = client.running.ticket()
    for _ in range(3):
        assert client.ask("GET", "/a").status == 200
    assert "/orders" not in target.paths()
    client.running.approve(ticket)
    got = client.wait(held)
    assert got.status == 200
    assert ticket.id in got.headers["warning"]
    assert target.paths()[-1] == "/orders"


def test_who_resets_a_held_stream_takes_the_question_back(client: Client, target: Target) -> None:
    target.seen.clear()
    held = client.begin(client.fields("POST", "/orders", ("content-length", "0")))
    ticket = client.running.ticket()
    client.h2.reset_stream(held)
    client.flush()
    assert client.ask("GET", "/a").status == 200
    store = client.running.gateway.approvals
    # The store is asked beside the loop.
    assert until(lambda: ticket.id in {one.id for one in store.recent((State.WITHDRAWN,), 10, None)})
    assert "/orders" not in target.paths()


def test_events_pass_as_they_come_and_masked(client: Client, target: Target) -> None:
    target.gate.clear()
    stream = client.begin(client.fields("GET", "/cards/events"))
    got = client.wait(stream, until=60)
    assert bytes(got.body).count(b"data: ") >= 1
    assert not got.is_ended
    target.gate.set()
    said = bytes(client.wait(stream).body)
    assert said.endswith(b"data: [DONE]\n\n")
    assert CARD.encode() not in said
    assert said.count(b"[redacted]") == 3


def test_an_answer_that_cannot_be_masked_is_refused_or_reset_never_ended(client: Client) -> None:
    assert client.ask("GET", "/cards/page").status == 502
    got = client.ask("GET", "/cards/late")
    assert (got.is_ended, got.reset) == (False, 2)
    assert CARD.encode() not in bytes(got.body)
    assert client.ask("GET", "/a").status == 200


def test_a_stream_that_nobody_reads_stops_the_target_and_no_other_stream(client: Client, target: Target) -> None:
    client.grants = False
    stream = client.begin(client.fields("GET", "/endless"))
    client.wait(stream, until=60_000)
    client.h2.increment_flow_control_window(1_000_000)
    client.flush()
    client.grants = True
    for _ in range(20):
        assert client.ask("GET", "/a").status == 200
    assert len(client.streams[stream].body) <= 65_535
    target.broken.clear()
    client.h2.reset_stream(stream)
    client.flush()
    assert target.broken.wait(60), "who leaves ends the target's work"


def test_a_body_is_bounded_by_its_window_until_it_is_wanted(client: Client) -> None:
    held = client.begin(client.fields("POST", "/upload", ("content-length", "900000")), end=False)
    client.data(held, bytes(900_000), end=True)
    assert client.wait(held).status == 200


def test_all_streams_of_one_token_are_one_session_in_the_audit(running: Running) -> None:
    def sessions() -> list[str]:
        return [entry.session for entry in running.decisions()]

    before = len(sessions())
    with Client(running) as client:
        streams = [client.begin(client.fields("GET", f"/s{number}")) for number in range(5)]
        assert [client.wait(stream).status for stream in streams] == [200] * 5
    assert len(set(sessions()[before:])) == 1
    assert len(sessions()[before:]) == 5


def test_what_cannot_be_read_is_refused_with_the_reason_and_stands_in_the_audit(client: Client, target: Target) -> None:
    assert client.ask("GET", "/a").status == 200
    target.seen.clear()
    before = len(client.running.decisions())
    got = client.wait(client.begin(client.fields("GET", "/a", ("x", "a\r\nhost: evil"))))
    assert (got.status, json.loads(bytes(got.body))["code"]) == (400, "HEADER_LINE")
    told = client.running.decisions()[before:]
    assert [(entry.verdict, entry.principal) for entry in told] == [("deny", "ana")]
    assert json.loads(bytes(got.body))["decision"] == told[0].decision_id
    assert client.running.token not in told[0].text
    assert target.seen == []


def test_a_drained_gateway_lets_what_runs_finish(target: Target, tmp_path: Path) -> None:
    with secured_gateway(tmp_path, f"127.0.0.1:{target.port}") as running:
        target.gate.clear()
        target.seen.clear()
        with ThreadPoolExecutor(1) as pool:
            streamed = pool.submit(asked, running, "/events")
            while not target.seen:
                threading.Event().wait(0.01)
            listener = cast(RelayListener, running.gateway._listeners[0][1])
            loop = next(iter(listener._relays))._loop
            drained = asyncio.run_coroutine_threadsafe(listener.drain(20), loop)
            threading.Event().wait(0.1)
            assert not drained.done()
            target.gate.set()
            code, said = streamed.result(20)
        assert code == 0
        assert said.endswith("data: 2\n\n")
        drained.result(20)


def test_who_knows_beforehand_may_speak_it_without_tls_where_that_is_configured(target: Target, tmp_path: Path) -> None:
    with gateway_before(tmp_path, f"127.0.0.1:{target.port}", listener='http2 = "clear"') as running:
        shown = ("-o", "/dev/stdout", "-w", " %{http_version} %{http_code}")
        code, said = curl(running, "/a", "--http2-prior-knowledge", *shown)
        assert (code, said[-6:]) == (0, " 2 200")
        assert curl(running, "/a", *shown)[1].endswith(" 1.1 200")
        assert curl(running, "/a", "--http2", *shown)[1].endswith(" 1.1 501"), "an upgrade is no knowledge"


def test_it_is_not_spoken_where_it_was_not_wanted(target: Target, tmp_path: Path) -> None:
    with secured_gateway(tmp_path, f"127.0.0.1:{target.port}", extra='http2 = "off"') as running:
        done = subprocess.run(
            [
                *["curl", "-sS", "-k", "--http2", "-w", "%{http_version}", "-o", "/dev/null"],
                f"https://127.0.0.1:{running.port}/a",
            ],
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.stdout == "1.1"
    with gateway_before(_made(tmp_path / "clear"), f"127.0.0.1:{target.port}") as running:
        assert curl(running, "/a", "--http2-prior-knowledge")[0] != 0


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_many_clients_at_once_are_each_served(running: Running) -> None:
    failed: list[str] = []

    def one() -> None:
        with Client(running) as client:
            streams = [client.begin(client.fields("GET", f"/p{number}")) for number in range(20)]
            failed.extend("no" for stream in streams if client.wait(stream).status != 200)

    threads = [threading.Thread(target=one) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []


def test_who_is_killed_loses_what_runs_and_is_told_so_and_may_come_in_again(client: Client, target: Target) -> None:
    gateway = client.running.gateway
    target.gate.clear()
    events = client.begin(client.fields("GET", "/events"))
    client.wait(events, until=18)
    held = client.begin(client.fields("POST", "/orders", ("content-length", "0")))
    ticket = client.running.ticket()
    # WHY: the library of this client takes nothing any more behind a GOAWAY, so the answer has to come with it: at once, where it is held.
    assert until(lambda: gateway.approvals.bell.waiters(ticket.id) == 1)
    (live,) = [one for one in gateway.ender.live() if one.session.id == client.running.decisions()[-1].session]
    gateway.ender.end(live.session.id, by="olga", comment="enough")
    got = client.wait(held)
    assert (got.status, json.loads(bytes(got.body))["code"]) == (503, "SESSION_ENDED")
    assert client.wait(events).reset is not None or client.is_closed
    target.gate.set()
    assert until(lambda: ticket.id not in {one.id for one in gateway.approvals.recent((State.REQUESTED,), 10, None)})
    with Client(client.running) as again:
        assert again.ask("GET", "/a").status == 200


def test_limits_of_sessions_count_connections_not_streams(target: Target, tmp_path: Path) -> None:
    limits = 'connections_per_principal = 1\n[resource.tls]\nmode = "disable"'
    with secured_gateway(tmp_path, f"127.0.0.1:{target.port}", resource=limits) as running:
        with Client(running) as first:
            streams = [first.begin(first.fields("GET", f"/{number}")) for number in range(10)]
            assert [first.wait(stream).status for stream in streams] == [200] * 10
            with Client(running) as second:
                assert second.ask("GET", "/a").status == 429
        for _ in range(100):
            with Client(running) as third:
                if third.ask("GET", "/a").status == 200:
                    return
        raise AssertionError("a connection that has ended still counts")
