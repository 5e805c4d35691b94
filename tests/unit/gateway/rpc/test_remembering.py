"""Remembered approvals with the command they were given for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.approvals.states import Approved, Person
from gateway.rpc.remembering import remembered_commands, take_back
from tests.strategies.console import new_ticket
from tests.strategies.gates import House
from tests.strategies.lasting import LIKE

DORA = Person("dora", ("dba",))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def test_those_that_count_are_listed_with_their_command_until_they_are_taken_back(house: House) -> None:
    ticket = house.approvals.request(replace(new_ticket(), remember=60, likeness=LIKE), house.clock()).id
    house.gate.advance(ticket, Approved(DORA, "", 60))
    (found,) = remembered_commands(house.approvals, house.clock())
    assert (found.text, found.ticket, found.principal, found.approvers) == (
        "DELETE FROM t WHERE a = 1",
        ticket,
        "ana",
        ("dora",),
    )
    assert remembered_commands(house.approvals, house.clock(), "bo") == []
    assert take_back(house.approvals, house.gate.recalling, found.id, DORA).id == found.id
    assert remembered_commands(house.approvals, house.clock()) == []
