"""Everything between a configuration and running servers: built, connected, started, reloaded, stopped.

What cannot be had at the start is a GatewayError, and nothing is left open. Called by `running` and by the command line.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Iterator, Mapping, Sequence

from adapters.postgres.catalog import CatalogService
from adapters.postgres.planner import Planner
from adapters.postgres.pool import Pools
from engine.request import Json
from engine.source import Source
from gateway.activity.known import KnownUses
from gateway.app.beside import Teller
from gateway.app.certificates import RPC, Certificates
from gateway.app.console import Parts, console_link, make_console
from gateway.app.exports import Exports, audit_exports
from gateway.app.health import HealthServer
from gateway.app.identities import Identities
from gateway.app.listeners import RunningListener, make_listener
from gateway.app.notices import notice_exports
from gateway.app.origins import candidate_of, is_remote, origin_of
from gateway.app.policies import EngineTexts, compile_judge
from gateway.app.recordings import build_recordings, put_away_old
from gateway.app.reloading import Live, Reloading
from gateway.app.retention import Shredder, open_log
from gateway.app.searches import build_search
from gateway.app.secrets import Secrets
from gateway.app.servers import Served
from gateway.app.signing import build_sealer
from gateway.app.stock import Stock
from gateway.app.tracing import build_tracer, gate_with, reader_of
from gateway.approvals.notify import Bell
from gateway.approvals.store import Approvals
from gateway.audit.catalogs import CatalogKeeper
from gateway.audit.entry import Entry, Kind
from gateway.audit.figures import Figures
from gateway.audit.keys import log_name
from gateway.audit.read import read_since
from gateway.config import Config, Listener
from gateway.config.addresses import split_address
from gateway.config.model import Recorded
from gateway.console.server import ConsoleServer
from gateway.counting import Counting
from gateway.doors.adapters import Doors
from gateway.doors.ending import SessionEnder
from gateway.doors.resources import LiveResources
from gateway.errors import AuditUnavailable, ConfigInvalid, PolicyUnusable
from gateway.estimating import Estimating
from gateway.faces.server import FaceServer
from gateway.identity.rates import Rates
from gateway.judge import Judge
from gateway.policy_store.current import PolicyStatus, PolicyStore
from gateway.policy_store.rollback import SequenceGuard
from gateway.rpc.configured import sockets_of
from gateway.rpc.gate_ports import Behind
from gateway.rpc.server import RpcServer
from gateway.shadow import Shadow
from gateway.store.database import Database, open_database
from gateway.store.listen import listen
from gateway.store.migrations import upgrade
from gateway.telemetry import Meters, logger
from gateway.tending import Tending

DRAIN_SECONDS = 10.0
"""How long sessions may finish what they run after a stop was asked for."""
SWEEP_SECONDS = 1.0
SESSIONS_SECONDS = 0.5
"""Between looks for sessions that have to end."""
SHELF_SECONDS = 3600.0
"""Between looks for recordings, and contents of the audit, whose time is over."""


class Gateway:
    """One running gateway. Build it, `start` it in an event loop, `stop` it there, `close` it."""

    def __init__(self, config: Config, environment: Mapping[str, str]) -> None:
        """Open everything that is no server. Raises GatewayError with nothing left open."""
        self.config = config
        self.meters = Meters()
        self.tending = Tending(lambda work: self.meters.beside_failures.labels(work).inc())
        self._certificates = Certificates()
        limits = config.limits
        self._rates = Rates(limits.requests_per_second, limits.burst, time.monotonic, self.meters.requests_limited.inc)
        self._open = contextlib.ExitStack()
        self._listeners: list[tuple[str, RunningListener]] = []
        self._catalogs, self._planner = CatalogService(), Planner()
        self._pools = Pools(self.meters.pool_connections.count)
        self._estimating = Estimating(self._planner, lambda asked: self.doors.known.directory.reached(asked.resource))
        self._rpc: RpcServer | None = None
        self._faces: FaceServer | None = None
        self._console: ConsoleServer | None = None
        self._started_at = time.time_ns()
        self._is_stopping = False
        self._candidate: PolicyStore[Judge] | None = None
        secrets = Secrets(config, environment)
        self._host_keys = {one.bind: secrets.host_keys(one) for one in config.listener}
        with contextlib.ExitStack() as opening:
            self._build(secrets, opening)
            self._open = opening.pop_all()
        self._write(Kind.STARTED, note=f"policies {self.policies.revision}")

    def _build(self, secrets: Secrets, opening: contextlib.ExitStack) -> None:
        config = self.config
        mask_keys = secrets.mask_keys()
        url = secrets.store_url()
        database = open_database(url)
        opening.callback(database.close)
        self._database = database
        self._shared_store = url if database.tells_replicas else None
        upgrade(database)
        self._decoy_key = database.shared_key("decoy")
        self.identities = Identities(config, secrets, database, lambda: self.doors.known)
        opening.callback(self.identities.standing.close)
        if config.rpc.bind is not None and config.rpc.tls is not None:
            self._certificates.note(config, config.rpc.tls, RPC)
        people, directory, self._sockets = secrets.people(self._decoy_key), secrets.directory(), sockets_of(config)
        self.log = open_log(config)
        opening.callback(self.log.close)
        self._shredder, self._teller = Shredder(config, self.log, database), Teller(database, self.log)
        self._teller.look()
        # WHY only where they are read: it is a look at every line.
        heard = None if config.metrics.bind is None else Figures(self.meters.told).hear
        self.sealer = build_sealer(config, secrets, self.log, heard)
        opening.callback(self.sealer.close)
        log = log_name(config.at(config.audit.dir))
        audit = audit_exports(config, secrets.export_tokens(), log, self.meters)
        notices = notice_exports(
            config, secrets.hooks(), log, self.meters, lambda ticket: self.approvals.get(ticket), time.time_ns
        )
        self.exports = Exports([*audit, *notices], self.meters)
        opening.callback(self.exports.close)
        self._tracer = build_tracer(config, secrets, self.meters)
        if self._tracer is not None:
            opening.callback(self._tracer.close)
        self._reader = reader_of(self._tracer)
        self.finder, self._indexing = build_search(config, database, log, self._reader)
        opening.callback(self._indexing.close)
        known, flagged = KnownUses(database), self.meters.unusual.inc
        self.counting = Counting(self._reader, known, self._entries_since, time.time_ns, flagged)
        opening.callback(self.counting.flush)
        self.policies: PolicyStore[Judge] = PolicyStore(
            origin_of(config),
            self._compile,
            time.time_ns,
            admit=SequenceGuard(database, "policies").admit,
            max_age=config.policies.max_age_seconds,
        )
        opening.callback(self.policies.close)
        self.policies.subscribe_status(self._tell_policies)
        if not self.policies.reload():
            raise PolicyUnusable(
                self.policies.status.failure[0], help="`sallyport check` lists everything that is wrong with them"
            )
        self._candidate = self._build_candidate(database, opening)
        self.approvals = Approvals(database, Bell(), lambda name: self.doors.known.people.also(name))
        self.gate = gate_with(self._tracer)(
            policies=self.policies,
            log=self.log,
            approvals=self.approvals,
            clock=time.time_ns,
            meters=self.meters,
            mask_keys=mask_keys,
            link=console_link(config),
            renew=lambda asked: self.doors.renew(asked),
            catalogs=CatalogKeeper(config.at(config.audit.dir)),
            watcher=self._shadow,
            secrets_in_text=config.audit.secrets,
            counting=self.counting,
            estimating=self._estimating,
        )
        opening.callback(self.gate.close)
        # WHY before anything is written: the last entries are those of the life before.
        self.gate.steps.remember(config.at(config.audit.dir))
        self._recording_keys = secrets.recording_keys()
        self.recordings = build_recordings(config, self._recording_keys, self.log, self.meters.recordings_stopped.inc)
        opening.callback(self.recordings.close)
        self.doors: Doors = Doors(
            recordings=self.recordings,
            records_commands=config.recording.commands is Recorded.ALL,
            gate=self.gate,
            log=self.log,
            people=people,
            directory=directory,
            clock=time.time_ns,
            meters=self.meters,
            shape_of=self._reader.shape,
            proofs=self.identities.proofs,
            standing=self.identities.standing,
            watch=self._tracer,
        )

        self.ender = SessionEnder(self.doors.sessions, self.log, time.time_ns)
        live = Live(
            database=database,
            decoy_key=self._decoy_key,
            gate=self.gate,
            identities=self.identities,
            doors=self.doors,
            certificates=self._certificates,
            sealer=self.sealer,
            recording_keys=self._recording_keys,
            listeners=lambda: dict(self._listeners),
            rpc=lambda: self._rpc,
        )
        self.reloading = Reloading(live, self.meters, lambda step, note: self._write(Kind.RELOAD, step=step, note=note))

    def _build_candidate(self, database: Database, opening: contextlib.ExitStack) -> PolicyStore[Judge] | None:
        """The policies that are only watched. One that does not load is told and tried again; it stops nothing."""
        self._shadow: Shadow | None = None
        origin = candidate_of(self.config)
        if origin is None:
            return None
        admit = SequenceGuard(database, "candidate").admit
        candidate: PolicyStore[Judge] = PolicyStore(origin, self._compile, time.time_ns, admit=admit)
        opening.callback(candidate.close)
        candidate.reload()
        self._shadow = Shadow(candidate, self.log, self.meters)
        opening.callback(self._shadow.close)
        return candidate

    # --- servers ----------------------------------------------------------------------------------------------------

    async def start(self, *, listeners: bool) -> list[str]:
        """Start every server and return where each listens. Raises GatewayError; then `stop` what has begun."""
        places = []
        config = self.config
        self._estimating.open(asyncio.get_running_loop())
        self.identities.standing.start()
        self.sealer.start()
        self.exports.start()
        if config.audit.index:
            self._indexing.start()
        if config.metrics.bind is not None:
            places.append(self._start_metrics(config.metrics.bind))
        if self._sockets:
            self._rpc = self._served().rpc(self._sockets)
            self._rpc.start()
            places += [f"grpc {address}" for address in self._rpc.addresses]
        if config.faces.bind is not None:
            places.append(await self._start_faces(config.faces.bind))
        if config.console.bind is not None:
            places.append(await self._start_console(config.console.bind))
        for one in config.listener if listeners else ():
            places.append(await self._start_listener(one))
        self._watch(config)
        return places

    def _watch(self, config: Config) -> None:
        seconds = config.policies.poll_seconds if is_remote(config) else config.policies.watch_seconds
        if seconds > 0:
            self.policies.watch(seconds)
        if self._candidate is not None:
            self._candidate.watch(config.policies.poll_seconds)

    def _served(self) -> Served:
        behind = Behind(
            gate=self.gate,
            log=self.log,
            approvals=self.approvals,
            texts=EngineTexts(self._reader, lambda: self.policies.program),
            resources=LiveResources(lambda: self.doors.known.directory),
            clock=time.time_ns,
        )
        return Served(
            *(self.config, behind, self.policies, self.log, self.finder, self.doors, self.identities, self.ender),
            certificates=self._certificates,
            troubles=self.troubles,
            is_traced=self._tracer is not None,
            rates=self._rates,
        )

    async def _start_faces(self, bind: str) -> str:
        faces = self._served().faces(bind)
        await self._bound(faces.start(), bind)
        self._faces = faces
        return f"faces {faces.host}:{faces.port}"

    async def _start_console(self, bind: str) -> str:
        console = make_console(
            Parts(
                config=self.config,
                database=self._database,
                gate=self.gate,
                approvals=self.approvals,
                log=self.log,
                sealer=self.sealer,
                policies=self.policies,
                candidate=self._candidate,
                doors=self.doors,
                ender=self.ender,
                meters=self.meters,
                exports=self.exports,
                finder=self.finder,
                troubles=self.troubles,
                rates=self._rates,
                certificates=self._certificates,
                started_at=self._started_at,
                sign_in=self.identities.sign_in,
                sign_in_key=self.identities.sign_in_key,
                recording_keys=self._recording_keys,
                proofs=self.identities.proofs,
            )
        )
        await self._bound(console.start(), bind)
        self._console = console
        return f"console {console.origin}"

    async def _bound(self, start: Awaitable[None], bind: str) -> None:
        try:
            await start
        except OSError as error:
            raise ConfigInvalid(
                f"`{bind}` cannot be listened on ({error.strerror})", help="is the port taken, or not ours?"
            ) from error

    async def _start_listener(self, one: Listener) -> str:
        listener = make_listener(
            self.config, one, self.doors, self._catalogs, self._pools, self._host_keys, self.meters, self._certificates
        )
        await self._bound(listener.start(), one.bind)
        self._listeners.append((one.bind, listener))
        return f"{one.protocol.value} {one.bind.rpartition(':')[0]}:{listener.port}"

    def _start_metrics(self, bind: str) -> str:
        host, port = split_address(bind) or ("", 0)
        stock = Stock(
            *(self.config, self.meters, self.policies, self.counting, self.log),
            troubles=self.troubles,
            store_trouble=self.identities.standing.store_trouble,
            certificates=self._certificates.ends,
            pools=self._pools.standing,
        )
        server = HealthServer(host, port, stock.text, self.troubles, self.policy_facts, lambda: self.reloading.troubles)
        self._open.callback(server.close)
        return f"metrics {host}:{server.port}"

    def troubles(self) -> list[str]:
        """Why no new work can be done at the moment; empty when it can."""
        found = []
        if self.policies.is_stale:
            found.append(f"policies: not confirmed for {self.policies.age:.0f} s")
        elif self.policies.program is None:
            found.append("no policy is loaded")
        if self.log.trouble:
            found.append(f"audit: {self.log.trouble}")
        if self._is_stopping:
            found.append("draining")
        # WHY not asked here: anybody may ask this, on the loop too, and a store may be long in answering.
        store = self.identities.standing.store_trouble()
        return [*found, *([] if store is None else [f"store: {store}"]), *self.tending.troubles]

    def policy_facts(self) -> Mapping[str, object]:
        """How policies stand: for whoever asks whether this program is well."""
        status = self.policies.status
        return {
            "revision": status.revision,
            "commit": status.commit,
            "sequence": status.sequence,
            "origin": self.policies.origin,
            "confirmed_seconds_ago": round(self.policies.age, 1),
            "is_stale": self.policies.is_stale,
            "failure": list(status.failure[:5]),
            "candidate": None if self._candidate is None else self._candidate.revision,
        }

    async def hear_replicas(self) -> None:
        """Pass on what other replicas say of tickets, for ever. Ends at once where there can be none."""
        if self._shared_store is not None:
            bell = self.approvals.bell
            await listen(self._shared_store, bell.ring, bell.ring_all)

    async def watch_sessions(self) -> None:
        """End sessions that are over their limits, and those whose logins were taken back, for ever."""
        loop = asyncio.get_running_loop()
        looking: asyncio.Future[list[tuple[str, str]]] | None = None
        while True:
            await asyncio.sleep(SESSIONS_SECONDS)
            # WHY not waited for: a store that does not answer must not keep the limits from being seen to.
            void = looking.result() if looking is not None and looking.done() else []
            self.doors.sweep(void)
            if looking is None or looking.done():
                looking = loop.run_in_executor(None, self.doors.find_void)

    async def sweep(self) -> None:
        """Close overdue tickets and put old recordings away, for ever. INVARIANT: what fails keeps nothing else from being done."""
        loop, attempt = asyncio.get_running_loop(), self.tending.attempt
        next_look = 0.0
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            is_time = loop.time() >= next_look
            if is_time:
                next_look = loop.time() + SHELF_SECONDS
                await loop.run_in_executor(None, attempt, "old recordings", self._put_away_old)
            if is_time or self._shredder.is_asked:
                await loop.run_in_executor(None, attempt, "old contents", lambda: self._shredder.look(time.time_ns()))
            await loop.run_in_executor(None, attempt, "what others did", self._teller.look)
            await loop.run_in_executor(None, attempt, "holds", self.gate.expire_overdue)
            await loop.run_in_executor(None, attempt, "activity", self.counting.flush)
            attempt("numbers", self._tell_numbers)

    def _tell_numbers(self) -> None:
        self.meters.audit_unsealed.set(self.log.next_seq - 1 - self.sealer.sealed)
        self.exports.tell(self.log.next_seq - 1)

    def _put_away_old(self) -> None:
        try:
            put_away_old(self.config, self.log, time.time_ns())
        except AuditUnavailable as error:
            logger("app").error("old recordings stay: this cannot be recorded", code=error.code)

    async def stop(self, seconds: float = DRAIN_SECONDS) -> None:
        """Take no new work, let what runs finish for `seconds`, end the rest."""
        self._is_stopping = True
        await asyncio.gather(*(listener.drain(seconds) for _, listener in self._listeners))
        self._listeners.clear()
        await asyncio.gather(self._pools.close(), self._catalogs.close(), self._planner.close())
        if self._console is not None:
            console, self._console = self._console, None
            await console.stop(seconds)
        if self._faces is not None:
            faces, self._faces = self._faces, None
            await faces.stop(seconds)
        if self._rpc is not None:
            rpc, self._rpc = self._rpc, None
            await asyncio.get_running_loop().run_in_executor(None, rpc.stop, min(seconds, 5.0))

    def close(self) -> None:
        """Close everything that is no server."""
        self._write(Kind.STOPPED)
        self._open.close()

    # --- reloading --------------------------------------------------------------------------------------------------

    def reload(self, config: Config | None, environment: Mapping[str, str]) -> None:
        """Load the policies again, and take of the new configuration what can change while we run (`reloading`).

        None: it has mistakes, and nothing of it is taken. Never raises: what cannot be used is told.
        """
        # WHY a thread where another machine is asked: whoever stops us meanwhile must not wait for it.
        if is_remote(self.config):
            threading.Thread(target=self._reload_policies, name="policy-reload", daemon=True).start()
        else:
            self._reload_policies()
        if config is None:
            self.reloading.refuse()
        else:
            self.reloading.take(config, environment)

    def _reload_policies(self) -> None:
        self.policies.reload()
        if self._candidate is not None:
            self._candidate.reload()

    def _tell_policies(self, status: PolicyStatus) -> None:
        self.meters.policy_loads.labels("failed" if status.failure else "loaded").inc()
        self.meters.policy_failing.set(1 if status.failure else 0)
        self.meters.policy_info.info({"revision": status.revision, "commit": status.commit or ""})
        step = "failed" if status.failure else "loaded"
        note = status.failure[0] if status.failure else (status.commit or "")
        program = self.policies.program
        # WHY not while others are watched: they may ask, and their loading is told to nobody.
        if program is not None and not program.reads_activity and self._candidate is None:
            self.counting.end()
        self._write(Kind.POLICY, step=step, revision=status.revision, note=note[:1_000])

    def _write(self, kind: Kind, **fields: str) -> None:
        try:
            self.log.append(Entry(kind=kind, time=time.time_ns(), **fields), promised=True)  # type: ignore[arg-type]  # text fields only
        except AuditUnavailable as error:
            self.meters.audit_failures.inc()
            logger("app").error("this could not be recorded", kind=kind.value, code=error.code)

    def _compile(self, sources: Sequence[Source], data: Mapping[str, Json]) -> Judge:
        judge = compile_judge(sources, data, self._reader)
        if judge.reads_activity:
            self.counting.begin()
        return judge

    def _entries_since(self, since: int) -> Iterator[Entry]:
        """The decisions and outcomes of the log since a time, up to now."""
        upto = self.log.next_seq
        self.log.flush()
        kinds = frozenset({Kind.DECISION, Kind.OUTCOME})
        for entry in read_since(self.config.at(self.config.audit.dir), since, kinds):
            if entry.seq >= upto:
                return
            yield entry
