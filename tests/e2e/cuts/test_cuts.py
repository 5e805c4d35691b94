"""The line is cut, on either side of the gateway, after many numbers of bytes: over SSH, Kubernetes and HTTP, before real targets.

Whatever was going on: the client has an end within its deadline, and a word, or an answer that is seen to break off, where its own line is whole;
what the target did was granted and has an outcome; no connection to the target is left. PostgreSQL's are in `tests/interop/postgres/test_cuts.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from tests.cutter import Way
from tests.e2e.cuts import http_talk, kubernetes_talk, ssh_talk
from tests.e2e.cuts.cutting import Cut

PLACES: dict[str, Callable[[], AbstractContextManager[Cut]]] = {
    "SSH": ssh_talk.prepared,
    "Kubernetes": kubernetes_talk.prepared,
    "HTTP": http_talk.prepared,
}
SOME, MANY = 3, 60


@pytest.fixture(scope="module", params=list(PLACES))
def cut(request: pytest.FixtureRequest) -> Iterator[Cut]:
    with PLACES[request.param]() as made:
        yield made


def cut_everywhere(cut: Cut, number: int) -> None:
    for line in (cut.near, cut.far):
        for way in Way:
            for at, after in enumerate(cut.places(way, line, number, seed=7)):
                cut.try_at(line, way, after, resets=at % 2 == 1)
    cut.check()


def test_a_cut_at_some_places_hurts_nobody(cut: Cut) -> None:
    cut_everywhere(cut, SOME)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_cut_at_many_places_hurts_nobody(cut: Cut) -> None:
    cut_everywhere(cut, MANY)
