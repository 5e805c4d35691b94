"""TLS of one side over bytes (OpenSSL through memory buffers): what came off the wire in, what goes onto it out. No socket.

WHY not the loop's: it asks OpenSSL for more until that raises, after every piece, and builds its own transport around it;
of a short command's way through the gateway that was a sixth. And how TLS with a target is asked for (`upstream_context`).
"""

from __future__ import annotations

import contextlib
import os
import ssl
from functools import lru_cache
from typing import Protocol, cast

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from adapters.core.ports import Target

_RECORD = 16 * 1024
"""The most that one record holds (RFC 8446, 5.1): what one read can give."""


class _Records(Protocol):
    """A TLS connection as OpenSSL has it."""

    def read(self, size: int, /) -> bytes: ...
    def write(self, data: bytes, /) -> int: ...
    def pending(self) -> int: ...


@lru_cache(maxsize=256)
def end_point(certificate: bytes) -> bytes | None:
    """What `tls-server-end-point` binds to (RFC 5929, 4.1): a server's certificate (DER), digested as its signature is, by SHA-256 where
    that is MD5 or SHA-1. None where the signature has no digest of its own (Ed25519), for which nothing is defined."""
    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        return None
    if algorithm is None:
        return None
    digest = hashes.Hash(hashes.SHA256() if isinstance(algorithm, (hashes.MD5, hashes.SHA1)) else algorithm)
    digest.update(certificate)
    return digest.finalize()


class ServerContext(ssl.SSLContext):
    """How a server shakes hands, and what clients may bind their proof to (`end_point` of its certificate)."""

    end_point: bytes | None = None


class Tls:
    """One TLS connection. Every method may raise `ssl.SSLError`: then it cannot go on, and `to_send` has the alert."""

    __slots__ = (
        *("_incoming", "_left", "_object", "_outgoing", "_put", "_read", "_sealed", "_write"),
        *("has_words", "is_over", "is_plain", "is_secure"),
    )

    def __init__(self, context: ssl.SSLContext, *, server_side: bool, server_hostname: str | None) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_side, server_hostname=server_hostname
        )
        # WHY not the object's own words: they are these, with a call around each.
        records = cast(_Records, getattr(self._object, "_sslobj", self._object))
        self._put, self._sealed = self._incoming.write, self._outgoing.read
        self._read, self._left, self._write = records.read, records.pending, records.write
        self.has_words = False
        """After `take`: the connection itself may have something to say (`to_send`)."""
        self.is_plain = False
        """After `take`: what it gave is all that came of the bytes; nothing began, ended or has to be said."""
        self.is_secure = False
        """The handshake is done, the peer verified as far as the context asks for it."""
        self.is_over = False
        """The peer said that nothing more comes."""

    def start(self) -> None:
        """Begin the handshake: a client has something to send then."""
        self._shake_hands()

    def take(self, data: bytes) -> bytes:
        """Bytes off the wire; gives the clear text that is whole by now. During the handshake that is usually nothing."""
        self.is_plain = False
        self._put(data)
        # WHY: a place of that size is made for each read, and what is sealed is longer than what it holds.
        size = len(data)
        room = size if 0 < size < _RECORD else _RECORD
        if not self.is_secure:
            if not self._shake_hands():
                self.has_words = True
                return b""
            return self._take_more([], room)
        if self.is_over:
            return b""
        try:
            first = self._read(room)
        except ssl.SSLWantReadError:
            first = b""
        except ssl.SSLZeroReturnError:
            self.is_over, first = True, b""
        else:
            # WHY looked at first: to be told that nothing is left costs an exception.
            if not first or self._incoming.pending or self._left():
                return self._take_more([first], room)
        self.has_words = says = self._outgoing.pending > 0
        self.is_plain = not says and len(first) > 0
        return first

    def _take_more(self, pieces: list[bytes], room: int) -> bytes:
        """All that is whole of what came, behind what was read of it."""
        self.is_over = pieces == [b""]
        while not self.is_over:
            try:
                piece = self._read(room)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                piece = b""
            pieces.append(piece)
            self.is_over = not piece
            if not self._incoming.pending and not self._left():
                break
        self.has_words = self._outgoing.pending > 0
        return b"".join(pieces)

    def seal(self, data: bytes) -> bytes:
        """The bytes for the wire that carry `data`, behind whatever else waits to be sent."""
        done, size = self._write(data) if data else 0, len(data)
        while done < size:
            done += self._write(data[done:])
        return self._sealed()

    def to_send(self) -> bytes:
        """What the connection itself has to say: handshake, alerts, keys."""
        return self._sealed() if self._outgoing.pending else b""

    @property
    def peer_name(self) -> str | None:
        """The common name in the peer's certificate, where one was asked for, given and verified."""
        found = self._object.getpeercert() if self.is_secure else None
        subject = cast(tuple[tuple[tuple[str, str], ...], ...], (found or {}).get("subject", ()))
        names = [value for part in subject for key, value in part if key == "commonName"]
        return names[0] if len(names) == 1 else None

    @property
    def chosen_protocol(self) -> str | None:
        """What was agreed on by ALPN, once the handshake is done."""
        return self._object.selected_alpn_protocol() if self.is_secure else None

    @property
    def end_point(self) -> bytes | None:
        """What a proof may be bound to: `end_point` of the server's certificate, ours or the peer's."""
        if self._object.server_side:
            context = self._object.context
            return context.end_point if isinstance(context, ServerContext) else None
        certificate = self._object.getpeercert(binary_form=True) if self.is_secure else None
        return None if certificate is None else end_point(certificate)

    def farewell(self) -> bytes:
        """The end of the connection (`close_notify`), as far as it can still be said."""
        if self.is_secure:
            with contextlib.suppress(ssl.SSLError):  # WHY: it wants to hear the peer's own end, or has said all
                self._object.unwrap()
        return self.to_send()

    def _shake_hands(self) -> bool:
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self.is_secure = True
        return True


class Connection(Protocol):
    """What any of them is asked."""

    def start(self) -> None: ...
    def take(self, data: bytes, /) -> bytes: ...
    def seal(self, data: bytes, /) -> bytes: ...
    def to_send(self) -> bytes: ...
    def farewell(self) -> bytes: ...
    @property
    def has_words(self) -> bool: ...
    @property
    def is_plain(self) -> bool: ...
    @property
    def is_secure(self) -> bool: ...
    @property
    def is_over(self) -> bool: ...
    @property
    def peer_name(self) -> str | None: ...
    @property
    def chosen_protocol(self) -> str | None: ...
    @property
    def end_point(self) -> bytes | None: ...


class Stacked:
    """TLS inside TLS: what a client says to a host through a proxy that it speaks TLS to. The same words as `Tls`."""

    __slots__ = ("_inner", "_outer")
    is_plain = False
    """Nobody says so here."""

    def __init__(self, outer: Connection, inner: Connection) -> None:
        self._outer, self._inner = outer, inner

    def start(self) -> None:
        """Begin the inner handshake."""
        self._inner.start()

    def take(self, data: bytes) -> bytes:
        """Bytes off the wire; gives the clear text that is whole by now."""
        clear = self._outer.take(data)
        return self._inner.take(clear) if clear else b""

    def seal(self, data: bytes) -> bytes:
        """The bytes for the wire that carry `data`."""
        return self._outer.seal(self._inner.seal(data))

    def to_send(self) -> bytes:
        """What the connections themselves have to say."""
        inner = self._inner.to_send()
        return (self._outer.seal(inner) if inner else b"") + self._outer.to_send()

    @property
    def has_words(self) -> bool:
        """Either connection itself may have something to say."""
        return self._inner.has_words or self._outer.has_words

    @property
    def is_secure(self) -> bool:
        """The inner handshake is done."""
        return self._inner.is_secure

    @property
    def is_over(self) -> bool:
        """The peer said on either that nothing more comes."""
        return self._inner.is_over or self._outer.is_over

    @property
    def peer_name(self) -> str | None:
        """The name in the peer's certificate for the inner one."""
        return self._inner.peer_name

    @property
    def chosen_protocol(self) -> str | None:
        """What was agreed on for the inner one by ALPN."""
        return self._inner.chosen_protocol

    @property
    def end_point(self) -> bytes | None:
        """What a proof inside both may be bound to."""
        return self._inner.end_point

    def farewell(self) -> bytes:
        """The end of both, as far as it can still be said."""
        inner = self._inner.farewell()
        return (self._outer.seal(inner) if inner else b"") + self._outer.farewell()


def upstream_context(target: Target, offered: tuple[str, ...] = ()) -> ssl.SSLContext:
    """How TLS to a target is done: verified, TLS 1.2 or newer. `offered`: what it may choose to speak (ALPN)."""
    # WHY remembered: to read the authorities takes milliseconds, and HTTP connects for each request. A changed file counts.
    changed = os.stat(target.ca_file).st_mtime_ns if target.ca_file else 0
    own = (target.certificate, target.private_key) if target.certificate and target.private_key else None
    return _context(target.ca_file, changed, target.verify_host, own, offered)


@lru_cache(maxsize=256)
def _context(
    ca_file: str | None,
    changed: int,
    verify_host: bool,
    own: tuple[str, str] | None = None,
    offered: tuple[str, ...] = (),
) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = verify_host
    context.options |= ssl.OP_NO_RENEGOTIATION
    if offered:
        context.set_alpn_protocols(list(offered))
    if own is not None:
        _prove_ourselves(context, "\n".join(own))
    return context


def _prove_ourselves(context: ssl.SSLContext, chain_and_key: str) -> None:
    """Sign in with a certificate. WHY a file in memory: OpenSSL as Python has it reads keys from files only."""
    fd = os.memfd_create("identity", os.MFD_CLOEXEC)
    try:
        os.write(fd, chain_and_key.encode())
        context.load_cert_chain(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)
