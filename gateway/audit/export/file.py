"""A file of JSON lines, for a shipper that reads files. Opened anew for each batch, so that it can be rotated by its name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from gateway.audit.export.events import MAX_EVENTS, Event, SinkFailed

MAX_BODY = 8 << 20


class FileSink:
    """One path."""

    max_body = MAX_BODY
    max_events = MAX_EVENTS

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, events: Sequence[Event]) -> None:
        """As `Sink.send`: on the disk when it returns."""
        data = b"".join(event.body + b"\n" for event in events)
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "r+b", buffering=0) as file:
                # WHY: a crash in the middle of a line leaves a piece; what follows must not be glued to it.
                size = file.seek(0, os.SEEK_END)
                if size and os.pread(fd, 1, size - 1) != b"\n":
                    data = b"\n" + data
                written = 0
                while written < len(data):
                    written += file.write(data[written:]) or 0
                os.fsync(fd)
        except OSError as error:
            raise SinkFailed(f"`{self._path}` cannot be written ({error.strerror})") from error

    def close(self) -> None:
        """As `Sink.close`: nothing is kept open."""
