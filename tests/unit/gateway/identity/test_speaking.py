"""Who speaks only for itself states nothing that policies believe."""

from __future__ import annotations

import pytest

from engine.request import Json, Principal, Resource, Session
from gateway.identity.logins import Login
from gateway.identity.speaking import overstated, own_session, session_name, stated_in

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


def test_a_session_of_ours_is_of_who_asks_for_whom_by_which_token_and_of_nobody_else() -> None:
    names = [session_name(*who) for who in (("a", "b"), ("a", "c"), ("ab", ""), ("a", "a", ""), ("a", "a", "t-1"))]
    assert len(set(names)) == len(names)
    assert all(name.startswith("q-") for name in names)
    assert session_name("a", "b") == session_name("a", "b")


def test_what_is_known_of_who_speaks_for_itself_stands_in_the_place_of_what_it_says() -> None:
    name = session_name("ci", "ci", "")
    assert own_session(OWN, None, None, None) == (OWN, Session(name))
    marked, session = own_session(OWN, Session("x", "nightly", "curl", "10.0.0.1"), None, "192.0.2.7")
    assert session == Session(name, "nightly", "curl", "192.0.2.7")
    assert (marked.name, marked.groups, stated_in(marked)) == (OWN.name, OWN.groups, ("job",))
    login = Login(OWN, 1, token="t-1", job="build-42")
    principal, session = own_session(OWN, Session("", "other"), login, None)
    assert principal is OWN
    assert session == Session(session_name("ci", "ci", "t-1"), "build-42")


@pytest.mark.parametrize("claimed", [None, Principal("ci"), Principal("ci", groups=("readers",))])
def test_a_caller_may_say_who_it_is_and_less(claimed: Principal | None) -> None:
    assert overstated(OWN, claimed, Session("", job="j1", application="curl"), PLACE, {}) is None


@pytest.mark.parametrize(
    ("claimed", "session", "resource", "context", "word"),
    [
        (Principal("ana"), None, PLACE, {}, "itself"),
        (Principal("ci", groups=("dba",)), None, PLACE, {}, "groups"),
        (Principal("ci", attributes={"mfa": True}), None, PLACE, {}, "attributes"),
        (None, Session("", state={"role": "root"}), PLACE, {}, "state"),
        (None, Session("s-1"), PLACE, {}, "session.id"),
        (None, Session("", client_address="10.0.0.1"), PLACE, {}, "client_address"),
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
