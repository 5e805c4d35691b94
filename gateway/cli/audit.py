"""`audit show`: what was asked and answered, from the log itself."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from gateway.audit.entry import Entry, Kind, encode
from gateway.audit.export.shapes import Shape, shape_event
from gateway.audit.keys import log_name
from gateway.audit.read import Filter, read, read_lines
from gateway.audit.unusual import unusual
from gateway.cli import proofs, shredding
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from gateway.cli.output import complain, say
from gateway.config import load_config

MAX_TEXT = 120
MAX_EXPORTED = 16 << 20
"""Bytes of one printed line: more than any entry becomes, so that nothing is cut."""


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="The audit log.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command()(show)
    group.command()(export)
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
        say(_as_json(entry) if as_json else _as_text(entry))


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


def _as_json(entry: Entry) -> str:
    return encode(msgspec.structs.replace(entry, seq=0), entry.seq)[:-1].decode()


def _as_text(entry: Entry) -> str:
    moment = datetime.fromtimestamp(entry.time / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
    head = f"{entry.seq:>8}  {moment}  {entry.kind.value:<8}"
    match entry.kind:
        case Kind.DECISION:
            rules = ",".join(rule for rule, _ in entry.rules)
            text = "[unreadable: the key of its content is gone]" if entry.unreadable else " ".join(entry.text.split())
            shown = text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
            line = f"{head}  {entry.verdict:<5}  {entry.principal}@{entry.resource}  {rules}  {shown}"
            why = unusual(entry)
            return f"{line}  ({why})" if why else line
        case Kind.OUTCOME:
            return f"{head}  {entry.decision_id}  rows {entry.rows or 0}  bytes {entry.bytes or 0}  {entry.error or ''}"
        case Kind.SHADOW:
            rules = ",".join(rule for rule, _ in entry.rules)
            return f"{head}  {entry.decision_id}  {entry.note}  {entry.principal}@{entry.resource}  {rules}"
        case Kind.RECORDING:
            return f"{head}  {entry.step:<9}  {entry.note}  {entry.principal}@{entry.resource}  chunks {entry.rows or 0}  {entry.digest[:16]}"
        case Kind.APPROVAL:
            return f"{head}  {entry.step:<5}  {entry.ticket}  {entry.person}  {entry.note}"
        case _:
            return f"{head}  {entry.step}  {entry.principal}  {entry.resource}  {entry.revision[:12]}  {entry.note}".rstrip()


def time_of(text: str | None) -> int | None:
    """UTC nanoseconds of a time as people write it."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        complain(f"`{text}` is no time", help="write it like 2026-11-21T09:00 or 2026-11-21T09:00:00+01:00")
        raise typer.Exit(2) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1_000_000_000)
