"""The part of an entry that may be forgotten: closed under a key that can be destroyed, while the line stays what it was.

A closed line is an ordinary line: who, when, on what, by which rule and with which verdict stand in it in clear; what was asked
(text, values, context, what the policy made of it) stands in `content`, encrypted (AES-256-GCM) under the key that
`content_key` names. The tree is over the line as it stands, so proofs do not need the key, and hold when it is gone.

INVARIANT: the name of a key holds a digest of it: nobody can open a content with another key as something else.
Pure. Called by `shielding` (closes), by everybody who reads entries through `content_keys` (opens).
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from functools import cached_property

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.audit.entry import Entry, Kind

SECRET_BYTES = 32
NONCE_BYTES = 12
DAY = 86_400 * 10**9
KEY_ID = re.compile(r"(?P<rule>[a-z0-9][a-z0-9_-]{0,63})/(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})\.(?P<print>[0-9a-f]{32})")

CONTENT: dict[Kind, tuple[str, ...]] = {
    Kind.DECISION: (
        "application",
        "digest",
        "parameters",
        "text",
        "obligations",
        "attributes",
        "state",
        "context",
        "names",
        "tree",
        "uses",
    ),
    Kind.APPROVAL: ("digest", "note"),
    Kind.SESSION: ("application",),
    Kind.RECORDING: ("text",),
}
"""What of an entry is its content. WHY digests too: a text that can be guessed can be checked against its digest."""


@dataclass(frozen=True)
class ContentKey:
    """One key: all contents of one rule of retention that were written on one day (UTC)."""

    rule: str
    day: str
    secret: bytes = field(repr=False)

    # WHY remembered: each is needed for every entry.
    @cached_property
    def id(self) -> str:
        """The name that entries carry."""
        return f"{self.rule}/{self.day}.{print_of(self.secret)}"

    @cached_property
    def cipher(self) -> AESGCM:
        """What closes and opens."""
        return AESGCM(self.secret)

    @cached_property
    def words_key(self) -> bytes:
        """What the index hashes words of contents with; it says nothing of the key, and goes with it."""
        return hashlib.blake2b(b"index", key=self.secret, digest_size=32).digest()


def print_of(secret: bytes) -> str:
    """The digest by which a key is named."""
    return hashlib.sha256(b"sallyport content key\0" + secret).hexdigest()[:32]


def close_entry(entry: Entry, key: ContentKey) -> Entry:
    """The entry with its content closed; as it is, if it has none."""
    names = CONTENT.get(entry.kind)
    if names is None or entry.content_key:
        return entry
    if entry.kind is Kind.SESSION and not any(getattr(entry, name) for name in names):
        # WHY: most words of a session (that it ended) say nothing of this, and one without contents never reads as shredded.
        return entry
    key_id, nonce = key.id, os.urandom(NONCE_BYTES)
    held = Entry(kind=entry.kind, time=0, **{name: getattr(entry, name) for name in names})
    closed = key.cipher.encrypt(nonce, _ENCODE(held), _bound(entry, key_id))
    return msgspec.structs.replace(entry, **_BARE[entry.kind], content_key=key_id, content=nonce + closed)


def open_entry(entry: Entry, key: ContentKey) -> Entry:
    """The entry as it was before it was closed. Raises ValueError where the content is not what was written."""
    if entry.content_key != key.id:
        raise ValueError("the content is under another key")
    names = CONTENT.get(entry.kind, ())
    nonce, closed = entry.content[:NONCE_BYTES], entry.content[NONCE_BYTES:]
    try:
        held = _DECODE(key.cipher.decrypt(nonce, closed, _bound(entry, key.id)))
    except (InvalidTag, msgspec.MsgspecError, ValueError) as error:
        raise ValueError("the content is not what was written") from error
    return msgspec.structs.replace(entry, **{name: getattr(held, name) for name in names}, content=b"")


def without_content(entry: Entry) -> Entry:
    """The entry as it reads when nobody has the key (any more)."""
    return msgspec.structs.replace(entry, content=b"", unreadable=True)


def _bound(entry: Entry, key_id: str) -> bytes:
    """What a content belongs to: it opens in no other entry."""
    return f"{key_id}\0{entry.kind.value}\0{entry.time}\0{entry.decision_id}\0{entry.ticket}".encode(
        "utf-8", "surrogatepass"
    )


_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(Entry).decode
_BARE = {kind: {name: getattr(Entry(kind=kind, time=0), name) for name in names} for kind, names in CONTENT.items()}
"""What stands in clear instead of each. Nobody changes a field of an entry, so all may share these."""
