"""What a signed token came to: a login with its limits, or why it is none. Data only. Made by `proofs`, believed by the doors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from adapters.core.ports import Refusal
from engine.request import Json, Principal

CONSOLE = "console:sign-in"
"""What a token is for that signs somebody in to the console, once. WHY that name: no resource can have it."""
NOT_PROVEN = Refusal("28P01", "password authentication failed")
NEVER = 2**63 - 1
"""A moment (UTC nanoseconds) that does not come."""
Stand = tuple[object, str, object]
"""Something that decided: an object, an attribute of it, and what that has to be, the very object (`engine._native.Leave`)."""


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody who proved who they are by a signed token, and how far that goes.

    `expires_at` is UTC nanoseconds. `token` is the id of one of ours; `resources` and `effects` None: all, any. `is_local`: the
    configuration knows the principal, and what it says of them at the moment counts. `once`: the token is used up by this.
    """

    principal: Principal
    expires_at: int
    token: str | None = None
    resources: frozenset[str] | None = None
    effects: frozenset[str] | None = None
    job: str | None = None
    prompt: str | None = field(default=None, repr=False)
    once: bool = False
    is_local: bool = False
    attributes: Mapping[str, Json] = field(default_factory=dict)
    roles: tuple[str, ...] = ()

    @property
    def user(self) -> str:
        return self.principal.name

    @property
    def groups(self) -> Sequence[str]:
        return self.principal.groups

    def reaches(self, resource: str) -> bool:
        """Whether it is for this resource."""
        return self.resources is None or resource in self.resources


@dataclass(frozen=True, slots=True)
class Standings:
    """What has to stand for something to count on. `until` is UTC nanoseconds, `lasts` seconds from when this was said."""

    stands: Sequence[Stand]
    until: int = NEVER
    lasts: float = inf


@dataclass(frozen=True, slots=True)
class Unproven:
    """A token that proves nobody. `code` is for the audit, `refusal` for the client; `is_fault`: it was not the client's."""

    code: str
    refusal: Refusal = NOT_PROVEN
    is_fault: bool = False
    user: str = ""
    groups: Sequence[str] = ()


def noted(refusal: Refusal | None, problem: Unproven | None, login: Login | None) -> str:
    """What the audit is told of a login: by which token, or why not."""
    if refusal is None:
        return "" if login is None or login.token is None else f"token {login.token}"
    return refusal.code if problem is None else f"{refusal.code} {problem.code}"
