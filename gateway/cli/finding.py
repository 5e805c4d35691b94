"""`audit search` and `audit index`: decisions and other entries by what is remembered of them; the index that makes it quick."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from engine import command_reader
from gateway.audit.catalogs import KeptCatalogs
from gateway.audit.entry import Kind
from gateway.audit.index.finding import Finder
from gateway.audit.index.postings import Postings
from gateway.audit.index.sought import FactReader, Sought
from gateway.audit.keys import log_name
from gateway.cli.entries import as_json_line, as_text, time_of
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from gateway.cli.output import complain, say
from gateway.config import Config, load_config
from gateway.errors import AuditUnavailable, StoreUnavailable
from gateway.store.database import Database, open_database

MOST = 1_000
INDEXED_AT_ONCE = 500


def register(group: typer.Typer) -> None:
    """Add these commands to those of `audit`."""
    group.command()(search)
    group.command()(index)


def search(
    words: Annotated[list[str] | None, typer.Argument(help="Whole words of the command, all of them.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    directory: Annotated[
        Path | None, typer.Option("--dir", help="A log's folder, without configuration and index.")
    ] = None,
    as_json: AsJson = False,
    kind: Annotated[Kind, typer.Option(help="Entries of this kind.")] = Kind.DECISION,
    principal: str | None = None,
    resource: str | None = None,
    session: str | None = None,
    job: str | None = None,
    verdict: str | None = None,
    rule: Annotated[str | None, typer.Option(help="A rule, or its code alone.")] = None,
    effect: Annotated[str | None, typer.Option(help="What the command does: read, write, delete ...")] = None,
    object: Annotated[  # the word of the command line
        str | None, typer.Option(help="A table, file, route ... it touches; the end of its name is enough.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="A time (2026-11-21T09:00), in UTC unless it says otherwise.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="A time; entries of that moment are left out.")] = None,
    before: Annotated[int | None, typer.Option(help="Only entries before this number: the next page.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST)] = 50,
) -> None:
    """Find entries, the newest first; one a line. What is not in the index is read from the log."""
    sought = Sought(
        kind=kind,
        principal=principal,
        resource=resource,
        session=session,
        job=job,
        verdict=verdict,
        rule=rule,
        effect=effect,
        object=object,
        text=" ".join(words or ()),
        since=time_of(since),
        until=time_of(until),
    )
    loaded = None if directory is not None else load_config(config, os.environ)
    place = directory if loaded is None else loaded.at(loaded.audit.dir)
    assert place is not None
    if not place.is_dir():
        raise AuditUnavailable(f"there is no audit in {place}", help="see `[audit] dir`")
    with _postings(loaded, place) as postings:
        finder = Finder(place, FactReader(command_reader(), KeptCatalogs(place)), postings)
        found = finder.find(sought, limit, before)
    for entry in found.entries:
        say(as_json_line(entry) if as_json else as_text(entry))
    if found.older is not None:
        complain(f"{found.looked} entries were looked at, there are older ones", help=f"--before {found.older}")


def index(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Make the index of the log anew, whole. A running gateway may go on meanwhile; searches read the log until it is there."""
    from gateway.app.searches import build_indexer
    from gateway.store.migrations import upgrade

    loaded = load_config(config, os.environ)
    place = loaded.at(loaded.audit.dir)
    if not place.is_dir():
        raise AuditUnavailable(f"there is no audit in {place}", help="see `[audit] dir`")
    with _database(loaded) as database:
        upgrade(database)
        indexer = build_indexer(loaded, database, log_name(place), command_reader())
        indexer.anew()
        total = 0
        while count := indexer.step(INDEXED_AT_ONCE):
            total += count
    say(f"{total:,} entries are indexed")


@contextmanager
def _database(config: Config) -> Iterator[Database]:
    # WHY here: it loads what reads every kind of credential.
    from gateway.app.secrets import Secrets

    database = open_database(Secrets(config, os.environ).store_url())
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _postings(config: Config | None, place: Path) -> Iterator[Postings | None]:
    """The index of a log; None where there is none, or no store to ask."""
    if config is None or not (place / "name").is_file():
        yield None
        return
    try:
        with _database(config) as database:
            yield Postings(database, log_name(place))
    except StoreUnavailable:
        complain("the store cannot be asked; the log is read instead")
        yield None
