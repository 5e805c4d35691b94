"""What may be said of who gets the audit and how long it can be read. Read by `model`; checked by `exports` and `retention`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ExportKind(StrEnum):
    """What takes the audit."""

    SYSLOG = "syslog"
    OTLP = "otlp"
    HTTP = "http"
    FILE = "file"


class ExportFormat(StrEnum):
    """How its events are written: in OCSF, or as they stand in the log."""

    OCSF = "ocsf"
    NATIVE = "native"


@dataclass(frozen=True, slots=True)
class AuditExport:
    """`[[audit.export]]`: who else gets every entry. `to` is `HOST:PORT` (syslog, over TLS), a URL (`otlp`, `http`) or a path.

    `token` goes along as `Authorization: Bearer` (`otlp`, `http`).
    """

    name: str
    kind: ExportKind
    to: str
    format: ExportFormat = ExportFormat.OCSF
    ca_file: str | None = None
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AuditRetention:
    """`[[audit.retention]]`: for how many days (0: for ever) contents of entries on some resources are kept: those named, and those
    that have all of `labels`. The first that fits counts."""

    name: str
    keep_days: int
    resources: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
