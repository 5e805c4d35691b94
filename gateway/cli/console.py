"""`console link`: a link that signs somebody in to the console once; `console sign-ins`, `console sign-out`: who is signed in there.

Beside the gateway, in its store, by whoever may read that: the operator. What is made or ended is told to the audit (`app.beside`).
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from gateway.cli.output import complain, say, say_json
from gateway.cli.tokens import seconds_of
from gateway.config import load_config

if TYPE_CHECKING:
    from gateway.console.signed_in import SignedIn


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="The console.")
    group.command("link")(link)
    group.command("sign-ins")(sign_ins)
    group.command("sign-out")(sign_out)
    app.add_typer(group, name="console")


def link(
    principal: Annotated[str, typer.Option("--as", help="Whom it signs in: an [[identity.principal]].")],
    ttl: Annotated[str, typer.Option(help="How long it waits to be used: 90s, 10m, 1h.")] = "10m",
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Make a link that signs somebody in to the console, once."""
    # WHY here: what makes tokens takes long to load, and no other command needs it.
    from gateway.app.console import console_origin
    from gateway.app.minting import TokenDesk

    seconds = seconds_of(ttl)
    loaded = load_config(config, os.environ)
    origin = None if loaded.console.bind is None else console_origin(loaded)
    if origin is None:
        complain(
            "nobody knows where the console is", help="set `[console] bind`, and `url` where browsers find it elsewhere"
        )
        raise typer.Exit(2)
    with TokenDesk.opened(loaded, os.environ) as desk:
        token, grant = desk.link(principal, seconds)
    place = f"{origin}/sign-in/link?token={token}"
    if as_json:
        say_json({"link": place, "id": grant.id, "principal": grant.principal, "expires_at": grant.expires_at})
        return
    say(place)
    complain(
        f"it signs in `{principal}`, once, within {ttl}", help=f"`sallyport token revoke {grant.id}` takes it back"
    )


def sign_ins(
    principal: Annotated[str | None, typer.Option("--as", help="Only of this one.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List who is signed in to the console, newest first."""
    from gateway.app.sign_ins import SignInDesk

    with SignInDesk.opened(load_config(config, os.environ), os.environ) as desk:
        found = desk.alive(principal)
    if as_json:
        say_json([_fields(one) for one in found])
        return
    for one in found:
        where = one.facts.address or "-"
        say(
            f"{one.name}  {one.principal}  since {_when(one.opened_at)}  last {_when(one.seen_at)}  {one.facts.way}  {where}"
        )
    if not found:
        say("nobody is signed in")


def sign_out(
    names: Annotated[list[str] | None, typer.Argument(help="What `console sign-ins` calls them: c-...")] = None,
    all_of: Annotated[str | None, typer.Option(help="Every sign-in of this principal.")] = None,
    comment: Annotated[str, typer.Option("--comment", "-m", help="Why; it stands in the audit.")] = "",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """End sign-ins to the console; the next click is refused, at every replica."""
    from gateway.app.sign_ins import SignInDesk

    if bool(names) == (all_of is not None):
        complain("expected names, or `--all-of NAME`")
        raise typer.Exit(2)
    with SignInDesk.opened(load_config(config, os.environ), os.environ) as desk:
        wanted = names or [one.name for one in desk.alive(all_of)]
        unknown = [name for name in wanted if not desk.take_back(name, comment)]
    for name in wanted:
        if name in unknown:
            complain(f"{name}: nobody is signed in by that name")
        else:
            say(f"{name}: ended")
    if unknown:
        raise typer.Exit(1)


def _fields(one: SignedIn) -> dict[str, object]:
    return {
        "name": one.name,
        "principal": one.principal,
        "opened_at": one.opened_at,
        "seen_at": one.seen_at,
        "way": one.facts.way,
        "address": one.facts.address,
    }


def _when(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment // 1_000_000_000, UTC).isoformat()[:19]}Z"
