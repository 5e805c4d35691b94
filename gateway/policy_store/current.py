"""The one set of policies that decides: compiled off the path, swapped by one reference, the last good one kept.

Readers take `program` once for a decision and never wait. Without a good set there is none, and the gate denies.
Called by `gateway.app` (load, SIGHUP, watching), the gate (`program`) and the services (`revision`, `subscribe`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from engine.errors import EngineError, PolicyRefused
from engine.request import Json
from engine.source import Diagnostic, Source
from gateway.errors import PolicyUnusable
from gateway.policy_store.checkout import commit_of
from gateway.policy_store.folder import fingerprint, read_folder
from gateway.telemetry import logger

MAX_SHOWN = 50
"""Diagnostics that a status keeps."""
MAX_HISTORY = 1_000


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


class PolicyStore(Generic[P]):
    """A folder of policies and what was last made of it. Safe from any thread."""

    def __init__(
        self,
        folder: Path,
        compile_policies: Callable[[Sequence[Source], Mapping[str, Json]], P],
        clock: Callable[[], int],
    ) -> None:
        self._folder = folder
        self._compile = compile_policies
        self._clock = clock
        self._loading = threading.Lock()
        self._listeners: list[Callable[[PolicyStatus], None]] = []
        self._reached: dict[str, None] = {}
        self._stopped = threading.Event()
        self._watcher: threading.Thread | None = None
        self._seen: tuple[tuple[str, int, int, int], ...] | None = None
        self.program: P | None = None
        self.status = PolicyStatus()

    @property
    def revision(self) -> str:
        """What decides now; empty when nothing does."""
        program = self.program
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
        """Load the folder. False, and everything as it was, when it cannot be used; `status` says why."""
        with self._loading:
            try:
                seen = fingerprint(self._folder)
                loaded = read_folder(self._folder)
                program = self._compile(loaded.sources, loaded.data)
            except PolicyRefused as error:
                return self._failed(tuple(describe(one) for one in error.diagnostics[:MAX_SHOWN]) or (str(error),))
            except (EngineError, PolicyUnusable) as error:
                return self._failed((str(error),))
            self._seen = seen
            is_new = program.revision != self.revision or bool(self.status.failure)
            commit = commit_of(self._folder)
            # INVARIANT: one assignment; a decision sees the old set or the new one, never a mixture.
            self.program = program
            self._reached[program.revision] = None
            while len(self._reached) > MAX_HISTORY:
                self._reached.pop(next(iter(self._reached)))
            self.status = PolicyStatus(program.revision, commit, self._clock())
        if is_new:
            logger("policies").info("policies loaded", revision=program.revision, commit=commit)
            self._tell()
        return True

    def watch(self, seconds: float) -> None:
        """Look at the folder every so often and load it when it changed and then stood still."""
        self._watcher = threading.Thread(target=self._watch, args=(seconds,), name="policy-watcher", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """Stop watching."""
        self._stopped.set()
        if self._watcher is not None:
            self._watcher.join()

    def look(self, before: object) -> object:
        """One look at the folder: loads it when it differs from what was loaded and has not moved since `before`."""
        try:
            now = fingerprint(self._folder)
        except PolicyUnusable:
            return before
        # WHY two equal looks: a checkout or an editor writes many files; half of them are no policy anybody wrote.
        if now == before and now != self._seen:
            self._seen = now
            self.reload()
        return now

    def _watch(self, seconds: float) -> None:
        before: object = None
        while not self._stopped.wait(seconds):
            before = self.look(before)

    def _failed(self, failure: tuple[str, ...]) -> bool:
        before = self.status
        self.status = PolicyStatus(before.revision, before.commit, before.loaded_at, self._clock(), failure)
        logger("policies").error("policies cannot be used; the last good ones stay", problems=list(failure[:5]))
        if failure != before.failure:
            self._tell()
        return False

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener(self.status)


def describe(diagnostic: Diagnostic) -> str:
    """A diagnostic in one line: `file:line:column: code message`."""
    span = diagnostic.span
    place = f"{diagnostic.source}:{span.line}:{span.column}" if span is not None else diagnostic.source
    return f"{place}: {diagnostic.code} {diagnostic.message}"
