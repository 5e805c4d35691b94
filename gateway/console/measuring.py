"""What is measured of policies where an auditor asks for it: which of their conditions their own tests try (coverage), and which recorded
decisions a candidate would change (impact).

One run at a time, in a process of its own with little of the processor, so that no decision waits for it; it ends after `MOST_SECONDS`
or `MOST_BYTES` of answer, and then says so. Called by the page of policies.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import IO

import msgspec

MOST_SECONDS = 300.0
MOST_BYTES = 16 << 20
NICE = 15
"""How far a run stands back behind what decides."""
_SAID = 300
"""Characters of a failure that are shown."""


class Subject(StrEnum):
    """What can be measured."""

    COVERAGE = "coverage"
    IMPACT = "impact"


@dataclass(frozen=True, slots=True)
class Measured:
    """One run. Times are UTC nanoseconds; without `ended_at` it is under way. `figures` is what the command line says with
    `--format json`; `problem` why there are none."""

    by: str
    began_at: int
    ended_at: int | None = None
    figures: Mapping[str, object] | None = None
    problem: str = ""


class Measuring:
    """The runs of one gateway, the last one of each subject kept."""

    def __init__(
        self,
        commands: Mapping[Subject, Sequence[str]],
        clock: Callable[[], int],
        *,
        program: Sequence[str] = (sys.executable, "-m", "gateway.cli"),
        most_seconds: float = MOST_SECONDS,
    ) -> None:
        """`commands`: the words of the command line that measure a subject; a subject that has none cannot be measured here."""
        self._commands = commands
        self._clock = clock
        self._program = program
        self._most_seconds = most_seconds
        self._lock = threading.Lock()
        self._measured: dict[Subject, Measured] = {}

    def can(self, subject: Subject) -> bool:
        """Whether the subject can be measured here."""
        return subject in self._commands

    def last(self, subject: Subject) -> Measured | None:
        """The run that is under way, or the last one."""
        return self._measured.get(subject)

    def begin(self, subject: Subject, by: str) -> bool:
        """Measure it, unless something is being measured: then nothing happens. Returns at once."""
        with self._lock:
            if not self.can(subject) or any(one.ended_at is None for one in self._measured.values()):
                return False
            self._measured[subject] = Measured(by, self._clock())
        threading.Thread(target=self._run, args=(subject,), name="policy-measuring", daemon=True).start()
        return True

    def _run(self, subject: Subject) -> None:
        figures, problem = None, ""
        try:
            figures = self._figures(self._commands[subject])
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            problem = (
                str(error)[:_SAID] if isinstance(error, ValueError) else f"it could not be run ({type(error).__name__})"
            )
        finally:
            # INVARIANT: a run ends, whatever comes of it; else no other could begin.
            with self._lock:
                done = self._measured[subject]
                problem = problem if figures is not None or problem else "it ended without an answer"
                self._measured[subject] = replace(done, ended_at=self._clock(), figures=figures, problem=problem)

    def _figures(self, command: Sequence[str]) -> Mapping[str, object]:
        """What a run prints. Raises ValueError for one that says nothing that can be read, with its own words."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = subprocess.Popen(
                [*self._program, *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={
                    name: value
                    for name, value in os.environ.items()
                    if name in ("PATH", "PYTHONPATH", "LANG", "TMPDIR")
                },
            )
            try:
                with contextlib.suppress(OSError):  # WHY: it may be over already
                    os.setpriority(os.PRIO_PROCESS, child.pid, NICE)
                child.wait(self._most_seconds)
            except subprocess.TimeoutExpired:
                raise ValueError(f"it took more than {self._most_seconds:g} s and was ended") from None
            finally:
                child.kill()
                child.wait()
            said = _read(out)
            try:
                found = msgspec.json.decode(said)
            except msgspec.DecodeError:
                raise ValueError(_read(err).decode("utf-8", "replace").strip() or "it said nothing") from None
        if not isinstance(found, dict):
            raise ValueError("it said nothing that can be shown")
        return found


def _read(file: IO[bytes]) -> bytes:
    file.seek(0)
    data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError("its answer is too long to be shown; use the command line")
    return data


def commands_for(policies: Path | None, candidate: Path | None, audit: Path) -> dict[Subject, tuple[str, ...]]:
    """The words that measure what can be measured: policies that lie in a folder here, and decisions of this gateway's own log."""
    made: dict[Subject, tuple[str, ...]] = {}
    if policies is not None:
        made[Subject.COVERAGE] = ("test", str(policies), "--coverage", "--format", "json")
    if candidate is not None:
        made[Subject.IMPACT] = (
            *("replay", "--from", str(audit), "--against", str(candidate), "--format", "json"),
            *("--jobs", "1", "--max-flips", "1000000000"),
        )
    return made
