"""Requests that a policy wants recorded: real curl, real servers, whole gateways; read again with the key."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from aiohttp import ClientSession

from gateway.recording.exchanges import Done
from tests.interop.http import web_sockets
from tests.interop.http.proxied import proxied
from tests.interop.http.recorded import RULES, Kept, asked, done, parts, shown
from tests.interop.http.running import CARD, Running, Target, curl, gateway_before
from tests.interop.http.two import secured_gateway
from tests.interop.http.web_sockets import WebTarget


@pytest.fixture(scope="module")
def recording(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("recording")
    with gateway_before(folder, f"127.0.0.1:{target.port}", more={"kept.rego": RULES}) as made:
        yield made


def test_a_request_its_answer_and_its_outcome_are_recorded_without_what_is_hidden(
    recording: Running, target: Target
) -> None:
    kept, secret = Kept(recording), secrets.token_hex(20)
    base = f"http://127.0.0.1:{recording.port}"
    with requests.Session() as client:
        client.trust_env = False
        client.headers = {"Authorization": f"Bearer {recording.token}", "X-Api-Key": secret}
        assert client.get(f"{base}/cards").status_code == 200
        assert client.get(f"{base}/things?token={secret}").status_code == 200
        assert client.delete(f"{base}/things").status_code == 403
    found = kept.lines()
    plain = kept.plain()
    for canary in (CARD, recording.token, recording.secret):
        assert canary.encode() not in plain
    assert secret not in " ".join(one.text for one in asked(found))
    cards, things, denied = asked(found)
    assert (cards.verdict, things.verdict, denied.verdict) == ("mask", "allow", "deny")
    assert things.text.startswith("GET /things?token=*** HTTP/1.1")
    assert json.loads(shown(found, cards.id))[0]["card"] == "[redacted]"
    assert done(found, cards.id).bytes == len(shown(found, cards.id))
    decisions = {one.decision_id: one for one in recording.decisions()}
    assert all(decisions[one.id].text == one.text for one in asked(found))
    assert denied.id not in {one.id for one in found if isinstance(one, Done)}


def test_one_connection_is_one_recording_and_bodies_are_bounded(recording: Running) -> None:
    kept = Kept(recording)
    large = f"http://127.0.0.1:{recording.port}/large"
    assert curl(recording, "/missing", "-o", "/dev/null", "-o", "/dev/null", large)[0] == 0
    found = kept.lines()
    one, two = asked(found)
    if "/large" in one.text:
        one, two = two, one
    assert done(found, one.id).error == "404"
    assert len(shown(found, two.id)) == 256 * 1024
    assert [part.cut for part in parts(found, two.id)].count(True) == 1
    assert done(found, two.id).bytes == 16 * 65536 * 8


def test_events_are_recorded_as_they_come(recording: Running, target: Target) -> None:
    kept = Kept(recording)
    target.gate.clear()
    try:
        client = threading.Thread(target=curl, args=(recording, "/cards/events"))
        client.start()
        seen, pause = False, threading.Event()
        for _ in range(1000):
            seen = b'\\"id\\": 1' in kept.plain() or b'\\"id\\":1' in kept.plain()
            if seen:
                break
            pause.wait(0.02)
        assert seen, kept.plain()
        assert b'"is":"done"' not in kept.plain()
    finally:
        target.gate.set()
    client.join()
    found = kept.lines()
    (one,) = asked(found)
    assert shown(found, one.id).count("event: order") == 3
    assert CARD not in shown(found, one.id)


def test_a_recorder_that_fails_ends_the_connection_and_nothing_more_arrives(recording: Running, target: Target) -> None:
    recordings = recording.gateway.recordings
    target.seen.clear()
    low, recordings._low_water = recordings._low_water, 1 << 62
    try:
        _, said = curl(recording, "/new", "-i", f"http://127.0.0.1:{recording.port}/second")
    finally:
        recordings._low_water = low
    assert "503" in said
    assert target.seen == []
    assert recording.outcome(recording.decisions()[-1].decision_id).error == "RECORDER_FAILED"
    assert curl(recording, "/again")[0] == 0
    assert target.paths() == ["/again"]


def test_a_recorder_that_fails_in_the_middle_of_an_answer_cuts_it(recording: Running, target: Target) -> None:
    target.seen.clear()
    target.gate.clear()
    try:
        got: list[tuple[int, str]] = []
        client = threading.Thread(target=lambda: got.append(curl(recording, "/events")))
        kept = Kept(recording)
        client.start()
        pause = threading.Event()
        for _ in range(1000):
            if b"data: 1" in kept.plain():
                break
            pause.wait(0.02)
        for one in list(recording.gateway.recordings._open):
            one._give_up("the disk is gone")
        client.join(20)
        assert not client.is_alive()
    finally:
        target.gate.set()
    code, said = got[0]
    assert code in (18, 56), said
    assert "data: 2" not in said


@pytest.fixture(scope="module")
def web_target() -> Iterator[WebTarget]:
    made = WebTarget()
    yield made
    made.close()


async def test_messages_of_web_sockets_are_recorded_and_counted(web_target: WebTarget, tmp_path: Path) -> None:
    with gateway_before(
        tmp_path, f"127.0.0.1:{web_target.port}", policy=web_sockets.POLICY, more={"kept.rego": RULES}
    ) as running:
        kept = Kept(running)
        headers = {"Authorization": f"Bearer {running.token}"}
        async with (
            ClientSession() as session,
            session.ws_connect(f"http://127.0.0.1:{running.port}/echo", headers=headers) as socket,
        ):
            for said in ("first-canary", "second", "third"):
                await socket.send_str(said)
                assert await socket.receive_str(timeout=20) == said
        found = kept.lines()
    (one,) = asked(found)
    assert shown(found, one.id) == "first-canarysecondthird"
    assert ("3", "3") in [row for part in parts(found, one.id) for row in part.rows]
    assert done(found, one.id).bytes == len("first-canarysecondthird")


def test_a_forward_proxy_records_what_it_sees_and_refuses_what_it_does_not(tmp_path: Path) -> None:
    with proxied(tmp_path, more={"kept.rego": RULES}) as proxy:
        kept = Kept(proxy.running)
        for url in (proxy.http(path="/cards"), proxy.https(path="/cards")):
            assert proxy.curl(url)[0] == 0
        found = kept.lines(2)
        assert CARD.encode() not in kept.plain()
        assert sorted(one.text.split(":")[0] for one in asked(found)) == ["GET http", "GET https"]
        assert all("[redacted]" in shown(found, one.id) for one in asked(found))
        proxy.forget()
        code, said = proxy.curl(proxy.https("pinned.test"), "-v", trusts="web.crt")
        assert code != 0
        assert "403" in said
        assert proxy.seen() == []


def test_the_streams_of_one_connection_are_one_recording(target: Target, tmp_path: Path) -> None:
    with secured_gateway(tmp_path, f"127.0.0.1:{target.port}", more={"kept.rego": RULES}) as running:
        kept = Kept(running)
        folder = running.gateway.config.at("..")
        more = [f"https://127.0.0.1:{running.port}/{name}" for name in ("b", "cards")]
        code, _ = curl(
            running, "/a", "--http2", "--parallel", "--cacert", str(folder / "gateway.crt"), *more, scheme="https"
        )
        assert code == 0
        found = kept.lines()
    assert len(asked(found)) == 3
    assert CARD not in " ".join(shown(found, one.id) for one in asked(found))
    assert all(done(found, one.id).bytes > 0 for one in asked(found))
