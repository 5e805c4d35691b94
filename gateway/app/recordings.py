"""The recordings of this process: built from the configuration, told to the audit, put away when their time is over.

Called by `assembly`, and by the command line where no gateway runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from gateway.audit.entry import Entry, Kind
from gateway.audit.log import AuditLog
from gateway.config import Config
from gateway.recording.frames import Head
from gateway.recording.keys import WrappingKeys
from gateway.recording.recorder import STOPPED, Progress, Recordings
from gateway.recording.shelf import Wanted, heads, put_away, state_of
from gateway.telemetry import logger
from gateway.viewing import Viewings

DAY = 86_400 * 10**9


def build_recordings(
    config: Config, keys: WrappingKeys, log: AuditLog, stopped: Callable[[], None] = lambda: None
) -> Recordings:
    """Where sessions record; `stopped` as of `teller`. Raises RecordingUnavailable."""
    place = config.at(config.recording.dir)
    return Recordings(
        place,
        keys,
        time.time_ns,
        teller(log, stopped),
        low_water_bytes=config.recording.low_water_bytes,
    )


def build_viewings(config: Config, log: AuditLog) -> Viewings:
    """What records who looks at them."""
    return Viewings(config.at(config.recording.dir), log.append, time.time_ns)


def teller(log: AuditLog, stopped: Callable[[], None] = lambda: None) -> Callable[[Progress], None]:
    """Tells the audit how far a recording has got. `stopped` is told of each that is incomplete while what it is of goes on."""

    def tell(progress: Progress) -> None:
        about = progress.about
        entry = Entry(
            kind=Kind.RECORDING,
            time=time.time_ns(),
            step=progress.step,
            note=progress.id,
            session=about.session,
            principal=about.principal,
            resource=about.resource,
            job=about.job,
            decision_id=about.decision_id,
            rows=progress.chunks,
            bytes=progress.size,
            digest=progress.digest.hex(),
        )
        # INVARIANT: a recording begins only where the audit knows of it; what goes on or ends was promised.
        log.append(entry, promised=progress.step != "began")
        if progress.step == STOPPED:
            stopped()

    return tell


def removed_entry(path: Path, head: Head, now: int, person: str = "") -> Entry:
    """The entry of a recording that is about to be put away, by somebody or because its time is over. Raises OSError."""
    state = state_of(path)
    return Entry(
        kind=Kind.RECORDING,
        time=now,
        step="removed",
        person=person,
        note=head.id,
        session=head.session,
        principal=head.principal,
        resource=head.resource,
        rows=state.chunks,
        bytes=state.size,
        digest=state.digest.hex(),
    )


def put_away_old(config: Config, log: AuditLog, now: int) -> int:
    """Remove recordings that are older than `[recording] keep_days`; each is an entry first. Gives how many."""
    days = config.recording.keep_days
    if not days:
        return 0
    removed = 0
    for path, head in list(heads(config.at(config.recording.dir), Wanted(until=now - days * DAY))):
        try:
            if path.stat().st_mtime_ns >= now - days * DAY:
                continue  # WHY: it may still be written
            log.append(removed_entry(path, head, now))
            put_away(path)
            removed += 1
        except OSError as error:
            logger("app").error("a recording could not be put away", recording=head.id, error=type(error).__name__)
    return removed
