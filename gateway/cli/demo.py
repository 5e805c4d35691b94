"""`demo`: a real PostgreSQL with sample data behind the gateway, and a line to paste for each verdict."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import say


def register(app: typer.Typer) -> None:
    """Add this group's command."""
    app.command()(demo)


def demo(
    check: Annotated[bool, typer.Option("--check", help="Paste the lines with a real psql and compare.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="All that this machine has: SSH, HTTP, Kubernetes beside PostgreSQL.")
    ] = False,
    autogen: Annotated[
        bool, typer.Option("--autogen", help="A team of AutoGen's agents instead, and its story.")
    ] = False,
) -> None:
    """Run a private PostgreSQL behind the gateway; everything is temporary and goes away with Ctrl-C."""
    if autogen:
        from gateway.demo.autogen.playing import play_team

        if not play_team(Path(__file__).parents[2], os.environ, say):
            raise typer.Exit(1)
        return
    # WHY here: the servers' libraries take long to load, and no other command needs them.
    from gateway.demo.playing import play

    checkout = Path(__file__).parents[2]
    if not play(checkout, os.environ, say, check=check, everything=everything):
        raise typer.Exit(1)
