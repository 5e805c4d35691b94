"""Resources by name and protocol."""

from __future__ import annotations

from dataclasses import replace

from adapters.core.ports import Target
from gateway.doors.resources import NO_LIMITS, Directory, Limits, LiveResources, Place
from tests.strategies.gates import ORDERS

TARGET = Target("db", 5432, "gateway", "s3cret")
DIRECTORY = Directory([Place(ORDERS, TARGET)])


def test_a_resource_is_found_by_its_name_and_protocol() -> None:
    assert DIRECTORY.resource("orders") == ORDERS
    assert DIRECTORY.resource("orders", "postgres") == ORDERS
    assert DIRECTORY.resource("orders", "ssh") is None
    assert DIRECTORY.resource("none") is None


def test_a_target_is_found_and_never_printed() -> None:
    assert DIRECTORY.target("orders") == TARGET
    assert DIRECTORY.target("none") is None
    assert "s3cret" not in repr(Place(ORDERS, TARGET))


def test_live_resources_are_those_of_the_directory_in_force() -> None:
    current = [DIRECTORY]
    live = LiveResources(lambda: current[0])
    assert dict(live) == {"orders": ORDERS}
    current[0] = Directory([])
    assert live.get("orders") is None
    assert len(live) == 0


def test_limits_are_those_of_the_resource() -> None:
    limits = Limits(60, 3600, 5)
    assert Directory([Place(ORDERS, TARGET, limits)]).limits("orders") == limits
    assert DIRECTORY.limits("orders") == DIRECTORY.limits("none") == NO_LIMITS
    assert Directory([Place(ORDERS, TARGET, limits)]).has_limits
    assert not DIRECTORY.has_limits


def test_a_decision_reaches_the_database_that_it_was_made_for() -> None:
    assert DIRECTORY.reached(ORDERS) == replace(TARGET, database=ORDERS.database)
    assert DIRECTORY.reached(replace(ORDERS, database=None)) == TARGET
    assert DIRECTORY.reached(replace(ORDERS, name="none")) is None
