"""Whoever guesses waits, learns nothing about who exists, and gets no answer sooner for being nearer."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.core.ports import Refusal
from engine.request import Principal
from gateway.console.signed_in import SignIns
from gateway.console.signing_in import Entrance, NotSignedIn
from gateway.doors.adapters import TOO_MANY, Doors
from gateway.doors.resources import Directory
from gateway.identity import proofs as proofs_module
from gateway.identity.logins import NOT_PROVEN
from gateway.identity.minting import Asker, Mint, Wish
from gateway.identity.names import Names
from gateway.identity.oidc import claims as claims_module
from gateway.identity.oidc import login as login_module
from gateway.identity.people import Known, People, digest_token
from gateway.identity.proofs import Proofs
from gateway.identity.scoped import TokenKey, TokenKeys
from gateway.identity.scram import make_verifier
from gateway.identity.standing import Standing
from gateway.identity.throttle import MAX_FOR_ADDRESS, MAX_FOR_NAME
from gateway.identity.tokens import Tokens
from tests.strategies.gates import House

ROUNDS = 400
TOKEN = secrets.token_urlsafe(32)


class World:
    """Doors that know ana by a plain token and by signed ones, and everything behind them."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder)
        clock = self.house.clock
        self.people = People([Known(Principal("ana"), token=digest_token(TOKEN.encode()))], b"k" * 32)
        keys, tokens = TokenKeys([TokenKey.from_seed(secrets.token_bytes(32))]), Tokens(self.house.database)
        proofs = Proofs(keys=keys, tokens=tokens, issuers=[], people=lambda: self.people, clock=clock)
        self.mint = Mint(keys, tokens, max_ttl=3_600, exists=lambda name: True, clock=clock)
        self.proofs = proofs
        self.doors = Doors(
            gate=self.house.gate,
            log=self.house.log,
            people=self.people,
            directory=Directory([]),
            clock=clock,
            meters=self.house.meters,
            proofs=proofs,
            standing=(standing := Standing(tokens, clock, lambda: 0.0)),
        )
        standing.refresh()

    def come(self, user: str, secret: str, address: str = "10.0.0.9") -> object:
        """One login, as PostgreSQL's adapter does it."""
        proof = asyncio.run(self.doors.examine(secret, user, "orders")) if self.doors.is_signed(secret) else None
        proven = proof.user == user if proof is not None else self.doors.check_token(user, secret, "orders")
        return self.doors.admit(
            user=user,
            resource="orders",
            protocol="postgres",
            proven=proven,
            client_address=address,
            application=None,
            proof=proof,
        )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.house.close()


@pytest.mark.parametrize("wrong", ["sp_wrong", "ey.ey.ey", "forged"])
def test_who_guesses_waits_whatever_they_know_then_and_nobody_else_does(world: World, wrong: str) -> None:
    good, _ = world.mint.issue(Asker("ana"), Wish(("orders",), 600))
    guess = good[:-6] + "AAAAAA" if wrong == "forged" else wrong
    assert [world.come("ana", guess) for _ in range(MAX_FOR_NAME)] == [NOT_PROVEN] * MAX_FOR_NAME
    assert world.come("ana", good) == TOO_MANY
    assert world.come("ana", TOKEN) == TOO_MANY
    elsewhere = world.come("ana", good, "10.0.0.10")
    assert isinstance(elsewhere, Refusal)
    assert elsewhere not in (TOO_MANY, NOT_PROVEN)


def test_who_guesses_names_waits_too(world: World) -> None:
    for number in range(MAX_FOR_ADDRESS):
        assert world.come(f"name-{number}", "ey.ey.ey") == NOT_PROVEN
    assert world.come("ana", TOKEN) == TOO_MANY


def test_a_name_that_exists_is_told_the_same_as_one_that_does_not(world: World) -> None:
    good, _ = world.mint.issue(Asker("ana"), Wish(("orders",), 600))
    for secret in ("sp_wrong", "ey.ey.ey", good[:-6] + "AAAAAA", TOKEN[:-1] + "!"):
        assert world.come("ana", secret, secret[:8]) == world.come("nobody", secret, secret[-8:]) == NOT_PROVEN
    # Somebody's token under another name is no hint either.
    assert world.come("nobody", good, "a") == world.come("bo", good, "b") == NOT_PROVEN


def fastest(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The time of a call with as little noise in it as there can be: the median of the fastest tenth."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(sorted(times)[: rounds // 10])


def test_a_guess_takes_as_long_for_a_name_that_exists_as_for_one_that_does_not(world: World) -> None:
    """Interleaved, on one thread, the fastest of many: what is left of a difference is not a comparison that ends early."""
    near = TOKEN[:-1] + ("A" if TOKEN[-1] != "A" else "B")
    cases = {
        "known, near": lambda: world.people.is_proven("ana", near),
        "known, far": lambda: world.people.is_proven("ana", "x" * len(TOKEN)),
        "unknown": lambda: world.people.is_proven("nobody", near),
    }
    for _ in range(5):
        times = {name: fastest(work) for name, work in cases.items()}
        if max(times.values()) < 1.5 * min(times.values()):
            return
    pytest.fail(f"guesses take different times: {times}")


def test_signing_in_wrong_takes_as_long_for_a_name_that_exists_as_for_one_that_does_not(world: World) -> None:
    """The whole of it, a password's many rounds included: somebody with a password, somebody without, nobody."""
    dora = Known(Principal("dora"), make_verifier("a password of tests", b"s" * 16))
    people = People([dora, Known(Principal("bare"))], b"k" * 32)
    house, addresses = world.house, itertools.count()
    entrance = Entrance(
        lambda: people,
        SignIns(house.database, idle_seconds=60, most_seconds=60),
        *(house.log, house.clock, Names(lambda: people, ())),
    )

    def come(name: str, secret: str) -> None:
        with contextlib.suppress(NotSignedIn):
            entrance.by_secret(name, secret, f"10.0.0.{next(addresses)}")

    cases = {"dora": "a password of testz", "bare": "a password of tests", "nobody": "a password of tests"}
    for _ in range(5):
        times = {name: fastest(lambda name=name: come(name, cases[name]), 100) for name in cases}  # type: ignore[misc]  # a lambda with a default
        if max(times.values()) < 1.3 * min(times.values()):
            return
    pytest.fail(f"wrong passwords take different times: {times}")


def test_a_forged_token_takes_as_long_for_a_name_that_exists_as_for_one_that_does_not(world: World) -> None:
    good, _ = world.mint.issue(Asker("ana"), Wish(("orders",), 600))
    forged = good[:-6] + "AAAAAA"
    for _ in range(5):
        times = {
            name: fastest(lambda name=name: world.proofs.examine(forged, name, "orders")) for name in ("ana", "nobody")
        }  # type: ignore[misc]  # a lambda with a default
        if max(times.values()) < 1.5 * min(times.values()):
            return
    pytest.fail(f"forged tokens take different times: {times}")


def test_secrets_are_compared_in_constant_time_everywhere() -> None:
    """Each place that compares something secret does it with `hmac.compare_digest`, and with nothing else."""
    for module, names in (
        (proofs_module, ("issued.digest", "login.user.encode()")),
        (claims_module, ("wanted.encode()",)),
        (login_module, ("pending.state.encode()",)),
    ):
        source = Path(str(module.__file__)).read_text(encoding="utf-8")
        for name in names:
            assert f"{name} ==" not in source
            assert f"{name} !=" not in source
            assert any("compare_digest" in line and name in line for line in source.splitlines()), name
