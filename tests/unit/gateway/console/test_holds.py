"""The pages of held commands over a real gate, store and log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.approvals.states import State
from gateway.console.calls import CallRefused, Goto, Page
from gateway.console.holds import MAX_WAITING, Holds
from tests.strategies.console import call, new_ticket, requested, viewer
from tests.strategies.gates import House
from tests.strategies.lasting import LIKE


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


@pytest.fixture
def holds(house: House) -> Holds:
    return Holds(house.approvals, house.gate, house.gate.recalling)


def shown(reply: object) -> Page:
    assert isinstance(reply, Page)
    return reply


def ids(page: Page, name: str = "waiting") -> list[str]:
    found = page.fields[name]
    assert isinstance(found, list)
    return [one.ticket.id for one in found]


def test_what_waits_is_listed_oldest_first_those_for_the_viewer_before_others(house: House, holds: Holds) -> None:
    own, first, second = requested(house, principal="dora"), requested(house), requested(house)
    page = shown(holds.list(call(now=house.clock())))
    assert ids(page) == [first, second, own]
    assert page.live == "holds"


def test_without_a_role_only_ones_own_are_there(house: House, holds: Holds) -> None:
    mine, other = requested(house), requested(house, principal="bo")
    ana = viewer("ana", ())
    assert ids(shown(holds.list(call(ana, house.clock())))) == [mine]
    assert shown(holds.one(call(ana, house.clock(), {"ticket": mine}))).template == "hold.html"
    with pytest.raises(CallRefused) as caught:
        holds.one(call(ana, house.clock(), {"ticket": other}))
    assert caught.value.status == 404


def test_a_vote_is_the_viewers_own_with_their_reason(house: House, holds: Holds) -> None:
    ticket = requested(house)
    reply = holds.approve(call(now=house.clock(), path={"ticket": ticket}, form={"reason": "  fine  "}))
    assert reply == Goto(f"/holds?said={ticket}")
    after = house.approvals.get(ticket)
    assert after is not None
    assert [(vote.approver, vote.granted, vote.comment) for vote in after.votes] == [("dora", True, "fine")]
    assert [(entry.step, entry.person, entry.note) for entry in house.entries() if entry.ticket] == [
        ("approved", "dora", "fine")
    ]
    page = shown(holds.list(call(now=house.clock(), query={"said": ticket})))
    assert ids(page, "said") == [ticket]
    assert ids(page, "decided") == [ticket]
    assert ids(shown(holds.list(call(viewer("emil"), house.clock(), query={"said": ticket}))), "said") == []


def test_a_refusal_on_its_own_page_stays_there(house: House, holds: Holds) -> None:
    ticket = requested(house)
    reply = holds.refuse(call(path={"ticket": ticket}, form={"reason": "no", "from": "one"}))
    assert reply == Goto(f"/holds/{ticket}?said={ticket}")
    after = house.approvals.get(ticket)
    assert after is not None
    assert (after.state, after.reason, after.closed_by) == (State.REFUSED, "no", "dora")


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (viewer("ana"), 409),
        (viewer("ana", ("approver", "auditor", "adapter")), 409),
        (viewer("otto", groups=("ops",)), 409),
        (viewer("vera", ("auditor",)), 403),
    ],
)
def test_who_may_not_decide_decides_nothing(house: House, holds: Holds, who: object, status: int) -> None:
    ticket = requested(house)
    for vote in (holds.approve, holds.refuse):
        with pytest.raises(CallRefused) as caught:
            vote(call(who, path={"ticket": ticket}))  # type: ignore[arg-type]  # a viewer
        assert caught.value.status == status
    after = house.approvals.get(ticket)
    assert after is not None
    assert (after.state, after.votes) == (State.REQUESTED, ())
    assert not [entry for entry in house.entries() if entry.ticket]


def test_what_is_decided_is_not_decided_again(house: House, holds: Holds) -> None:
    ticket = requested(house)
    holds.refuse(call(path={"ticket": ticket}))
    with pytest.raises(CallRefused, match="it is decided") as caught:
        holds.approve(call(viewer("emil"), path={"ticket": ticket}))
    assert caught.value.status == 409


@pytest.mark.parametrize(
    "ticket", ["", "h-0", "h-0123456789abcdef", "../x", "h-0123456789ABCDEF", "h-0123456789abcdef\x00"]
)
def test_what_is_no_ticket_is_not_here(holds: Holds, ticket: str) -> None:
    for page in (holds.one, holds.approve, holds.refuse):
        with pytest.raises(CallRefused) as caught:
            page(call(path={"ticket": ticket}))
        assert caught.value.status == 404


def test_a_page_is_bounded_and_says_how_many_more_wait(house: House, holds: Holds) -> None:
    for _ in range(MAX_WAITING + 2):
        requested(house)
    page = shown(holds.list(call(now=house.clock())))
    assert (len(ids(page)), page.fields["more"]) == (MAX_WAITING, 2)


def test_the_same_command_before_is_shown(house: House, holds: Holds) -> None:
    first = requested(house)
    holds.refuse(call(path={"ticket": first}, form={"reason": "not today"}))
    second, _other = requested(house), requested(house, principal="bo")
    assert ids(shown(holds.one(call(now=house.clock(), path={"ticket": second}))), "same") == [first]


def memorable(house: House) -> str:
    """A ticket whose approval may be remembered for a minute; its id."""
    return house.approvals.request(replace(new_ticket(), remember=60, likeness=LIKE), house.clock()).id


def test_a_yes_is_remembered_where_the_viewer_says_so_and_the_ticket_lets_them(house: House, holds: Holds) -> None:
    plain, ticket = requested(house), memorable(house)
    page = shown(holds.list(call(now=house.clock())))
    waiting = page.fields["waiting"]
    assert isinstance(waiting, list)
    assert [one.may_remember for one in waiting] == [0, 60]
    for wanted, seconds in ((plain, "60"), (ticket, "61")):
        with pytest.raises(CallRefused) as caught:
            holds.approve(call(now=house.clock(), path={"ticket": wanted}, form={"remember": seconds}))
        assert caught.value.status == 409
    for seconds in ("-1", "1e3", "", "1234567"):
        with pytest.raises(CallRefused) as caught:
            holds.approve(call(now=house.clock(), path={"ticket": ticket}, form={"remember": seconds}))
        assert caught.value.status == 400
    holds.approve(call(now=house.clock(), path={"ticket": ticket}, form={"remember": "60"}))
    lasting = shown(holds.list(call(now=house.clock()))).fields["lasting"]
    assert isinstance(lasting, list)
    assert [(one.ticket.id, one.may_end) for one in lasting] == [(ticket, True)]
    assert shown(holds.list(call(viewer("bo", ()), house.clock()))).fields["lasting"] == []


def test_a_remembered_approval_is_taken_back_by_approvers_and_by_whom_it_is_for(house: House, holds: Holds) -> None:
    for who in (viewer(), viewer("ana", ())):
        ticket = memorable(house)
        holds.approve(call(now=house.clock(), path={"ticket": ticket}, form={"remember": "60"}))
        path = {"lasting": ticket.replace("h-", "a-")}
        for other, status in ((viewer("bo", ()), 404), (viewer("vera", ("auditor",)), 403)):
            with pytest.raises(CallRefused) as caught:
                holds.take_back(call(other, house.clock(), path))
            assert caught.value.status == status
        assert holds.take_back(call(who, house.clock(), path)) == Goto("/holds")
        with pytest.raises(CallRefused) as caught:
            holds.take_back(call(who, house.clock(), path))
        assert caught.value.status == 409
    for wanted in ("a-none", "a-" + "0" * 16, "../x"):
        with pytest.raises(CallRefused) as caught:
            holds.take_back(call(now=house.clock(), path={"lasting": wanted}))
        assert caught.value.status == 404
