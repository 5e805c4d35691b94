"""Who is calling, where a call brings a token."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from adapters.core.ports import Refusal
from engine.request import Principal
from gateway.identity.bearers import Bearer
from gateway.identity.logins import Login, Unproven
from gateway.identity.proofs import TOLD, UNAVAILABLE
from gateway.identity.throttle import MAX_FOR_ADDRESS, WINDOW
from gateway.rpc import bearer as module
from gateway.rpc.bearer import EXAMINERS, BearerCaller, Nobody, Tokens, trouble_of
from gateway.rpc.identity import Caller, Identify, OneCaller, Role
from gateway.rpc.refusals import CallRefused, Cause
from tests.rpc_stand_ins import ADAPTER

ANA = Principal("ana", "agent", ("readers",))
LOGIN = Login(ANA, 1, token="t-1", resources=frozenset({"orders"}), job="build-42")
Metadata = Sequence[tuple[str, str | bytes]]


@dataclass
class Peer:
    metadata: Metadata | None = ()
    address: str = "ipv4:10.0.0.9:4711"

    def auth_context(self) -> Mapping[str, object]:
        return {}

    def invocation_metadata(self) -> Metadata | None:
        return self.metadata

    def peer(self) -> str:
        return self.address


def with_token(token: str, address: str = "ipv4:10.0.0.9:4711") -> Peer:
    return Peer([("user-agent", "tests"), ("authorization", f"Bearer {token}")], address)


@dataclass
class Known:
    """Who brings which token."""

    found: dict[str, Bearer | Unproven] = field(
        default_factory=lambda: {
            "job": Bearer(ANA, (), LOGIN),
            "dora": Bearer(Principal("dora"), ("approver",)),
            "revoked": Unproven("TOKEN_REVOKED", Refusal(TOLD, "the token was revoked")),
            "away": Unproven("ISSUER_UNREACHABLE", Refusal(UNAVAILABLE, "the issuer cannot be asked"), is_fault=True),
        }
    )
    asked: list[str] = field(default_factory=list)

    def prove(self, token: str) -> Bearer | Unproven:
        self.asked.append(token)
        return self.found.get(token, Unproven("TOKEN_SIGNATURE"))


class World:
    def __init__(self, transport: Identify | None = None) -> None:
        self.known, self.now, self.trouble = Known(), 0.0, None
        self.tokens = Tokens(self.known, lambda login: self.trouble, lambda: self.now)
        self.identify = BearerCaller(transport or OneCaller(ADAPTER), self.tokens)

    def refused(self, peer: Peer) -> CallRefused:
        with pytest.raises(CallRefused) as caught:
            self.identify(peer)
        return caught.value


def test_without_a_token_the_transport_says_who_calls() -> None:
    world = World()
    for metadata in ((), None, [("user-agent", "x")], [("sallyport-code", "x")]):
        assert world.identify(Peer(metadata)) is ADAPTER
    assert world.known.asked == []


def test_a_token_says_who_calls_whole_and_nothing_of_the_transport() -> None:
    world = World()
    assert world.identify(with_token("job")) == Caller(ANA, frozenset(), LOGIN)
    assert world.identify(with_token("dora")) == Caller(Principal("dora"), frozenset({Role.APPROVER}))
    assert world.identify(Peer([("authorization", "bearer  job ")])).login is LOGIN


@pytest.mark.parametrize(
    "metadata",
    [
        [("authorization", "Bearer job"), ("authorization", "Bearer job")],
        [("authorization", "Bearer job"), ("authorization", "Bearer dora")],
        [("authorization", "Basic job")],
        [("authorization", "job")],
        [("authorization", "")],
        [("authorization", b"Bearer job")],
        [("authorization", "Bearer other")],
        [("authorization", "Bearer ")],
    ],
)
def test_a_token_that_proves_nobody_is_refused_and_never_passed_over(metadata: Metadata) -> None:
    refused = World().refused(Peer(metadata))
    assert (refused.cause, refused.code) == (Cause.UNKNOWN_CALLER, "CALLER_UNKNOWN")


def test_who_has_a_token_that_was_signed_for_them_is_told_what_is_wrong_with_it() -> None:
    refused = World().refused(with_token("revoked"))
    assert (refused.cause, refused.code, str(refused)) == (
        Cause.UNKNOWN_CALLER,
        "TOKEN_REVOKED",
        "the token was revoked",
    )


def test_a_fault_is_nobodys_wrong_token() -> None:
    world = World()
    for _ in range(MAX_FOR_ADDRESS + 1):
        refused = world.refused(with_token("away"))
    assert (refused.cause, refused.code) == (Cause.NOT_NOW, "ISSUER_UNREACHABLE")
    assert world.identify(with_token("job")).login is LOGIN


def test_who_may_not_connect_without_a_token_may_not_with_one() -> None:
    class Strangers:
        def __call__(self, peer: object) -> Caller:
            raise CallRefused(Cause.UNKNOWN_CALLER, "CALLER_UNKNOWN", "the client certificate names no one")

    world = World(Strangers())
    assert "certificate" in str(world.refused(with_token("job")))
    assert world.known.asked == [], "and nothing is used up by it"


def test_where_only_tokens_count_one_is_needed() -> None:
    world = World(Nobody())
    assert world.identify(with_token("job")).principal == ANA
    assert "a token is needed" in str(world.refused(Peer()))


def test_who_guesses_waits_and_nobody_else_does() -> None:
    world = World()
    for number in range(MAX_FOR_ADDRESS):
        assert world.refused(with_token(f"guess-{number}")).code == "CALLER_UNKNOWN"
    waiting = world.refused(with_token("guess"))
    assert (waiting.cause, waiting.code) == (Cause.TOO_LARGE, "TOO_MANY_LOGINS")
    assert world.refused(with_token("guess", "ipv4:10.0.0.9:9999")).code == "TOO_MANY_LOGINS"
    assert world.refused(with_token("guess", "ipv6:%5B::1%5D:4711")).code == "CALLER_UNKNOWN"
    assert world.refused(with_token("guess", "unix:")).code == "CALLER_UNKNOWN"
    assert world.identify(with_token("job")).login is LOGIN
    world.now = WINDOW + 1
    assert world.refused(with_token("guess")).code == "CALLER_UNKNOWN"


def test_a_slow_issuer_holds_up_so_many_calls_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    world, waiting, go_on = World(), threading.Semaphore(0), threading.Event()

    class Slow:
        def prove(self, token: str) -> Bearer | Unproven:
            waiting.release()
            go_on.wait(30)
            return Unproven("TOKEN_SIGNATURE")

    identify = BearerCaller(OneCaller(ADAPTER), Tokens(Slow(), lambda login: None, lambda: 0.0))

    def come() -> None:
        with pytest.raises(CallRefused):
            identify(with_token("x"))

    threads = [threading.Thread(target=come) for _ in range(EXAMINERS)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert waiting.acquire(timeout=30)
    try:
        with pytest.raises(CallRefused) as caught:
            identify(with_token("x"))
        assert (caught.value.cause, caught.value.code) == (Cause.NOT_NOW, "TOKENS_BUSY")
        assert identify(Peer()) is ADAPTER
    finally:
        go_on.set()
        for thread in threads:
            thread.join()
    assert world.identify(with_token("job")).login is LOGIN


def test_what_a_stream_began_with_counts_no_more_when_it_was_taken_back() -> None:
    world = World()
    caller = Caller(ANA, frozenset(), LOGIN)
    assert trouble_of(ADAPTER, None) is None
    assert trouble_of(caller, world.tokens) is None
    world.trouble = "the token of this login was revoked"  # type: ignore[assignment]  # None before
    found = trouble_of(caller, world.tokens)
    assert found is not None
    assert (found.cause, str(found)) == (Cause.UNKNOWN_CALLER, "the token of this login was revoked")
    assert trouble_of(caller, None) is not None
