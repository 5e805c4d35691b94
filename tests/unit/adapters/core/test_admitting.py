"""Who is let in is told where the resource is; who is not, why; nobody is left half inside."""

from __future__ import annotations

from adapters.core.admitting import checked, examined, let_in
from adapters.core.effects import Admit
from adapters.core.events import Admitted, OwnerFound, Refused, TokenChecked
from adapters.core.ports import Refusal, Target
from adapters.core.reaching import NO_TARGET
from tests.unit.adapters.core.test_relay import Keeper as Tokens


class Session:
    id = "s-1"

    def __init__(self) -> None:
        self.closed: list[str] = []

    def close(self, reason: str) -> None:
        self.closed.append(reason)


class Keeper:
    def __init__(self, found: Session | Refusal, target: Target | None) -> None:
        self.found, self.there, self.asked = found, target, dict[str, object]()

    def admit(self, **asked: object) -> Session | Refusal:
        self.asked = asked
        return self.found

    def target(self, resource: str) -> Target | None:
        return self.there

    def groups_of(self, user: str) -> tuple[str, ...]:
        return (f"friends of {user}",)


WISH = Admit("ana", "orders", "postgres", True, "psql", "shop")
THERE = Target("db", 5432, "gateway")


def test_who_is_let_in_is_told_where_to_go() -> None:
    session = Session()
    keeper = Keeper(session, THERE)
    found = let_in(keeper, WISH, "10.0.0.9")  # type: ignore[arg-type]  # as much of a doorkeeper as is asked
    assert found == (session, Admitted("s-1", THERE, ("friends of ana",)))
    assert (keeper.asked["client_address"], keeper.asked["database"]) == ("10.0.0.9", "shop")


def test_who_is_not_is_told_why() -> None:
    refusal = Refusal("28000", "no")
    assert let_in(Keeper(refusal, THERE), WISH, None) == Refused(refusal)  # type: ignore[arg-type]


def test_without_a_target_the_session_is_over() -> None:
    session = Session()
    assert let_in(Keeper(session, None), WISH, None) == Refused(NO_TARGET)  # type: ignore[arg-type]
    assert session.closed == ["no such resource"]


async def test_a_secret_is_looked_into_only_where_it_is_signed() -> None:
    keeper = Tokens()
    assert checked(keeper, "ann", "ey good", "orders") is None
    assert checked(keeper, None, "plain", "orders") == OwnerFound(keeper.owner_of("plain"))
    assert checked(keeper, "ann", "plain", "orders") == TokenChecked(keeper.check_token("ann", "plain", "orders"))
    found = await examined(keeper, None, "ey good", "orders")
    assert isinstance(found, OwnerFound)
    assert found.user == "ann"
    for user, is_theirs in (("ann", True), ("bo", False), ("", False)):
        told = await examined(keeper, user, "ey good", "orders")
        assert isinstance(told, TokenChecked)
        assert told.good is is_theirs
    assert (await examined(keeper, None, "ey bad", "orders")).user is None  # type: ignore[union-attr]  # an owner
