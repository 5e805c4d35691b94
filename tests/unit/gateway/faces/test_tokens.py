"""Whoever is known makes tokens for themselves over HTTP; a token makes none; limits of a token hold for what it asks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from engine.request import Principal
from gateway.audit.entry import Kind
from gateway.errors import AuditUnavailable
from gateway.faces.asking import Desk
from gateway.faces.server import FaceServer, Place
from gateway.faces.tokens import MAX_IDS, REVOKE, SIGN_IN, TOKENS, WHO, TokenCounter
from gateway.identity.minting import Mint
from gateway.identity.oidc.issuer import Issuer
from gateway.identity.oidc.settings import IssuerSettings
from gateway.identity.people import Known, People, digest_token
from gateway.identity.proofs import Proofs
from gateway.identity.scoped import SECOND, TokenKey, TokenKeys
from gateway.identity.speaking import session_name
from gateway.identity.tokens import Tokens
from gateway.store.migrations import downgrade
from tests.issuers import NOW, OTHER_RSA, SETTINGS, StandInIssuer, claims, token
from tests.strategies.faces import FaceGate
from tests.strategies.gates import House as Gate

PLAIN = "a-token-of-the-tests"
PEOPLE = People([Known(Principal("ana", groups=("readers",)), token=digest_token(PLAIN.encode()))], b"k" * 32)
WISH = {"resources": ["orders"], "ttl": 600, "job": "build-42", "operations": ["read"], "prompt": "why"}


def question(resource: str = "orders", **session: str) -> bytes:
    about = {"resource": {"name": resource, "protocol": "postgres"}}
    about["command"] = {"protocol": "postgres", "text": "SELECT 1"}
    if session:
        about["session"] = session
    return json.dumps({"input": about}).encode()


class World:
    """A server with real tokens behind it. The clock is a test's."""

    def __init__(self, folder: Path, settings: IssuerSettings = SETTINGS) -> None:
        self.house = Gate(folder)
        self.house.clock.now = NOW
        self.web = StandInIssuer()
        keys, tokens = TokenKeys([TokenKey.from_seed(b"s" * 32)]), Tokens(self.house.database)
        self.mint = Mint(keys, tokens, max_ttl=3_600, exists={"orders", "build"}.__contains__, clock=self.house.clock)
        proofs = Proofs(
            keys=keys,
            tokens=tokens,
            issuers=[Issuer(settings, self.web, lambda: 0.0)],
            people=lambda: PEOPLE,
            clock=self.house.clock,
        )
        self.gate = FaceGate()
        self.counter = TokenCounter(proofs, self.mint, self.house.log, self.house.clock, SETTINGS)
        self.server = FaceServer(
            Place("127.0.0.1", 0), Desk(self.gate), lambda: PEOPLE, list, lambda: 0.0, self.counter
        )

    async def ask(
        self, path: str, bearer: str | None, body: Mapping[str, object] | bytes | None = None
    ) -> tuple[int, dict[str, object]]:
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.server.port}{path}"
        method = "GET" if data is None else "POST"
        async with aiohttp.ClientSession() as client, client.request(method, url, data=data, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def made(self, bearer: str = PLAIN, **changes: object) -> dict[str, object]:
        status, document = await self.ask(TOKENS, bearer, {**WISH, **changes})
        assert status == 201, document
        return document


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    await made.server.start()
    yield made
    await made.server.stop(1)
    made.house.close()


async def test_somebody_known_makes_a_token_for_themselves(world: World) -> None:
    made = await world.made()
    assert (made["principal"], made["resources"], made["job"], made["operations"]) == (
        "ana",
        ["orders"],
        "build-42",
        ["read"],
    )
    entry = world.house.entries()[-1]
    assert (entry.kind, entry.step, entry.principal, entry.job, entry.note) == (
        Kind.TOKEN,
        "issued",
        "ana",
        "build-42",
        made["id"],
    )
    status, who = await world.ask(WHO, str(made["token"]))
    assert (status, who["principal"], who["groups"], who["job"]) == (200, "ana", ["readers"], "build-42")
    assert who["resources"] == ["orders"]


async def test_somebody_of_an_issuer_makes_one_that_ends_with_them(world: World) -> None:
    made = await world.made(token(claims()), ttl=3_600)
    assert (made["principal"], made["expires_at"]) == ("alice", NOW + 630 * SECOND)
    status, who = await world.ask(WHO, str(made["token"]))
    assert (status, who["groups"]) == (200, ["dba"])
    assert (await world.ask(WHO, token(claims())))[1]["resources"] is None


@pytest.fixture
async def of_runs(tmp_path: Path) -> AsyncIterator[World]:
    """Where tokens of the issuer are of a run each."""
    made = World(tmp_path, replace(SETTINGS, job_claim="run_id"))
    await made.server.start()
    yield made
    await made.server.stop(1)
    made.house.close()


async def test_a_run_that_an_issuer_vouches_for_cannot_be_exchanged_for_another(of_runs: World) -> None:
    of_a_run = token(claims(run_id="4711"))
    status, document = await of_runs.ask(TOKENS, of_a_run, {**WISH, "job": "nightly-backup"})
    assert (status, document["code"]) == (400, "GRANT_JOB")
    assert of_runs.mint.tokens.of(None, NOW) == []
    for job in (None, "4711"):
        made = await of_runs.made(of_a_run, job=job, prompt="the DBA asked me to")
        assert (made["job"], made["stated"]) == ("4711", ["prompt"])
        assert (await of_runs.ask(WHO, str(made["token"])))[1]["job"] == "4711"
    entry = of_runs.house.entries()[-1]
    assert (entry.kind, entry.job, entry.attributes) == (Kind.TOKEN, "4711", {"stated": ["prompt"]})


async def test_what_somebody_says_of_a_job_for_themselves_is_recorded_as_their_own_word(world: World) -> None:
    assert (await world.made())["stated"] == ["job", "prompt"]
    assert world.house.entries()[-1].attributes == {"stated": ["job", "prompt"]}
    assert (await world.made(token(claims())))["stated"] == ["job", "prompt"], "of an issuer that names no run"
    assert (await world.made(job=None, prompt=None))["stated"] == []
    assert world.house.entries()[-1].attributes == {}


async def test_a_token_makes_lists_and_takes_back_none(world: World) -> None:
    made = await world.made()
    for path, body in ((TOKENS, WISH), (TOKENS, None), (REVOKE, {"ids": [made["id"]]})):
        status, document = await world.ask(path, str(made["token"]), body)
        assert (status, document["code"]) == (403, "GRANT_BY_TOKEN")


async def test_tokens_are_listed_and_taken_back_by_their_own_principal(world: World) -> None:
    mine, theirs = await world.made(), await world.made(token(claims()))
    listed = (await world.ask(TOKENS, PLAIN))[1]["tokens"]
    assert isinstance(listed, list)
    assert [one["id"] for one in listed] == [mine["id"]]
    assert "token" not in listed[0]
    status, document = await world.ask(REVOKE, PLAIN, {"ids": [mine["id"], theirs["id"], "t-none"]})
    assert (status, document) == (200, {"revoked": [mine["id"]]})
    assert [(one.step, one.note) for one in world.house.entries()][-1] == ("revoked", mine["id"])
    status, document = await world.ask(WHO, str(mine["token"]))
    assert (status, document["code"]) == (401, "TOKEN_REVOKED")


async def test_more_tokens_than_one_call_takes_back_are_refused_whole(world: World) -> None:
    mine = await world.made()
    ids = [f"t-{number}" for number in range(MAX_IDS)]
    status, document = await world.ask(REVOKE, PLAIN, {"ids": [mine["id"], *ids]})
    assert (status, document["code"]) == (400, "INPUT_INVALID")
    assert (await world.ask(WHO, str(mine["token"])))[0] == 200
    assert (await world.ask(REVOKE, PLAIN, {"ids": [mine["id"], *ids[1:]]}))[1] == {"revoked": [mine["id"]]}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "INPUT_INVALID"),
        (b"[]", "INPUT_INVALID"),
        ({**WISH, "principal": "bo"}, "INPUT_INVALID"),
        ({**WISH, "ttl": "600"}, "INPUT_INVALID"),
        ({**WISH, "ttl": 1e9}, "GRANT_TTL"),
        ({**WISH, "resources": ["nowhere"]}, "GRANT_RESOURCE"),
        ({**WISH, "operations": ["all"]}, "GRANT_OPERATION"),
    ],
)
async def test_what_cannot_be_made_says_why(world: World, body: Mapping[str, object] | bytes, code: str) -> None:
    status, document = await world.ask(TOKENS, PLAIN, body)
    assert (status, document["code"]) == (400, code)


async def test_nobody_gets_anything(world: World) -> None:
    for bearer in (None, "wrong", "ey.ey.ey", token(claims(), OTHER_RSA), token(claims(aud="other"))):
        for path, body in ((TOKENS, WISH), (TOKENS, None), (REVOKE, {"ids": []}), (WHO, None)):
            status, document = await world.ask(path, bearer, body)
            assert (status, document["code"]) == (401, "CALLER_UNKNOWN")
    status, document = await world.ask(SIGN_IN, None)
    assert (status, document["issuer"], document["client_id"]) == (200, SETTINGS.issuer, "sallyport")


async def test_an_issuer_that_is_away_is_not_the_callers_fault(world: World) -> None:
    world.web.is_down = True
    for _ in range(60):
        status, document = await world.ask(WHO, token(claims()))
    assert (status, document["code"]) == (503, "ISSUER_UNREACHABLE")


async def test_who_brings_wrong_ones_too_often_waits(world: World) -> None:
    for _ in range(60):
        status, _ = await world.ask(WHO, "ey.ey.ey")
    assert status == 429
    assert (await world.ask(WHO, token(claims())))[0] == 200


async def test_the_limits_of_a_token_hold_for_its_questions(world: World) -> None:
    text = str((await world.made())["token"])
    path = "/v1/data/sallyport/allow"
    status, document = await world.ask(path, text, question())
    assert (status, document["result"]) == (200, True)
    (login,) = world.gate.logins
    assert login is not None
    assert login.effects == frozenset({"read"})
    await world.ask(path, text, question(job="build-of-somebody-else"))
    assert [session.job for _, _, session, *_ in world.gate.asked] == ["build-42", "build-42"]
    assert {session.client_address for _, _, session, *_ in world.gate.asked} == {"127.0.0.1"}
    assert {session.id for _, _, session, *_ in world.gate.asked} == {session_name("ana", "ana", login.token or "")}
    status, document = await world.ask(path, text, question("build"))
    assert status == 403
    assert len(world.gate.asked) == 2


async def test_a_token_good_once_is_good_for_one_question(world: World) -> None:
    text = str((await world.made(once=True))["token"])
    assert (await world.ask(WHO, text))[0] == 200
    status, document = await world.ask(WHO, text)
    assert (status, document["code"]) == (401, "TOKEN_USED")


async def test_what_cannot_be_recorded_or_kept_is_not_handed_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(entry: object) -> None:
        raise AuditUnavailable("full")

    monkeypatch.setattr(world.house.log, "append", fail)
    status, document = await world.ask(TOKENS, PLAIN, WISH)
    assert (status, "token" in document) == (503, False)
    monkeypatch.undo()
    downgrade(world.house.database, "base")
    for path, body in ((TOKENS, WISH), (TOKENS, None), (REVOKE, {"ids": ["t-1"]})):
        status, document = await world.ask(path, PLAIN, body)
        assert (status, document["code"]) == (503, "STORE_UNAVAILABLE")


def test_without_an_issuer_nobody_signs_in(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.counter._issuer = None
    assert world.counter.sign_in().status == 404
    world.house.close()
