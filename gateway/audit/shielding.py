"""A log whose entries are closed before they are written, by rules that say how long their contents are kept.

Only what passes through `append` and `note` is closed; nothing else writes entries, what is given again comes through them too. What cannot be closed is refused, and so denied.
Built by `app` where `[audit] keep_days` or `[[audit.retention]]` says so; without them there is a plain `AuditLog`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from adapters.core.ports import Lines
from engine._native import Unwritten
from gateway.audit.content import CONTENT, close_entry
from gateway.audit.content_keys import ContentKeys
from gateway.audit.entry import Entry, Kind, decode
from gateway.audit.log import AuditLog, Durability
from gateway.errors import AuditUnavailable

DEFAULT_RULE = "default"
"""The rule of everything that no other rule names."""
_WITHOUT = tuple(b'"kind":"%b"' % kind.value.encode() for kind in Kind if kind not in CONTENT)
"""How lines that the core made begin, of kinds that have no content. Every other line is looked into."""


class ShieldedLog(AuditLog):
    """The log of one directory; contents are closed under keys."""

    lends = False
    """What lanes would write is open."""

    def __init__(
        self,
        directory: Path,
        rules: Mapping[str, str],
        *,
        durability: Durability = Durability.PROCESS,
        segment_bytes: int = 64 << 20,
        low_water_bytes: int = 64 << 20,
    ) -> None:
        """`rules`: which rule a resource's entries are kept by; of others it is `default`."""
        self.content_keys = ContentKeys(directory)
        self._rule_of = rules
        super().__init__(directory, durability=durability, segment_bytes=segment_bytes, low_water_bytes=low_water_bytes)

    def append(self, entry: Entry | bytes, *, promised: bool = False) -> int:
        """As `AuditLog.append`, closed."""
        return super().append(self._shielded(entry), promised=promised)

    def note(self, entry: Entry | bytes) -> int:
        """As `AuditLog.note`, closed."""
        return super().note(self._shielded(entry))

    def append_again(self, lines: Lines, decision_id: str, now: int) -> bool:
        """As `AuditLog.append_again`, closed."""
        line = lines.line(Unwritten(0, 1), decision_id, now)
        if line is None:
            return False
        self.append(_body(line))
        return True

    def note_again(self, lines: Lines, now: int) -> None:
        """As `AuditLog.note_again`, closed."""
        taken = Unwritten(0, 1)
        if not lines.outcome(taken, now):
            raise AuditUnavailable("an audit entry cannot be encoded", code="AUDIT_ENTRY")
        if taken.waiting:
            self.note(_body(taken.noted()))

    def _shielded(self, entry: Entry | bytes) -> Entry | bytes:
        if isinstance(entry, bytes):
            if entry.startswith(_WITHOUT):
                return entry
            try:
                entry = decode(b"{" + entry + b"\n")
            except ValueError as error:
                raise AuditUnavailable("an audit entry cannot be encoded", code="AUDIT_ENTRY") from error
        if entry.kind not in CONTENT:
            return entry
        rule = self._rule_of.get(entry.resource, DEFAULT_RULE)
        return close_entry(entry, self.content_keys.current(rule, entry.time))


def _body(line: bytes) -> bytes:
    """What stands behind the number 0 in a line."""
    return line[len(b'{"seq":0,') : -1]
