"""Which certificates the core takes: those that Python's `ssl` takes, or fewer, and then it says which and why.

Each row is shown to both by the same server, in TLS 1.2 and 1.3. INVARIANT: nothing is taken that OpenSSL refuses.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID as For

from adapters.core.core_tls import reason
from adapters.core.tls import Tls
from engine._native import NativeError, TlsClient, TlsConnection, TlsServer
from tests.chains import Made, make, new_key, of_sha_1, of_version_1

HOST = "db.example.com"
DNS = [x509.DNSName(HOST)]


@dataclass(frozen=True, slots=True)
class Row:
    """A chain that is shown, leaf first, and whom the other side trusts. `fewer`: words of the core for what OpenSSL alone takes."""

    chain: Sequence[Made]
    trusted: Sequence[Made]
    host: str = HOST
    checks_name: bool = True
    fewer: str = ""


def root(**more: object) -> Made:
    return make("root", authority=True, **more)  # type: ignore[arg-type]  # the words of `make`


def leaf(by: Made | None, **more: object) -> Made:
    return make("leaf", by, **{"names": DNS, **more})  # type: ignore[arg-type]


def below(top: Made | None = None, fewer: str = "", **more: object) -> Row:
    """A leaf of this kind below a root."""
    top = top or root()
    return Row([leaf(top, **more)], [top], fewer=fewer)


def given(*, with_root: bool) -> Row:
    """One that its root signed, and that is given itself."""
    top = root()
    own = leaf(top)
    return Row([own], [own, top] if with_root else [own])


def of_sha(which: str) -> Row:
    """A chain in which one was signed over SHA-1."""
    if which == "itself":
        own = of_sha_1(leaf(None, kind="rsa2048"))
        return Row([own], [own])
    top = root(kind="rsa2048")
    middle = make("between", top, authority=True, kind="rsa2048")
    own = leaf(middle)
    match which:
        case "root":
            top = of_sha_1(top)
        case "between":
            middle = of_sha_1(middle, top)
        case _:
            own = of_sha_1(own, middle)
    return Row([own, middle], [top])


def itself(host: str = HOST, **more: object) -> Row:
    """One that signed itself, given, and asked for by some name."""
    own = make(HOST, **more)  # type: ignore[arg-type]  # the words of `make`
    return Row([own], [own], host)


def named(*names: x509.GeneralName, host: str = HOST, common: str = "leaf", fewer: str = "") -> Row:
    top = root()
    return Row([make(common, top, names=names)], [top], host, fewer=fewer)


def between(count: int = 1, top: Made | None = None, **more: object) -> tuple[list[Made], Made]:
    """Authorities between a leaf and its root, the lowest first."""
    top = top or root()
    found = [top]
    for number in range(count):
        found.append(make(f"between {number}", found[-1], **{"authority": True, **more}))  # type: ignore[arg-type]
    return found[:0:-1], top


def through(
    count: int = 1,
    *,
    shown: bool = True,
    known: bool = False,
    rooted: bool = True,
    top: Made | None = None,
    **more: object,
) -> Row:
    """A leaf below authorities of this kind: they are shown, or known to the other side, who knows the root or does not."""
    middle, top = between(count, top, **more)
    return Row([leaf(middle[0]), *(middle if shown else [])], [*([top] if rooted else []), *(middle if known else [])])


def rooted(fewer: str = "", **more: object) -> Row:
    """A leaf below a root of this kind."""
    top = make("root", **more)  # type: ignore[arg-type]
    return Row([leaf(top)], [top], fewer=fewer)


def pinned(fewer: str = "", **more: object) -> Row:
    """One that signed itself, and is given as it is."""
    own = leaf(None, **more)
    return Row([own], [own], fewer=fewer)


def impostor() -> Row:
    """One that signs itself under the name of a root."""
    top = root()
    return Row([make("root", names=DNS, authority=True)], [top])


def renewed() -> Row:
    """One that signs itself with the key and the name of what is given."""
    key = new_key()
    return Row([leaf(None, key=key)], [leaf(None, key=key)])


def named_alike() -> Row:
    """A leaf that its authority gave its own name."""
    top = make("leaf", authority=True)
    return Row([leaf(top)], [top])


def of_another_key() -> Row:
    """A leaf that says that another key signed it."""
    top, other = root(), new_key()
    said = x509.AuthorityKeyIdentifier.from_issuer_public_key(other.public_key())
    own = x509.SubjectKeyIdentifier.from_public_key(top.key.public_key())
    top = make("root", key=top.key, authority=True, more=[(own, False)])
    return Row([leaf(top, more=[(said, False)])], [top])


def limited(*, permitted: Sequence[x509.GeneralName] | None = None, excluded: Sequence[x509.GeneralName] | None = None,
            common: str | None = None, fewer: str = "", **more: object) -> Row:  # fmt: skip
    """A leaf below an authority that may only sign for some names; with a `common` name it has no other."""
    middle, top = between(1, limits=x509.NameConstraints(permitted, excluded))
    own = leaf(middle[0], **more) if common is None else make(common, middle[0])
    return Row([own, *middle], [top], fewer=fewer)


def limited_root(**more: object) -> Row:
    top = root(limits=x509.NameConstraints([x509.DNSName("example.com")], None))
    return Row([leaf(top, **more)], [top])


def odd() -> tuple[x509.UnrecognizedExtension, bool]:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\0"), True


def netscape(kinds: int) -> tuple[x509.UnrecognizedExtension, bool]:
    """What a certificate is for, as Netscape said it."""
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("2.16.840.1.113730.1.1"), bytes([3, 2, 0, kinds])), False


def version_1(of: str) -> Row:
    top = root()
    match of:
        case "leaf":
            own = make(HOST, top)
            return Row([of_version_1(own, top)], [top], fewer="version 1")
        case "pinned":
            own = of_version_1(make(HOST))
            return Row([own], [own], fewer="version 1")
        case "root":
            return Row([leaf(top)], [of_version_1(top)])
        case _:
            middle = make("between", top)
            return Row([leaf(middle), of_version_1(middle, top)], [top])


EXAMPLE, OTHER = x509.DNSName("example.com"), x509.DNSName("example.org")

ROWS: dict[str, Callable[[], Row]] = {
    # --- who signed it
    "below its root": below,
    "below another root": lambda: Row([leaf(root())], [root()]),
    "of itself, given": pinned,
    "of itself and an authority, given": lambda: pinned(authority=True),
    "of itself, an authority that only signs, given": lambda: pinned(authority=True, usages=["key_cert_sign"]),
    "of itself, no authority, for signatures, given": lambda: pinned(authority=False, usages=["digital_signature"]),
    "of itself, not given": lambda: Row([leaf(None)], [root()]),
    "of itself, under the name of a root": impostor,
    "of itself, with the key of what is given": renewed,
    "of the name of its authority": named_alike,
    "of another key by what it says": of_another_key,
    "given, but not its root": lambda: given(with_root=False),
    "given, with its root": lambda: given(with_root=True),
    "an authority, below its root": lambda: below(fewer="CA:TRUE", authority=True),
    # --- the chain
    "through one": through,
    "through one that is not shown": lambda: through(shown=False),
    "through one that is given": lambda: through(shown=False, known=True),
    "through one, its root not given": lambda: through(known=True, rooted=False),
    "through five": lambda: through(5),
    "through no authority": lambda: through(authority=False),
    "through one that says nothing of that": lambda: through(authority=None),
    "through one that signs nothing": lambda: through(usages=["digital_signature"]),
    "through one that signs": lambda: through(usages=["key_cert_sign"]),
    "through one for clients": lambda: through(purposes=[For.CLIENT_AUTH]),
    "through one for servers": lambda: through(purposes=[For.SERVER_AUTH]),
    "through one that has expired": lambda: through(end=-0.5),
    "through two, none allowed below the first": lambda: through(2, length=0),
    "through one, none allowed below the root": lambda: through(top=root(length=0)),
    "through one, one allowed below the root": lambda: through(top=root(length=1)),
    "through two, one allowed below the root": lambda: through(2, top=root(length=1)),
    "through one of SHA-1": lambda: of_sha("between"),
    # --- the root
    "a root that has expired": lambda: rooted(authority=True, end=-0.5),
    "a root that does not count yet": lambda: rooted(authority=True, start=1),
    "a root that is no authority": lambda: rooted(authority=False),
    "a root that says nothing of that": rooted,
    "a root that says so by its usages alone": lambda: rooted(usages=["key_cert_sign"]),
    "a root that signs nothing": lambda: rooted(authority=True, usages=["digital_signature"]),
    "a root for clients": lambda: rooted(authority=True, purposes=[For.CLIENT_AUTH]),
    "a root for servers": lambda: rooted(authority=True, purposes=[For.SERVER_AUTH]),
    "a root with something critical": lambda: rooted(authority=True, more=[odd()]),
    "a root of RSA 1024": lambda: rooted(authority=True, kind="rsa1024"),
    "a root of SHA-1": lambda: of_sha("root"),
    "a root of P-521": lambda: rooted("of a kind", authority=True, kind="p521", digest=hashes.SHA512()),
    "a root of Ed25519": lambda: rooted(authority=True, kind="ed25519"),
    # --- when
    "expired": lambda: below(end=-0.5),
    "not valid yet": lambda: below(start=1),
    "of itself, given, expired": lambda: pinned(end=-0.5),
    "of itself, given, not valid yet": lambda: pinned(start=1),
    # --- what for
    "for servers": lambda: below(purposes=[For.SERVER_AUTH]),
    "for both": lambda: below(purposes=[For.CLIENT_AUTH, For.SERVER_AUTH]),
    "for clients": lambda: below(purposes=[For.CLIENT_AUTH]),
    "for anything": lambda: below(purposes=[For.ANY_EXTENDED_KEY_USAGE]),
    "of itself, given, for clients": lambda: pinned(purposes=[For.CLIENT_AUTH]),
    "its key for signatures": lambda: below(usages=["digital_signature"]),
    "its key for agreement alone": lambda: below(usages=["key_agreement"]),
    "its key for certificates": lambda: below(usages=["key_cert_sign"]),
    "its key for nothing here": lambda: below(usages=["content_commitment"]),
    "something critical": lambda: below(more=[odd()]),
    "of itself, given, something critical": lambda: pinned(more=[odd()]),
    "of Netscape's kind for servers": lambda: below(more=[netscape(0x40)]),
    "of Netscape's kind for clients": lambda: below(more=[netscape(0x80)]),
    "of itself, given, of Netscape's kind for clients": lambda: pinned(more=[netscape(0x80)]),
    # --- keys and signatures
    **{f"a key of {kind}": partial(below, kind=kind) for kind in ("rsa2048", "rsa3072", "p256", "p384", "ed25519")},
    **{f"of itself, given, {kind}": partial(pinned, kind=kind, authority=True) for kind in ("rsa2048", "p384", "ed25519")},
    "a key of RSA 1024": lambda: below(kind="rsa1024"),
    "of itself, given, RSA 1024": lambda: pinned(kind="rsa1024"),
    "a key of P-521": lambda: below(fewer="Not spoken here", kind="p521"),
    "a key of Ed448": lambda: below(fewer="Not spoken here", kind="ed448"),
    "signed with SHA-1": lambda: of_sha("leaf"),
    "of itself, given, signed with SHA-1": lambda: of_sha("itself"),
    "signed with RSA and SHA-384": lambda: below(root(kind="rsa3072"), digest=hashes.SHA384()),
    "signed with RSA-PSS": lambda: below(root(kind="rsa2048"), pss=True),
    "signed with P-256 and SHA-384": lambda: below(digest=hashes.SHA384()),
    "signed with P-256 and SHA-512": lambda: below(fewer="of a kind", digest=hashes.SHA512()),
    # --- names
    "of its name in other letters": lambda: named(x509.DNSName("DB.example.COM")),
    "of another name": lambda: named(x509.DNSName("db.example.org")),
    "of two names": lambda: named(x509.DNSName("other.example.com"), *DNS),
    "of another name, unasked": lambda: replace(below(), host="elsewhere.example.com", checks_name=False),
    "of another root, unasked of its name": lambda: Row([leaf(root())], [root()], checks_name=False),
    "of itself, given, of another name": lambda: itself("elsewhere.example.com", names=DNS, authority=True),
    "with a star": lambda: named(x509.DNSName("*.example.com")),
    "with a star for two labels": lambda: named(x509.DNSName("*.example.com"), host="a.db.example.com"),
    "with a star for no label": lambda: named(x509.DNSName("*.example.com"), host="example.com"),
    "with a star for part of a label": lambda: named(x509.DNSName("d*.example.com")),
    "with a star above a name of one label": lambda: named(x509.DNSName("*.com"), host="example.com"),
    "with a star alone": lambda: named(x509.DNSName("*"), host="localhost"),
    "with a star in the middle": lambda: named(x509.DNSName("db.*.com")),
    "with a star for a label of other signs": lambda: named(x509.DNSName("*.example.com"), host="a_b.example.com"),
    "with a dot behind it": lambda: named(x509.DNSName("db.example.com.")),
    "of one label": lambda: named(x509.DNSName("localhost"), host="localhost"),
    "of the asked name with a dot behind": lambda: named(*DNS, host="db.example.com."),
    "of its common name": lambda: named(common=HOST),
    "of a common name with a star": lambda: named(common="*.example.com"),
    "of another common name": lambda: named(common="db.example.org"),
    "of its common name beside another": lambda: named(x509.DNSName("db.example.org"), common=HOST),
    "of its common name beside an address": lambda: named(x509.IPAddress(ip_address("10.0.0.1")), common=HOST),
    "of itself, given, of its common name": lambda: itself(authority=True),
    "of an address": lambda: named(x509.IPAddress(ip_address("127.0.0.1")), host="127.0.0.1"),
    "of an address of version 6": lambda: named(x509.IPAddress(ip_address("::1")), host="::1"),
    "of another address": lambda: named(x509.IPAddress(ip_address("127.0.0.2")), host="127.0.0.1"),
    "of an address as a name": lambda: named(x509.DNSName("127.0.0.1"), host="127.0.0.1"),
    "of an address as its common name": lambda: named(common="127.0.0.1", host="127.0.0.1"),
    # --- limits of names
    "within its authority's names": lambda: limited(permitted=[EXAMPLE]),
    "out of its authority's names": lambda: limited(permitted=[OTHER]),
    "among what its authority excludes": lambda: limited(excluded=[EXAMPLE]),
    "not among what its authority excludes": lambda: limited(excluded=[OTHER]),
    "out of its authority's addresses": lambda: limited(permitted=[x509.IPAddress(ip_network("10.0.0.0/8"))],
        names=[*DNS, x509.IPAddress(ip_address("127.0.0.1"))]),
    "within its authority's people": lambda: limited(fewer="may not sign", permitted=[
        x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "tests")]))]),
    "within its root's names": limited_root,
    "out of its root's names": lambda: limited_root(names=[OTHER, *DNS]),
    "an address of mail out of its authority's": lambda: limited(permitted=[x509.RFC822Name("example.com")], mail="a@example.org"),
    "a common name out of its authority's names": lambda: limited(permitted=[OTHER], common=HOST),
    "a common name within its authority's names": lambda: limited(permitted=[EXAMPLE], common=HOST, fewer="limits names"),
    # --- version 1
    **{f"version 1: {of}": partial(version_1, of) for of in ("leaf", "pinned", "root", "between")},
}  # fmt: skip


def shaken(client: Tls | TlsConnection, server: Tls | TlsConnection) -> str | None:
    """What stands against it; None when both are content."""
    client.start()
    for _ in range(6):
        refused = taken(server, client.to_send())
        refused = taken(client, server.to_send()) or refused
        if refused is not None:
            return refused
    assert client.is_secure
    assert server.is_secure
    return None


def taken(end: Tls | TlsConnection, data: bytes) -> str | None:
    try:
        end.take(data)
    except (ssl.SSLError, NativeError) as error:
        return str(error) if isinstance(error, ssl.SSLError) else reason(error)
    return None


def file_of(folder: Path, chain: Sequence[Made]) -> Path:
    file = folder / "chain.pem"
    file.write_bytes(b"".join(one.pem for one in chain) + chain[0].key_pem)
    return file


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
@pytest.mark.parametrize("name", ROWS)
def test_a_target_is_taken_as_by_openssl(name: str, version: ssl.TLSVersion, tmp_path: Path) -> None:
    row = ROWS[name]()
    shows = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shows.set_ciphers("ALL:@SECLEVEL=0")
    shows.maximum_version = shows.minimum_version = version
    shows.load_cert_chain(file_of(tmp_path, row.chain))
    trusted = b"".join(one.pem for one in row.trusted)
    (tmp_path / "trusted.pem").write_bytes(trusted)
    asks = ssl.create_default_context(cafile=str(tmp_path / "trusted.pem"))
    asks.minimum_version = ssl.TLSVersion.TLSv1_2
    asks.check_hostname = row.checks_name

    def server() -> Tls:
        return Tls(shows, server_side=True, server_hostname=None)

    by_openssl = shaken(Tls(asks, server_side=False, server_hostname=row.host), server())
    how = TlsClient([trusted], row.checks_name)
    if row.host.endswith("."):
        assert by_openssl is not None
        with pytest.raises(NativeError, match="dot behind it"):
            TlsConnection(how, row.host)
        return
    ours = TlsConnection(how, row.host)
    by_core = shaken(ours, server())
    if row.fewer:
        assert by_openssl is None, "OpenSSL refuses it too: nothing is fewer"
        assert by_core is not None
        assert row.fewer in by_core
    else:
        assert (by_core is None) == (by_openssl is None), (by_core, by_openssl)
    if by_core is None:
        assert ours.peer_certificate == row.chain[0].certificate


def client_rows() -> dict[str, Row]:
    top, both = root(), [For.CLIENT_AUTH, For.SERVER_AUTH]
    middle, high = between()
    itself_signed, for_servers = make("ana", authority=True), root(purposes=[For.SERVER_AUTH])
    return {
        "below its root": Row([make("ana", top)], [top]),
        "below another root": Row([make("ana", root())], [top]),
        "through one": Row([make("ana", middle[0]), *middle], [high]),
        "through one that is not shown": Row([make("ana", middle[0])], [high]),
        "for clients": Row([make("ana", top, purposes=[For.CLIENT_AUTH])], [top]),
        "for both": Row([make("ana", top, purposes=both)], [top]),
        "for servers": Row([make("ana", top, purposes=[For.SERVER_AUTH])], [top]),
        "its key for encipherment": Row([make("ana", top, usages=["key_encipherment"])], [top]),
        "its key for signatures": Row([make("ana", top, usages=["digital_signature"])], [top]),
        "expired": Row([make("ana", top, end=-0.5)], [top]),
        "of itself, given": Row([itself_signed], [itself_signed]),
        "of itself, not given": Row([make("ana")], [top]),
        "of a root for servers": Row([make("ana", for_servers)], [for_servers]),
        "of Ed25519": Row([make("ana", top, kind="ed25519")], [top]),
        "of RSA 1024": Row([make("ana", top, kind="rsa1024")], [top]),
    }


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
@pytest.mark.parametrize("name", client_rows())
def test_a_client_is_taken_as_by_openssl(name: str, version: ssl.TLSVersion, tmp_path: Path) -> None:
    row, own = client_rows()[name], make("gateway", names=DNS)
    trusted = b"".join(one.pem for one in row.trusted)
    (tmp_path / "trusted.pem").write_bytes(trusted)
    asks = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    asks.load_cert_chain(file_of(tmp_path, [own]))
    asks.load_verify_locations(tmp_path / "trusted.pem")
    asks.verify_mode = ssl.CERT_OPTIONAL
    shows = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    shows.check_hostname, shows.verify_mode = False, ssl.CERT_NONE
    shows.set_ciphers("ALL:@SECLEVEL=0")
    shows.maximum_version = version
    shows.load_cert_chain(file_of(tmp_path, row.chain))

    def client() -> Tls:
        return Tls(shows, server_side=False, server_hostname=HOST)

    theirs = Tls(asks, server_side=True, server_hostname=None)
    ours = TlsConnection(TlsServer(own.pem, own.key_pem, trusted), None)
    by_openssl, by_core = shaken(client(), theirs), shaken(client(), ours)
    assert (by_core is None) == (by_openssl is None), (by_core, by_openssl)
    assert ours.peer_name == theirs.peer_name
    assert (ours.peer_name == "ana") == (by_core is None)
