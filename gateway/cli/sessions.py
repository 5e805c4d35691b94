"""`sessions` lists recordings, checks them against the audit, searches them, puts old ones away; `play` shows one.

Works on files, beside a running gateway or without one. What was recorded reaches the terminal only through `recording.showing`, and
only after the audit was told who looks (`announcing`).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec
import typer

from gateway.audit.entry import Entry, Kind
from gateway.audit.read import Filter, read
from gateway.cli.announcing import announce
from gateway.cli.entries import time_of
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from gateway.cli.output import complain, say, say_json
from gateway.cli.reaching import As, Socket
from gateway.config import Config, load_config
from gateway.credentials.sources import fetch_secret
from gateway.errors import AuditUnavailable, RecordingBroken, RecordingUnavailable
from gateway.recording.exchanges import EXCHANGES, read_line
from gateway.recording.frames import Head, read_head
from gateway.recording.keys import WrappingKeys, own_secret
from gateway.recording.lines import COMMAND, Event, cast_of, exchanges_in
from gateway.recording.recorder import STOPPED
from gateway.recording.shelf import Wanted, digest_after, events, find, heads, lines, put_away, state_of
from gateway.recording.showing import RESET, Neutralizer, words
from gateway.recording.tables import printed, searched
from gateway.viewing import WAYS, Playing, Searching

RecordingId: TypeAlias = Annotated[str, typer.Argument(help="The recording, as `sallyport sessions` names it.")]
Speed: TypeAlias = Annotated[float, typer.Option(help="Times as fast as it was; 0: at once.")]
LONGEST_PAUSE = 2.0
MAX_SHOWN = 160
DAY = 86_400 * 10**9


class ExportFormat(StrEnum):
    """What `play --export` writes."""

    ASCIICAST = "asciicast"
    LINES = "lines"


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="Recordings of terminals, commands, statements and requests.", invoke_without_command=True)
    group.callback()(listed)
    group.command()(check)
    group.command()(search)
    group.command()(prune)
    app.add_typer(group, name="sessions")
    app.command()(play)


def listed(
    context: typer.Context,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
    principal: str | None = None,
    resource: str | None = None,
    job: str | None = None,
    session: str | None = None,
    since: Annotated[
        str | None, typer.Option(help="A time (2026-11-21T09:00), in UTC unless it says otherwise.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="A time; recordings begun then are left out.")] = None,
) -> None:
    """List recordings, oldest first."""
    if context.invoked_subcommand is not None:
        return
    wanted = Wanted(principal, resource, job, session, time_of(since), time_of(until))
    found = False
    for path, head in heads(_place(load_config(config, os.environ)), wanted):
        found = True
        state = state_of(path)
        if as_json:
            say_json({**_fields(head), "seconds": state.seconds, "bytes": state.size, "trouble": state.trouble})
        else:
            end = f"  {state.trouble}" if state.trouble else ""
            say(f"{_line(head)}  {state.seconds:.1f} s  {state.size} B{end}")
    if not found and not as_json:
        say("nothing was recorded")


def check(
    recording: Annotated[list[str] | None, typer.Argument(help="Recordings; none named is all.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Compare recordings with the digests in the audit; exit status 1 when one does not agree."""
    loaded = load_config(config, os.environ)
    known = _known(loaded)
    names = recording or [head.id for _, head in heads(_place(loaded), Wanted())]
    missing = (
        [] if recording else [name for name, entry in known.items() if entry.step != "removed" and name not in names]
    )
    bad = 0
    for name in names:
        said = _verdict(find(_place(loaded), name), known.get(name))
        bad += said.startswith("NOT")
        say(f"{name}  {said}")
    for name in missing:
        bad += 1
        say(f"{name}  NOT there: the audit knows of it")
    if bad:
        raise typer.Exit(1)


def search(
    text: Annotated[str, typer.Argument(help="What to look for: in commands and in what was shown.")],
    config: ConfigFile = DEFAULT_CONFIG,
    principal: str | None = None,
    resource: str | None = None,
    job: str | None = None,
    since: str | None = None,
    until: str | None = None,
    socket: Socket = None,
    as_principal: As = None,
) -> None:
    """Find text in recordings; one line for each place. That you look for it is in the audit first."""
    loaded = load_config(config, os.environ)
    keys = _keys(loaded)
    who, where, what_for = (None if one is None else _plain(one) for one in (principal, resource, job))
    wanted = Wanted(who, where, what_for, None, time_of(since), time_of(until))
    announce(loaded, Searching(_plain(text), wanted), socket, as_principal)
    for path, head in heads(_place(loaded), wanted):
        try:
            told = events(path, keys)
            is_table = head.shape == EXCHANGES
            for at, line in searched(exchanges_in(told)) if is_table else _texts(told):
                if text in line:
                    say(f"{head.id}  {at / 1000:>8.1f} s  {head.principal}@{head.resource}  {line.strip()[:MAX_SHOWN]}")
        except RecordingBroken as error:
            if error.code not in ("TORN", "UNFINISHED"):
                complain(f"{head.id}: {error}")


def prune(
    config: ConfigFile = DEFAULT_CONFIG,
    days: Annotated[int | None, typer.Option(help="Older than this, instead of `[recording] keep_days`.")] = None,
    only_say: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and leave it.")] = False,
) -> None:
    """Put recordings away that are older than they are kept. A running gateway does so by itself; either way it is recorded."""
    # WHY here: the database's library takes long to load, and no other command of these needs it.
    from gateway.app.beside import leave_word, operator
    from gateway.app.recordings import removed_entry

    loaded = load_config(config, os.environ)
    kept = loaded.recording.keep_days if days is None else days
    if kept <= 0:
        complain("recordings are kept for ever", help="set `[recording] keep_days`, or say --days")
        raise typer.Exit(2)
    now = time.time_ns()
    before = now - kept * DAY
    for path, head in list(heads(_place(loaded), Wanted(until=before))):
        if path.stat().st_mtime_ns < before:
            say(_line(head))
            if not only_say:
                # INVARIANT: a word of it is left first; what cannot be told stays.
                leave_word(loaded, os.environ, removed_entry(path, head, now, operator()))
                put_away(path)


def play(
    recording: RecordingId,
    config: ConfigFile = DEFAULT_CONFIG,
    speed: Speed = 1.0,
    start: Annotated[float, typer.Option("--from", help="Begin after so many seconds.")] = 0.0,
    export: Annotated[ExportFormat | None, typer.Option(help="Write it out instead: for players, or as it is.")] = None,
    socket: Socket = None,
    as_principal: As = None,
) -> None:
    """Show a recording. Only harmless sequences reach the terminal; an exported one is as it was recorded.

    That you look at it is in the audit first: through a running gateway as one of its auditors, else as you.
    """
    loaded = load_config(config, os.environ)
    path, keys = find(_place(loaded), recording), _keys(loaded)
    announce(loaded, Playing(path.stem, is_export=export is not None), socket, as_principal)
    if export is not None:
        _export(path, keys, export)
        return
    shown, before = Neutralizer(), start * 1000
    try:
        for event in events(path, keys):
            if event.code == "o":
                if event.at >= before and speed > 0:
                    sys.stdout.flush()
                    time.sleep(min((event.at - before) / 1000, LONGEST_PAUSE) / speed)
                before = max(before, event.at)
                sys.stdout.write(shown.clean(event.data))
            elif event.code == "e" and event.at >= before:
                if speed > 0:
                    sys.stdout.flush()
                    time.sleep(min((event.at - before) / 1000, LONGEST_PAUSE) / speed)
                before = event.at
                sys.stdout.write(printed(read_line(event.data.encode())))
    except RecordingBroken as error:
        _end_play()
        complain(f"{recording} ends here: {error} ({error.code})")
        raise typer.Exit(1) from None
    _end_play()


def _end_play() -> None:
    if sys.stdout.isatty():
        sys.stdout.write(RESET)


def _export(path: Path, keys: WrappingKeys, format: ExportFormat) -> None:
    with path.open("rb") as file:
        head = read_head(file).head
    found = lines(path, keys)
    if format is ExportFormat.ASCIICAST and head.shape in (COMMAND, EXCHANGES):
        found = cast_of(events(path, keys), head.started)
    for line in found:
        sys.stdout.buffer.write(line)


def _texts(found: Iterator[Event]) -> Iterator[tuple[int, str]]:
    """Lines of commands and of what was shown, as plain text, with when they began."""
    rest, since = "", 0
    for event in found:
        if event.code == "g":
            told = msgspec.json.decode(event.data)
            if isinstance(told, dict) and isinstance(told.get("text"), str):
                yield event.at, words(told["text"])
        elif event.code == "o":
            since = event.at if not rest else since
            *whole, rest = (rest + event.data).split("\n")
            for line in whole:
                yield since, words(line)
            rest = rest[-65536:]
    if rest:
        yield since, words(rest)


def _known(config: Config) -> dict[str, Entry]:
    """The newest word of the audit about each recording."""
    try:
        return {
            entry.note: entry
            for entry in read(config.at(config.audit.dir), Filter(kinds=frozenset({Kind.RECORDING})))
            if entry.step not in WAYS and entry.note
        }
    except AuditUnavailable:
        complain("the audit cannot be read: nothing proves these recordings")
        return {}


def _verdict(path: Path, entry: Entry | None) -> str:
    state = state_of(path)
    if entry is None:
        return "NOT known to the audit"
    found = digest_after(path, entry.rows or 0)
    if found is None or found.hex() != entry.digest:
        return "NOT what the audit knows"
    if state.trouble == "ALTERED":
        return "NOT whole: altered after what the audit knows"
    if entry.step == STOPPED:
        return f"INCOMPLETE: the recorder failed and it went on, proven up to chunk {entry.rows or 0} of {state.chunks}"
    if entry.step == "ended" and not state.trouble:
        return f"whole, {state.chunks} chunks"
    return f"{state.trouble or 'open'}: proven up to chunk {entry.rows or 0} of {state.chunks}"


def _plain(text: str) -> str:
    """A word of the command line as a text that can be sent and written: bytes that are none become escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _place(config: Config) -> Path:
    return config.at(config.recording.dir)


def _keys(config: Config) -> WrappingKeys:
    found = [
        fetch_secret(reference, environment=os.environ, folder=config.folder) for reference in config.recording.keys
    ]
    if not found and not (_place(config) / "recording.key").exists():
        raise RecordingUnavailable("there is no key of recordings here", help="see `[recording] keys`")
    return WrappingKeys(found or [own_secret(_place(config))])


def _line(head: Head) -> str:
    began = datetime.fromtimestamp(head.started / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
    job = f"  job {head.job}" if head.job else ""
    return f"{head.id}  {began}  {head.shape:<9}  {head.principal}@{head.resource}{job}"


def _fields(head: Head) -> dict[str, object]:
    return {name: value for name, value in msgspec.to_builtins(head).items() if name not in ("wrapped", "key")}
