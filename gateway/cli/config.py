"""`config check`: everything that is wrong with a configuration, at once."""

from __future__ import annotations

import os

import typer

from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from gateway.cli.output import say, say_json
from gateway.config import read_config


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="The configuration file.", no_args_is_help=True)
    # WHY a callback: with one command alone the group would vanish, and `config check` be `config`.
    group.callback()(lambda: None)
    group.command()(check)
    app.add_typer(group, name="config")


def check(config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List every mistake with its file, line and what was expected."""
    read, problems = read_config(config, os.environ)
    if as_json:
        say_json(
            {"problems": [{"place": found.place, "key": found.key, "message": found.message} for found in problems]}
        )
    else:
        for found in problems:
            say(str(found))
        if not problems:
            names = ", ".join(resource.name for resource in read.resource) or "none"
            say(f"{config}: fine (resources: {names}; {len(read.listener)} listener{'s'[: len(read.listener) != 1]})")
    if problems:
        raise typer.Exit(1)
