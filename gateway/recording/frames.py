"""The file of a recording: a head, then chunks. Pure: bytes in, bytes out; files are somebody else's.

    MAGIC | length | head (JSON, in clear) | chunk | chunk | ... | last chunk

    chunk = length, number, begins (ms), spans (ms), flags | zstd of lines, AES-256-GCM

The key is drawn for each recording and stands in the head, wrapped. A chunk's nonce is its number; what it authenticates besides is the
digest of the head and its own frame, so that no chunk fits into another recording or another place. `chained` is the digest that
the audit gets: of the head, then of each digest with the next chunk. INVARIANT: a reader raises RecordingBroken and nothing else.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import msgspec
import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import RecordingBroken

MAGIC = b"sallyport recording 1\n"
MAX_HEAD = 16 << 10
MAX_PLAIN = 1 << 20
"""Bytes of lines in one chunk."""
MAX_CHUNK = MAX_PLAIN + (64 << 10)
"""Bytes of one chunk as it is stored: what cannot be compressed grows a little."""
LAST = 1
"""The flag of the chunk that ends a recording."""
_LENGTH = struct.Struct(">I")
_FRAME = struct.Struct(">IIQIB")


class Head(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known without the key. `wrapped` is the recording's key under the configured one, whose name is `key`."""

    id: str
    shape: str
    started: int
    session: str
    principal: str
    resource: str
    decision_id: str
    key: str
    wrapped: bytes
    job: str | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk as it lies in a file. `begins` and `spans` are milliseconds; `digest` is that of everything up to its end."""

    number: int
    begins: int
    spans: int
    is_last: bool
    frame: bytes
    sealed: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """A head that was read; the chunks follow it."""

    head: Head
    digest: bytes


def write_head(head: Head) -> bytes:
    """The head as it stands in a file."""
    body = msgspec.json.encode(head)
    if len(body) > MAX_HEAD:
        raise RecordingBroken("the head of a recording is too long")
    return MAGIC + _LENGTH.pack(len(body)) + body


def digest_of(head: bytes) -> bytes:
    """The digest that the chain begins with."""
    return hashlib.sha256(head).digest()


def chained(before: bytes, chunk: bytes) -> bytes:
    """The digest after one more chunk."""
    return hashlib.sha256(before + chunk).digest()


class Sealer:
    """Makes chunks of one recording, in order."""

    def __init__(self, key: bytes, head_digest: bytes) -> None:
        self._cipher = AESGCM(key)
        self._head = head_digest
        self._packer = zstandard.ZstdCompressor(level=1)
        self._next = 0

    def seal(self, plain: bytes, begins: int, spans: int, *, is_last: bool) -> bytes:
        """The next chunk. Raises RecordingBroken for more than fits."""
        if len(plain) > MAX_PLAIN:
            raise RecordingBroken("a chunk of a recording is too long")
        number, self._next = self._next, self._next + 1
        packed = self._packer.compress(plain)
        # INVARIANT: the key is this recording's alone, and no number comes twice; so no nonce does.
        frame = _FRAME.pack(len(packed) + 16, number, begins, min(spans, 0xFFFFFFFF), LAST if is_last else 0)
        return frame + self._cipher.encrypt(_nonce(number), packed, self._head + frame)


def read_head(file: BinaryIO) -> Opened:
    """The head of a recording; the file stands behind it then. Raises RecordingBroken."""
    start = _read(file, len(MAGIC) + _LENGTH.size)
    if not start.startswith(MAGIC) or len(start) < len(MAGIC) + _LENGTH.size:
        raise RecordingBroken("this is no recording", code="NO_RECORDING")
    (length,) = _LENGTH.unpack(start[len(MAGIC) :])
    if length > MAX_HEAD:
        raise RecordingBroken("the head of the recording is too long", code="NO_RECORDING")
    body = _read(file, length)
    if len(body) < length:
        raise RecordingBroken("the head of the recording is torn", code="TORN")
    try:
        return Opened(msgspec.json.decode(body, type=Head), digest_of(start + body))
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise RecordingBroken("the head of the recording cannot be read", code="NO_RECORDING") from error


def read_chunks(file: BinaryIO, opened: Opened) -> Iterator[Chunk]:
    """The chunks behind the head, none of them opened yet. Raises RecordingBroken: `TORN` where a writer was cut off in the
    middle of one, `UNFINISHED` where the last is missing, `ALTERED` for what no writer leaves."""
    digest, expected = opened.digest, 0
    while True:
        frame = _read(file, _FRAME.size)
        if not frame:
            raise RecordingBroken("the recording has no end: its writer was cut off", code="UNFINISHED")
        if len(frame) < _FRAME.size:
            raise RecordingBroken(f"chunk {expected} is torn", code="TORN")
        length, number, begins, spans, flags = _FRAME.unpack(frame)
        if number != expected or flags & ~LAST or not 16 <= length <= MAX_CHUNK:
            raise RecordingBroken(f"something else stands where chunk {expected} belongs", code="ALTERED")
        sealed = _read(file, length)
        if len(sealed) < length:
            raise RecordingBroken(f"chunk {expected} is torn", code="TORN")
        digest = chained(digest, frame + sealed)
        yield Chunk(number, begins, spans, bool(flags & LAST), frame, sealed, digest)
        if flags & LAST:
            if _read(file, 1):
                raise RecordingBroken("something follows the last chunk", code="ALTERED")
            return
        expected += 1


def open_chunk(chunk: Chunk, opened: Opened, key: bytes) -> bytes:
    """The lines of a chunk. Raises RecordingBroken."""
    try:
        packed = AESGCM(key).decrypt(_nonce(chunk.number), chunk.sealed, opened.digest + chunk.frame)
        if zstandard.frame_content_size(packed) > MAX_PLAIN:
            raise RecordingBroken(f"chunk {chunk.number} is too long", code="ALTERED")
        return zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_PLAIN)
    except (InvalidTag, zstandard.ZstdError, ValueError) as error:
        raise RecordingBroken(f"chunk {chunk.number} was altered, or the key is another one", code="ALTERED") from error


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _read(file: BinaryIO, length: int) -> bytes:
    try:
        return file.read(length)
    except OSError as error:
        raise RecordingBroken(f"the recording cannot be read ({error.strerror})") from error
