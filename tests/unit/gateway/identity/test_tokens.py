"""Tokens in the store: used once by one, taken back for good, forgotten long after their end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import update

from gateway.errors import IdentityRefused, StoreUnavailable
from gateway.identity import tokens as module
from gateway.identity.scoped import Grant
from gateway.identity.tokens import KEPT, Issued, Tokens
from gateway.store.database import Database, open_database
from gateway.store.migrations import downgrade, upgrade
from gateway.store.tables import tokens as table

NOW = 1_800_000_000_000_000_000
END = NOW + 600_000_000_000
GRANT = Grant(id="t-1", principal="ana", resources=("orders",), issued_at=NOW, expires_at=END, prompt="why", once=True)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(opened)
    yield opened
    opened.close()


@pytest.fixture
def tokens(database: Database) -> Tokens:
    return Tokens(database)


def test_what_was_issued_is_found_as_it_was(tokens: Tokens) -> None:
    tokens.add(GRANT, "d" * 64)
    assert tokens.find("t-1") == Issued(GRANT, "d" * 64, None, None)
    assert tokens.find("t-2") is None
    assert tokens.of("ana", NOW) == tokens.of(None, NOW) == [Issued(GRANT, "d" * 64, None, None)]
    assert tokens.of("bo", NOW) == tokens.of("ana", END) == []


def test_a_token_is_used_once(tokens: Tokens) -> None:
    tokens.add(GRANT, "d")
    assert tokens.use("t-1", NOW + 1)
    assert not tokens.use("t-1", NOW + 2)
    assert (found := tokens.find("t-1")) is not None
    assert found.used_at == NOW + 1


def test_what_ended_was_taken_back_or_never_was_cannot_be_used(tokens: Tokens) -> None:
    tokens.add(GRANT, "d")
    tokens.add(replace(GRANT, id="t-2"), "d")
    assert tokens.revoke(["t-2"], NOW + 1) == ["t-2"]
    assert not tokens.use("t-1", END)
    assert not tokens.use("t-2", NOW + 2)
    assert not tokens.use("t-3", NOW)


def _use(replica: Tokens, token_id: str, won: list[bool]) -> None:
    won.append(replica.use(token_id, NOW))


def test_of_many_that_want_the_same_token_one_gets_it(tokens: Tokens, tmp_path: Path) -> None:
    replicas = [Tokens(open_database(f"sqlite:///{tmp_path}/store.db")) for _ in range(4)]
    for number in range(5):
        tokens.add(replace(GRANT, id=f"t-{number}"), "d")
        won = list[bool]()
        threads = [threading.Thread(target=_use, args=(one, f"t-{number}", won)) for one in replicas]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(won) == [False, False, False, True]
    for replica in replicas:
        replica._database.close()


def test_taking_back_says_which_and_is_for_good(tokens: Tokens) -> None:
    for number in range(3):
        tokens.add(replace(GRANT, id=f"t-{number}", principal="bo" if number == 2 else "ana"), "d")
    assert tokens.revoke(["t-0", "t-9"], NOW) == ["t-0"]
    assert tokens.revoke(["t-0"], NOW) == []
    assert tokens.revoke(["t-2"], NOW, principal="ana") == []
    assert tokens.revoked(NOW) == {"t-0"}
    assert tokens.revoke_all("ana", NOW + 1) == 1
    assert tokens.revoked(NOW) == {"t-0", "t-1"}
    assert tokens.revoked(END) == frozenset()


def test_nobody_fills_the_store(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ALIVE", 2)
    for number in range(2):
        tokens.add(replace(GRANT, id=f"t-{number}"), "d")
    with pytest.raises(IdentityRefused) as caught:
        tokens.add(replace(GRANT, id="t-2"), "d")
    assert caught.value.code == "GRANT_TOO_MANY"
    tokens.add(replace(GRANT, id="t-3", principal="bo"), "d")
    tokens.revoke(["t-0"], NOW)
    tokens.add(replace(GRANT, id="t-4"), "d")
    later = END + KEPT + 1
    tokens.add(replace(GRANT, id="t-5", issued_at=later, expires_at=later + 1), "d")
    assert [tokens.find(f"t-{number}") is None for number in range(6)] == [True] * 5 + [False]


def test_a_store_without_the_table_or_with_nonsense_in_it_is_unavailable(tokens: Tokens, database: Database) -> None:
    tokens.add(GRANT, "d")
    with database.begin() as connection:
        connection.execute(update(table).values(body="{}"))
    with pytest.raises(StoreUnavailable):
        tokens.find("t-1")
    downgrade(database, "base")
    with pytest.raises(StoreUnavailable):
        tokens.find("t-1")
