"""Serves the gRPC services: one gRPC server for each socket, because only so is it known who calls.

Synchronous on purpose: with Python on the path it answers twice as many calls as grpcio's asyncio server (bench/).
Built by the composition root; the services and their ports are made before.
"""

from __future__ import annotations

import ipaddress
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from gateway.errors import ConfigInvalid
from gateway.identity.rates import NO_LIMIT, Rates
from gateway.rpc.approval_service import NAME as APPROVAL
from gateway.rpc.approval_service import ApprovalService
from gateway.rpc.arrivals import Arrivals
from gateway.rpc.audit_service import NAME as AUDIT
from gateway.rpc.audit_service import AuditService
from gateway.rpc.authz_service import NAME as AUTHZ
from gateway.rpc.authz_service import AuthzService
from gateway.rpc.bearer import BearerCaller, Nobody, Tokens
from gateway.rpc.calls import NoSuchMethod, Reception
from gateway.rpc.decision_service import NAME as DECISION
from gateway.rpc.decision_service import DecisionPorts, DecisionService
from gateway.rpc.identity import Caller, CertificateCaller, Identify, LimitedCaller, OneCaller
from gateway.rpc.limits import MAX_METADATA, MAX_TRANSPORT_MESSAGE
from gateway.rpc.openings import MAX_STREAMS, Openings
from gateway.rpc.ports import AuditPort, RecordingPort, SessionPort
from gateway.rpc.recording_service import NAME as RECORDING
from gateway.rpc.recording_service import NoRecordings, RecordingService
from gateway.rpc.session_service import NAME as SESSION
from gateway.rpc.session_service import NoSessions, SessionService
from gateway.rpc.sockets import PlacedSocket, place
from gateway.rpc.standard import HEALTH, REFLECTION, Health, Reflection
from gateway.rpc.threads import deep_threads

# Threads for single questions. WHY so few: only one of them runs Python at a time, and each idle one that is woken in turn
# makes the caches cold (112 instead of 4 cost 15 us a call); more than one, because some wait for a disk or the store.
UNARY_THREADS = 8
# Beyond those that open streams hold, so that one too many is told so instead of waiting for a place.
SPARE_THREADS = 4
# Calls that may wait for a thread; more are refused at once (RESOURCE_EXHAUSTED).
MAX_CALLS = 1_024

_OPTIONS: Sequence[tuple[str, int]] = (
    ("grpc.max_receive_message_length", MAX_TRANSPORT_MESSAGE),
    ("grpc.max_metadata_size", MAX_METADATA),
    ("grpc.absolute_max_metadata_size", MAX_METADATA),
    ("grpc.max_concurrent_streams", 256),
    # WHY: without this another process of the same user could serve our port beside us.
    ("grpc.so_reuseport", 0),
    # Peers that vanished without a word hold their streams no longer than this.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)


@dataclass(frozen=True, slots=True)
class UnixSocket:
    """A socket file that one user may connect to. `uid` None: the user of this process."""

    path: Path
    caller: Caller
    uid: int | None = None


@dataclass(frozen=True, slots=True)
class Tls:
    """The server's certificate and key, and the authority that signs clients' certificates, as PEM."""

    certificate: bytes
    key: bytes = field(repr=False)
    client_authority: bytes = b""


@dataclass(frozen=True, slots=True)
class TlsSocket:
    """A TCP port where client certificates name the caller: `uri:`, `dns:`, `email:` or `cn:` and the name.

    Without an authority of clients' certificates only tokens do.
    """

    host: str
    port: int
    tls: Tls
    callers: Mapping[str, Caller]


@dataclass(frozen=True, slots=True)
class LoopbackSocket:
    """A plaintext TCP port on this machine. Everybody on it is `caller`: configure that only where it is meant."""

    host: str
    port: int
    caller: Caller


Socket = UnixSocket | TlsSocket | LoopbackSocket


@dataclass(slots=True)
class _Running:
    server: grpc.Server
    threads: ThreadPoolExecutor
    stream_threads: ThreadPoolExecutor
    openings: Openings
    address: str
    placed: PlacedSocket | None = None


class RpcServer:
    """All sockets of the gRPC face."""

    def __init__(
        self,
        ports: DecisionPorts,
        audit: AuditPort,
        sockets: Sequence[Socket],
        clock: Callable[[], float],
        *,
        sessions: SessionPort | None = None,
        recordings: RecordingPort | None = None,
        threads: int = UNARY_THREADS,
        cache_ttl: int = 0,
        authz: AuthzService | None = None,
        around: Callable[[Identify], Identify] = lambda identify: identify,
        rates: Rates = NO_LIMIT,
        tokens: Tokens | None = None,
    ) -> None:
        """`clock` is monotonic seconds; `threads` answer single questions on each socket; `cache_ttl` as in DecisionService.

        With `authz` Envoys are answered too; with `tokens` a caller is whom the token of its call proves.
        `around`: what else is done where somebody calls, once it is known who. `rates`: how often each may ask.
        """
        self._threads = threads
        self._arrivals = Arrivals(clock)
        self._authz = authz
        self._around, self._rates = around, rates
        self._proofs: dict[str, _Proof] = {}
        self._tokens = tokens
        services = [DECISION, APPROVAL, AUDIT, SESSION, RECORDING, *([] if authz is None else [AUTHZ])]
        self._gate = ports.gate
        self._decision = DecisionService(ports, clock, cache_ttl=cache_ttl)
        self._approval = ApprovalService(ports.approvals, ports.gate)
        self._audit = AuditService(audit)
        self._session = SessionService(sessions or NoSessions())
        self._recording = RecordingService(recordings or NoRecordings())
        self._health = Health(services)
        self._reflection = Reflection(services)
        self._sockets = tuple(sockets)
        self._running: list[_Running] = []
        self._lock = threading.Lock()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where it serves: `unix:PATH` or `HOST:PORT`, in the order of the sockets given."""
        return tuple(running.address for running in self._running)

    def awaited(self) -> int:
        """How many calls have begun whose message is not there yet."""
        return self._arrivals.count()

    def start(self) -> None:
        """Serve. Raises ConfigInvalid, with nothing left open, when a socket cannot be had."""
        try:
            for socket in self._sockets:
                self._running.append(self._open(socket))
        except ConfigInvalid:
            self.stop(grace=0)
            raise
        for running in self._running:
            running.server.start()
        self._arrivals.start()
        self._health.set_serving(True)

    def renew(self, sockets: Sequence[Socket]) -> None:
        """Prove what listens already with the certificates of these, from the next connection on. Raises ConfigInvalid, with nothing changed."""
        renewed = []
        for socket in sockets:
            if not isinstance(socket, TlsSocket):
                continue
            proof = self._proofs.get(_host_port(socket.host, socket.port))
            if proof is None:
                continue
            # INVARIANT: who had to have a certificate has to go on having one.
            if bool(proof.tls.client_authority) != bool(socket.tls.client_authority):
                raise ConfigInvalid(
                    "whether clients of `[rpc]` have to have a certificate stays as it is until a restart",
                    help="restart, or leave `client_ca` as it was",
                )
            renewed.append((proof, socket.tls))
        for proof, tls in renewed:
            proof.tls = tls

    def stop(self, grace: float = 5.0) -> None:
        """Take no more calls, let those that run finish for `grace` seconds, end streams, take the sockets away."""
        with self._lock:
            stopping, self._running = self._running, []
        self._health.set_serving(False)
        ended = [running.server.stop(grace) for running in stopping]
        for running in stopping:
            running.openings.stop()
        for event in ended:
            event.wait()
        self._arrivals.stop()
        for running in stopping:
            if running.placed is not None:
                running.placed.remove()
            _end_threads(running)

    def _open(self, socket: Socket) -> _Running:
        match socket:
            case UnixSocket():
                return self._open_unix(socket)
            case TlsSocket():
                if not socket.tls.client_authority and self._tokens is None:
                    raise ConfigInvalid("a TLS socket of the gRPC service needs an authority for client certificates")
                running = self._serving(CertificateCaller(socket.callers) if socket.tls.client_authority else Nobody())
                address = _host_port(socket.host, socket.port)
                proof = self._proofs[address] = _Proof(socket.tls)
                credentials = proof.credentials()
                return _bound(running, socket.host, lambda: running.server.add_secure_port(address, credentials))
            case LoopbackSocket():
                if not _is_loopback(socket.host):
                    raise ConfigInvalid(
                        f"`{socket.host}` is not this machine's own address, so it needs TLS",
                        help="use 127.0.0.1 or ::1, or configure certificates",
                    )
                running = self._serving(OneCaller(socket.caller))
                address = _host_port(socket.host, socket.port)
                return _bound(running, socket.host, lambda: running.server.add_insecure_port(address))

    def _open_unix(self, socket: UnixSocket) -> _Running:
        running = self._serving(OneCaller(socket.caller))

        def bind(name: str) -> None:
            _bound(running, name, lambda: running.server.add_insecure_port(f"unix:{name}"))

        uid = os.geteuid() if socket.uid is None else socket.uid
        try:
            running.placed = place(socket.path, uid, bind)
        except ConfigInvalid:
            _end_threads(running)
            raise
        running.address = f"unix:{running.placed.path}"
        return running

    def _serving(self, identify: Identify) -> _Running:
        streams = deep_threads(MAX_STREAMS + SPARE_THREADS, "rpc-stream")
        threads = deep_threads(self._threads, "rpc")
        if self._tokens is not None:
            identify = BearerCaller(identify, self._tokens)
        identify = LimitedCaller(self._around(identify), self._rates)
        reception = Reception(identify, self._gate, self._arrivals, streams, self._tokens, self._rates)
        server = grpc.server(threads, options=_OPTIONS, maximum_concurrent_rpcs=MAX_CALLS)
        handlers = {
            DECISION: self._decision.handlers(reception),  # the first is found first
            APPROVAL: self._approval.handlers(reception),
            AUDIT: self._audit.handlers(reception),
            SESSION: self._session.handlers(reception),
            RECORDING: self._recording.handlers(reception),
            **({} if self._authz is None else {AUTHZ: self._authz.handlers(reception)}),
            HEALTH: self._health.handlers(reception),
            **{name: self._reflection.handlers(reception, name) for name in REFLECTION},
        }
        served = [grpc.method_handlers_generic_handler(name, {**methods}) for name, methods in handlers.items()]
        server.add_generic_rpc_handlers((*served, NoSuchMethod(reception)))
        return _Running(server, threads, streams, reception.openings, "")


def _end_threads(running: _Running) -> None:
    for threads in (running.threads, running.stream_threads):
        threads.shutdown(wait=True, cancel_futures=True)


def _bound(running: _Running, host: str, bind: Callable[[], int]) -> _Running:
    try:
        port = bind()
    except RuntimeError as error:
        _end_threads(running)
        raise ConfigInvalid(
            f"`{host}` cannot be listened on", help="is the port taken, or the address not ours?"
        ) from error
    running.address = _host_port(host, port)
    return running


class _Proof:
    """What a TLS socket proves itself with at the moment. Asked with each connection, by a thread of gRPC."""

    def __init__(self, tls: Tls) -> None:
        self.tls = self._told = tls

    def __call__(self) -> grpc.ServerCertificateConfiguration | None:
        """What is to be shown from now on; None when that is what was told before."""
        if self.tls is self._told:
            return None
        self._told = self.tls
        return _shown(self._told)

    def credentials(self) -> grpc.ServerCredentials:
        """As gRPC has it. Whether clients need a certificate stays as it is."""
        return grpc.dynamic_ssl_server_credentials(
            _shown(self.tls),
            self,  # type: ignore[arg-type]  # the stub does not know that None says: as before
            require_client_authentication=bool(self.tls.client_authority),
        )


def _shown(tls: Tls) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(tls.key, tls.certificate)], tls.client_authority or None)


def _host_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # WHY no names: what `localhost` means is decided elsewhere
