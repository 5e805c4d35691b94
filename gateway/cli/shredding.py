"""`audit shred`: make contents of the audit unreadable for ever, by destroying their keys."""

from __future__ import annotations

import os
import pwd
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.audit.content_keys import ContentKeys
from gateway.audit.shredding import Request, ask, overdue, span_of
from gateway.cli.options import DEFAULT_CONFIG, ConfigFile
from gateway.cli.output import complain, say
from gateway.config import Config, load_config
from gateway.errors import AuditUnavailable


def register(group: typer.Typer) -> None:
    """Add this command to those of `audit`."""
    group.command()(shred)


def shred(
    config: ConfigFile = DEFAULT_CONFIG,
    rule: Annotated[
        str | None, typer.Option(help="Contents kept by this rule (`default`: of all that no other names).")
    ] = None,
    before: Annotated[
        str | None, typer.Option(help="Written before this day (2026-11-21, UTC), however long they are to be kept.")
    ] = None,
    only_say: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and leave it.")] = False,
) -> None:
    """Shred contents whose time is over by the configuration, or those that --before and --rule name.

    Entries, proofs and the metadata of entries stay. A running gateway does it within seconds; without one it is done here.
    """
    loaded = load_config(config, os.environ)
    directory = loaded.at(loaded.audit.dir)
    keys = _wanted(loaded, directory, rule, before)
    for key in keys:
        say(key)
    if only_say or not keys:
        if not keys:
            say("nothing is to be shredded")
        return
    person = pwd.getpwuid(os.geteuid()).pw_name
    try:
        _shred_here(loaded, keys, person)
    except AuditUnavailable as error:
        if error.code != "AUDIT_OWNED":
            raise
        ask(directory, Request(tuple(keys), person))
        complain(
            "a gateway writes this log", help="it was asked to shred these; `audit show --kind shredded` says when"
        )


def _wanted(config: Config, directory: Path, rule: str | None, before: str | None) -> list[str]:
    from gateway.app.retention import keep_days_of

    if before is None:
        found = overdue(directory, keep_days_of(config), time.time_ns())
    else:
        end = _day(before)
        spans = [(key, span) for key in ContentKeys(directory).all() if (span := span_of(key)) is not None]
        found = [key for key, span in spans if span.until <= end]
    return [key for key in found if rule is None or key.startswith(f"{rule}/")]


def _shred_here(config: Config, keys: list[str], person: str) -> None:
    # WHY here: what builds a gateway takes a second to load, which a dry run need not wait for.
    from gateway.app.retention import Shredder, open_log
    from gateway.app.secrets import Secrets
    from gateway.store.database import open_database
    from gateway.store.migrations import upgrade

    log = open_log(config)
    try:
        database = open_database(Secrets(config, os.environ).store_url())
        try:
            upgrade(database)
            Shredder(config, log, database).shred(keys, time.time_ns(), person)
        finally:
            database.close()
    finally:
        log.close()


def _day(text: str) -> int:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        complain(f"`{text}` is no day", help="write it like 2026-11-21")
        raise typer.Exit(2) from None
    return int(day.timestamp()) * 10**9
