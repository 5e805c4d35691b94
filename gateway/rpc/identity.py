"""Who is calling. Decided by the transport, never by what a message says.

UNIX socket: one server for each socket file, and the kernel lets only its owner connect (docs/decisions/
0003-unix-socket-identity.md); the identity is the socket's. TCP: the verified client certificate names the caller.
Plaintext TCP: the identity that the configuration gives to everybody on this machine. A token in a call comes before all of
them (`bearer.py`). Used by `calls.py`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from threading import Lock
from typing import Protocol
from urllib.parse import unquote

from cryptography import x509
from cryptography.x509.oid import NameOID

from engine.request import Principal
from gateway.errors import ConfigInvalid
from gateway.identity.logins import Login
from gateway.identity.rates import Rates
from gateway.rpc.refusals import CallRefused, Cause, check_rate
from gateway.tracing import Trace, trace_in_metadata


class Role(StrEnum):
    """What a caller may do beyond asking about itself."""

    ADAPTER = "adapter"  # enforces decisions: speaks for others, may hand in parsed commands, sees admin details
    ASKER = "asker"  # speaks for others, in raw text only
    APPROVER = "approver"  # may see tickets and vote, as itself
    AUDITOR = "auditor"  # may read the log, tickets, open sessions and admin details
    OPERATOR = "operator"  # may see open sessions and end them


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated peer. `login`: a signed token proved it, within whose limits it stays (`bearer`).

    `address` is the machine that it calls from; None: this one, over a socket. `trace` is what it says of a trace of its own, where there are
    traces.
    """

    principal: Principal
    roles: frozenset[Role] = frozenset()
    login: Login | None = None
    address: str | None = None
    trace: Trace | None = None

    @property
    def name(self) -> str:
        return self.principal.name

    @property
    def credential(self) -> str:
        """The caller, and with which limits: what is remembered for one of these is not for another."""
        login = self.login
        if login is None:
            return self.name
        limits = (login.token, login.job, sorted(login.groups), login.expires_at)
        return f"{self.name}\0{limits}"

    def reaches(self, resource: str, job: str | None) -> bool:
        """Whether what is about this resource and done for this job is within its limits."""
        login = self.login
        return login is None or (login.reaches(resource) and (login.token is None or login.job == job))

    @property
    def may_speak_for_others(self) -> bool:
        return Role.ADAPTER in self.roles or Role.ASKER in self.roles

    @property
    def may_see_details(self) -> bool:
        return Role.ADAPTER in self.roles or Role.AUDITOR in self.roles


class Peer(Protocol):
    """What of a gRPC call's context is needed to know the peer."""

    def auth_context(self) -> Mapping[str, object]: ...
    def invocation_metadata(self) -> Sequence[tuple[str, str | bytes]] | None: ...
    def peer(self) -> str: ...


class Identify(Protocol):
    """Tells who is calling, or raises CallRefused."""

    def __call__(self, peer: Peer) -> Caller: ...


@dataclass(frozen=True, slots=True)
class OneCaller:
    """Everybody who can connect here is this caller: a UNIX socket's owner, or plaintext on loopback."""

    caller: Caller

    def __call__(self, peer: Peer) -> Caller:
        return self.caller


class LimitedCaller:
    """Whoever another way to know callers finds, as long as they do not ask too often; adapters ask for others, and as they like."""

    def __init__(self, inner: Identify, rates: Rates) -> None:
        self._inner, self._rates = inner, rates

    def __call__(self, peer: Peer) -> Caller:
        """Raises CallRefused."""
        caller = self._inner(peer)
        if Role.ADAPTER not in caller.roles:
            check_rate(self._rates, caller.name)
        return caller


class TracedCaller:
    """Whoever another way to know callers finds, with what the call says of a trace. Those who speak for others are believed."""

    def __init__(self, inner: Identify) -> None:
        self._inner = inner

    def __call__(self, peer: Peer) -> Caller:
        """Raises CallRefused."""
        caller = self._inner(peer)
        trace = trace_in_metadata(peer.invocation_metadata() or ())
        return caller if trace is None else replace(caller, trace=trace.trusted(caller.may_speak_for_others))


class CertificateCaller:
    """The caller is whom its verified client certificate names.

    `names` maps `uri:`, `dns:` and `email:` alternative names, or `cn:` where a certificate has no alternative name at
    all, to callers. The kind is part of the name, so a DNS name that looks like a SPIFFE id is not one.
    """

    _REMEMBERED = 256

    def __init__(self, names: Mapping[str, Caller], now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        for name in names:
            kind, separator, rest = name.partition(":")
            if kind not in ("uri", "dns", "email", "cn") or not separator or not rest:
                raise ConfigInvalid(
                    f"the peer name `{name}` says not what it is",
                    help="write `uri:`, `dns:`, `email:` or `cn:` before it",
                )
        self._names = dict(names)
        self._now = now
        self._lock = Lock()
        self._seen: OrderedDict[bytes, tuple[Caller, datetime, datetime]] = OrderedDict()

    def __call__(self, peer: Peer) -> Caller:
        pem = _certificate(peer.auth_context())
        with self._lock:
            seen = self._seen.get(pem)
        if seen is None:
            seen = self._read(pem)
            with self._lock:
                self._seen[pem] = seen
                while len(self._seen) > self._REMEMBERED:
                    self._seen.popitem(last=False)
        caller, start, end = seen
        # WHY: TLS looks at the dates when a connection begins; this one may have begun long ago.
        if not start <= self._now() <= end:
            raise _unknown("the client certificate is not valid now")
        return caller

    def _read(self, pem: bytes) -> tuple[Caller, datetime, datetime]:
        try:
            certificate = x509.load_pem_x509_certificate(pem)
            known = [self._names[name] for name in _names(certificate) if name in self._names]
        except ValueError:
            raise _unknown("the client certificate cannot be read") from None
        # INVARIANT: a certificate is one caller or none; two names that mean two callers are refused, not ranked.
        if not known or any(other != known[0] for other in known):
            raise _unknown("the client certificate names no one caller that is configured")
        return known[0], certificate.not_valid_before_utc, certificate.not_valid_after_utc


def address_of(peer: str) -> str | None:
    """The machine that a call comes from, of how gRPC names peers; None for a UNIX socket.

    >>> address_of("ipv4:10.0.0.9:5432"), address_of("ipv6:%5B::1%5D:5"), address_of("unix:")
    ('10.0.0.9', '::1', None)
    """
    kind, _, rest = peer.partition(":")
    return unquote(rest.rpartition(":")[0]).strip("[]") or None if kind in ("ipv4", "ipv6") else None


def _certificate(context: Mapping[str, object]) -> bytes:
    """The verified client certificate in PEM; gRPC gives each property as a list of bytes."""
    given = context.get("x509_pem_cert")
    if isinstance(given, list | tuple) and len(given) == 1 and isinstance(given[0], bytes):
        return given[0]
    raise _unknown("no client certificate")


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        others = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return [f"cn:{name.value}" for name in common if isinstance(name.value, str)]
    return [
        *(f"uri:{name}" for name in others.get_values_for_type(x509.UniformResourceIdentifier)),
        *(f"dns:{name}" for name in others.get_values_for_type(x509.DNSName)),
        *(f"email:{name}" for name in others.get_values_for_type(x509.RFC822Name)),
    ]


def _unknown(message: str) -> CallRefused:
    return CallRefused(Cause.UNKNOWN_CALLER, "CALLER_UNKNOWN", message)
