"""`console link`: a link that signs somebody in to the console once. Made beside the gateway, in its store, by whoever may read that:
the operator, for the first time, or when nothing else is there to sign in with."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from gateway.cli.output import complain, say, say_json
from gateway.cli.tokens import seconds_of
from gateway.config import load_config


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="The console.")
    # WHY: with one command alone Typer would leave its name out.
    group.callback()(_nothing)
    group.command("link")(link)
    app.add_typer(group, name="console")


def _nothing() -> None:
    """The console."""


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
