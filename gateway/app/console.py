"""The console, put together from the parts of a running gateway. Called by `assembly`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

from gateway.app.certificates import CONSOLE, Certificates
from gateway.app.exports import Exports
from gateway.app.origins import folders_of
from gateway.approvals.store import Approvals
from gateway.audit.index.finding import Finder
from gateway.audit.log import AuditLog
from gateway.audit.sealing import Sealer
from gateway.config import Config
from gateway.config.addresses import split_address
from gateway.console.audit import Audit, Sealed
from gateway.console.calls import Viewer
from gateway.console.decisions import Decisions
from gateway.console.doorway import Provider
from gateway.console.health import Health, Vitals
from gateway.console.holds import Holds
from gateway.console.live import Watchers
from gateway.console.measuring import Measuring, commands_for
from gateway.console.policies import Policies, Standing
from gateway.console.recordings import Places, Recordings
from gateway.console.server import ConsoleServer, Pages, Place, Route
from gateway.console.sessions import Sessions
from gateway.console.sign_ins import SignInsPage
from gateway.console.signed_in import SignIns
from gateway.console.signing_in import Entrance
from gateway.doors.adapters import Doors
from gateway.doors.ending import SessionEnder
from gateway.gate import Gate
from gateway.identity.oidc.login import CodeFlow
from gateway.identity.proofs import Proofs
from gateway.identity.rates import Rates
from gateway.judge import Judge
from gateway.policy_store.current import PolicyStore
from gateway.recording.keys import WrappingKeys
from gateway.store.database import Database
from gateway.telemetry import Meters


@dataclass(frozen=True, slots=True)
class Parts:
    """What the console looks at."""

    config: Config
    database: Database
    gate: Gate
    approvals: Approvals
    log: AuditLog
    sealer: Sealer
    policies: PolicyStore[Judge]
    candidate: PolicyStore[Judge] | None
    doors: Doors
    ender: SessionEnder
    meters: Meters
    exports: Exports
    finder: Finder
    certificates: Certificates
    rates: Rates
    troubles: Callable[[], Sequence[str]]
    started_at: int
    sign_in: CodeFlow | None
    sign_in_key: bytes = field(repr=False)
    recording_keys: WrappingKeys = field(repr=False)
    proofs: Proofs


def console_origin(config: Config) -> str | None:
    """Where browsers find the console; None without one, or where only the socket knows its port."""
    console = config.console
    if console.url is not None:
        return console.url.rstrip("/")
    if console.bind is None or console.bind.endswith(":0"):
        return None
    return f"{'http' if console.tls is None else 'https'}://{console.bind}"


def console_link(config: Config) -> Callable[[str], str | None]:
    """Where a person finds a ticket."""
    origin = None if config.console.bind is None else console_origin(config)
    return lambda ticket: None if origin is None else f"{origin}/holds/{ticket}"


def make_console(parts: Parts) -> ConsoleServer:
    """The server, not started. Raises ConfigInvalid for a certificate that cannot be used."""
    config, console = parts.config, parts.config.console
    host, port = split_address(console.bind or "") or ("", 0)
    tls = None if console.tls is None else parts.certificates.context(config, console.tls, CONSOLE)
    signed_in = sign_ins_of(config, parts.database)
    people, proofs = (lambda: parts.doors.known.people), parts.proofs
    entrance = Entrance(people, signed_in, parts.log, time.time_ns, proofs.names, proofs)
    pages = Pages(_routes(parts, entrance), lambda viewer: _waiting(parts.approvals, viewer))
    watchers = Watchers(parts.approvals.bell, lambda: parts.log.next_seq)
    place, flow = Place(host, port, tls, console_origin(config), console.trusted_proxies), parts.sign_in
    provider = None if flow is None else Provider(flow.issuer.settings.name, flow, parts.sign_in_key)
    return ConsoleServer(place, pages, entrance, watchers, time.time_ns, provider, parts.rates)


def sign_ins_of(config: Config, database: Database) -> SignIns:
    """Who is signed in, by the times of the configuration."""
    console = config.console
    return SignIns(database, idle_seconds=console.idle_minutes * 60, most_seconds=console.session_hours * 3_600)


def _routes(parts: Parts, entrance: Entrance) -> list[Route]:
    sign_ins = SignInsPage(entrance)
    directory = parts.config.at(parts.config.audit.dir)
    holds = Holds(parts.approvals, parts.gate, parts.gate.recalling)
    decisions = Decisions(directory, lambda: parts.policies.program)
    audit = Audit(directory, lambda: _sealed(parts), lambda: parts.sealer.trusted, time.time_ns, parts.finder)
    sessions = Sessions(directory, parts.ender)
    recorded = Places(parts.config.at(parts.config.recording.dir), parts.recording_keys, directory)
    recordings = Recordings(recorded, parts.log.append)
    policies = Policies(
        directory,
        lambda: _standing(parts.policies),
        lambda: None if parts.candidate is None else _standing(parts.candidate),
        lambda: _tallies(parts.meters),
        Measuring(commands_for(*folders_of(parts.config), directory), time.time_ns),
    )
    return [
        Route("/holds", holds.list),
        Route("/holds/{ticket}", holds.one),
        Route("/holds/{ticket}/approve", holds.approve, is_form=True),
        Route("/holds/{ticket}/refuse", holds.refuse, is_form=True),
        Route("/holds/remembered/{lasting}/take-back", holds.take_back, is_form=True),
        Route("/decisions", decisions.list),
        Route("/decisions/{seq}", decisions.one),
        Route("/sessions", sessions.list),
        Route("/sessions/{session}/end", sessions.end, is_form=True),
        Route("/sessions/{session}", recordings.session),
        Route("/sessions/{session}/events", recordings.session_events),
        Route("/recordings", recordings.list),
        Route("/recordings/{recording}", recordings.one),
        Route("/recordings/{recording}/events", recordings.events),
        Route("/sign-ins", sign_ins.list),
        Route("/sign-ins/{session}/end", sign_ins.end, is_form=True),
        Route("/policies", policies.show),
        Route("/policies/{subject}", policies.measure, is_form=True),
        Route("/audit", audit.show),
        Route("/audit/verify", audit.verify, is_form=True),
        Route("/health", Health(lambda: _vitals(parts)).show),
    ]


def _waiting(approvals: Approvals, viewer: Viewer) -> int:
    return approvals.count_pending(time.time_ns(), None if viewer.sees_holds else viewer.name)


def _sealed(parts: Parts) -> Sealed:
    return Sealed(parts.log.next_seq - 1, parts.sealer.sealed, parts.sealer.trouble or parts.log.trouble)


def _standing(store: PolicyStore[Judge]) -> Standing:
    return Standing(store.origin, store.status, store.age, store.is_stale)


def _tallies(meters: Meters) -> list[tuple[str, int]]:
    """How often the candidate came to what."""
    samples = [sample for family in meters.shadow_decisions.collect() for sample in family.samples]
    return [(sample.labels["result"], int(sample.value)) for sample in samples if sample.name.endswith("_total")]


def _vitals(parts: Parts) -> Vitals:
    written = parts.log.next_seq - 1
    return Vitals(
        troubles=parts.troubles(),
        decisions=[(verdict, kind, count) for (verdict, kind), count in parts.meters.decisions.counts()],
        sessions=len(parts.doors.live()),
        waiting=parts.approvals.count_pending(time.time_ns()),
        unsealed=max(0, written - parts.sealer.sealed),
        exports=parts.exports.behind(written),
        started_at=parts.started_at,
        version=_version(),
    )


def _version() -> str:
    try:
        return version("sallyport")
    except PackageNotFoundError:
        return "from a checkout"
