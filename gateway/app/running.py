"""Keeps a gateway running: the event loop on a thread with a big stack, signals on the main one.

SIGTERM and SIGINT drain (a second one ends at once), SIGHUP reloads. Called by `sallyport up` and `serve`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import queue
import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType

import uvloop

from gateway.app.assembly import Gateway
from gateway.errors import GatewayError
from gateway.telemetry import logger

STACK_BYTES = 96 << 20
"""Stack of every thread that decides: more than the core wants to find (docs/decisions/0001), so it never has to move."""


class _Loop:
    """The thread with the event loop, seen from outside."""

    def __init__(self, gateway: Gateway, *, listeners: bool, told: queue.SimpleQueue[str | GatewayError]) -> None:
        self._gateway = gateway
        self._with_listeners = listeners
        self._told = told
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wanted = asyncio.Event()
        self.places: Sequence[str] = ()
        self.thread = threading.Thread(target=self._run, name="gateway-loop")

    def stop(self) -> None:
        """Ask for the end, from any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # WHY: the loop may have ended by itself meanwhile
                self._loop.call_soon_threadsafe(self._wanted.set)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                self._loop = runner.get_loop()
                runner.run(self._serve())
        finally:
            self._told.put("ended")

    async def _serve(self) -> None:
        gateway = self._gateway
        keep = gateway.tending.keep
        works = (keep("sweep", gateway.sweep), keep("replicas", gateway.hear_replicas))
        beside = [asyncio.create_task(work) for work in works]
        watching = asyncio.create_task(gateway.watch_sessions())
        watching.add_done_callback(self._sessions_unwatched)
        try:
            self.places = await self._gateway.start(listeners=self._with_listeners)
            # WHY: what is loaded now stays. A full collection would else walk all of it, and every decision would wait.
            gc.collect()
            gc.freeze()
            self._told.put("started")
            await self._wanted.wait()
        except GatewayError as error:
            self._told.put(error)
        finally:
            for task in (*beside, watching):
                task.cancel()
            await self._gateway.stop()

    def _sessions_unwatched(self, task: asyncio.Task[None]) -> None:
        # INVARIANT: limits and logins that were taken back are seen to as long as anybody is connected.
        if not task.cancelled():
            logger("app").error("nobody sees to the limits of sessions any more", exc_info=task.exception())
            self._told.put(GatewayError("the limits of sessions cannot be seen to; the log says why", code="UNWATCHED"))
            self._wanted.set()


def run(
    gateway: Gateway, *, listeners: bool, started: Callable[[Sequence[str]], None], reload: Callable[[], None]
) -> None:
    """Run until a signal ends it. Raises GatewayError when a server cannot be started. Only on the main thread.

    `started` is called with where everything listens; `reload` on SIGHUP.
    """
    told: queue.SimpleQueue[str | GatewayError] = queue.SimpleQueue()
    before = threading.stack_size(STACK_BYTES)
    loop = _Loop(gateway, listeners=listeners, told=told)

    def heard(number: int, frame: FrameType | None) -> None:
        # WHY a queue: a signal handler runs between any two instructions, and this queue alone is made for that.
        told.put(signal.Signals(number).name)

    kept = {number: signal.signal(number, heard) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    failure: GatewayError | None = None
    try:
        loop.thread.start()
        failure = _attend(loop, told, started, reload)
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
        threading.stack_size(before)
        gateway.close()
    if failure is not None:
        raise failure


def _attend(
    loop: _Loop,
    told: queue.SimpleQueue[str | GatewayError],
    started: Callable[[Sequence[str]], None],
    reload: Callable[[], None],
) -> GatewayError | None:
    """Do what is told until the loop has ended."""
    failure, is_stopping = None, False
    while True:
        match told.get():
            case GatewayError() as error:
                failure = error
            case "started":
                started(loop.places)
            case "ended":
                loop.thread.join()
                return failure
            case "SIGHUP":
                reload()
            case name:
                if is_stopping:
                    logger("app").warning("ended at once", signal=name)
                    raise SystemExit(3)
                is_stopping = True
                logger("app").info("draining", signal=name)
                loop.stop()
