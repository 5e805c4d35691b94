"""The faces on a real socket, with a small gate behind them."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator

import aiohttp
import pytest

from engine.request import Principal
from gateway.faces import server
from gateway.faces.asking import MAX_BODY, Desk
from gateway.faces.server import FaceServer, Place
from gateway.identity.people import Known, People, digest_token
from gateway.identity.rates import Rates
from tests.api_descriptions import check
from tests.strategies.faces import FaceGate

TOKEN = "a-token-of-the-tests"
OTHER = "another-token-of-the-tests"
PEOPLE = People(
    [
        Known(Principal("envoy"), token=digest_token(TOKEN.encode()), roles=("adapter",)),
        Known(Principal("opa"), token=digest_token(OTHER.encode())),
    ],
    b"k" * 32,
)
BODY = b'{"input": {"principal": {"name": "bo"}, "resource": {"name": "o", "protocol": "postgres"}, "command": {"protocol": "postgres", "text": "SELECT 1"}}}'


class House:
    """A server, its gate, and what is wrong with it."""

    def __init__(self, *proxies: str) -> None:
        self.gate = FaceGate()
        self.troubles: list[str] = []
        self.server = FaceServer(
            Place("127.0.0.1", 0, trusted_proxies=proxies),
            Desk(self.gate),
            lambda: PEOPLE,
            lambda: self.troubles,
            lambda: 0.0,
        )
        self.headers = {"Authorization": f"Bearer {TOKEN}"}

    async def ask(
        self, method: str, path: str, body: bytes | io.BytesIO | None = None, **headers: str
    ) -> tuple[int, dict[str, object], dict[str, str]]:
        url = f"http://127.0.0.1:{self.server.port}{path}"
        async with (
            aiohttp.ClientSession() as client,
            client.request(method, url, data=body, headers={**self.headers, **headers}) as answer,
        ):
            document = await answer.json(content_type=None) if answer.content_type == "application/json" else {}
            return answer.status, document, dict(answer.headers)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    await made.server.start()
    yield made
    await made.server.stop(1)


async def test_a_question_is_answered(house: House) -> None:
    status, document, headers = await house.ask("POST", "/v1/data/sallyport/allow", BODY, **{"X-Request-ID": "r-7"})
    assert (status, document["result"], headers["X-Request-ID"]) == (200, True, "r-7")
    assert (await house.ask("POST", "/v1/data", BODY))[1] == {}
    assert (await house.ask("POST", "/v1/data/other/allow", BODY))[1] == {}


async def test_traces_of_callers_are_read_only_where_there_are_traces(house: House) -> None:
    said = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    await house.ask("POST", "/v1/data/sallyport/allow", BODY, **said)
    house.server._is_traced = True
    await house.ask("POST", "/v1/data/sallyport/allow", BODY, **said)
    await house.ask("POST", "/v1/data/sallyport/allow", BODY)
    before, there, after = house.gate.traces
    assert (before, after) == (None, None)
    assert there is not None
    assert there.is_trusted, "an adapter speaks for others"


async def test_who_asks_too_often_is_told_when_to_come_again_and_adapters_never_are(house: House) -> None:
    counted: list[int] = []
    house.server._rates = Rates(0.01, 2, lambda: 0.0, lambda: counted.append(1))
    for _ in range(10):
        assert (await house.ask("POST", "/v1/data/sallyport/allow", BODY))[0] == 200
    people = People([Known(Principal("bo"), token=digest_token(TOKEN.encode()))], b"k" * 32)
    house.server._people = lambda: people
    answers = [await house.ask("GET", "/v1/policies") for _ in range(5)]
    assert [status for status, _, _ in answers] == [200, 200, 429, 429, 429]
    assert answers[-1][2]["Retry-After"] == "100"
    assert len(counted) == 3
    assert [told[2] for told in house.gate.told].count("TOO_MANY_REQUESTS") == 1, "not each is an entry"


async def test_nobody_is_answered_without_a_token(house: House) -> None:
    for header in ("", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x"):
        for path in ("/v1/data/sallyport/allow", "/access/v1/evaluation", "/access/v1/evaluations", "/v1/policies"):
            status, document, _ = await house.ask(
                "GET" if path.endswith("policies") else "POST", path, BODY, Authorization=header
            )
            assert status in (401, 429)
            assert "result" not in document
            assert "decision" not in document
    assert house.gate.asked == []
    assert {told[2] for told in house.gate.told} <= {"CALLER_UNKNOWN", "TOO_MANY_LOGINS"}


async def test_behind_a_proxy_of_ours_who_guesses_locks_out_nobody_beside_them() -> None:
    house = House("127.0.0.0/8")
    await house.server.start()

    async def guess(where: str) -> int:
        headers = {"Authorization": "Bearer wrong", "X-Forwarded-For": where}
        return (await house.ask("POST", "/v1/data/sallyport/allow", BODY, **headers))[0]

    try:
        assert {await guess("203.0.113.5") for _ in range(60)} == {401, 429}
        assert await guess("198.51.100.1, 203.0.113.5") == 429, "what the client wrote itself does not count"
        assert await guess("203.0.113.5, 198.51.100.1") == 401
    finally:
        await house.server.stop(1)


async def test_who_guesses_too_often_waits(house: House) -> None:
    for _ in range(60):
        status, _, _ = await house.ask("GET", "/v1/policies", Authorization="Bearer wrong")
    assert status == 429
    assert (await house.ask("GET", "/v1/policies"))[0] == 200, "whoever has a token is not locked out by others"


async def test_nothing_can_be_put_in(house: House) -> None:
    for method in ("PUT", "PATCH", "DELETE"):
        for path in ("/v1/policies/x", "/v1/data/x", "/v1/policies/a%0Ab", "/v1/%0A"):
            assert (await house.ask(method, path, b"package x"))[0] == 403
            assert (await house.ask(method, path, b"package x", Authorization=""))[0] == 401
    assert (await house.ask("GET", "/v1/policies"))[1] == {"result": []}
    assert (await house.ask("GET", "/v1/data/sallyport"))[0] == 405
    assert (await house.ask("POST", "/"))[0] == 404


async def test_a_path_with_an_end_of_line_is_asked_like_any_other(house: House) -> None:
    status, document, _ = await house.ask("POST", "/v1/data/a%0Ab", b"{}")
    assert (status, document) == (200, {})
    assert (await house.ask("POST", "/v1/data/sallyport%0A/allow", b"{}"))[:2] == (200, {})
    assert (await house.ask("POST", "/v1/data/a%0Ab", b"{}", Authorization=""))[0] == 401


async def test_what_is_no_question_is_told_to_the_audit(house: House) -> None:
    assert (await house.ask("POST", "/v1/data/sallyport/allow", b"{"))[0] == 400
    assert (await house.ask("POST", "/access/v1/evaluation", b"[]"))[0] == 400
    assert (await house.ask("POST", "/access/v1/evaluation", io.BytesIO(b" " * (MAX_BODY + 1))))[0] == 413
    assert [told[2] for told in house.gate.told] == ["INPUT_INVALID", "INPUT_INVALID", "TOO_LARGE"]
    house.gate.is_recording = False
    status, document, _ = await house.ask("POST", "/v1/data/sallyport/allow", b"{")
    assert (status, document["code"]) == (503, "internal_error")


async def test_health_and_the_page_need_no_token(house: House) -> None:
    assert (await house.ask("GET", "/health", Authorization=""))[:2] == (200, {})
    house.troubles = ["no policy is loaded"]
    assert (await house.ask("GET", "/health", Authorization=""))[0] == 500
    document = (await house.ask("GET", "/.well-known/authzen-configuration", Authorization=""))[1]
    assert str(document["access_evaluation_endpoint"]).endswith(f":{house.server.port}/access/v1/evaluation")


async def test_an_error_of_ours_is_no_answer(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**question: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(house.gate, "decide", broken)
    status, document, _ = await house.ask("POST", "/v1/data/sallyport/allow", BODY)
    assert (status, document) == (500, {})


async def test_the_loop_goes_on_while_a_gate_answers_nobody_and_nobody_takes_all_threads(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go, inside, real = threading.Event(), threading.Semaphore(0), house.gate.decide

    def held(**question: object) -> object:
        if question["principal"] == Principal("bo"):
            inside.release()
            assert let_go.wait(20)
        return real(**question)  # type: ignore[arg-type]  # as it was asked

    monkeypatch.setattr(house.gate, "decide", held)
    monkeypatch.setattr(server, "AT_ONCE", 2)
    calls = [asyncio.create_task(house.ask("POST", "/v1/data/sallyport/allow", BODY)) for _ in range(8)]
    loop = asyncio.get_running_loop()
    for _ in range(2):
        assert await loop.run_in_executor(None, inside.acquire, True, 60)
    # The gate is let go of only when all of this was answered: a loop that stands still never comes here.
    for _ in range(50):
        await asyncio.sleep(0)
    assert (await house.ask("GET", "/health", Authorization=""))[0] == 200
    other = {"Authorization": f"Bearer {OTHER}"}
    assert (await house.ask("GET", "/v1/policies", **other))[0] == 200
    assert not inside.acquire(blocking=False), "more than two calls of one caller are answered at once"
    assert not any(call.done() for call in calls)
    let_go.set()
    assert [status for status, _, _ in await asyncio.gather(*calls)] == [200] * 8


async def test_the_description_is_of_all_routes_and_of_nothing_else() -> None:
    # What tokens do is not asked here, so anything may stand in their place.
    faces = FaceServer(Place("127.0.0.1", 0), Desk(FaceGate()), lambda: PEOPLE, list, lambda: 0.0, tokens=object())  # type: ignore[arg-type]
    await check(faces.application(), "faces")
