"""What is done beside a gateway is in its audit: who, what, when; at the start, and while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.app.beside import Teller, leave_word, operator, token_word, word_of
from gateway.audit.entry import Entry, Kind
from gateway.config import load_config
from gateway.errors import AuditUnavailable, StoreUnavailable
from gateway.identity.scoped import Grant
from gateway.store.database import open_database
from gateway.store.untold import leave, take
from tests.strategies.gates import House
from tests.strategies.gateways import ENVIRONMENT, settle_in

GRANT = Grant(id="t-1", principal="ana", resources=("orders", "build"), issued_at=1, expires_at=2, job="build-42")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def left(house: House, *words: str) -> None:
    with house.database.begin() as connection:
        for number, word in enumerate(words):
            leave(connection, word, number)


def test_a_token_made_or_taken_back_here_says_by_whom(house: House) -> None:
    left(house, token_word("issued", GRANT, 5), token_word("revoked", GRANT, 7))
    Teller(house.database, house.log).look()
    assert operator().startswith("local:")
    assert [
        (one.kind, one.step, one.time, one.person, one.principal, one.job, one.resource, one.note)
        for one in house.entries()
    ] == [
        (Kind.TOKEN, step, time, operator(), "ana", "build-42", "orders,build", "t-1")
        for step, time in (("issued", 5), ("revoked", 7))
    ]
    Teller(house.database, house.log).look()
    assert len(house.entries()) == 2


def test_what_cannot_be_recorded_now_is_recorded_later(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    left(house, token_word("issued", GRANT, 5))

    def refuse(entry: object, **_: object) -> int:
        raise AuditUnavailable("full")

    teller, kept = Teller(house.database, house.log), house.log.append
    monkeypatch.setattr(house.log, "append", refuse)
    teller.look()
    assert house.entries() == []
    monkeypatch.setattr(house.log, "append", kept)
    teller.look()
    assert [one.step for one in house.entries()] == ["issued"]


def test_a_word_that_is_no_entry_holds_nothing_up(house: House) -> None:
    left(house, "{", '{"kind":"token"}', token_word("issued", GRANT, 5))
    Teller(house.database, house.log).look()
    assert [one.step for one in house.entries()] == ["unreadable", "unreadable", "issued"]


def test_a_word_is_left_before_something_is_done_elsewhere(tmp_path: Path) -> None:
    config = load_config(settle_in(tmp_path), {})
    entry = Entry(kind=Kind.RECORDING, time=9, step="removed", note="r-1", person="local:x")
    leave_word(config, ENVIRONMENT, entry)
    database, told = open_database(f"sqlite:///{config.at('state/store.db')}"), list[str]()
    assert take(database, told.append) == 1
    assert told == [word_of(entry)]
    database.close()


def test_where_no_word_can_be_left_that_is_said(tmp_path: Path) -> None:
    config = load_config(settle_in(tmp_path), {})
    place = config.at("state/store.db")
    place.mkdir(parents=True)
    with pytest.raises(StoreUnavailable):
        leave_word(config, ENVIRONMENT, Entry(kind=Kind.TOKEN, time=1))
