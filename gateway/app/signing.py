"""Who signs the audit: the configured keys or the one beside the log, and those that signed before. Called by `assembly`, `reloading`, `backup`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.app.secrets import Secrets
from gateway.audit.checkpoint import PublicKey, SigningKey
from gateway.audit.keys import former_keys, log_name, own_key
from gateway.audit.log import AuditLog
from gateway.audit.sealing import Sealer
from gateway.config import Config


@dataclass(frozen=True, slots=True)
class Signers:
    """`keys`: the one that signs, then those it takes over from; `former`: those that are gone."""

    keys: list[SigningKey]
    former: list[PublicKey]

    @property
    def public(self) -> list[PublicKey]:
        """All of them, for who verifies."""
        return [*(key.public for key in self.keys), *self.former]


def signers_of(config: Config, secrets: Secrets) -> Signers:
    """Those of a configuration. Raises GatewayError."""
    directory = config.at(config.audit.dir)
    origin = log_name(directory)
    keys = secrets.audit_keys(origin) or [own_key(directory, origin)]
    return Signers(keys, former_keys(config.audit.former_keys))


def build_sealer(config: Config, secrets: Secrets, log: AuditLog, heard: Callable[[bytes], None] | None) -> Sealer:
    """What seals the log; `heard` as of `Sealer`. Raises GatewayError."""
    directory, signers = config.at(config.audit.dir), signers_of(config, secrets)
    return Sealer(log, directory, log_name(directory), signers.keys, time.time_ns, heard, signers.former)
