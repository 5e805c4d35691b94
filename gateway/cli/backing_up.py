"""`backup` and `restore`: everything of a gateway that cannot be made again, in a folder; docs/backup.md."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import DEFAULT_CONFIG, ConfigFile
from gateway.cli.output import say
from gateway.config import load_config

Place = Annotated[Path, typer.Argument(help="The folder of the backup.")]
Keys = Annotated[Path | None, typer.Option("--keys", help="A folder for the keys; without it they are left out.")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(backup)
    app.command()(restore)


def backup(place: Place, config: ConfigFile = DEFAULT_CONFIG, keys: Keys = None) -> None:
    """Copy store, audit and recordings of a gateway, also while it runs, into a new folder."""
    # WHY here: what asks the store takes long to load, and no other command of this group's need it.
    from gateway.app.backup import make_backup

    made = make_backup(load_config(config, os.environ), os.environ, place, keys, time.time_ns())
    say(f"{place}: {len(made.files)} files; the log {made.log}")
    say("  no keys are in it" if keys is None else f"  the keys are in {keys}: keep them elsewhere")


def restore(
    place: Place,
    config: ConfigFile = DEFAULT_CONFIG,
    keys: Keys = None,
    nothing_since: Annotated[
        bool,
        typer.Option(
            "--nothing-since",
            help="The gateway was stopped before the backup and did nothing after it: tokens and grants stay good, the log goes on.",
        ),
    ] = False,
) -> None:
    """Bring a backup back to where the configuration has its parts, which must not be there. Tokens and grants of then end."""
    from gateway.app.restoring import restore as bring_back

    found = bring_back(load_config(config, os.environ), os.environ, place, keys, nothing_since=nothing_since)
    ended = found.ended
    say(f"{found.log}: {found.entries:,} entries, whole; the store: {found.rows:,} rows")
    if not nothing_since:
        say(
            f"  ended: {ended.tokens} tokens, {ended.tickets} open tickets and grants, {ended.remembered} remembered approvals; "
            "who signed in to the console signs in again"
        )
        say("  the log of before is beside the new one; `sallyport audit verify --dir` reads it")
