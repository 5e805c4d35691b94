"""Hearing, on a shared PostgreSQL, of tickets that another replica changed: pushed, not polled.

After a lost connection whoever waits is told to look again, because what was said meanwhile nobody heard. Started by `app`
when the store is PostgreSQL.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import asyncpg
from sqlalchemy.engine import make_url

from gateway.store.database import CHANNEL, CONNECT_TIMEOUT, server_of
from gateway.telemetry import logger

RETRY_SECONDS = 1.0


async def listen(url: str, heard: Callable[[str], None], connected: Callable[[], None]) -> None:
    """Call `heard` with the id of each ticket that changes anywhere, and `connected` after each (re)connection, for ever."""
    while True:
        try:
            await _listen_once(url, heard, connected)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            # WHY only the class: texts of drivers can hold the URL.
            logger("store").warning("changes of other replicas are not heard", error=type(error).__name__)
        await asyncio.sleep(RETRY_SECONDS)


async def _listen_once(url: str, heard: Callable[[str], None], connected: Callable[[], None]) -> None:
    parsed = make_url(url)
    place = server_of(parsed)
    lost = asyncio.Event()
    connection = await asyncpg.connect(
        host=None if place.socket is None else place.socket.rsplit("/", 1)[0],
        dsn=parsed.set(drivername="postgresql", query={}).render_as_string(hide_password=False),
        ssl=place.tls if place.tls is not None else False,
        timeout=CONNECT_TIMEOUT,
    )
    try:
        connection.add_termination_listener(lambda _: lost.set())
        await connection.add_listener(CHANNEL, lambda _connection, _pid, _channel, ticket: heard(str(ticket)))
        connected()
        await lost.wait()
    finally:
        connection.terminate()
