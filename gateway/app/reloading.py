"""What a reload changes of a running gateway, part by part: each as a whole or not at all, and none because another fails.

A part that cannot be changed stays as it was; the log, the audit, `/readyz` and a number say which and why. Policies are loaded
by their own store. Not here: what wants a restart (servers, the store, the places of audit and recordings). Built by `assembly`, called
on the main thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from adapters.ssh.listener import HostKeyUnusable, SshListener
from gateway.app.certificates import RPC, Certificates, served
from gateway.app.identities import Identities, token_keys
from gateway.app.listeners import RunningListener
from gateway.app.secrets import Secrets
from gateway.app.signing import signers_of
from gateway.audit.sealing import Sealer
from gateway.config import Config
from gateway.config.model import ServerTls
from gateway.doors.adapters import Doors, Known
from gateway.errors import ConfigInvalid, GatewayError
from gateway.gate import Gate
from gateway.recording.keys import WrappingKeys
from gateway.rpc.configured import sockets_of
from gateway.rpc.server import RpcServer
from gateway.store.database import Database
from gateway.telemetry import Meters, logger
from gateway.tending import caught, told_of

CONFIGURATION, PEOPLE = "the configuration", "people and resources"
AUDIT_KEYS, RECORDING_KEYS = "the keys of the audit", "the keys of recordings"
CHANGED, FAILED = "changed", "failed"
MAX_WHY = 1_000
"""Characters of a reason in the audit."""


@dataclass(frozen=True, slots=True)
class Live:
    """What of a running gateway can be changed. `listeners`: those that run, by where the configuration has them."""

    database: Database
    decoy_key: bytes = field(repr=False)
    gate: Gate
    identities: Identities
    doors: Doors
    certificates: Certificates
    sealer: Sealer
    recording_keys: WrappingKeys = field(repr=False)
    listeners: Callable[[], Mapping[str, RunningListener]]
    rpc: Callable[[], RpcServer | None]


class Reloading:
    """Reloads of one gateway. `tell` is given the step and the note of an entry of the audit."""

    def __init__(self, live: Live, meters: Meters, tell: Callable[[str, str], None]) -> None:
        self._live, self._meters, self._tell = live, meters, tell
        self._failed: dict[str, str] = {}

    @property
    def troubles(self) -> list[str]:
        """`PART: why` of each part that the last reload could not change."""
        return [f"{part}: {why}" for part, why in list(self._failed.items())]

    def refuse(self) -> None:
        """Take note that there is a configuration with mistakes, so that nothing was changed."""
        why = "the file has mistakes, which the log lists; nothing of it was changed"
        self._attempt(CONFIGURATION, partial(_refuse, why))

    def take(self, config: Config, environment: Mapping[str, str]) -> None:
        """Change what can be. Never raises."""
        secrets = Secrets(config, environment)
        parts = dict(self._parts(config, secrets))
        before, self._failed = self._failed, {}
        for part in before.keys() - parts.keys():
            self._meters.reload_failing.labels(part).set(0)
        for part, work in parts.items():
            self._attempt(part, work)
        if PEOPLE not in self._failed:
            logger("app").info("people and resources loaded again")

    def _attempt(self, part: str, work: Callable[[], bool]) -> None:
        is_changed = False

        def note() -> None:
            nonlocal is_changed
            is_changed = work()

        error = caught(note)
        self._meters.reload_failing.labels(part).set(0 if error is None else 1)
        if error is not None:
            self._failed[part] = why = told_of(error)
            code = error.code if isinstance(error, GatewayError) else "INTERNAL"
            # WHY the error only where it is a fault of ours: what refuses may have read a secret.
            fault = None if isinstance(error, GatewayError) else error
            logger("app").error("this was not loaded again", what=part, code=code, problem=why, exc_info=fault)
            self._tell(FAILED, f"{part}: {why}"[:MAX_WHY])
        elif is_changed:
            logger("app").info("this was changed by a reload", what=part)
            self._tell(CHANGED, part)

    def _parts(self, config: Config, secrets: Secrets) -> Iterator[tuple[str, Callable[[], bool]]]:
        """Each part by its name, with what changes it and says whether it did. That raises where it changes nothing."""
        live = self._live
        yield PEOPLE, partial(self._know, config, secrets)
        for where, files in served(config):
            if live.certificates.is_served(where):
                yield f"the certificate of {where}", partial(self._prove, config, files, where)
        running = live.listeners()
        for one in config.listener:
            listener = running.get(one.bind)
            if isinstance(listener, SshListener):
                yield f"the host keys of {one.bind}", partial(_offer, listener, partial(secrets.host_keys, one))
        yield AUDIT_KEYS, partial(self._sign, config, secrets)
        yield RECORDING_KEYS, partial(self._wrap, secrets)

    def _know(self, config: Config, secrets: Secrets) -> bool:
        live = self._live
        known = Known(secrets.people(live.decoy_key), secrets.directory())
        mask_keys, own_keys = secrets.mask_keys(), token_keys(secrets, live.database)
        # INVARIANT: before who and what is known: what sessions remember, with the keys of then, they forget with that.
        live.gate.mask_keys = mask_keys
        live.identities.use_keys(own_keys)
        live.doors.known = known
        return False  # WHY: it is made anew each time, and nobody compares it

    def _prove(self, config: Config, files: ServerTls, where: str) -> bool:
        rpc, certificates = self._live.rpc(), self._live.certificates
        if where == RPC and rpc is not None:
            # WHY looked at before: gRPC takes anything, and then nobody can connect.
            certificates.check(config, files, where)
            rpc.renew(sockets_of(config))
        return certificates.renew(config, files, where)

    def _sign(self, config: Config, secrets: Secrets) -> bool:
        signers = signers_of(config, secrets)
        return self._live.sealer.use_keys(signers.keys, signers.former)

    def _wrap(self, secrets: Secrets) -> bool:
        return self._live.recording_keys.take_over(secrets.recording_keys())


def _offer(listener: SshListener, texts: Callable[[], Sequence[str]]) -> bool:
    try:
        return listener.use_host_keys(texts())
    except HostKeyUnusable as error:
        raise ConfigInvalid(str(error), code=error.code) from error


def _refuse(why: str) -> bool:
    raise ConfigInvalid(why)
