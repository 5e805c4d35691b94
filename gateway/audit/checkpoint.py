"""Signed checkpoints of the log, in the C2SP formats `tlog-checkpoint` and `signed-note`, so that others can read them.

    sallyport.audit/3f2a...        the log's name (its origin)
    1048576                        how many entries
    base64 of the root             their Merkle root (RFC 9162)
    before BASE64                  the SHA-256 of the checkpoint before, or of nothing (an extension line; old logs have none)

    - NAME base64(key id, signature)   with an em dash; more than one where a key hands over to the next

A public key is one line, `NAME+ID+base64(0x01, key)`. Pure: keys and texts in, texts out. Used by `sealing`, `verify`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from gateway.errors import ConfigInvalid

ED25519 = b"\x01"
"""The algorithm byte of Ed25519 in signed notes."""
DASH = "\u2014 "
BEFORE = "before "
MAX_NOTE = 16 << 10
MAX_SIGNATURES = 16


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Who may sign checkpoints of a log."""

    name: str
    key: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes by which signatures name it."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.key).digest()[:4]

    def print(self) -> str:
        """The key as one line, to give to whoever verifies."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(ED25519 + self.key).decode()}"

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """The key of a line. Raises ValueError."""
        try:
            name, named_id, encoded = text.strip().split("+", 2)
            raw = _decoded(encoded)
        except ValueError as error:
            raise ValueError("a key is a line `NAME+ID+base64`") from error
        if len(raw) != 33 or raw[:1] != ED25519 or not is_name(name):
            raise ValueError("this is no Ed25519 key of a signed note")
        made = cls(name, raw[1:])
        if made.key_id.hex() != named_id:
            raise ValueError("the id of this key is not its own")
        return made


@dataclass(frozen=True)
class SigningKey:
    """The private half, and the name it signs under."""

    public: PublicKey
    _private: Ed25519PrivateKey

    def sign(self, body: bytes) -> str:
        """The signature line of a note."""
        return f"{DASH}{self.public.name} {base64.b64encode(self.public.key_id + self._private.sign(body)).decode()}\n"

    @classmethod
    def of(cls, name: str, private: Ed25519PrivateKey) -> SigningKey:
        raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return cls(PublicKey(name, raw), private)

    @classmethod
    def from_pem(cls, name: str, pem: bytes) -> SigningKey:
        """The key of a PEM file. Raises ConfigInvalid, without a word of what stands in it."""
        try:
            private = load_pem_private_key(pem, None)
        except (ValueError, TypeError):
            private = None
        if not isinstance(private, Ed25519PrivateKey):
            raise ConfigInvalid(
                "a key of `[audit] keys` is no Ed25519 private key",
                help="`sallyport audit key` makes one (PEM, no passphrase)",
            )
        return cls.of(name, private)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log was at some moment. `before`: the digest of the checkpoint before; None where checkpoints were not chained yet."""

    origin: str
    size: int
    root: bytes
    before: bytes | None = None

    def body(self) -> str:
        """The text that is signed."""
        chained = "" if self.before is None else f"{BEFORE}{base64.b64encode(self.before).decode()}\n"
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n{chained}"


def digest_of(note: str | None) -> bytes:
    """What the checkpoint behind a note names in `before`; None: there is no note before."""
    return hashlib.sha256((note or "").encode()).digest()


def is_name(text: str) -> bool:
    """Whether a text can be the name of a key or of a log."""
    return bool(text) and "+" not in text and text.isprintable() and not any(char.isspace() for char in text)


def sign(checkpoint: Checkpoint, keys: Sequence[SigningKey]) -> str:
    """The signed note of a checkpoint."""
    body = checkpoint.body()
    return body + "\n" + "".join(key.sign(body.encode()) for key in keys)


def read_note(note: str) -> tuple[Checkpoint, list[tuple[str, bytes]]]:
    """The checkpoint of a note and its signatures (name; id and signature), none of them checked. Raises ValueError."""
    if len(note) > MAX_NOTE:
        raise ValueError("the note is too long")
    body, blank, signed = note.partition("\n\n")
    lines = body.split("\n")
    if not blank or len(lines) < 3 or not is_name(lines[0]) or not lines[1].isascii() or not lines[1].isdigit():
        raise ValueError("this is no checkpoint")
    if str(int(lines[1][:20])) != lines[1]:
        raise ValueError("the size of the checkpoint is not written plainly")
    root, before = _decoded(lines[2]), None
    if len(lines) == 4 and lines[3].startswith(BEFORE):
        before = _decoded(lines[3].removeprefix(BEFORE))
    if len(root) != 32 or len(lines) != (3 if before is None else 4) or len(before or root) != 32:
        raise ValueError("this is no checkpoint of this log: its root or its end is another")
    return Checkpoint(lines[0], int(lines[1]), root, before), _signatures(signed)


def _signatures(text: str) -> list[tuple[str, bytes]]:
    if not text.endswith("\n"):
        raise ValueError("the checkpoint has no signature, or one without an end")
    found = []
    for line in text.split("\n")[:-1]:
        name, space, encoded = line.removeprefix(DASH).partition(" ")
        raw = _decoded(encoded)
        if not line.startswith(DASH) or not space or not is_name(name) or len(raw) < 5:
            raise ValueError("a line that is no signature stands among the signatures")
        found.append((name, raw))
    if not 0 < len(found) <= MAX_SIGNATURES:
        raise ValueError("the checkpoint has no signature, or too many")
    return found


def _decoded(text: str) -> bytes:
    """The bytes of a base64 text in its one spelling: the spare bits of its last letter are zero."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise ValueError("this is no base64") from error
    if base64.b64encode(raw).decode() != text:
        raise ValueError("this base64 has another spelling")
    return raw


def signer_of(note: str, known: Iterable[PublicKey]) -> PublicKey:
    """Whose note it is: who signed it first; of two that hand over, the one that takes over. Raises ValueError where that is none of these."""
    name, raw = read_note(note)[1][0]
    found = next((key for key in known if key.name == name and key.key_id == raw[:4]), None)
    if found is None:
        raise ValueError("the key that signs is not among these")
    return open_note(note, [found])[1][0]


def open_note(note: str, trusted: Iterable[PublicKey]) -> tuple[Checkpoint, list[PublicKey]]:
    """The checkpoint of a note and which trusted keys signed it. Raises ValueError for a note that none signed, and for
    a signature in a trusted key's name that is not its own."""
    checkpoint, signatures = read_note(note)
    body, signers = checkpoint.body().encode(), []
    for key in trusted:
        for name, raw in signatures:
            if name == key.name and raw[:4] == key.key_id:
                try:
                    Ed25519PublicKey.from_public_bytes(key.key).verify(raw[4:], body)
                except InvalidSignature:
                    raise ValueError("a signature is wrong") from None
                signers.append(key)
    if not signers:
        raise ValueError("no trusted key signed this")
    return checkpoint, signers
