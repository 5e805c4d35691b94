"""One line of the audit: its shape, and how it becomes bytes and back. Pure: no file, no clock.

A line is one JSON object and a newline. Fields that say nothing are left out; a reader that does not know a field skips
it. `seq` counts every entry of a log without a gap. Written by the gate through `log`, read by `read`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec

from gateway.errors import AuditUnavailable

MAX_PAGE_BYTES = 8 << 20
"""Bytes of entries that are found at once, but for the last of them: texts in them are as long as who asks likes."""
MAX_LINE = 4 << 20
"""Bytes of one line. A command of 1 MiB fits even when each byte becomes an escape of six... in all but hostile cases, which are refused."""


_Bytes: TypeAlias = bytes
"""A field called `bytes` stands in the way of the type."""


class Kind(StrEnum):
    """What an entry tells."""

    STARTED = "started"
    STOPPED = "stopped"
    POLICY = "policy"
    SESSION = "session"
    DECISION = "decision"
    OUTCOME = "outcome"
    APPROVAL = "approval"
    SHADOW = "shadow"
    KEY = "key"
    RECORDING = "recording"
    SHREDDED = "shredded"
    TOKEN = "token"  # noqa: S105  # a kind of entry
    RELOAD = "reload"


class Uses(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a granted command counts for, where somebody asks what was done lately: hashes of the `objects` it uses, how many more
    of them have no name here, and how much of what it does its kind of job never did."""

    objects: tuple[str, ...] = ()
    unnamed: int = 0
    first: int = 0


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One thing that happened. Times are UTC nanoseconds.

    DECISION: everything down to `ticket`. OUTCOME: `decision_id`, `rows` ... `error`, `sent_again` how often the command went to its target once more, and `principal`
    and `job` where what they do is counted. APPROVAL: `ticket`, `step`,
    `person`, `note`, `duration` the seconds that a yes is to be remembered; of a remembered one `note` is its id, `step` recalled (for
    a command of `session`, by `approvers`) or taken_back, `rules` those that it is for; `rows` of an escalation its number; a step `lost` says that the
    one of the entry `takes_back` did not happen. SESSION: `session`, `step` (opened, refused, closed; killed, by `person`; connected, where the target has a pool: `note` says over which of its connections), `principal`, `resource`, `note`. POLICY:
    `revision`, `step` (loaded, failed), `note`. SHADOW: what a candidate would have answered to `decision_id`. KEY: `note`
    is the public key that signs checkpoints from here on. TOKEN: `step` (issued, revoked), `principal`, `job`, `resource`, `note` is its id.
    RECORDING: `note` is its id (none: it could not be begun), `step` (began, continued, ended, failed; incomplete, where what it is of went on without it;
    removed; played and exported, by `person`),
    `decision_id`, `session`, `rows` its chunks, `bytes` its file's, `digest` the chain of their digests up to here; searched, by `person`:
    `text` in `rows` recordings, those of `principal` ... `job` where they are named. `rules` are `[rule, kind]` pairs, those that had a say.
    `redacted`: literals of the text were replaced. `parameters` is a digest, never the values. `caller` asked for the
    principal (a gRPC client); `is_dry`: nothing was to run.

    `attributes` to `granted_at` are the rest of the decision's input, so that it can be made again. `had_catalog`: names
    were read by one; `catalog` is the digest it is kept under (if it is) and `names` what the session saw of it.
    `is_tree`: a ready-made command was judged; `tree` is it, where it may be kept. `granted` are the rules of the
    approval it was decided with. `overruled`: the gate refused by itself, whatever the policies say. `masks` are
    `[output, method]` pairs. What the principal did lately stands in `context`, where policies asked for it; `uses` is what this adds.

    `content` is what of this is closed under the key `content_key` (`gateway.audit.content`). SHREDDED: the key `note` is being
    destroyed, by `person` or, where nobody is named, because its time is over. RELOAD: `step` (changed, failed), `note` is the part of
    the configuration that was, and why it stayed as it was. `unreadable` stands in no line: a reader had no key.
    """

    # WHY a msgspec Struct and not a dataclass: one is made for every command, and it is six times cheaper to make.
    kind: Kind
    time: int
    seq: int = 0
    decision_id: str = ""
    caller: str = ""
    is_dry: bool = False
    principal: str = ""
    principal_kind: str = ""
    groups: tuple[str, ...] = ()
    session: str = ""
    job: str | None = None
    application: str | None = None
    client_address: str | None = None
    resource: str = ""
    protocol: str = ""
    digest: str = ""
    parameters: str = ""
    text: str = ""
    redacted: bool = False
    verdict: str = ""
    deny_kind: str | None = None
    rules: tuple[tuple[str, str], ...] = ()
    obligations: tuple[tuple[str, object], ...] = ()
    masked: int = 0
    revision: str = ""
    ticket: str | None = None
    approvers: tuple[str, ...] = ()
    attributes: dict[str, object] = {}
    state: dict[str, object] = {}
    database: str | None = None
    role: str | None = None
    labels: dict[str, str] = {}
    resource_protocol: str = ""
    context: dict[str, object] = {}
    had_catalog: bool = False
    catalog: str = ""
    names: _Bytes = b""
    is_tree: bool = False
    tree: _Bytes = b""
    granted: tuple[str, ...] = ()
    granted_at: int | None = None
    overruled: bool = False
    masks: tuple[tuple[int | None, str], ...] = ()
    uses: Uses | None = None
    step: str = ""
    person: str = ""
    note: str = ""
    takes_back: int = 0
    rows: int | None = None
    bytes: int | None = None
    duration: float | None = None
    error: str | None = None
    sent_again: int = 0
    content_key: str = ""
    content: _Bytes = b""
    unreadable: bool = False


def size_of(entry: Entry) -> int:
    """Bytes of an entry in memory, about."""
    return len(entry.text) + len(entry.note) + len(entry.tree) + len(entry.names) + len(entry.content) + 2_048


def encode(entry: Entry, seq: int) -> bytes:
    """The line of an entry, numbered. Raises AuditUnavailable for one that cannot be written."""
    return numbered(body_of(entry), seq)


def body_of(entry: Entry) -> bytes:
    """All of an entry's object but the opening brace. Raises AuditUnavailable for one that cannot be written."""
    try:
        body = _ENCODER.encode(entry)
    except (msgspec.MsgspecError, UnicodeEncodeError, TypeError, ValueError) as error:
        raise AuditUnavailable("an audit entry cannot be encoded", code="AUDIT_ENTRY") from error
    if len(body) > MAX_LINE:
        raise AuditUnavailable("an audit entry is too long", code="AUDIT_ENTRY")
    # INVARIANT: `entry.seq` is 0 and therefore absent from `body`, which always holds `kind` and `time`.
    return body[1:]


def numbered(body: bytes, seq: int) -> bytes:
    """The line of an entry that is encoded already: all of its object but the opening brace."""
    return b'{"seq":%d,%b\n' % (seq, body)


def decode(line: bytes) -> Entry:
    """The entry of a line. Raises ValueError for what is none."""
    if not line.endswith(b"\n"):
        raise ValueError("the line has no end")
    try:
        return _DECODER.decode(line)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError("the line is no entry") from error


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Entry)
