"""What a caller says of the trace it is in (W3C `traceparent`): read from metadata, headers, comments and names.

Nobody has to be believed: who is not trusted gets a link and no more. Data and pure functions; spans are made by `traced`, and
nothing here is called where there are no traces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

KEY = "traceparent"
MAX_COMMENT = 1_024
"""Bytes at the end of a statement in which a comment of SQLCommenter is looked for."""
MAX_HEAD = 16_384
"""Bytes at the beginning of a request in which its headers are looked for."""
_WHOLE = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_IN_HEAD = re.compile(rb"\r?\ntraceparent:[ \t]*([0-9a-f-]{55})[ \t]*\r?\n", re.IGNORECASE)
_IN_COMMENT = re.compile(rb"traceparent=(?:'|%27)([0-9a-f-]{55})(?:'|%27)")
_IN_NAME = re.compile(r"(?:^|[\s;,])(?:traceparent=)?([0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})(?:$|[\s;,])")


@dataclass(frozen=True, slots=True)
class Trace:
    """A span of somebody else. `is_trusted`: it may be the parent of ours, and says whether that is recorded."""

    trace_id: int
    span_id: int
    is_sampled: bool
    is_trusted: bool = False

    def trusted(self, is_trusted: bool) -> Trace:
        """The same, of somebody who is believed or not."""
        return self if is_trusted is self.is_trusted else replace(self, is_trusted=is_trusted)


def parse_traceparent(text: str) -> Trace | None:
    """What a `traceparent` says (https://www.w3.org/TR/trace-context/); None when it is none."""
    found = _WHOLE.fullmatch(text) if len(text) <= 200 else None
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    # The form of version 00 is fixed; later ones may say more behind it; `ff` is no version.
    if version == "ff" or (version == "00" and more) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return Trace(int(trace_id, 16), int(span_id, 16), bool(int(flags, 16) & 1))


def trace_in_metadata(metadata: Iterable[tuple[str, str | bytes]]) -> Trace | None:
    """What the metadata of a call says, or the headers of a request. Two are none."""
    given = [value for key, value in metadata if key.lower() == KEY]
    return parse_traceparent(given[0]) if len(given) == 1 and isinstance(given[0], str) else None


def trace_in_command(protocol: str, text: bytes) -> Trace | None:
    """What a command says of itself: a statement in a comment at its end, as SQLCommenter writes it, a request in its headers."""
    if protocol == "postgres":
        tail = text[-MAX_COMMENT:].rstrip(b" \t\r\n;")
        begin = tail.rfind(b"/*")
        found = _IN_COMMENT.findall(tail[begin:]) if begin >= 0 and tail.endswith(b"*/") else []
    else:
        found = _IN_HEAD.findall(text[:MAX_HEAD].partition(b"\r\n\r\n")[0] + b"\r\n")
    return parse_traceparent(found[0].decode()) if len(found) == 1 else None


def trace_in_name(application: str | None) -> Trace | None:
    """What a client wrote into the name it goes by (PostgreSQL's `application_name`)."""
    found = _IN_NAME.search(application) if application else None
    return None if found is None else parse_traceparent(found.group(1))
