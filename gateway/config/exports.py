"""What does not fit together in `[[audit.export]]`. Called by `check`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from gateway.config.addresses import is_loopback, split_address
from gateway.config.audited import AuditExport, ExportKind
from gateway.config.model import Config
from gateway.config.places import Path
from gateway.config.references import REFERENCE_EXPECTED, SECRET

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_WEB = (ExportKind.OTLP, ExportKind.HTTP)


def find_export_misfits(config: Config) -> Iterator[tuple[Path, str]]:
    """Everything that does not fit together, as in `check`."""
    for index, export in enumerate(config.audit.export):
        path: Path = ("audit", "export", index)
        if not NAME.fullmatch(export.name):
            yield (*path, "name"), "is no name; expected letters, digits, `_`, `-`"
        yield from _place(export, path)
        if export.token is not None and not SECRET.fullmatch(export.token):
            yield (*path, "token"), f"holds no reference; {REFERENCE_EXPECTED}"
        elif export.token is not None and export.kind not in _WEB:
            yield (*path, "token"), "is of no use where no HTTP is spoken"
        if export.ca_file is not None and export.kind is ExportKind.FILE:
            yield (*path, "ca_file"), "is of no use for a file"
        elif export.ca_file is not None and not config.at(export.ca_file).is_file():
            yield (*path, "ca_file"), "is no file; expected PEM certificates"


def is_postable(url: str) -> bool:
    """Whether something may be posted there: https, or this machine; no user in it."""
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    if not is_url or parts.username is not None or not url.isascii() or not url.isprintable() or " " in url:
        return False
    # INVARIANT: the audit holds people's commands; in clear it does not leave this machine.
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


def _place(export: AuditExport, path: Path) -> Iterator[tuple[Path, str]]:
    if export.kind is ExportKind.SYSLOG:
        if split_address(export.to) is None:
            yield (*path, "to"), "is no address; expected HOST:PORT of a receiver of syslog over TLS"
        return
    if export.kind in _WEB and not is_postable(export.to):
        yield (
            (*path, "to"),
            "is no URL that may be posted to; expected https://HOST/PATH without a user (there is `token`)",
        )
