"""TLS of the core and of OpenSSL: whatever both sides say, cut anywhere, comes out as it was; what strangers send never does."""

from __future__ import annotations

import ssl
from functools import lru_cache

from cryptography.x509 import DNSName
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.tls import Tls
from engine._native import NativeError, TlsClient, TlsConnection, TlsServer
from tests.chains import Made, make

VERSIONS = st.sampled_from([ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
SAYINGS = st.lists(st.tuples(st.booleans(), st.binary(max_size=200) | st.integers(0, 70_000).map(bytes)), max_size=8)
CUTS = st.lists(st.integers(1, 5_000), min_size=1, max_size=20)
End = Tls | TlsConnection


@lru_cache
def ways() -> tuple[TlsServer, TlsClient, Made]:
    own = make("localhost", names=[DNSName("localhost")])
    return TlsServer(own.pem, own.key_pem), TlsClient([own.pem], True), own


@lru_cache
def contexts(version: ssl.TLSVersion) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """OpenSSL's: a server's and a client's."""
    import tempfile

    own = ways()[2]
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(own.pem + own.key_pem)
        file.flush()
        server.load_cert_chain(file.name)
    client = ssl.create_default_context(cadata=own.pem.decode())
    server.maximum_version = client.maximum_version = version
    return server, client


def ends(is_server: bool, version: ssl.TLSVersion) -> tuple[End, End]:
    """The core's and OpenSSL's: whether the core is the server."""
    served, asking, _ = ways()
    server, client = contexts(version)
    if is_server:
        return TlsConnection(served, None), Tls(client, server_side=False, server_hostname="localhost")
    return TlsConnection(asking, "localhost"), Tls(server, server_side=True, server_hostname=None)


class Wires:
    """Both directions between two ends, with cuts that come again and again."""

    def __init__(self, ends: tuple[End, End], cuts: list[int]) -> None:
        self._ends, self._cuts, self._at = ends, cuts, 0

    def pass_on(self, data: bytes, to: int) -> bytes:
        """What the other end makes of the bytes; what it says itself goes back at once."""
        heard, at = [], 0
        while at < len(data):
            size = self._cuts[self._at % len(self._cuts)]
            self._at += 1
            heard.append(self._ends[to].take(data[at : at + size]))
            at += size
            if back := self._ends[to].to_send():
                assert self.pass_on(back, 1 - to) == b""
        return b"".join(heard)

    def shake(self) -> None:
        for end in self._ends:
            end.start()
        for number, end in enumerate(self._ends):
            self.pass_on(end.to_send(), 1 - number)
        assert all(end.is_secure for end in self._ends)


@settings(max_examples=60, deadline=None)
@given(st.booleans(), VERSIONS, SAYINGS, CUTS)
def test_what_is_said_comes_out_as_it_was(
    is_server: bool, version: ssl.TLSVersion, sayings: list[tuple[bool, bytes]], cuts: list[int]
) -> None:
    both = ends(is_server, version)
    wires = Wires(both, cuts)
    wires.shake()
    for by_core, text in sayings:
        speaker = 0 if by_core else 1
        assert wires.pass_on(both[speaker].seal(text), 1 - speaker) == text
    for speaker in (0, 1):
        assert wires.pass_on(both[speaker].seal(b"bye") + both[speaker].farewell(), 1 - speaker) == b"bye"
        assert both[1 - speaker].is_over


@settings(max_examples=60, deadline=None)
@given(st.booleans(), st.booleans(), VERSIONS, st.binary(max_size=2_000), CUTS)
def test_what_strangers_send_gives_nothing(
    is_server: bool, after: bool, version: ssl.TLSVersion, noise: bytes, cuts: list[int]
) -> None:
    both = ends(is_server, version)
    if after:
        Wires(both, cuts).shake()
    ours, at = both[0], 0
    for size in cuts:
        try:
            assert ours.take(noise[at : at + size]) == b""
        except NativeError:
            assert not ours.is_plain
        at += size
        assert len(ours.to_send()) < 4_096


@settings(max_examples=60, deadline=None)
@given(st.booleans(), VERSIONS, st.binary(min_size=1, max_size=500), st.integers(0, 10_000), st.integers(0, 7))
def test_a_bit_that_is_changed_is_an_error(
    is_server: bool, version: ssl.TLSVersion, text: bytes, at: int, bit: int
) -> None:
    ours, theirs = ends(is_server, version)
    Wires((ours, theirs), [5_000]).shake()
    sealed = bytearray(theirs.seal(text))
    sealed[at % len(sealed)] ^= 1 << bit
    try:
        heard = ours.take(bytes(sealed))
    except NativeError:
        heard = b""
    # Outside a record of TLS 1.3 its type and version say nothing (RFC 8446, 5.2): what they are is sealed with it.
    assert heard == b"" or (heard == text and at % len(sealed) < 3)
