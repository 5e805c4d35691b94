"""People before the console, and a gate behind it, for its unit tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp
from yarl import URL

from engine.request import Principal
from gateway.approvals.states import Binding, Demand, Shown
from gateway.approvals.store import NewTicket
from gateway.console.calls import Call, Page, Viewer
from gateway.console.doorway import Provider
from gateway.console.holds import Holds
from gateway.console.live import Watchers
from gateway.console.server import ConsoleServer, Pages, Place, Route
from gateway.console.signed_in import Facts, SignedIn, SignIns
from gateway.console.signing_in import Entrance
from gateway.errors import StoreUnavailable
from gateway.identity.names import Names
from gateway.identity.oidc.settings import IssuerSettings
from gateway.identity.people import Known, People
from gateway.identity.scram import make_verifier
from tests.strategies.gates import House

SECOND = 1_000_000_000


def viewer(
    name: str = "dora", roles: tuple[str, ...] = ("approver", "auditor"), groups: tuple[str, ...] = ("dba",)
) -> Viewer:
    session = SignedIn(b"s" * 32, name, 0, 0, Facts(csrf="the-token", way="secret"))
    return Viewer(name, "user", groups, frozenset(roles), session)


def call(
    who: Viewer | None = None,
    now: int = 0,
    path: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
) -> Call:
    return Call(who or viewer(), now, path or {}, query or {}, form or {})


def new_ticket(text: str = "DELETE FROM t WHERE a = 1", principal: str = "ana", expires_at: int = 1 << 62) -> NewTicket:
    binding = Binding(principal, "orders", "postgres", "d" * 64, "", "m" * 64, "r" * 64)
    shown = Shown(text, ("delete (delete): public.t",), "s-1", "build-42", "psql", "10.0.0.9")
    return NewTicket(binding, (Demand(groups=("dba",)),), ("p/WRITE",), expires_at, shown, "a DBA looks at it")


def requested(house: House, **changes: object) -> str:
    """A ticket that waits; its id."""
    return house.approvals.request(new_ticket(**changes), house.clock()).id  # type: ignore[arg-type]  # named by tests


PASSWORD = "a password of tests"
DORA = Known(Principal("dora", "user", ("dba",)), make_verifier(PASSWORD, b"s" * 16), roles=("approver", "auditor"))


class Served:
    """A console on a socket of this machine with a gate behind it, and a client that a browser could be."""

    def __init__(
        self,
        folder: Path,
        provider: Provider | None = None,
        issuers: Sequence[IssuerSettings] = (),
        trusted_proxies: tuple[str, ...] = (),
    ) -> None:
        self.house = House(folder)
        self.people = People([DORA], b"k" * 32)
        sessions = SignIns(self.house.database, idle_seconds=3_600, most_seconds=36_000)
        self.names = Names(lambda: self.people, issuers)
        self.entrance = Entrance(lambda: self.people, sessions, self.house.log, self.house.clock, self.names)
        holds = Holds(self.house.approvals, self.house.gate, self.house.gate.recalling)
        routes = [
            Route("/holds", holds.list),
            Route("/holds/{ticket}", holds.one),
            Route("/holds/{ticket}/approve", holds.approve, is_form=True),
            Route("/broken", self._broken),
        ]
        self.watchers = Watchers(self.house.approvals.bell, lambda: self.house.log.next_seq)
        self.server = ConsoleServer(
            Place("127.0.0.1", 0, trusted_proxies=trusted_proxies),
            Pages(routes, lambda viewer: 7),
            self.entrance,
            self.watchers,
            self.house.clock,
            provider,
        )
        self.cookies: dict[str, str] = {}

    def _broken(self, call: Call) -> Page:
        raise StoreUnavailable("the store refused (Test)")

    async def ask(
        self, method: str, path: str, form: Mapping[str, str] | None = None, **headers: str
    ) -> tuple[int, str, Mapping[str, str]]:
        """Ask once, with what a browser sends of its own; cookies are kept."""
        sent = {"Sec-Fetch-Site": "same-origin", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        async with (
            aiohttp.ClientSession() as client,
            client.request(
                method, URL(self.server.origin + path, encoded=True), data=form, headers=sent, allow_redirects=False
            ) as answer,
        ):
            for name, cookie in answer.cookies.items():
                self.cookies[name] = cookie.value
                if not cookie.value:
                    del self.cookies[name]
            return answer.status, await answer.text(), answer.headers

    async def sign_in(
        self, secret: str = PASSWORD, name: str = "dora", place: str = "", **sent: str
    ) -> tuple[int, str, str]:
        """Through the form; status, page, where to."""
        _, page, _ = await self.ask("GET", "/sign-in")
        form = {"csrf": token_in(page), "name": name, "secret": secret, "next": place}
        status, page, headers = await self.ask("POST", "/sign-in", form, **sent)
        return status, page, headers.get("Location", "")


def token_in(page: str) -> str:
    """The token of a page's first form."""
    return page.split('name="csrf" value="')[1].split('"')[0]
