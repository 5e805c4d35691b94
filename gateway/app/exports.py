"""What is sent from the audit: all of it, by `[[audit.export]]`, beside what `notices` builds. Called by `assembly`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.audit.content_keys import Opener
from gateway.audit.export.events import Event, Sink
from gateway.audit.export.exporter import Export, Exporter
from gateway.audit.export.file import FileSink
from gateway.audit.export.otlp import OtlpSink
from gateway.audit.export.shapes import Shape, shape_checkpoint, shape_event
from gateway.audit.export.syslog import SyslogSink
from gateway.audit.export.web import WebSink
from gateway.audit.sealing import last_note
from gateway.config import Config
from gateway.config.addresses import split_address
from gateway.config.audited import AuditExport, ExportKind
from gateway.errors import AuditUnavailable
from gateway.telemetry import Meters

FOLDER = "export"
"""Below `[audit] dir`: how far each export has come."""


class Exports:
    """All exports of one gateway."""

    def __init__(self, exporters: Sequence[Exporter], meters: Meters) -> None:
        self._all, self._meters = exporters, meters

    def start(self) -> None:
        """Begin to send."""
        for one in self._all:
            one.start()

    def tell(self, last_seq: int) -> None:
        """Set the meters; `last_seq` is the number of the log's last entry."""
        for name, behind in self.behind(last_seq):
            self._meters.export_behind.labels(name).set(behind)

    def behind(self, last_seq: int) -> list[tuple[str, int]]:
        """How many entries each has not given over yet."""
        return [(one.name, max(0, last_seq - one.seq)) for one in self._all]

    def close(self) -> None:
        """Send what can be sent at once, then stop."""
        for one in self._all:
            one.close()


def audit_exports(config: Config, tokens: Mapping[str, str], log: str, meters: Meters) -> list[Exporter]:
    """Those of `[[audit.export]]`. `tokens` by their names; `log` is the log's name. Raises AuditUnavailable."""
    return [_exporter(config, one, tokens.get(one.name), log, meters) for one in config.audit.export]


def _exporter(config: Config, export: AuditExport, token: str | None, log: str, meters: Meters) -> Exporter:
    directory, sink, shape = config.at(config.audit.dir), _sink(config, export, token), Shape(export.format.value)
    opener = Opener(directory)
    return Exporter(
        Export(
            export.name,
            directory,
            log,
            directory / FOLDER,
            sink,
            lambda line: shape_event(opener.open_line(line), log, shape, sink.max_body),
            lambda: _seal(directory, log, shape),
        ),
        failed=meters.export_failures.labels(export.name).inc,
    )


def _seal(directory: Path, log: str, shape: Shape) -> Event | None:
    try:
        note = last_note(directory)
    except (ValueError, OSError) as error:
        raise AuditUnavailable("the last checkpoint of the log cannot be read") from error
    return None if note is None else shape_checkpoint(note, log, shape, time.time_ns())


def _sink(config: Config, export: AuditExport, token: str | None) -> Sink:
    ca_file = None if export.ca_file is None else config.at(export.ca_file)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    match export.kind:
        case ExportKind.SYSLOG:
            host, port = split_address(export.to) or ("", 0)
            return SyslogSink(host, port, ca_file)
        case ExportKind.OTLP:
            return OtlpSink(export.to, headers, ca_file)
        case ExportKind.HTTP:
            return WebSink(export.to, headers, ca_file)
        case ExportKind.FILE:
            return FileSink(Path(config.at(export.to)))
