"""Tickets that are over go, the living ones stay, and the file keeps nothing of what went."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.approvals.forgetting import forget_tickets
from gateway.approvals.notify import Bell
from gateway.approvals.states import Approved, Binding, Demand, Person, Refused, Shown, Used
from gateway.approvals.store import Approvals, NewTicket
from gateway.store.database import Database, open_database
from gateway.store.migrations import upgrade
from tests.strategies.lasting import LIKE

BO = Person("bo", ("dba",))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(opened)
    yield opened
    opened.close()


def bound(resource: str) -> Binding:
    return Binding("ana", resource, "postgres", "d" * 64, "", "m", "r1")


def held(approvals: Approvals, text: str, resource: str = "orders", now: int = 1, expires: int = 1_000) -> str:
    return approvals.request(
        NewTicket(bound(resource), (Demand(groups=("dba",)),), ("p/R",), expires, Shown(text)), now
    ).id


def test_what_is_over_goes_and_the_living_stay(database: Database) -> None:
    approvals = Approvals(database, Bell())
    refused, used, waiting, granted, late = (held(approvals, "x") for _ in range(5))
    overdue, young = held(approvals, "x", expires=50), held(approvals, "x", now=90)
    approvals.advance(refused, Refused(BO), 2)
    for ticket in (used, granted):
        approvals.advance(ticket, Approved(BO), 2)
    approvals.advance(used, Used(bound("orders")), 3)
    approvals.advance(young, Refused(BO), 91)
    assert forget_tickets(database, 90, 100, resources=["orders"]) == 3
    assert {one for one in (refused, used, overdue) if approvals.get(one)} == set()
    assert all(approvals.get(one) for one in (waiting, granted, late, young))


def test_only_the_resources_that_are_meant(database: Database) -> None:
    approvals = Approvals(database, Bell())
    tickets = {name: held(approvals, "x", name, expires=5) for name in ("orders", "bills", "other")}
    assert forget_tickets(database, 90, 100, resources=["orders"]) == 1
    assert forget_tickets(database, 90, 100, resources=["orders", "bills"], others=True) == 1
    assert [name for name, ticket in tickets.items() if approvals.get(ticket)] == ["bills"]
    assert forget_tickets(database, 90, 100, resources=[], others=True) == 1
    assert forget_tickets(database, 90, 100, resources=[]) == 0


def test_what_was_remembered_of_a_ticket_goes_with_it(database: Database) -> None:
    approvals = Approvals(database, Bell())
    new = NewTicket(bound("orders"), (Demand(groups=("dba",)),), ("p/R",), 50, Shown("x"), remember=60, likeness=LIKE)
    old, young = (approvals.request(new, now).id for now in (1, 20))
    for ticket in (old, young):
        approvals.advance(ticket, Approved(BO, "", 60), 21)
    assert forget_tickets(database, 10, 100, resources=["orders"]) == 1
    assert [one.ticket for one in approvals.lasting.alive(22)] == [young]


def test_no_file_of_the_store_keeps_what_went(database: Database, tmp_path: Path) -> None:
    approvals, canary = Approvals(database, Bell()), "c4nary-80"
    for number in range(40):
        ticket = held(approvals, f"DELETE '{canary}' {number} {'x' * 600}")
        approvals.advance(ticket, Refused(BO, f"{canary} no"), 2)
    assert forget_tickets(database, 90, 100, resources=["orders"]) == 40
    for path in tmp_path.iterdir():
        assert canary.encode() not in path.read_bytes(), path.name
