"""`login`, `logout`, `whoami`: signing in at the gateway's OpenID provider from a terminal. The session is kept by `session`."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import AsJson
from gateway.cli.output import complain, say, say_json
from gateway.cli.session import Session, asked, call, forget, keep, kept, session_file
from gateway.errors import IdentityRefused
from gateway.faces.paths import SIGN_IN, WHO
from gateway.identity.oidc.device import Begun, DeviceFlow, SignedIn
from gateway.identity.oidc.issuer import Issuer
from gateway.identity.oidc.settings import IssuerSettings


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(login)
    app.command()(logout)
    app.command()(whoami)


def login(
    gateway: Annotated[str, typer.Option(envvar="SALLYPORT_GATEWAY", help="The gateway's faces: https://HOST:PORT.")],
    ca: Annotated[
        Path | None, typer.Option(help="Whose certificate the gateway has, if this machine does not know.")
    ] = None,
    issuer_ca: Annotated[Path | None, typer.Option(help="The same of the OpenID provider.")] = None,
) -> None:
    """Sign in: open the page that is shown, enter the code. The session is kept for you alone."""
    ca_file = None if ca is None else str(ca.absolute())
    flow = DeviceFlow(Issuer(_settings(gateway, ca_file, issuer_ca)), time.time_ns)
    begun = flow.begin()
    complain(f"open {begun.page} and enter {begun.user_code}", help=_shortcut(begun))
    found = _wait(flow, begun)
    who = found.identity
    file = session_file(os.environ)
    keep(Session(gateway, who.principal, who.issuer, who.expires_at, found.token, ca_file), file)
    say(f"signed in as {who.principal} until {_when(who.expires_at)}")


def logout() -> None:
    """Forget the session."""
    say("signed out" if forget(session_file(os.environ)) else "nobody was signed in")


def whoami(as_json: AsJson = False) -> None:
    """Say who you are, as the gateway sees you now."""
    session = kept(session_file(os.environ))
    found = asked(session, WHO)
    if as_json:
        say_json(dict(found))
        return
    groups = found.get("groups")
    shown = ", ".join(str(one) for one in groups) if isinstance(groups, list) and groups else "no groups"
    say(f"{found.get('principal')} ({shown}) at {session.gateway} until {_when(session.expires_at)}")


def _settings(gateway: str, ca_file: str | None, issuer_ca: Path | None) -> IssuerSettings:
    """The issuer at which this gateway has people sign in."""
    answer = call(gateway, SIGN_IN, ca_file=ca_file)
    issuer, client, scopes = (answer.document.get(name) for name in ("issuer", "client_id", "scopes"))
    if answer.status != 200 or not isinstance(issuer, str) or not isinstance(client, str):
        raise IdentityRefused(
            "nobody can sign in at this gateway", help="it needs an [[identity.oidc]]", code="NO_ISSUER"
        )
    named = tuple(one for one in scopes if isinstance(one, str)) if isinstance(scopes, list) else ("openid",)
    return IssuerSettings("gateway", issuer, client_id=client, audiences=(client,), scopes=named, ca_file=issuer_ca)


def _shortcut(begun: Begun) -> str:
    return "" if begun.complete_page is None else f"or open {begun.complete_page}"


def _wait(flow: DeviceFlow, begun: Begun) -> SignedIn:
    deadline, interval = time.monotonic() + begun.lasts, begun.interval
    while time.monotonic() < deadline:
        time.sleep(interval)
        found = flow.look(begun)
        if isinstance(found, SignedIn):
            return found
        interval += found
    raise IdentityRefused("signing in took too long", help="begin again", code="LOGIN_LATE")


def _when(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment // 1_000_000_000, UTC).isoformat()[:19]}Z"
