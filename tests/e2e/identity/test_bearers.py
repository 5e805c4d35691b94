"""Bearer tokens at a running gateway, over HTTP and gRPC alike: what is wrong with one, signed or not, opens neither; what is right opens
both, within its limits."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from engine.decision import Verdict
from engine.request import Principal, Resource
from gateway.rpc.client import CallFailed, Client, Query, Raw
from tests.e2e.identity.provider import Provider
from tests.e2e.identity.scanned import Scanned, running
from tests.e2e.identity.stand_in import Signing, signing
from tests.issuers import ED25519, OTHER_RSA, token, token_by_secret

ORDERS = Query(Resource("orders", "postgres"))
SELECT = Raw("postgres", b"SELECT 1")


@pytest.fixture(scope="module")
def issuer() -> Iterator[Signing]:
    with signing() as found:
        yield found


@pytest.fixture(scope="module")
def here(provider: Provider, issuer: Signing) -> Iterator[Scanned]:
    more = f"""
[[identity.oidc]]
name = "signing"
issuer = "{issuer.issuer}"
prefix = "corp:"
audience = ["sallyport"]
approver_groups = ["dba"]
auditor_groups = ["audit"]
leeway_seconds = 1
"""
    with running(provider.issuer, more) as found:
        yield found


def over_grpc(here: Scanned, bearer: str | None) -> Client:
    return Client.over_unix(here.folder / "edge.sock", timeout=60, token=bearer)


def asked(here: Scanned, bearer: str) -> tuple[int, str]:
    """What the faces say to a token: the status and the code."""
    status, _, said = here.ask(here.faces, "GET", "/sallyport/v1/whoami", None, {"Authorization": f"Bearer {bearer}"})
    return status, str(json.loads(said).get("code", ""))


def called(here: Scanned, bearer: str) -> tuple[str, str]:
    """What gRPC says to it."""
    with over_grpc(here, bearer) as client:
        try:
            return "OK", client.decide(SELECT, ORDERS).decision.verdict.value
        except CallFailed as failed:
            return failed.status, failed.code


def wrong(issuer: Signing, name: str) -> str:
    good = issuer.claims()
    now = int(good["exp"]) - 600  # type: ignore[call-overload]  # a number
    head, body, signature = issuer.signed(good).split(".")
    return {
        "alg none": f"{head}.{body}.",
        "expired": issuer.signed(issuer.claims(iat=now - 1_000, exp=now - 5)),
        "expired, as an access token": issuer.access_token(iat=now - 1_000, exp=now - 5),
        "without an end": issuer.signed(issuer.claims(exp=None)),
        "from long ago": issuer.signed(issuer.claims(iat=now - 90_000)),
        "not yet": issuer.signed(issuer.claims(iat=now + 500)),
        "other audience": issuer.signed(issuer.claims(aud="somebody-else")),
        "other audiences": issuer.access_token(aud=["a", "b"]),
        "no audience": issuer.signed(issuer.claims(aud=None)),
        "other issuer": issuer.signed(issuer.claims(iss="https://evil.example")),
        "a logout token": issuer.signed(issuer.claims(), {"typ": "logout+jwt"}),
        "an event": issuer.signed(issuer.claims(events={})),
        "nobody": issuer.signed(issuer.claims(sub=None)),
        "a name with a line in it": issuer.signed(issuer.claims(sub="alice\nbob")),
        "groups that are a text": issuer.signed(issuer.claims(groups="dba")),
        "groups within groups": issuer.signed(issuer.claims(groups=[["dba"]])),
        "truncated": issuer.signed(good)[:-8],
        "without its signature": f"{head}.{body}",
        "another body": f"{head}.{issuer.signed(issuer.claims(groups=['dba', 'root'])).split('.')[1]}.{signature}",
        "a stranger's key": token(good, OTHER_RSA),
        "key confusion": token_by_secret(good, b"-----BEGIN PUBLIC KEY-----"),
        "EdDSA by a stranger": token(good, ED25519, {"alg": "EdDSA"}),
        "a critical demand": issuer.signed(good, {"crit": ["exp"]}),
    }[name]


TOLD = {"expired", "expired, as an access token", "from long ago", "not yet"}
"""What is wrong with these is told: they were signed for who brings them."""
WRONG = [
    *("alg none", "expired", "expired, as an access token", "without an end", "from long ago", "not yet"),
    *("other audience", "other audiences", "no audience", "other issuer", "a logout token", "an event", "nobody"),
    *("a name with a line in it", "groups that are a text", "groups within groups", "truncated"),
    *("without its signature", "another body", "a stranger's key", "key confusion", "EdDSA by a stranger"),
    "a critical demand",
]


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_token_opens_nothing(here: Scanned, issuer: Signing, name: str) -> None:
    bearer = wrong(issuer, name)
    (status, code), (called_status, called_code) = asked(here, bearer), called(here, bearer)
    assert (status, called_status) == (401, "UNAUTHENTICATED")
    assert code == called_code
    assert code in ({"TOKEN_EXPIRED", "TOKEN_NOT_YET"} if name in TOLD else {"CALLER_UNKNOWN"})


def test_an_access_token_of_a_provider_is_somebody_with_groups_of_there(here: Scanned, issuer: Signing) -> None:
    for bearer in (issuer.access_token(), issuer.signed(issuer.claims())):
        assert asked(here, bearer)[0] == 200
        assert called(here, bearer) == ("OK", "allow")
        # Whose socket it came over counts no more: the socket's principal may speak for others, this one may not.
        with over_grpc(here, bearer) as client, pytest.raises(CallFailed) as failed:
            client.decide(SELECT, Query(Resource("orders", "postgres"), Principal("ana")))
        assert failed.value.code == "NOT_PERMITTED"


def test_roles_are_those_of_the_groups_and_nobody_decides_about_their_own(here: Scanned, issuer: Signing) -> None:
    alice, bob = issuer.access_token(), issuer.access_token(sub="bob", groups=["readers"])
    ana, carol = here.secrets["ana"], issuer.access_token(sub="carol", groups=["audit"])
    update = Raw("postgres", b"UPDATE t SET a = 1 WHERE id = 90001")
    with over_grpc(here, ana) as asking, over_grpc(here, alice) as alices, over_grpc(here, bob) as bobs:
        held = asking.decide(update, ORDERS)
        ticket = held.particulars.ticket
        assert held.decision.verdict is Verdict.HOLD
        assert ticket is not None
        fates = asking.await_release(ticket)
        next(fates)
        for client in (bobs, asking):
            with pytest.raises(CallFailed) as failed:
                client.approve(ticket)
            assert failed.value.code == "NOT_PERMITTED"
        assert alices.approve(ticket, "looks right").state == "granted"
        decision = next(fates).decision
        assert decision is not None
        assert decision.is_granted
        own = alices.decide(update, ORDERS).particulars.ticket
        assert own is not None
        with pytest.raises(CallFailed) as failed:
            alices.approve(own)
        assert failed.value.code == "OWN_REQUEST"
    with over_grpc(here, carol) as carols:
        assert len(carols.entries()) > 0
    with over_grpc(here, alice) as alices, pytest.raises(CallFailed) as failed:
        alices.entries()
    assert failed.value.code == "NOT_PERMITTED"


def test_a_token_of_ours_replayed_is_refused_over_both(here: Scanned) -> None:
    sent = {"Authorization": f"Bearer {here.secrets['ana']}"}
    codes = []
    for first, second in ((asked, called), (called, asked)):
        wish = json.dumps({"resources": ["orders"], "ttl": 60, "once": True})
        status, _, said = here.ask(here.faces, "POST", "/sallyport/v1/tokens", wish, sent)
        assert status == 201
        once = str(json.loads(said)["token"])
        assert first(here, once)[0] in (200, "OK")
        codes.append(second(here, once))
    assert codes == [("UNAUTHENTICATED", "TOKEN_USED"), (401, "TOKEN_USED")]


def test_no_log_has_a_token_in_it(here: Scanned, issuer: Signing) -> None:
    bearer = issuer.access_token(sub="mallory")
    called(here, bearer)
    called(here, bearer[:-4])
    parts = [part.encode() for part in bearer.split(".")[1:]]
    for file in (here.folder / "gateway.log", *(here.folder / "audit").glob("**/*")):
        if file.is_file():
            content = file.read_bytes()
            assert not any(part[:40] in content for part in parts), file
