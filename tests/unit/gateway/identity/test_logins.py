"""A login reaches what its token is for."""

from __future__ import annotations

from adapters.core.ports import Refusal
from engine.request import Principal
from gateway.identity.logins import NOT_PROVEN, Login, Unproven, noted

ANA = Principal("ana", groups=("dba",))


def test_a_login_reaches_what_it_names_or_everything() -> None:
    assert Login(ANA, 1).reaches("orders")
    narrow = Login(ANA, 1, resources=frozenset({"orders"}))
    assert narrow.reaches("orders")
    assert not narrow.reaches("build")
    assert (narrow.user, narrow.groups) == ("ana", ("dba",))


def test_a_token_that_proves_nobody_is_nobody() -> None:
    failed = Unproven("TOKEN_SIGNATURE")
    assert (failed.user, failed.groups, failed.refusal) == ("", (), NOT_PROVEN)


def test_the_audit_is_told_by_which_token_or_why_not() -> None:
    refusal = Refusal("28000", "no")
    assert noted(None, None, None) == ""
    assert noted(refusal, None, None) == "28000"
    assert noted(refusal, Unproven("TOKEN_ENDED"), None) == "28000 TOKEN_ENDED"
    assert noted(None, None, Login(Principal("ana"), 0, token="t-1")) == "token t-1"
