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
from gateway.store.untold import take

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


def test_who_works_beside_a_gateway_leaves_a_word_of_each_change_and_of_no_other(database: Database) -> None:
    tokens = Tokens(database, lambda step, grant, now: f"{step} {grant.id} {now - NOW}")
    for number in range(3):
        tokens.add(replace(GRANT, id=f"t-{number}"), "d")
    tokens.revoke(["t-0", "t-9", "t-0"], NOW + 5)
    tokens.revoke_all("ana", NOW + 6)
    Tokens(database).add(replace(GRANT, id="t-7"), "d")
    told: list[str] = []
    take(database, told.append)
    assert sorted(told[:3]) == ["issued t-0 0", "issued t-1 0", "issued t-2 0"]
    assert told[3] == "revoked t-0 5"
    assert sorted(told[4:]) == ["revoked t-1 6", "revoked t-2 6"]


def test_what_tokens_say_of_their_jobs_is_forgotten_by_resource_and_time(database: Database) -> None:
    tokens = Tokens(database)
    made = {
        "over": replace(GRANT, id="over"),
        "alive": replace(GRANT, id="alive", expires_at=NOW + 10 * KEPT),
        "back": replace(GRANT, id="back", expires_at=NOW + 10 * KEPT),
        "two": replace(GRANT, id="two", resources=("other", "orders")),
        "other": replace(GRANT, id="other", resources=("other",)),
        "later": replace(GRANT, id="later", issued_at=NOW + 20, expires_at=END),
    }
    for one in made.values():
        tokens.add(one, "d")
    tokens.revoke(["back"], NOW + 1)
    assert tokens.forget(NOW + 10, END + 1, resources=("orders",)) == 4
    assert (tokens.find("over"), tokens.find("two")) == (None, None)
    for name in ("alive", "back"):
        found = tokens.find(name)
        assert found is not None
        assert found.grant.prompt is None
        assert found.grant.prompt_digest == GRANT.prompt_digest, "as the token itself says it"
    assert tokens.revoked(END + 1) == {"back"}, "the sessions it opened go on hearing of that"
    for name in ("other", "later"):
        found = tokens.find(name)
        assert found is not None
        assert found.grant.prompt == "why"
    assert tokens.forget(NOW + 10, END + 1, resources=("orders",)) == 0
    assert tokens.forget(NOW + 10, END + 1, resources=("orders",), others=True) == 1
    assert tokens.find("other") is None
    tokens.sweep(END + KEPT + 1)
    assert tokens.find("later") is None
    assert tokens.find("alive") is not None


def test_nothing_of_a_prompt_that_was_forgotten_is_in_the_file(database: Database, tmp_path: Path) -> None:
    words = "Jane Roe: find her bills"
    for name, end in (("over", END), ("alive", NOW + KEPT)):
        Tokens(database).add(replace(GRANT, id=name, expires_at=end, prompt=words), "d")
    assert any(words.encode() in path.read_bytes() for path in tmp_path.iterdir())
    Tokens(database).forget(NOW + 10, END + 1, resources=(), others=True)
    assert not any(words.encode() in path.read_bytes() for path in tmp_path.iterdir())


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


def test_nobodys_prompts_fill_the_store_and_whoever_lists_them_reads_no_more(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BODIES", 2_500)
    for number in range(2):
        tokens.add(replace(GRANT, id=f"t-{number}", prompt="x" * 1_000), "d")
    with pytest.raises(IdentityRefused) as caught:
        tokens.add(replace(GRANT, id="t-2", prompt="x" * 1_000), "d")
    assert caught.value.code == "GRANT_PROMPTS"
    # Those taken back are listed until their end, and a token without a prompt is always to be had.
    tokens.revoke(["t-0"], NOW)
    with pytest.raises(IdentityRefused):
        tokens.add(replace(GRANT, id="t-2", prompt="x" * 1_000), "d")
    tokens.add(replace(GRANT, id="t-3", prompt=None), "d")
    tokens.add(replace(GRANT, id="t-4", principal="bo", prompt="x" * 1_000), "d")
    later = replace(GRANT, id="t-5", issued_at=END, expires_at=END + 1, prompt="x" * 1_000)
    tokens.add(later, "d")


def test_a_store_without_the_table_or_with_nonsense_in_it_is_unavailable(tokens: Tokens, database: Database) -> None:
    tokens.add(GRANT, "d")
    with database.begin() as connection:
        connection.execute(update(table).values(body="{}"))
    with pytest.raises(StoreUnavailable):
        tokens.find("t-1")
    downgrade(database, "base")
    with pytest.raises(StoreUnavailable):
        tokens.find("t-1")
