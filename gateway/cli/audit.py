"""`audit show`: what was asked and answered, from the log itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from gateway.audit.entry import Kind
from gateway.audit.export.shapes import Shape, shape_event
from gateway.audit.keys import log_name
from gateway.audit.read import Filter, read, read_lines
from gateway.audit.unusual import unusual
from gateway.cli import finding, proofs, shredding
from gateway.cli.entries import as_json_line, as_text, time_of
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from gateway.cli.output import say
from gateway.config import load_config

MAX_EXPORTED = 16 << 20
"""Bytes of one printed line: more than any entry becomes, so that nothing is cut."""


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="The audit log.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command()(show)
    group.command()(export)
    finding.register(group)
    proofs.register(group)
    shredding.register(group)
    app.add_typer(group, name="audit")


def show(  # each is an option of the command line
    config: ConfigFile = DEFAULT_CONFIG,
    directory: Annotated[
        Path | None, typer.Option("--dir", help="The log's folder, instead of the configuration's.")
    ] = None,
    as_json: AsJson = False,
    kind: Annotated[
        list[Kind] | None, typer.Option(help="Only entries of this kind; may be given more than once.")
    ] = None,
    principal: str | None = None,
    resource: str | None = None,
    session: str | None = None,
    job: str | None = None,
    verdict: str | None = None,
    rule: str | None = None,
    ticket: str | None = None,
    since: Annotated[
        str | None, typer.Option(help="A time (2026-11-21T09:00), in UTC unless it says otherwise.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="A time; entries of that moment are left out.")] = None,
    after: Annotated[int, typer.Option(help="Only entries after this number.")] = 0,
    only_unusual: Annotated[
        bool, typer.Option("--unusual", help="Only decisions on what that kind of job never did before.")
    ] = False,
) -> None:
    """Print entries in order, one a line; with --json each as it stands in the log."""
    wanted = Filter(
        kinds=frozenset(kind or ()),
        principal=principal,
        resource=resource,
        session=session,
        job=job,
        verdict=verdict,
        rule=rule,
        ticket=ticket,
        since=time_of(since),
        until=time_of(until),
        after_seq=after,
    )
    place = directory
    if place is None:
        loaded = load_config(config, os.environ)
        place = loaded.at(loaded.audit.dir)
    for entry in read(place, wanted):
        if only_unusual and not unusual(entry):
            continue
        say(as_json_line(entry) if as_json else as_text(entry))


def export(
    config: ConfigFile = DEFAULT_CONFIG,
    directory: Annotated[
        Path | None, typer.Option("--dir", help="The log's folder, instead of the configuration's.")
    ] = None,
    shape: Annotated[Shape, typer.Option("--format", help="OCSF 1.5.0, or as the log has it.")] = Shape.OCSF,
    after: Annotated[int, typer.Option(help="Only entries after this number.")] = 0,
) -> None:
    """Print every entry as one line of JSON under its uid, as `[[audit.export]]` sends them."""
    place = directory
    if place is None:
        loaded = load_config(config, os.environ)
        place = loaded.at(loaded.audit.dir)
    log = ""
    for _, line in read_lines(place, after):
        # WHY only now: where there is no log, none is to be given a name.
        log = log or log_name(place)
        say(shape_event(line, log, shape, MAX_EXPORTED).body.decode())
