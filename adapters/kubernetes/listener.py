"""The Kubernetes listener: an address where `session` is spoken. Built by the program's composition root."""

from __future__ import annotations

import secrets

from adapters.core.kept import KeptConnections
from adapters.core.listening import Address, RelayListener
from adapters.core.ports import Doorkeeper
from adapters.kubernetes.session import KubernetesManners, kubernetes_session
from adapters.web.http2.offer import http2_carriage
from adapters.web.session.settings import Settings


def kubernetes_listener(
    address: Address,
    doorkeeper: Doorkeeper,
    resource: str | None,
    *,
    kept: KeptConnections | None = None,
    idle_seconds: float = 0.0,
) -> RelayListener:
    """A listener for one cluster, or (None) for those that the Host header names. `kept`: where connections to API servers wait for
    another request; `idle_seconds`: how long nobody may type on a terminal of a pod (0: for ever)."""
    settings = Settings(resource=resource, tls=address.tls is not None)
    # What is upgraded (exec, attach, forwarded ports) comes over HTTP/1.1, which clients choose for it.
    seed = secrets.token_bytes(32)
    carriage = http2_carriage(KubernetesManners(seed, idle_seconds), settings, in_clear=False)
    return RelayListener(address, doorkeeper, lambda: kubernetes_session(settings, seed, idle_seconds), carriage, kept)
