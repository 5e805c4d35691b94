"""A login reaches what its token is for."""

from __future__ import annotations

from engine.request import Principal
from gateway.identity.logins import NOT_PROVEN, Login, Unproven

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
