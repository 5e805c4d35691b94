"""What a relay is given: without more than a doorkeeper it does without the rest."""

from __future__ import annotations

from adapters.core.surroundings import Surroundings
from tests.unit.adapters.core.test_relay import Keeper


def test_only_a_doorkeeper_has_to_be_there() -> None:
    found = Surroundings(Keeper())
    assert (found.client_tls, found.interrupt, found.errand, found.refresh, found.kept) == (None,) * 5
