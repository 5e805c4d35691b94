"""Who may see what, by their roles."""

from __future__ import annotations

import pytest

from gateway.console.calls import CallRefused, for_auditors, not_here
from tests.strategies.console import viewer


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ((), (False, False, False)),
        (("adapter", "asker"), (False, False, False)),
        (("approver",), (True, True, False)),
        (("auditor",), (False, True, True)),
        (("approver", "auditor"), (True, True, True)),
    ],
)
def test_roles_say_who_votes_who_sees_holds_and_who_audits(roles: tuple[str, ...], expected: tuple[bool, ...]) -> None:
    who = viewer(roles=roles)
    assert (who.may_vote, who.sees_holds, who.may_audit) == expected


def test_pages_of_auditors_are_shut_to_others() -> None:
    for_auditors(viewer(roles=("auditor",)))
    with pytest.raises(CallRefused) as caught:
        for_auditors(viewer(roles=("approver",)))
    assert (caught.value.status, caught.value.title) == (403, "This page is for auditors")
    assert not_here().status == 404


def test_a_viewer_printed_somewhere_tells_no_token() -> None:
    assert "the-token" not in repr(viewer())
