"""The one set of policies that decides: compiled off the path, swapped by one reference, the last good one kept.

Readers take `program` once for a decision and never wait. Without a good set there is none, and the gate denies; so it does
when nobody could confirm for longer than `max_age` that this is still the set that should decide.
Called by `gateway.app` (load, SIGHUP, watching), the gate (`program`) and the services (`revision`, `subscribe`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from engine.errors import EngineError, PolicyRefused
from engine.request import Json
from engine.source import Diagnostic, Source
from gateway.errors import GatewayError, PolicyUnusable
from gateway.policy_store.origins import Loaded, Origin
from gateway.telemetry import logger
from gateway.turns import short_turns

MAX_SHOWN = 50
"""Diagnostics that a status keeps."""
MAX_HISTORY = 1_000
MAX_WAIT = 300.0
"""Seconds between looks at an origin that cannot be reached, at most; each failure doubles them."""
CLOSE_SECONDS = 5.0


class Compiled(Protocol):
    """What a compiled set of policies is to this file."""

    @property
    def revision(self) -> str: ...


P = TypeVar("P", bound=Compiled)


@dataclass(frozen=True, slots=True)
class PolicyStatus:
    """How policies stand. `failure` is why the last attempt to load failed; empty when it did not. Times: UTC nanoseconds."""

    revision: str = ""
    commit: str | None = None
    loaded_at: int | None = None
    failed_at: int | None = None
    failure: tuple[str, ...] = ()
    sequence: int | None = None


def _admit_all(loaded: Loaded, revision: str) -> None:
    """Where nobody says otherwise."""


class PolicyStore(Generic[P]):
    """An origin of policies and what was last made of it. Safe from any thread."""

    def __init__(
        self,
        origin: Origin,
        compile_policies: Callable[[Sequence[Source], Mapping[str, Json]], P],
        clock: Callable[[], int],
        *,
        admit: Callable[[Loaded, str], None] = _admit_all,
        max_age: float = 0.0,
    ) -> None:
        """`admit` may refuse what was compiled (PolicyUnusable); `max_age` is seconds, 0 for no limit."""
        self._origin = origin
        self._compile = compile_policies
        self._clock = clock
        self._admit = admit
        self._max_age = int(max_age * 1e9)
        self._loading = threading.RLock()
        self._listeners: list[Callable[[PolicyStatus], None]] = []
        self._reached: dict[str, None] = {}
        self._stopped = threading.Event()
        self._watcher: threading.Thread | None = None
        self._seen: Hashable = None
        self._is_lost = False
        self._program: P | None = None
        # WHY kept until the next one comes: whoever decides by it while it is replaced shall not have to free it.
        self._before: P | None = None
        self._confirmed_at = 0
        self.status = PolicyStatus()

    @property
    def program(self) -> P | None:
        """What decides; None when nothing may."""
        if self._max_age and self.is_stale:
            return None
        return self._program

    @property
    def is_stale(self) -> bool:
        """Whether it is longer ago than allowed that somebody could confirm what decides."""
        return self._max_age > 0 and self._clock() - self._confirmed_at > self._max_age

    @property
    def age(self) -> float:
        """Seconds since what decides was last confirmed by its origin."""
        return max(0.0, (self._clock() - self._confirmed_at) / 1e9)

    @property
    def origin(self) -> str:
        """Where policies come from."""
        return self._origin.name

    @property
    def revision(self) -> str:
        """What decides now; empty when nothing does."""
        program = self._program
        return "" if program is None else program.revision

    def has_reached(self, revision: str) -> bool:
        """Whether this revision decides now or did before."""
        return revision in self._reached

    def subscribe(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener` with each new revision, from any thread, until the returned function is called."""

        def heard(status: PolicyStatus) -> None:
            if not status.failure:
                listener(status.revision)

        return self.subscribe_status(heard)

    def subscribe_status(self, listener: Callable[[PolicyStatus], None]) -> Callable[[], None]:
        """Call `listener` after each attempt to load that changed something."""
        self._listeners.append(listener)

        def leave() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return leave

    def reload(self) -> bool:
        """Look at the origin and load it. False, and everything as it was, when it cannot be used; `status` says why.

        The first time, what was kept from before decides when there is nothing better; `status` says why then, too.
        """
        with self._loading, short_turns():
            try:
                seen = self._origin.look()
            except PolicyUnusable as error:
                self._is_lost = True
                self._failed((str(error),))
            else:
                if self._load(seen):
                    return True
            return self._program is None and self._begin_with_kept()

    def _begin_with_kept(self) -> bool:
        why = self.status.failure
        try:
            loaded = self._origin.kept()
        except PolicyUnusable:
            return False
        if loaded is None or not self._use(loaded, None):
            return False
        return not self._failed(why)

    def _load(self, seen: Hashable) -> bool:
        """Load what the origin has. Called with the lock held."""
        self._seen = seen
        try:
            loaded = self._origin.read()
        except PolicyUnusable as error:
            return self._failed((_told(error),))
        if not self._use(loaded, seen):
            return False
        self._origin.keep()
        return True

    def _use(self, loaded: Loaded, seen: Hashable) -> bool:
        """Compile and swap. `seen` None: nobody could confirm that this is what should decide."""
        if self._stopped.is_set():
            return False
        try:
            program = self._compile(loaded.folder.sources, loaded.folder.data)
            self._admit(loaded, program.revision)
        except PolicyRefused as error:
            return self._failed(tuple(describe(one) for one in error.diagnostics[:MAX_SHOWN]) or (str(error),))
        except PolicyUnusable as error:
            return self._failed((_told(error),))
        except (EngineError, GatewayError) as error:
            return self._failed((str(error),))
        is_new = program.revision != self.revision or bool(self.status.failure)
        # INVARIANT: one assignment; a decision sees the old set or the new one, never a mixture.
        self._before, self._program = self._program, program
        self._reached[program.revision] = None
        while len(self._reached) > MAX_HISTORY:
            self._reached.pop(next(iter(self._reached)))
        now = self._clock()
        if seen is not None:
            self._confirmed_at, self._is_lost = now, False
        sequence = None if loaded.bundle is None else loaded.bundle.manifest.sequence
        self.status = PolicyStatus(program.revision, loaded.commit, now, sequence=sequence)
        if is_new:
            logger("policies").info(
                "policies loaded", revision=program.revision, commit=loaded.commit, origin=self.origin
            )
            self._tell()
        return True

    def watch(self, seconds: float) -> None:
        """Look at the origin every so often and load it when it changed (and, where it settles, then stood still)."""
        self._watcher = threading.Thread(target=self._watch, args=(seconds,), name="policy-watcher", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """Stop watching. A look that still waits for another machine is left behind; what it finds counts no more."""
        self._stopped.set()
        if self._watcher is not None:
            self._watcher.join(CLOSE_SECONDS)

    def look(self, before: Hashable) -> Hashable:
        """One look: loads what differs from what was loaded and, where it may be half written, has not moved since `before`."""
        with self._loading, short_turns():
            try:
                now = self._origin.look()
            except PolicyUnusable as error:
                self._is_lost = True
                self._failed((str(error),))
                return before
            if now == self._seen:
                self._confirm()
            # WHY two equal looks: a checkout or an editor writes many files; half of them are no policy anybody wrote.
            elif not self._origin.settles or now == before:
                self._load(now)
        return now

    def _confirm(self) -> None:
        """The origin has what was last loaded, or last tried. Called with the lock held."""
        if self._is_lost:
            self._is_lost = False
            if self._program is not None:
                self._load(self._seen)
        elif not self.status.failure:
            self._confirmed_at = self._clock()

    def _watch(self, seconds: float) -> None:
        before: Hashable = None
        wait = seconds
        while not self._stopped.wait(wait):
            before = self.look(before)
            wait = min(wait * 2, max(seconds, MAX_WAIT)) if self._is_lost else seconds

    def _failed(self, failure: tuple[str, ...]) -> bool:
        before = self.status
        self.status = replace(before, failed_at=self._clock(), failure=failure)
        logger("policies").error("policies cannot be used; the last good ones stay", problems=list(failure[:5]))
        if failure != before.failure:
            self._tell()
        return False

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener(self.status)


def _told(error: PolicyUnusable) -> str:
    return str(error) if error.code == PolicyUnusable.code else f"{error} ({error.code})"


def describe(diagnostic: Diagnostic) -> str:
    """A diagnostic in one line: `file:line:column: code message`."""
    span = diagnostic.span
    place = f"{diagnostic.source}:{span.line}:{span.column}" if span is not None else diagnostic.source
    return f"{place}: {diagnostic.code} {diagnostic.message}"
