"""A signed token proves whom it is about, on what it is for, as long as the store and its issuer say so; else nobody."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.request import Principal
from gateway.errors import StoreUnavailable
from gateway.identity.logins import Login, Unproven
from gateway.identity.minting import Asker, Mint, Wish
from gateway.identity.oidc.issuer import Issuer
from gateway.identity.oidc.settings import IssuerSettings
from gateway.identity.people import Known, People
from gateway.identity.proofs import TOLD, UNAVAILABLE, Proofs
from gateway.identity.scoped import KIND, TokenKey, TokenKeys, digest_of
from gateway.identity.speaking import stated_in
from gateway.identity.tokens import Tokens
from gateway.store.database import Database, open_database
from gateway.store.migrations import upgrade
from tests.issuers import ED25519, NOW, OTHER_RSA, SECOND, SETTINGS, StandInIssuer, claims, jwk, token

ANA = Principal("ana", "agent", ("readers",), {"team": "x"})
SEED = secrets.token_bytes(32)


class World:
    def __init__(self, database: Database, *others: IssuerSettings) -> None:
        self.now = NOW
        self.database = database
        self.web = StandInIssuer()
        self.people = People([Known(ANA)], b"k" * 32)
        self.keys = TokenKeys([TokenKey.from_seed(SEED)])
        self.tokens = Tokens(database)
        self.mint = Mint(self.keys, self.tokens, max_ttl=3_600, exists=lambda name: True, clock=lambda: self.now)
        self.proofs = Proofs(
            keys=self.keys,
            tokens=self.tokens,
            issuers=[Issuer(settings, self.web, lambda: 0.0) for settings in (SETTINGS, *others)],
            people=lambda: self.people,
            clock=lambda: self.now,
        )

    def login(self, text: str, user: str | None = None, resource: str | None = "orders") -> Login:
        found = self.proofs.examine(text, user, resource)
        assert isinstance(found, Login), found
        return found

    def failure(self, text: str, user: str | None = None, resource: str | None = "orders") -> Unproven:
        found = self.proofs.examine(text, user, resource)
        assert isinstance(found, Unproven), found
        assert text not in repr(found)
        return found

    def code(self, text: str, user: str | None = None, resource: str | None = "orders") -> str:
        return self.failure(text, user, resource).code


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    database = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(database)
    yield World(database)
    database.close()


def test_a_token_of_ours_is_its_principal_as_the_configuration_has_them_now(world: World) -> None:
    wish = Wish(("orders",), 600, "build-42", ("read",), prompt="why")
    text, grant = world.mint.issue(Asker("ana"), wish)
    login = world.login(text, "ana")
    assert login.principal == Principal(
        "ana", "agent", ("readers",), {"team": "x", "token": grant.id, "prompt": grant.prompt_digest}
    )
    assert (login.job, login.effects, login.resources) == ("build-42", frozenset({"read"}), frozenset({"orders"}))
    assert (login.expires_at, login.token, login.once, login.is_local) == (grant.expires_at, grant.id, False, True)
    world.people = People([Known(Principal("ana", groups=("dba",)))], b"k" * 32)
    assert world.login(text).groups == ("dba",)
    assert (now := world.proofs.current(login)) is not None
    assert now.groups == ("dba",)
    assert now.attributes["token"] == grant.id
    world.people = People([], b"k" * 32)
    assert world.code(text) == "TOKEN_PRINCIPAL"
    assert world.proofs.current(login) is None


def test_what_a_principal_only_says_itself_is_told_with_it(world: World) -> None:
    wish = Wish(("orders",), 600, "build-42", prompt="why")
    login = world.login(world.mint.issue(Asker("ana", is_self=True), wish)[0])
    assert login.principal.attributes["stated"] == ["job", "prompt"]
    assert stated_in(login.principal) == ("job", "prompt")
    assert (now := world.proofs.current(login)) is not None
    assert stated_in(now) == ("job", "prompt")
    assert "stated" not in world.login(world.mint.issue(Asker("ana"), wish)[0]).principal.attributes


def test_only_tokens_of_issuers_may_mean_to_wait_for_their_servers(world: World) -> None:
    text, _ = world.mint.issue(Asker("ana"), Wish(("orders",), 600))
    assert not world.proofs.is_of_issuer(text)
    assert not world.proofs.is_of_issuer("ey.ey.ey")
    assert world.proofs.is_of_issuer(token(claims()))


def test_a_token_is_for_its_own_name_and_resource(world: World) -> None:
    text, _ = world.mint.issue(Asker("ana"), Wish(("orders",), 600))
    assert world.code(text, "bo") == "TOKEN_USER"
    assert world.code(text, "") == "TOKEN_USER"
    assert world.failure(text, "ana", "build").refusal.code == TOLD
    assert world.login(text, None, None).user == "ana"


def test_what_ended_was_taken_back_or_used_up_is_told_so(world: World) -> None:
    text, grant = world.mint.issue(Asker("ana"), Wish(("orders",), 600, once=True))
    login = world.login(text)
    assert world.proofs.use(login) is None
    assert (again := world.proofs.use(login)) is not None
    assert again.code == "TOKEN_USED"
    assert world.code(text) == "TOKEN_USED"
    world.tokens.revoke([grant.id], world.now)
    assert world.failure(text).refusal.message == "the token was revoked"
    other, _ = world.mint.issue(Asker("ana"), Wish(("orders",), 600))
    assert world.proofs.use(world.login(other)) is None
    assert world.proofs.use(world.login(other)) is None
    world.now += 600 * SECOND
    assert world.code(other) == "TOKEN_EXPIRED"


def test_a_token_that_the_store_does_not_know_or_knows_as_another_is_none(world: World, tmp_path: Path) -> None:
    text, grant = world.mint.issue(Asker("ana"), Wish(("orders",), 600))
    elsewhere = open_database(f"sqlite:///{tmp_path}/other.db")
    upgrade(elsewhere)
    assert World(elsewhere).code(text) == "TOKEN_UNKNOWN"
    elsewhere.close()
    # Signed with our key under the id of a narrower one.
    wider = world.keys.print(replace(grant, resources=("orders", "build")))
    assert world.code(wider, resource="build") == "TOKEN_UNKNOWN"


def test_a_store_that_cannot_be_asked_proves_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    text, _ = world.mint.issue(Asker("ana"), Wish(("orders",), 600, once=True))
    login = world.login(text)

    def fail(*_: object) -> None:
        raise StoreUnavailable("down")

    monkeypatch.setattr(world.tokens, "find", fail)
    monkeypatch.setattr(world.tokens, "use", fail)
    failed = world.failure(text)
    assert (failed.code, failed.refusal.code, failed.is_fault) == ("STORE_UNAVAILABLE", UNAVAILABLE, True)
    assert (used := world.proofs.use(login)) is not None
    assert used.is_fault


def test_a_token_of_an_issuer_is_somebody_with_groups_of_there(world: World) -> None:
    login = world.login(token(claims(email="a@b.test", email_verified=True)), "alice")
    assert login.principal == Principal("alice", "user", ("dba",), {"issuer": "main", "email": "a@b.test"})
    assert (login.token, login.resources, login.is_local) == (None, None, False)
    assert world.proofs.use(login) is None
    assert world.proofs.current(login) == login.principal


def test_nobody_of_an_issuer_is_somebody_of_the_configuration(world: World) -> None:
    assert world.code(token(claims(sub="ana")), "ana") == "TOKEN_NAME_TAKEN"
    login = world.login(token(claims()))
    minted, _ = world.mint.issue(Asker("alice", groups=("dba",), issuer="main"), Wish(("orders",), 60))
    assert world.login(minted).principal.groups == ("dba",)
    world.people = People([Known(Principal("alice"))], b"k" * 32)
    assert world.proofs.current(login) is None
    assert world.code(minted) == "TOKEN_NAME_TAKEN"


def test_nobody_of_an_issuer_has_a_name_of_another_issuers(world: World) -> None:
    """Names without a prefix could be any: those that begin as another issuer's do are that one's alone."""
    said = claims(sub="corp:alice")
    assert world.login(token(said)).user == "corp:alice", "as long as they are nobody else's"
    minted, _ = world.mint.issue(Asker("corp:alice", groups=("dba",), issuer="main"), Wish(("orders",), 60))
    login = world.login(minted)
    corp = IssuerSettings("corp", "https://corp.test", audiences=("sallyport",), prefix="corp:")
    both = World(world.database, corp)
    assert both.code(token(said)) == "TOKEN_NAME_TAKEN"
    assert both.code(minted) == "TOKEN_NAME_TAKEN", "also by a token from before there was the other issuer"
    assert both.proofs.current(login) is None
    assert both.login(token(claims())).user == "alice"
    assert both.proofs.names.is_of("corp:alice", "corp")
    # A token of ours for somebody of an issuer that is not trusted any more.
    gone, _ = world.mint.issue(Asker("bo", groups=("dba",), issuer="gone"), Wish(("orders",), 60))
    assert both.code(gone) == "TOKEN_ISSUER"


def test_which_keys_are_tried_is_decided_by_what_the_token_is(world: World) -> None:
    """Confusion: an issuer's key for a token of ours, our key for a token of an issuer, another issuer's for either."""
    mine = TokenKey.from_seed(SEED)
    ours = {"iss": "sallyport", "sub": "ana", "aud": ["orders"], "jti": "t-1"}
    as_ours = {"typ": KIND, "kid": mine.id}
    world.web.keys = [jwk(ED25519, mine.id), jwk(OTHER_RSA, "key-2")]
    assert world.code(token(ours, ED25519, {**as_ours, "alg": "EdDSA"})) == "TOKEN_SIGNATURE"
    assert world.code(token(claims(), mine.private, {"alg": "EdDSA", "kid": mine.id})) == "TOKEN_ALGORITHM"
    assert world.code(token(claims(), mine.private, {"kid": mine.id})) == "TOKEN_SIGNATURE"
    assert world.code(token(claims(iss="https://evil.test"), OTHER_RSA)) == "TOKEN_ISSUER"
    assert world.code(token(claims(iss="sallyport"), mine.private, {"alg": "EdDSA", "kid": mine.id})) == "TOKEN_ISSUER"
    assert world.code(token({**claims(), "iss": ["https://issuer.test"]})) == "TOKEN_ISSUER"
    assert world.code("ey.ey.ey") == "TOKEN_MALFORMED"


def test_an_issuer_that_cannot_be_asked_is_told_and_is_not_the_clients_fault(world: World) -> None:
    world.web.is_down = True
    failed = world.failure(token(claims()))
    assert (failed.code, failed.is_fault, failed.refusal.code) == ("ISSUER_UNREACHABLE", True, UNAVAILABLE)
    assert digest_of("x") != digest_of("y")
