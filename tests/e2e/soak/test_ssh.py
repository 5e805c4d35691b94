"""Half an hour of everything at once over SSH (`long`; SOAK_MINUTES and SOAK_CLIENTS for another length and number), and a quarter of a minute of it at every run."""

from __future__ import annotations

import pytest

from tests.e2e.soak import page
from tests.e2e.soak.harness import soak
from tests.e2e.soak.ssh_place import prepared
from tests.e2e.soak.verdicts import everything_happened, it_did_not_grow, long, nothing_is_wrong, short

ACTS = 22


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("terminals")
def test_a_short_soak_ends_as_it_began() -> None:
    found = soak(short(ACTS), prepared)
    nothing_is_wrong(found)
    everything_happened(found, short(ACTS))


@pytest.mark.long
@pytest.mark.usefixtures("terminals")
def test_half_an_hour_of_everything_at_once() -> None:
    found = soak(long(ACTS), prepared)
    page.write("SSH", found, long(ACTS))
    nothing_is_wrong(found)
    everything_happened(found, long(ACTS))
    it_did_not_grow(found)
