"""Everybody sees and ends their own sign-ins; auditors see all, operators end any."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.console.calls import Call, CallRefused, Goto, Page
from gateway.console.rendering import Renderer
from gateway.console.sign_ins import MAX_SHOWN, SignInsPage
from gateway.console.signed_in import Facts, SignedIn
from tests.strategies.console import viewer


def signed_in(number: int, who: str) -> SignedIn:
    return SignedIn(bytes([number % 256]) * 32, who, number, number, Facts("csrf", "secret", "10.0.0.9"))


class Entered:
    """Who is signed in; what was asked to end."""

    def __init__(self, *found: SignedIn) -> None:
        self.found = list(found)
        self.ended: list[tuple[str, str, str | None, str]] = []

    def alive(self, principal: str | None) -> list[SignedIn]:
        return [one for one in self.found if principal in (None, one.principal)]

    def take_back(self, name: str, *, by: str, owner: str | None, comment: str = "") -> bool:
        self.ended.append((name, by, owner, comment))
        return any(one.name == name and owner in (None, one.principal) for one in self.found)


def call_of(*roles: str, session: str = "", reason: str = "") -> Call:
    return Call(replace(viewer("dora"), roles=frozenset(roles)), 10, {"session": session}, {}, {"reason": reason})


BOTH = (signed_in(1, "dora"), signed_in(2, "emil"))


@pytest.mark.parametrize(
    ("roles", "seen"),
    [((), ["dora"]), (("approver",), ["dora"]), (("auditor",), ["dora", "emil"]), (("operator",), ["dora", "emil"])],
)
def test_who_sees_whose(roles: tuple[str, ...], seen: list[str]) -> None:
    page = SignInsPage(Entered(*BOTH)).list(call_of(*roles))
    assert isinstance(page, Page)
    shown = page.fields["signed_in"]
    assert isinstance(shown, list)
    assert [one.principal for one in shown] == seen


def test_only_what_they_may_end_has_a_button() -> None:
    for roles, buttons in (((), 1), (("auditor",), 1), (("operator",), 2)):
        asked = call_of(*roles)
        page = SignInsPage(Entered(*BOTH)).list(asked)
        assert isinstance(page, Page)
        fields = {**page.fields, "viewer": asked.viewer, "here": "/sign-ins", "waiting_count": 0, "live": ""}
        text = Renderer().render(page.template, {**fields, "version": "v"})
        assert text.count('/end"') == buttons


def test_a_long_list_is_bounded() -> None:
    page = SignInsPage(Entered(*(signed_in(n, "dora") for n in range(MAX_SHOWN + 3)))).list(call_of())
    assert isinstance(page, Page)
    shown = page.fields["signed_in"]
    assert isinstance(shown, list)
    assert (len(shown), page.fields["more"]) == (MAX_SHOWN, 3)


def test_ones_own_is_ended_by_anybody_and_others_by_operators() -> None:
    mine, theirs = (one.name for one in BOTH)
    entered = Entered(*BOTH)
    page = SignInsPage(entered)
    assert page.end(call_of(session=mine, reason=" lost ")) == Goto("/sign-ins")
    assert page.end(call_of("operator", session=theirs)) == Goto("/sign-ins")
    assert entered.ended == [(mine, "dora", "dora", "lost"), (theirs, "dora", None, "")]
    for roles, name in (((), theirs), (("auditor", "approver"), theirs), (("operator",), "c-none"), ((), "")):
        with pytest.raises(CallRefused) as refused:
            page.end(call_of(*roles, session=name))
        assert refused.value.status == 409
