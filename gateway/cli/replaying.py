"""`replay`: decisions of an audit log made again by other policies, before these are merged.

Reads the log in order, deals pieces of it to as many processes as there are processors, and prints what would flip.
What is compared is `engine/suite/replay.py`'s; how it looks is `impact_report.py`'s.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, assert_never

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from engine import Program, compile_policies
from engine.suite.replay import Impact, replay
from gateway.audit.catalogs import KeptCatalogs
from gateway.audit.entry import Entry, Kind, decode
from gateway.audit.log import segments
from gateway.audit.read import Filter, read_entry_lines
from gateway.audit.recorded import Reader
from gateway.cli.entries import time_of
from gateway.cli.impact_report import impact_csv, impact_html, impact_json, impact_text
from gateway.cli.output import complain, say
from gateway.errors import AuditUnavailable, GatewayError
from gateway.policy_store.folder import read_folder

PIECE = 500
"""Entries that a process takes at once."""
AHEAD = 4
"""Pieces that wait for each process, so that a log of any length needs little memory."""
MIN_SHARED = 4_000
"""Decisions from which on starting more processes pays."""


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    HTML = "html"


class ReplayBroken(GatewayError):
    """A process of ours was ended by somebody else."""

    code = "REPLAY_BROKEN"


@dataclass(frozen=True, slots=True)
class Work:
    """What every process needs to know."""

    log: Path
    policies: Path


def register(app: typer.Typer) -> None:
    """Add this group's command."""
    app.command(name="replay")(run)


def run(  # each is an option of the command line
    source: Annotated[Path, typer.Option("--from", help="The audit's folder, or one of its files.")],
    against: Annotated[Path, typer.Option("--against", help="The policy folder that decides now.")],
    format: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file for it, instead of printing.")] = None,
    max_flips: Annotated[int, typer.Option(min=0, help="More flips than these are a failure (exit code 1).")] = 0,
    since: Annotated[
        str | None, typer.Option(help="A time (2026-11-21T09:00), in UTC unless it says otherwise.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="A time; entries of that moment are left out.")] = None,
    principal: Annotated[str | None, typer.Option(help="Only decisions about them.")] = None,
    resource: Annotated[str | None, typer.Option(help="Only decisions about it.")] = None,
    jobs: Annotated[int, typer.Option(min=0, max=256, help="Processes; 0: one for each processor.")] = 0,
) -> None:
    """Decide recorded commands again by other policies, and show what flips: by rule, by person, by resource."""
    wanted = Filter(
        kinds=frozenset({Kind.DECISION}),
        principal=principal,
        resource=resource,
        since=time_of(since),
        until=time_of(until),
    )
    began = time.perf_counter()
    # WHY here: a policy that does not compile is told once and plainly, not by every process.
    program = _program(against)
    work = Work(source if source.is_dir() else source.parent, against)
    with _progress() as progress:
        task = progress.add_task("deciding", total=_size(source))
        impact = Impact()
        pieces = _pieces(_wanted_lines(source, wanted, lambda size: progress.advance(task, size)))
        for piece in _impacts(pieces, work, program, jobs or os.cpu_count() or 1):
            impact.join(piece)
    _show(impact, program.revision, format, output, time.perf_counter() - began)
    if impact.flipped > max_flips:
        raise typer.Exit(1)


def _show(impact: Impact, revision: str, format: Format, output: Path | None, seconds: float) -> None:
    match format:
        case Format.TEXT:
            text = impact_text(impact, revision, seconds)
        case Format.JSON:
            text = impact_json(impact, revision)
        case Format.CSV:
            text = impact_csv(impact)
        case Format.HTML:
            text = impact_html(impact, revision)
        case _:
            assert_never(format)
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        complain(f"`{output}` cannot be written ({error.strerror})")
        raise typer.Exit(3) from None
    say(f"{output}: {impact.flipped} of {impact.decided} decisions flip")


def _program(folder: Path) -> Program:
    loaded = read_folder(folder)
    return compile_policies(loaded.sources, loaded.data)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def _size(source: Path) -> int:
    """Bytes of the log, for the progress bar."""
    try:
        return sum(file.stat().st_size for file in (segments(source) if source.is_dir() else [source]))
    except OSError:
        return 0


def _wanted_lines(source: Path, wanted: Filter, passed: Callable[[int], None]) -> Iterator[bytes]:
    """The lines of the decisions that are meant, in order; `passed` is told of the bytes of all.

    Raises AuditUnavailable for a log that is none.
    """
    for entry, line in _all_lines(source):
        passed(len(line))
        if wanted.admits(entry):
            yield line


def _all_lines(source: Path) -> Iterator[tuple[Entry, bytes]]:
    if source.is_dir():
        if not segments(source):
            raise AuditUnavailable(f"there is no log in {source}", help="`--from` is the folder of `[audit] dir`")
        yield from read_entry_lines(source)
        return
    try:
        with source.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield decode(line), line
                except ValueError as error:
                    raise AuditUnavailable(f"line {number} of {source} is no entry of an audit") from error
    except OSError as error:
        raise AuditUnavailable(f"`{source}` cannot be read ({error.strerror})") from error


def _pieces(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    while piece := list(islice(lines, PIECE)):
        yield piece


def _impacts(pieces: Iterator[list[bytes]], work: Work, program: Program, jobs: int) -> Iterator[Impact]:
    first = list(islice(pieces, -(-MIN_SHARED // PIECE)))
    if jobs == 1 or sum(map(len, first)) < MIN_SHARED:
        reader = Reader(KeptCatalogs(work.log))
        for piece in chain(first, pieces):
            yield _decided(piece, program, reader)
        return
    # WHY spawned: a fork would copy locks of threads that the compiler's libraries started.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, initializer=_start, initargs=(work,)) as pool:
        try:
            yield from _dealt(pool, chain(first, pieces), jobs * AHEAD)
        except BrokenProcessPool as error:
            raise ReplayBroken(
                "a process of the replay was ended", help="is there memory enough? `--jobs 1`"
            ) from error


def _dealt(pool: ProcessPoolExecutor, pieces: Iterable[list[bytes]], ahead: int) -> Iterator[Impact]:
    """The pieces' impacts in the order of the log, so that two runs list the same flips."""
    waiting: list[Future[Impact]] = []
    for piece in pieces:
        waiting.append(pool.submit(_decide_piece, piece))
        if len(waiting) >= ahead:
            yield waiting.pop(0).result()
    for future in waiting:
        yield future.result()


_MINE: dict[str, tuple[Program, Reader]] = {}
"""What one process of the pool decides with."""


def _start(work: Work) -> None:
    with contextlib.suppress(OSError):
        os.nice(5)
    _MINE["this"] = (_program(work.policies), Reader(KeptCatalogs(work.log)))


def _decide_piece(piece: list[bytes]) -> Impact:
    program, reader = _MINE["this"]
    return _decided(piece, program, reader)


def _decided(piece: Iterable[bytes], program: Program, reader: Reader) -> Impact:
    impact = Impact()
    replay(program, (reader.recorded(entry) for entry in _entries(piece)), impact)
    return impact


def _entries(piece: Iterable[bytes]) -> Iterator[Entry]:
    for line in piece:
        yield decode(line)
