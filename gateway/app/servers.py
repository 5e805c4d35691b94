"""The gRPC server and the faces, built from what is behind them. Called by `assembly`, which starts and stops them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.app.certificates import FACES, Certificates
from gateway.app.identities import Identities
from gateway.app.recordings import build_viewings
from gateway.audit.index.finding import Finder
from gateway.audit.log import AuditLog
from gateway.config import Config
from gateway.config.addresses import split_address
from gateway.doors.adapters import Doors
from gateway.doors.ending import SessionEnder
from gateway.faces.asking import Desk
from gateway.faces.server import FaceServer, Place
from gateway.identity.bearers import TokenBearers
from gateway.identity.rates import Rates
from gateway.judge import Judge
from gateway.policy_store.current import PolicyStore
from gateway.rpc.authz_service import AuthzService
from gateway.rpc.bearer import Tokens
from gateway.rpc.decision_service import DecisionPorts
from gateway.rpc.gate_ports import Askers, Behind, GateApprovals, GateDecisions, LogAudit
from gateway.rpc.identity import Identify, TracedCaller
from gateway.rpc.server import RpcServer, Socket


@dataclass(frozen=True, slots=True)
class Served:
    """What both stand on. `is_traced`: what callers say of traces of theirs is read."""

    config: Config
    behind: Behind
    policies: PolicyStore[Judge]
    log: AuditLog
    finder: Finder
    doors: Doors
    identities: Identities
    ender: SessionEnder
    certificates: Certificates
    troubles: Callable[[], Sequence[str]]
    is_traced: bool
    rates: Rates

    def rpc(self, sockets: Sequence[Socket]) -> RpcServer:
        """The gRPC server, not started."""
        config, doors, askers = self.config, self.doors, Askers()
        gate = GateDecisions(self.behind, askers)
        bearers = TokenBearers(lambda: doors.known.people, self.identities.proofs)
        return RpcServer(
            DecisionPorts(gate, self.policies, GateApprovals(self.behind, askers)),
            LogAudit(self.log, config.at(config.audit.dir), self.finder),
            sockets,
            time.monotonic,
            sessions=self.ender,
            recordings=build_viewings(config, self.log),
            threads=config.rpc.threads,
            authz=AuthzService(gate, bearers, config.rpc.ext_authz),
            tokens=Tokens(bearers, doors.trouble, time.monotonic),
            around=self._around,
            rates=self.rates,
        )

    def _around(self, identify: Identify) -> Identify:
        return TracedCaller(identify) if self.is_traced else identify

    def faces(self, bind: str) -> FaceServer:
        """The faces, not started. Raises ConfigInvalid for a certificate that cannot be used."""
        host, port = split_address(bind) or ("", 0)
        files = self.config.faces.tls
        tls = None if files is None else self.certificates.context(self.config, files, FACES)
        return FaceServer(
            Place(host, port, tls, self.config.faces.trusted_proxies),
            Desk(GateDecisions(self.behind, Askers())),
            lambda: self.doors.known.people,
            self.troubles,
            clock=time.monotonic,
            tokens=self.identities.counter(self.log),
            is_traced=self.is_traced,
            limits=self.rates,
        )
