"""`up` (everything in one process), `serve` (the decision service only), `version`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path

import typer

from gateway.cli.options import DEFAULT_CONFIG, ConfigFile
from gateway.cli.output import say
from gateway.config import Config, load_config
from gateway.config.model import LogFormat
from gateway.errors import ConfigInvalid
from gateway.telemetry import logger, set_up_log


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(up)
    app.command()(serve)
    app.command()(version)


def up(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Run everything: listeners for clients, the decision service, approvals, audit."""
    _run(config, listeners=True)


def serve(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Run the decision service only (gRPC), without listeners for clients."""
    _run(config, listeners=False)


def version() -> None:
    """Print the version."""
    try:
        say(f"sallyport {installed_version('sallyport')}")
    except PackageNotFoundError:
        say("sallyport, from a checkout")


def _run(file: Path, *, listeners: bool) -> None:
    # WHY here: the servers' libraries take long to load, and no other command needs them.
    from gateway.app.allocator import tell_allocator
    from gateway.app.assembly import Gateway
    from gateway.app.running import run

    tell_allocator(os.environ)
    config = load_config(file, os.environ)
    set_up_log(config.log.level.value, as_json=config.log.format is LogFormat.JSON)
    _check_something_listens(config, listeners)
    gateway = Gateway(config, os.environ)

    def started(places: Sequence[str]) -> None:
        say(f"policies {gateway.policies.revision[:12]} from {gateway.policies.origin}")
        for place in places:
            say(place)
        say("ready")
        sys.stdout.flush()

    def reload() -> None:
        gateway.reload(_read_again(file), os.environ)

    run(gateway, listeners=listeners, started=started, reload=reload)


def _check_something_listens(config: Config, listeners: bool) -> None:
    if not config.rpc.socket and config.rpc.bind is None and not (listeners and config.listener):
        raise ConfigInvalid(
            "nothing would listen", help="add [[listener]], [[rpc.socket]] or `[rpc] bind` to the configuration"
        )


def _read_again(file: Path) -> Config | None:
    try:
        return load_config(file, os.environ)
    except ConfigInvalid as error:
        logger("app").error("the configuration was not loaded again", problems=list(error.problems[:5]))
        return None
