"""Who is signed in to the console: everybody sees and ends their own; auditors see all, operators see all and end them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.console.calls import Call, CallRefused, Goto, Page, Reply
from gateway.console.signed_in import SignedIn

MAX_SHOWN = 200


class Entered(Protocol):
    """Where people come in."""

    def alive(self, principal: str | None) -> Sequence[SignedIn]:
        """Who is signed in, the newest first."""

    def take_back(self, name: str, *, by: str, owner: str | None, comment: str = "") -> bool:
        """End a session; no where there is none."""


class SignInsPage:
    """The page of sign-ins."""

    def __init__(self, entered: Entered) -> None:
        self._entered = entered

    def list(self, call: Call) -> Reply:
        """Those that are alive: the viewer's own, or everybody's."""
        sees_all = call.viewer.may_audit or call.viewer.may_end
        found = self._entered.alive(None if sees_all else call.viewer.name)
        fields = {
            "signed_in": found[:MAX_SHOWN],
            "more": max(0, len(found) - MAX_SHOWN),
            "now": call.now,
            "sees_all": sees_all,
        }
        return Page("sign_ins.html", fields)

    def end(self, call: Call) -> Reply:
        """End one."""
        viewer = call.viewer
        owner = None if viewer.may_end else viewer.name
        # WHY one answer: what is not theirs to end is not theirs to hear of.
        if not self._entered.take_back(
            call.path.get("session", ""), by=viewer.name, owner=owner, comment=call.form.get("reason", "").strip()
        ):
            raise CallRefused(409, "Nothing was ended", "That sign-in is over, or it is not yours to end.")
        return Goto("/sign-ins")
