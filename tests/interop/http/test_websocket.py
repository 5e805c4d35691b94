"""aiohttp's client through the gateway to aiohttp's server: allowed, masked, held, denied, ended."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from gateway.doors.ending import SessionEnder
from tests.interop.http.running import Running, gateway_before
from tests.interop.http.test_streams import until
from tests.interop.http.web_sockets import CARD, POLICY, WebTarget


@pytest.fixture(scope="module")
def web_target() -> Iterator[WebTarget]:
    made = WebTarget()
    yield made
    made.close()


@pytest.fixture(scope="module")
def sockets(web_target: WebTarget, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("sockets")
    with gateway_before(folder, f"127.0.0.1:{web_target.port}", policy=POLICY) as made:
        yield made


@asynccontextmanager
async def connected(running: Running, path: str, **more: object) -> AsyncIterator[ClientWebSocketResponse]:
    headers = {"Authorization": f"Bearer {running.token}"}
    async with (
        ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{running.port}{path}", **{"headers": headers, **more}) as socket,  # type: ignore[arg-type]  # options of tests
    ):
        yield socket


async def test_messages_go_both_ways_and_nothing_is_compressed(sockets: Running, web_target: WebTarget) -> None:
    web_target.heard.clear()
    async with connected(sockets, "/echo", compress=15) as socket:
        assert socket.compress == 0
        large = bytes(range(256)) * 4000
        for said in ("hello", "\u00e4" * 40_000, "", "x" * 3_000_000):
            await socket.send_str(said)
            assert await socket.receive_str(timeout=20) == said
        await socket.send_bytes(large)
        assert await socket.receive_bytes(timeout=20) == large
    assert len(web_target.heard) == 5
    shaken = web_target.handshakes[-1]
    assert "sec-websocket-extensions" not in shaken
    assert shaken["authorization"] == f"Bearer {sockets.secret}"
    decision = sockets.decisions()[-1]
    assert decision.verdict == "allow"
    assert sockets.token not in decision.text
    assert sockets.outcome(decision.decision_id).bytes > 4_000_000


async def test_pings_are_answered_by_the_other_side(sockets: Running) -> None:
    async with connected(sockets, "/echo", autoping=False) as socket:
        for said in (b"are you there", b""):
            await socket.ping(said)
            answer = await socket.receive(timeout=60)
            assert (answer.type, bytes(answer.data)) == (WSMsgType.PONG, said)
        assert not socket.closed


async def test_cards_are_masked_and_what_cannot_be_is_refused_with_a_reason(sockets: Running) -> None:
    async with connected(sockets, "/feed") as socket:
        for number in range(2):
            got = json.loads(await socket.receive_str(timeout=20))
            assert (got["id"], got["card"]) == (number, "[redacted]")
        last = await socket.receive(timeout=20)
        assert last.type is WSMsgType.CLOSE
        assert last.data == 1008
        assert last.extra
    assert sockets.outcome(sockets.decisions()[-1].decision_id).error == "MASK_UNPROVEN"
    async with connected(sockets, "/bytes") as socket:
        last = await socket.receive(timeout=20)
        assert (last.type, last.data) == (WSMsgType.CLOSE, 1008)


async def test_texts_are_masked_by_pattern(sockets: Running) -> None:
    async with connected(sockets, "/notes") as socket:
        assert await socket.receive_str(timeout=20) == "a card: [redacted]"
        assert json.loads(await socket.receive_str(timeout=20)) == {"note": "[redacted]"}


async def test_an_answer_in_place_of_a_switch_is_masked_too(sockets: Running) -> None:
    async with ClientSession() as session:
        headers = {
            "Authorization": f"Bearer {sockets.token}",
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
        }
        async with session.get(f"http://127.0.0.1:{sockets.port}/cards", headers=headers) as got:
            assert got.status == 403, "nobody may open one there"
    assert CARD not in sockets.decisions()[-1].text


async def test_a_held_handshake_waits_for_its_approval(sockets: Running, web_target: WebTarget) -> None:
    before = len(web_target.handshakes)

    async def talk() -> str:
        async with connected(sockets, "/held") as socket:
            await socket.send_str("at last")
            return await socket.receive_str(timeout=20)

    talking = asyncio.create_task(talk())
    ticket = await asyncio.to_thread(sockets.ticket)
    assert len(web_target.handshakes) == before
    sockets.approve(ticket)
    assert await talking == "at last"
    refusing = asyncio.create_task(talk())
    sockets.refuse(await asyncio.to_thread(sockets.ticket))
    with pytest.raises(WSServerHandshakeError) as caught:
        await refusing
    assert caught.value.status == 403


@pytest.mark.parametrize(("token", "status"), [(None, 403), ("nobody's", 401)])
async def test_a_denied_one_is_no_handshake(
    sockets: Running, web_target: WebTarget, token: str | None, status: int
) -> None:
    before = len(web_target.handshakes)
    headers = {"Authorization": f"Bearer {token or sockets.token}"}
    with pytest.raises(WSServerHandshakeError) as caught:
        async with connected(sockets, "/secret", headers=headers):
            pass
    assert caught.value.status == status
    assert len(web_target.handshakes) == before


async def test_a_token_may_be_brought_as_pages_can(sockets: Running, web_target: WebTarget) -> None:
    encoded = base64.urlsafe_b64encode(sockets.token.encode()).decode().rstrip("=")
    offers = ("sallyport", f"sallyport.bearer.{encoded}")
    async with connected(sockets, "/echo", headers={"Origin": "https://elsewhere"}, protocols=offers) as socket:
        assert socket.protocol == "sallyport"
    async with connected(sockets, "/chat", headers={}, protocols=(*offers, "chat")) as socket:
        assert socket.protocol == "chat"
    assert web_target.handshakes[-1]["sec-websocket-protocol"] == "chat"
    assert encoded not in "".join(f"{entry.text}" for entry in sockets.decisions())


async def test_last_words_reach_the_other_side(sockets: Running, web_target: WebTarget) -> None:
    web_target.closed.clear()
    async with connected(sockets, "/echo") as socket:
        await socket.close(code=4321)
    assert await asyncio.to_thread(until, lambda: web_target.closed == [4321])
    async with connected(sockets, "/echo") as socket:
        await socket.send_str("bye")
        last = await socket.receive(timeout=20)
        assert (last.data, last.extra) == (4002, "as you wish")


async def test_the_credential_is_not_said_back(sockets: Running) -> None:
    async with connected(sockets, "/whoami") as socket:
        said = await socket.receive_str(timeout=20)
    assert sockets.secret not in said
    assert said == f"you are {'*' * len(f'Bearer {sockets.secret}')}"


async def test_a_killed_session_is_told_why(sockets: Running, web_target: WebTarget) -> None:
    web_target.ended.clear()
    async with connected(sockets, "/quiet") as socket:
        await socket.send_str("here")
        await socket.receive_str(timeout=20)
        session = sockets.decisions()[-1].session
        ender: SessionEnder = sockets.gateway.ender
        await asyncio.to_thread(lambda: ender.end(session or "", by="dora", comment="enough"))
        last = await socket.receive(timeout=20)
        assert (last.type, last.data) == (WSMsgType.CLOSE, 1008)
        assert "enough" in (last.extra or "")
    assert await asyncio.to_thread(until, lambda: "/quiet" in web_target.ended)
    assert sockets.outcome(sockets.decisions()[-1].decision_id).error == "SESSION_ENDED"


async def test_an_idle_one_is_ended(web_target: WebTarget, tmp_path: Path) -> None:
    limits = "idle_seconds = 1\n[resource.tls]\nmode = 'disable'"
    with gateway_before(tmp_path, f"127.0.0.1:{web_target.port}", policy=POLICY, resource=limits) as running:
        async with connected(running, "/quiet") as socket:
            hearing = asyncio.create_task(socket.receive(timeout=30))
            while not (await asyncio.wait({hearing}, timeout=0.3))[0]:
                running.gateway.doors.sweep()
            last = await hearing
            assert (last.type, last.data) == (WSMsgType.CLOSE, 1001)
