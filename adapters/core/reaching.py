"""The way to a target: its addresses looked up, a connection made, TLS with it or with a client. Called by `relay`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Hashable

import structlog

from adapters.core.core_tls import ServedTls, TargetTls, target_tls
from adapters.core.effects import StartTls
from adapters.core.ends import End
from adapters.core.events import LookedUp, Side, UpstreamFailed
from adapters.core.minting import Authority
from adapters.core.ports import Refusal, Target
from adapters.core.shared import UNREACHED, SharedConnection, SharedConnections
from adapters.core.tls import upstream_context

NO_TARGET = Refusal("08004", "there is no such resource")
CONNECT_TIMEOUT = 10.0
"""Seconds to reach a target (connect and TLS)."""
MAX_ADDRESSES = 16
Reached = Callable[[str, float, bool], None]

log = structlog.get_logger(__name__)


async def look_up(host: str, port: int) -> tuple[str, ...]:
    """The addresses of a host, each once; none where there are none, or more than anybody needs."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError, UnicodeError, TimeoutError):
        async with asyncio.timeout(CONNECT_TIMEOUT):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = tuple(dict.fromkeys(str(one[4][0]) for one in found))
            # WHY not cut: an address that nobody looks at is one that may lead inside.
            return addresses if len(addresses) <= MAX_ADDRESSES else ()
    return ()


async def looked_up(host: str, port: int) -> LookedUp:
    """The same as an event."""
    return LookedUp(host, await look_up(host, port))


async def reach(
    target: Target, end: End, shared: SharedConnections | None, shared_for: Hashable | None, told: Reached, session: str
) -> tuple[End, bool] | UpstreamFailed:
    """A way to the target of a session: over this end or another one, and whether TLS stands there already. Or why there is none."""

    async def dialed(made: SharedConnection) -> bool:
        if not await is_connected(target, made.end, told, session):
            return False
        made.start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await made.settled
        return True

    if shared is not None and shared_for is not None and shared.serves(target):
        found = await shared.reach((target, shared_for), target, end, dialed)
        if isinstance(found, UpstreamFailed):
            return found
        if found is not end or end.transport is not None:
            return found, True
    if not await is_connected(target, end, told, session):
        return UpstreamFailed(UNREACHED)
    return end, False


async def is_connected(target: Target, end: asyncio.Protocol, told: Reached, session: str) -> bool:
    """Connect to the target of a session. Whether that could be done, and in time; somebody is told (`Doorkeeper.reached`)."""
    now = asyncio.get_running_loop().time
    began, is_reached = now(), False
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await _connect(target, end)
        is_reached = True
    except (OSError, TimeoutError) as error:
        log.warning("the target cannot be reached", error=type(error).__name__)
    told(session, now() - began, is_reached)
    return is_reached


async def _connect(target: Target, end: asyncio.Protocol) -> None:
    """To the first that answers of the target's addresses, where they were looked up before."""
    loop = asyncio.get_running_loop()
    if target.host.startswith("/"):
        path = f"{target.host}/.s.PGSQL.{target.port}" if target.port else target.host
        await loop.create_unix_connection(lambda: end, path)
        return
    addresses = target.addresses or (target.host,)
    for number, address in enumerate(addresses, 1):
        try:
            await loop.create_connection(lambda: end, address, target.port)
        except OSError:
            if number == len(addresses):
                raise
        else:
            return


def tls_for(
    asked: StartTls, own: ssl.SSLContext | ServedTls | None, target: Target | None
) -> tuple[ssl.SSLContext | ServedTls | TargetTls, str | None]:
    """How TLS is done that was asked for, and with whom. `own` proves the listener to its clients."""
    if asked.side is Side.UPSTREAM and target is not None:
        return (target_tls if asked.in_core else upstream_context)(target), target.host
    if asked.host is not None:
        own = asked.authority.context(asked.host) if isinstance(asked.authority, Authority) else None
    if own is None:
        raise RuntimeError("TLS was asked for where there is none")
    return own, None
