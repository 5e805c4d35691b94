"""Who speaks only for itself states nothing that policies believe."""

from __future__ import annotations

import pytest

from engine.request import Json, Principal, Resource, Session
from gateway.identity.speaking import overstated, stated_in

OWN = Principal("ci", groups=("robots", "readers"))
PLACE = Resource("orders", "postgres")


@pytest.mark.parametrize(
    ("attributes", "stated"),
    [({}, ()), ({"stated": ["job"]}, ("job",)), ({"stated": ["job", 1, None]}, ("job",)), ({"stated": "job"}, ())],
)
def test_what_is_somebodys_own_word_is_read_from_their_attributes(
    attributes: dict[str, Json], stated: tuple[str, ...]
) -> None:
    assert stated_in(Principal("ana", attributes=attributes)) == stated


@pytest.mark.parametrize("claimed", [None, Principal("ci"), Principal("ci", groups=("readers",))])
def test_a_caller_may_say_who_it_is_and_less(claimed: Principal | None) -> None:
    assert overstated(OWN, claimed, Session("s1", job="j1"), PLACE, {}) is None


@pytest.mark.parametrize(
    ("claimed", "session", "resource", "context", "word"),
    [
        (Principal("ana"), None, PLACE, {}, "itself"),
        (Principal("ci", groups=("dba",)), None, PLACE, {}, "groups"),
        (Principal("ci", attributes={"mfa": True}), None, PLACE, {}, "attributes"),
        (None, Session("s1", state={"role": "root"}), PLACE, {}, "state"),
        (None, None, PLACE, {"ip": "10.0.0.1"}, "context"),
        (None, None, Resource("orders", "postgres", labels={"env": "dev"}), {}, "labels"),
        (None, None, Resource("orders", "postgres", role="owner"), {}, "role"),
    ],
)
def test_it_may_not_state_facts(
    claimed: Principal | None, session: Session | None, resource: Resource, context: dict[str, object], word: str
) -> None:
    said = overstated(OWN, claimed, session, resource, context)  # type: ignore[arg-type]  # of JSON
    assert said is not None
    assert word in said
