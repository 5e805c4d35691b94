"""What a question opens and carries."""

from __future__ import annotations

from msgspec.structs import replace as changed

from gateway.asked import Asked
from tests.strategies.gates import ANA, ORDERS, SESSION, asked, parse


def test_only_what_would_run_opens_tickets() -> None:
    assert asked().opens_tickets
    assert not asked(prepares=True).opens_tickets
    assert not changed(asked(), is_dry=True).opens_tickets


def test_a_ready_made_tree_has_no_bound_values() -> None:
    ready = Asked(parse(b"SELECT 1"), ANA, SESSION, ORDERS)
    assert ready.opens_tickets
    assert ready.parameters is None
    assert asked(parameters=("1",)).parameters == ("1",)
