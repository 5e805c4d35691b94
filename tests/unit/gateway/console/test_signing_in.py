"""From a proof to a session, recorded, with patience for wrong ones."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.request import Principal
from gateway.console.signed_in import SignIns
from gateway.console.signing_in import TOO_MANY, WRONG, Entrance, NotSignedIn
from gateway.errors import AuditUnavailable, IdentityRefused
from gateway.identity.logins import CONSOLE, Login, Unproven
from gateway.identity.names import Names
from gateway.identity.oidc.settings import Identity, IssuerSettings
from gateway.identity.people import Known, People, digest_token
from gateway.identity.scram import make_verifier
from tests.strategies.gates import House

KEY = b"k" * 32
CORP = IssuerSettings("corp", "https://corp.test", client_id="sallyport")
OTHER = IssuerSettings("else", "https://else.test", audiences=("sallyport",), prefix="else:")
TOKEN = "a-token-of-the-tests"


class Desk:
    """An entrance with people, who may change."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder)
        dora = Known(
            Principal("dora", "user", ("dba",)), make_verifier("word", b"s" * 16), roles=("approver", "auditor")
        )
        app = Known(Principal("app", "service"), token=digest_token(TOKEN.encode()), roles=("auditor",))
        self.people = People([dora, app, Known(Principal("bare"))], KEY)
        self.sessions = SignIns(self.house.database, idle_seconds=3_600, most_seconds=36_000)
        self.names = Names(lambda: self.people, [CORP, OTHER])
        self.entrance = Entrance(lambda: self.people, self.sessions, self.house.log, self.house.clock, self.names)

    def told(self) -> list[tuple[str, str, str]]:
        return [(entry.step, entry.principal, entry.note) for entry in self.house.entries()]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.house.close()


def identity(desk: Desk, name: str) -> Identity:
    """What the provider proved of somebody."""
    return Identity(name, ("sre",), None, desk.house.clock() + 60 * 10**9, CORP.issuer, "1", roles=("approver",))


class Links:
    """Proofs that know some links by what they carry."""

    def __init__(self, **links: Login) -> None:
        self.links = links
        self.used: set[str] = set()

    def is_of_issuer(self, token: str) -> bool:
        return token == "issuers"

    def examine(self, token: str, user: str | None, resource: str | None) -> Login | Unproven:
        return self.links.get(token, Unproven("TOKEN_UNKNOWN")) if resource == CONSOLE else Unproven("TOKEN_RESOURCE")

    def use(self, login: Login) -> Unproven | None:
        token = login.token or ""
        if token in self.used:
            return Unproven("TOKEN_USED")
        self.used.add(token)
        return None


def test_a_link_is_a_proof_once_and_nothing_else_is_one(desk: Desk) -> None:
    dora = Principal("dora", "user")
    links = Links(
        good=Login(dora, 1 << 62, "t-1", frozenset({CONSOLE}), once=True),
        often=Login(dora, 1 << 62, "t-2", frozenset({CONSOLE})),
        wide=Login(dora, 1 << 62, "t-3", frozenset({CONSOLE, "orders"}), once=True),
        all=Login(dora, 1 << 62, "t-4", None, once=True),
        issuers=Login(dora, 1 << 62, "t-5", frozenset({CONSOLE}), once=True),
    )
    entrance = Entrance(
        lambda: desk.people,
        desk.sessions,
        desk.house.log,
        desk.house.clock,
        desk.names,
        links,  # type: ignore[arg-type]  # by its shape
    )
    begun = entrance.by_link("good", "10.0.0.9")
    viewer = entrance.viewer(begun.value, is_click=True)
    assert viewer is not None
    assert (viewer.name, viewer.roles) == ("dora", frozenset({"approver", "auditor"}))
    for number, token in enumerate(("good", "often", "wide", "all", "issuers", "", "x")):
        with pytest.raises(NotSignedIn, match="link was used already"):
            entrance.by_link(token, f"10.0.1.{number}")
    with pytest.raises(NotSignedIn):
        desk.entrance.by_link("good", "10.0.0.8")
    assert desk.told()[:2] == [("opened", "dora", "link"), ("refused", "", "link")]


def test_who_tries_many_links_waits(desk: Desk) -> None:
    links = Links()
    entrance = Entrance(
        lambda: desk.people,
        desk.sessions,
        desk.house.log,
        desk.house.clock,
        desk.names,
        links,  # type: ignore[arg-type]  # by its shape
    )
    for _ in range(51):
        with pytest.raises(NotSignedIn):
            entrance.by_link("x", "10.0.0.9")
    assert desk.told()[-1] == ("refused", "", "too many tries")


@pytest.mark.parametrize(("name", "secret"), [("dora", "word"), (" dora ", "word"), ("app", TOKEN)])
def test_a_password_or_a_token_is_a_proof(desk: Desk, name: str, secret: str) -> None:
    begun = desk.entrance.by_secret(name, secret, "10.0.0.9")
    viewer = desk.entrance.viewer(begun.value, is_click=True)
    assert viewer is not None
    assert viewer.name == name.strip()
    assert viewer.roles == frozenset({"approver", "auditor"} if viewer.name == "dora" else {"auditor"})
    assert desk.told() == [("opened", viewer.name, "secret")]
    assert desk.house.entries()[0].session == begun.session.name


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("dora", ""),
        ("dora", "WORD"),
        ("dora", TOKEN),
        ("app", "word"),
        ("bare", ""),
        ("bare", "x"),
        ("", ""),
        ("no", "x"),
    ],
)
def test_nothing_else_is(desk: Desk, name: str, secret: str) -> None:
    with pytest.raises(NotSignedIn, match=WRONG):
        desk.entrance.by_secret(name, secret, "10.0.0.9")
    assert desk.told() == [("refused", name, "not proven")]
    assert desk.sessions.count() == 0


def test_who_is_wrong_too_often_waits_though_they_are_right_then(desk: Desk) -> None:
    for _ in range(10):
        with pytest.raises(NotSignedIn, match=WRONG):
            desk.entrance.by_secret("dora", "x", "10.0.0.9")
    with pytest.raises(NotSignedIn, match=TOO_MANY):
        desk.entrance.by_secret("dora", "word", "10.0.0.9")
    assert desk.entrance.by_secret("dora", "word", "10.0.0.8").session.principal == "dora"
    desk.house.clock.pass_seconds(61)
    assert desk.entrance.by_secret("dora", "word", "10.0.0.9").session.principal == "dora"


def test_a_login_that_cannot_be_recorded_is_none(desk: Desk) -> None:
    desk.house.log.close()
    with pytest.raises(AuditUnavailable):
        desk.entrance.by_secret("dora", "word", None)
    assert desk.sessions.count() == 0


def test_who_is_not_known_any_more_is_signed_in_no_more(desk: Desk) -> None:
    begun = desk.entrance.by_secret("dora", "word", None)
    desk.people = People([Known(Principal("dora", "user", ("ops",)))], KEY)
    viewer = desk.entrance.viewer(begun.value, is_click=True)
    assert viewer is not None
    assert (viewer.groups, viewer.roles) == (("ops",), frozenset()), "groups and roles are those of now"
    desk.people = People([], KEY)
    assert desk.entrance.viewer(begun.value, is_click=True) is None


def test_what_a_provider_proved_is_who_they_are_until_it_ends(desk: Desk) -> None:
    begun = desk.entrance.by_identity(identity(desk, "alice"), "10.0.0.9")
    viewer = desk.entrance.viewer(begun.value, is_click=True)
    assert viewer is not None
    assert (viewer.name, viewer.groups, viewer.roles) == ("alice", ("sre",), frozenset({"approver"}))
    desk.house.clock.pass_seconds(61)
    assert desk.entrance.viewer(begun.value, is_click=True) is None
    desk.entrance.refused("LOGIN_STATE", None)
    assert desk.told() == [("opened", "alice", "provider"), ("refused", "", "provider: LOGIN_STATE")]


@pytest.mark.parametrize(
    ("name", "code"), [("dora", "TOKEN_NAME_TAKEN"), ("bare", "TOKEN_NAME_TAKEN"), ("else:alice", "TOKEN_NAME_TAKEN")]
)
def test_nobody_of_a_provider_comes_in_under_a_name_that_is_not_theirs(desk: Desk, name: str, code: str) -> None:
    with pytest.raises(IdentityRefused) as refused:
        desk.entrance.by_identity(identity(desk, name), "10.0.0.9")
    assert refused.value.code == code
    assert desk.sessions.count() == 0
    with pytest.raises(IdentityRefused) as stranger:
        desk.entrance.by_identity(replace(identity(desk, "alice"), issuer="https://stranger.test"), None)
    assert stranger.value.code == "TOKEN_ISSUER"


def test_at_every_click_somebody_of_a_provider_has_a_name_of_its_own(desk: Desk) -> None:
    begun, before = desk.entrance.by_identity(identity(desk, "alice"), "10.0.0.9"), desk.people
    desk.people = People([Known(Principal("alice", groups=("dba",)), roles=("approver",))], KEY)
    assert desk.entrance.viewer(begun.value, is_click=True) is None
    assert desk.entrance.viewer(begun.value, is_click=False) is None
    desk.people = before
    assert desk.entrance.viewer(begun.value, is_click=True) is not None
    # One from before sessions said of which issuer they are.
    value, session = desk.sessions.prepare("alice", "provider", desk.house.clock(), roles=("approver",))
    desk.sessions.keep(session)
    assert desk.entrance.viewer(value, is_click=True) is None


def test_an_ended_sign_in_is_recorded_with_who_ended_it_and_is_nobodys_any_more(desk: Desk) -> None:
    mine, theirs = desk.entrance.by_secret("dora", "word", "10.0.0.9"), desk.entrance.by_secret("app", TOKEN, None)
    name = theirs.session.name
    assert [one.name for one in desk.entrance.alive("app")] == [name]
    assert {one.name for one in desk.entrance.alive(None)} == {name, mine.session.name}
    assert not desk.entrance.take_back(name, by="dora", owner="dora"), "not hers"
    assert desk.entrance.viewer(theirs.value, is_click=True) is not None
    assert desk.entrance.take_back(name, by="dora", owner=None, comment=" lost \n a laptop")
    assert desk.entrance.viewer(theirs.value, is_click=True) is None
    entry = desk.house.entries()[-1]
    assert (entry.step, entry.session, entry.principal, entry.person, entry.note, entry.resource) == (
        *("killed", name, "app", "dora", "lost a laptop", "console"),
    )
    told = len(desk.house.entries())
    assert not desk.entrance.take_back(name, by="dora", owner=None)
    assert len(desk.house.entries()) == told
    desk.house.log.close()
    assert desk.entrance.take_back(mine.session.name, by="dora", owner="dora"), "also without a record"
    assert desk.entrance.viewer(mine.value, is_click=True) is None


def test_signing_out_is_recorded_and_happens_without_a_record(desk: Desk) -> None:
    first, second = (desk.entrance.by_secret("dora", "word", None) for _ in range(2))
    desk.entrance.end(first.session)
    assert desk.told()[-1] == ("closed", "dora", "signed out")
    desk.house.log.close()
    desk.entrance.end(second.session)
    assert desk.sessions.count() == 0


def test_a_name_that_nobody_has_costs_as_much_as_one_that_somebody_has(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WHY counted, not timed: a clock on a busy machine proves nothing; the same work for all does."""
    done: list[tuple[str, int]] = []
    real, digest, compare = hashlib.pbkdf2_hmac, hashlib.sha256, hmac.compare_digest

    def stretched(name: str, password: bytes, salt: bytes, iterations: int) -> bytes:
        done.append(("stretch", iterations))
        return real(name, password, salt, iterations)

    def compared(one: bytes, other: bytes) -> bool:
        done.append(("compare", len(one)))
        return bool(compare(one, other))

    def digested(data: bytes = b"") -> object:
        done.append(("digest", len(data)))
        return digest(data)

    monkeypatch.setattr(hashlib, "pbkdf2_hmac", stretched)
    monkeypatch.setattr(hmac, "compare_digest", compared)
    monkeypatch.setattr(hashlib, "sha256", digested)
    seen = []
    for name in ("dora", "bare", "nobody-of-that-name", "app"):
        done.clear()
        with pytest.raises(NotSignedIn):
            desk.entrance.by_secret(name, "a wrong secret", "10.0.0.9")
        seen.append(list(done))
    assert seen[0]
    assert all(work == seen[0] for work in seen)
