"""Somebody signs in with a browser at a real provider, whose keys change meanwhile."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from gateway.errors import IdentityRefused
from gateway.identity.oidc.issuer import Issuer
from gateway.identity.oidc.login import CodeFlow, seal, unseal
from gateway.identity.oidc.settings import Identity, IssuerSettings
from tests.e2e.identity.provider import Browser, Provider

BACK = "http://127.0.0.1:5555/callback"
KEY = b"k" * 32


def flow_to(provider: Provider) -> CodeFlow:
    settings = IssuerSettings(
        "tools",
        provider.issuer,
        client_id="sallyport",
        audiences=("sallyport",),
        approver_groups=frozenset({"dba"}),
    )
    return CodeFlow(Issuer(settings), time.time_ns)


async def sign_in(flow: CodeFlow, user: str) -> Identity:
    url, pending = await flow.begin(BACK)
    answer = await asyncio.to_thread(Browser().sign_in, url, user)
    # The browser carries it in a cookie meanwhile.
    kept = unseal(seal(pending, KEY), KEY)
    assert kept is not None
    return await flow.finish(kept, answer)


async def test_people_come_with_their_groups_address_and_roles(provider: Provider) -> None:
    flow = flow_to(provider)
    alice, bob = await sign_in(flow, "alice"), await sign_in(flow, "bob")
    assert (alice.principal, alice.groups, alice.email) == ("alice", ("dba", "sre"), "alice@example.test")
    assert (alice.roles, bob.roles, bob.groups) == (("approver",), (), ("dev",))
    assert 0 < alice.expires_at - time.time_ns() <= (3_600 + 30) * 1_000_000_000


async def test_keys_change_while_people_sign_in(provider: Provider) -> None:
    flow = flow_to(provider)
    await sign_in(flow, "alice")
    provider.rotate()
    assert (await sign_in(flow, "alice")).principal == "alice"
    provider.rotate()
    provider.forget()
    assert (await sign_in(flow, "alice")).principal == "alice"


async def test_a_code_is_good_once_and_for_its_own_browser(provider: Provider) -> None:
    flow = flow_to(provider)
    url, pending = await flow.begin(BACK)
    answer = await asyncio.to_thread(Browser().sign_in, url, "bob")
    _, other = await flow.begin(BACK)
    stolen = [(name, other.state if name == "state" else value) for name, value in answer]
    with pytest.raises(IdentityRefused) as caught:
        await flow.finish(pending, stolen)
    assert caught.value.code == "LOGIN_STATE"
    # Whoever brings somebody's code into a sign-in of their own lacks the verifier (PKCE).
    with pytest.raises(IdentityRefused) as caught:
        await flow.finish(other, stolen)
    assert caught.value.code == "LOGIN_REFUSED"


async def test_an_answer_without_the_issuers_name_is_not_its_answer(provider: Provider) -> None:
    flow = flow_to(provider)
    url, pending = await flow.begin(BACK)
    answer = await asyncio.to_thread(Browser().sign_in, url, "bob")
    assert ("iss", provider.issuer) in answer
    with pytest.raises(IdentityRefused) as caught:
        await flow.finish(pending, [(name, value) for name, value in answer if name != "iss"])
    assert caught.value.code == "LOGIN_ISSUER"
    assert (await flow.finish(pending, answer)).principal == "bob"


async def test_an_issuer_that_is_not_there_lets_nobody_in(provider: Provider) -> None:
    flow = flow_to(provider)
    gone = CodeFlow(Issuer(replace(flow.issuer.settings, issuer="http://127.0.0.1:1")), time.time_ns)
    with pytest.raises(IdentityRefused) as caught:
        await gone.begin(BACK)
    assert caught.value.code == "ISSUER_UNREACHABLE"
