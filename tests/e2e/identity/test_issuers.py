"""Tokens of a real provider as passwords and bearers, with groups from there, through rotations of its keys, and forged ones."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from engine.request import Json
from gateway.identity.oidc.fetching import Web
from gateway.identity.oidc.login import challenge_of
from gateway.identity.signed import decoded, encoded
from tests.e2e.identity.place import Place
from tests.e2e.identity.provider import Browser, Provider
from tests.issuers import ED25519, OTHER_RSA, jwk, token, token_by_secret

BACK = "http://127.0.0.1:5555/callback"


def id_token(provider: Provider, user: str) -> str:
    """An ID token as a client of the provider gets it, by the code flow."""
    verifier = secrets.token_urlsafe(48)
    query = (
        f"client_id=sallyport&response_type=code&redirect_uri={BACK}&scope=openid%20groups%20email&state=s&nonce=n"
        f"&code_challenge={challenge_of(verifier)}&code_challenge_method=S256"
    )
    answer = dict(Browser().sign_in(f"{provider.issuer}/auth?{query}", user))
    form = {
        "client_id": "sallyport",
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": BACK,
        "code_verifier": verifier,
    }
    document = Web()(f"{provider.issuer}/token", form).document
    assert isinstance(document, Mapping)
    return str(document["id_token"])


def test_people_of_a_provider_come_in_with_their_groups_of_there(here: Place, provider: Provider) -> None:
    alice, bob = id_token(provider, "alice"), id_token(provider, "bob")
    assert here.psql("SELECT 1", alice, user="alice").stdout == "1\n"
    assert here.curl(alice).endswith("200")
    # More than OpenSSH takes as a password from its asker is no ID token's fault: this one is short enough.
    assert here.ssh("id", alice, user="alice").stdout.startswith("ran ") or len(alice) > 1_000
    assert "no rule allows this" in here.psql("SELECT 1", bob, user="bob").stderr
    assert "password authentication failed" in here.psql("SELECT 1", alice, user="bob").stderr
    decided = [entry for entry in here.replicas[0].entries("decision") if entry["principal"] == "alice"]
    assert decided[0]["groups"] == ["dba", "sre"]


def test_keys_change_while_people_come(here: Place, provider: Provider) -> None:
    before = id_token(provider, "alice")
    assert here.psql("SELECT 1", before, user="alice").stdout == "1\n"
    provider.rotate()
    after = id_token(provider, "alice")
    assert after.split(".")[0] != before.split(".")[0]
    for one in (after, before):
        for replica in (0, 1):
            assert here.psql("SELECT 1", one, user="alice", replica=replica).stdout == "1\n"
    provider.rotate()
    provider.forget()
    newest = id_token(provider, "alice")
    assert here.psql("SELECT 1", newest, user="alice").stdout == "1\n"
    # The newest token had the keys fetched anew, and those before are published no more.
    assert "password authentication failed" in here.psql("SELECT 1", before, user="alice").stderr


def parts(text: str) -> tuple[dict[str, Json], dict[str, Json], str]:
    head, body, signature = text.split(".")
    return json.loads(decoded(head) or b""), json.loads(decoded(body) or b""), signature


def joined(head: Mapping[str, Json], body: Mapping[str, Json], signature: str) -> str:
    return f"{encoded(json.dumps(head).encode())}.{encoded(json.dumps(body).encode())}.{signature}"


def forgeries(good: str, provider: Provider, ours: str) -> dict[str, str]:
    """Tokens that look like a good one and are none. `good` is the provider's, `ours` one of the gateway."""
    head, body, signature = parts(good)
    own_head, own_body, own_signature = parts(ours)
    document = Web()(f"{provider.issuer}/jwks").document
    assert isinstance(document, Mapping)
    published = next(key for key in document["keys"] if key["kid"] == head["kid"])
    modulus = decoded(published["n"]) or b""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    numbers = RSAPublicNumbers(65537, int.from_bytes(modulus, "big"))
    pem = numbers.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    now = int(time.time())
    mine = {**head, "kid": "mine"}
    return {
        "alg none": joined({**head, "alg": "none"}, body, ""),
        "alg none, other case": joined({**head, "alg": "nOnE"}, body, ""),
        "alg none with a signature": joined({**head, "alg": "none"}, body, signature),
        "no alg": joined({name: value for name, value in head.items() if name != "alg"}, body, signature),
        "HS256 with the public key": token_by_secret(body, pem),
        "HS256 with the modulus": token_by_secret(body, modulus),
        "another key under its name": token(body, OTHER_RSA, head),
        "another key under another name": token(body, OTHER_RSA, mine),
        "a key in the token": token(body, OTHER_RSA, {**mine, "jwk": jwk(OTHER_RSA, "mine")}),
        "keys elsewhere": token(body, OTHER_RSA, {**mine, "jku": "http://127.0.0.1:1/jwks"}),
        "a certificate elsewhere": token(body, OTHER_RSA, {**mine, "x5u": "http://127.0.0.1:1/cert"}),
        "a certificate in the token": token(body, OTHER_RSA, {**mine, "x5c": ["AAAA"]}),
        "a kid that is a path": token(body, OTHER_RSA, {**head, "kid": "../../../../dev/null"}),
        "a kid that is SQL": token(body, OTHER_RSA, {**head, "kid": "x' UNION SELECT 'k"}),
        "a demand": joined({**head, "crit": ["exp"]}, body, signature),
        "another algorithm": joined({**head, "alg": "PS256"}, body, signature),
        "EdDSA by a stranger": token(body, ED25519, {**head, "alg": "EdDSA"}),
        "more groups": joined(head, {**body, "groups": ["dba", "admin"]}, signature),
        "another person": joined(head, {**body, "sub": "carol"}, signature),
        "a longer life": joined(head, {**body, "exp": now + 1_000_000}, signature),
        "cut off": good[:-10],
        "without its signature": good.rpartition(".")[0] + ".",
        "without its end": good.rpartition(".")[0],
        "a part more": f"{good}.{signature}",
        "padded": f"{good}=",
        "oversize": f"{good}{'A' * 9_000}",
        "our kind over their keys": joined({**head, "typ": "sp+jwt"}, body, signature),
        "ours as a plain one": joined({**own_head, "typ": "JWT"}, own_body, own_signature),
        "ours for another resource": joined(own_head, {**own_body, "aud": ["shop"]}, own_signature),
        "ours for another name": joined(own_head, {**own_body, "sub": "alice"}, own_signature),
        "ours for longer": joined(own_head, {**own_body, "exp": now + 1_000_000}, own_signature),
        "ours by a stranger": token(own_body, ED25519, own_head),
        "ours by an issuer's key": token(own_body, OTHER_RSA, {**own_head, "alg": "RS256"}),
        "ours in HS256": token_by_secret(own_body, b""),
    }


@dataclass(frozen=True, slots=True)
class Tried:
    """What psql and curl were told of each forgery, and the steps and notes of the audit about them."""

    said: Mapping[str, tuple[str, str]]
    audit: list[tuple[str, str]]


@pytest.fixture(scope="module")
def tried(here: Place, provider: Provider) -> Tried:
    """Each forgery tried by psql and by curl, several at once: they take a while to start.

    At the second replica: there alice has to wait afterwards, because so many were wrong.
    """
    good = id_token(provider, "alice")
    ours, _ = here.token("orders", principal="zoe")
    forged = forgeries(good, provider, ours)

    async def every() -> dict[str, tuple[str, str]]:
        gate = asyncio.Semaphore(4)

        async def one(name: str) -> tuple[str, tuple[str, str]]:
            user = "zoe" if name.startswith("ours") else "alice"
            async with gate:
                said = await asyncio.to_thread(here.psql, "SELECT 'in'", forged[name], user=user, replica=1)
                web = await asyncio.to_thread(here.curl, forged[name], replica=1)
            return name, (said.stdout + said.stderr, web)

        return dict(await asyncio.gather(*(one(name) for name in forged)))

    before = len(here.replicas[1].entries("session"))
    said = asyncio.run(every())
    notes = [(str(entry["step"]), str(entry.get("note", ""))) for entry in here.replicas[1].entries("session")[before:]]
    return Tried(said, notes)


def test_no_forged_token_opens_anything_anywhere(tried: Tried) -> None:
    assert len(tried.said) > 30
    assert {name for name, (said, web) in tried.said.items() if "in\n" in said or web.endswith("200")} == set()
    # Each was refused for what it is, not only because too many had been wrong before it. What is longer than a password of
    # PostgreSQL may be comes to no login.
    assert {step for step, _ in tried.audit} == {"refused"}
    codes = [note.partition(" ")[2] for _, note in tried.audit]
    assert len(codes) >= 2 * len(tried.said) - 1
    assert {code for code in codes if not code.startswith("TOKEN_")} <= {""}
    assert codes.count("") <= 4


def test_all_forged_tokens_are_told_the_same(tried: Tried) -> None:
    said = {
        text.replace('"zoe"', '"alice"').rpartition("FATAL:")[2]
        for name, (text, _) in tried.said.items()
        if name != "oversize"
    }
    assert said == {'  password authentication failed for user "alice"\n'}
    assert {web.rpartition("\n")[2] for _, web in tried.said.values()} == {"401"}
