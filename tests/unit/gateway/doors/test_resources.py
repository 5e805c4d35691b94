"""Resources by name and protocol."""

from __future__ import annotations

from dataclasses import replace

from adapters.core.ports import Target
from gateway.doors.resources import NO_CREDENTIAL, NO_LIMITS, Directory, Limits, LiveResources, Place, with_database
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


class Ends:
    """A credential that ends."""

    target = Target("db", 5432, "gateway", "of now")
    is_ready = False
    trouble = True
    lasts = 7.0

    def __init__(self) -> None:
        self.asked = 0

    async def make_ready(self) -> None:
        self.asked += 1


async def test_a_credential_that_ends_is_asked_about_and_for() -> None:
    ends = Ends()
    directory = Directory([Place(ORDERS, TARGET, credential=ends)])
    assert directory.target("orders") == ends.target
    assert directory.has_limits
    assert not directory.is_ready("orders")
    await directory.make_ready("orders")
    assert ends.asked == 1
    assert directory.unready("orders", "postgres") == NO_CREDENTIAL
    assert "CREDENTIAL_UNAVAILABLE" in NO_CREDENTIAL.message
    assert directory.unready("orders", "ssh") is None
    assert directory.lasts("orders", "http") == 7.0
    assert directory.lasts("orders", "postgres") is None
    for other in (DIRECTORY, Directory([])):
        assert other.is_ready("orders")
        await other.make_ready("orders")
        assert other.unready("orders", "postgres") is None
        assert other.lasts("orders", "http") is None


def test_a_database_is_the_clients_choice_only_where_the_configuration_leaves_it() -> None:
    assert with_database(ORDERS, "other") is ORDERS
    assert with_database(replace(ORDERS, database=None), "other").database == "other"
    assert with_database(replace(ORDERS, database=None), None).database is None
