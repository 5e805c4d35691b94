"""One text of a guarded shell while it runs in a pod: its output told from the state behind it, masked, and counted. Pure.

Called by `guarded`, with a text that was granted or does nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from adapters.core import effects as do
from adapters.core.events import Event
from adapters.core.ports import GATES_OWN, Answer, Outcome, Target
from adapters.errors import AdapterError
from adapters.kubernetes import channels, facts
from adapters.kubernetes.hiding import QUIET_SECONDS, Outputs
from adapters.kubernetes.running import Ended, Happening, PodRun, Said
from adapters.terminal import messages
from adapters.terminal.masks import masks_of
from adapters.terminal.plain_shell import argv_of_sh, entries_of
from adapters.terminal.shell_state import StateReader, argv_of
from adapters.web.requests import Forward
from adapters.web.session.doing import Doing
from engine.masking.output import ValueMask

MET = GATES_OWN | {"record"}
"""Obligations that a guarded shell meets: everything it shows is recorded."""
_NO_PROGRAM = ("NOT_RUN", "EXIT_126", "EXIT_127")
"""How an exec of what a container does not have ends."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a text gets into a pod: beside which request, to which target, by which bash. `seed`: a secret of the process, from which marks
    are made that nobody guesses."""

    forward: Forward
    target: Target
    beside: Sequence[tuple[str, str]]
    shell: str
    seed: bytes
    otherwise: str | None = None
    """What runs it where that is not there."""

    @property
    def is_bash(self) -> bool:
        """Whether all that bash knows may be said."""
        return self.shell.endswith("bash")

    def argv(self, nonce: str, text: str) -> tuple[str, ...]:
        """The words that run a text."""
        return argv_of(nonce, text, self.shell) if self.is_bash else argv_of_sh(nonce, text, self.shell)

    def without(self, error: str | None) -> Way | None:
        """The way to go where this one's shell did not run; None: there is no other."""
        if self.otherwise is None or error not in _NO_PROGRAM:
            return None
        return replace(self, shell=self.otherwise, otherwise=None)


@dataclass(frozen=True, slots=True)
class Shown:
    """Something to show."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Over:
    """It is over: its status, the fields of the state behind it (None: there are none), the code for the audit."""

    status: int
    fields: list[bytes] | None
    error: str | None


Outcomes: TypeAlias = Shown | Over


class PodLine:
    """A text on its way. `decision_id` is that of its grant; `masks`: values that are hidden in what it writes."""

    def __init__(self, doing: Doing, way: Way, text: str, decision_id: str, masks: Sequence[ValueMask]) -> None:
        made = hmac.digest(way.seed, decision_id.encode(), hashlib.sha256)
        nonce, key = f"n{made[:16].hex()}", base64.b64encode(made[16:]).decode()
        forward = facts.exec_of(way.forward, way.argv(nonce, text))
        self._is_bash = way.is_bash
        self._do, self._decision_id, self._began, self._bytes = doing, decision_id, doing.now, 0
        self._reader = StateReader(nonce)
        self._outputs = Outputs(masks, is_terminal=False) if masks else None
        self._run = PodRun(doing, way.target, forward, way.beside, key)

    def type(self, data: bytes) -> None:
        """Input."""
        self._run.type(data)

    def end_input(self) -> None:
        """No more input."""
        self._run.end_input()

    def drop(self) -> None:
        """Leave it."""
        self._run.drop()

    def record(self, error: str | None) -> None:
        """Tell the audit what became of it."""
        masked = 0 if self._outputs is None else self._outputs.hidden
        outcome = Outcome(bytes=self._bytes, duration=self._do.now - self._began, error=error, masked=masked)
        self._do.add(do.Record(self._decision_id, outcome))

    def handle(self, event: Event) -> list[Outcomes]:
        """What an event of the target's side comes to."""
        return self._come(self._run.handle(event))

    def time_passed(self) -> list[Outcomes]:
        """The time that was asked for is there."""
        if not self._run.is_running:
            return self._come(self._run.late())
        return [] if self._outputs is None else [Shown(data) for _, data in self._outputs.quiet() if data]

    def _come(self, happenings: Sequence[Happening]) -> list[Outcomes]:
        made: list[Outcomes] = []
        try:
            for one in happenings:
                made += self._said(one) if isinstance(one, Said) else self._ended(one)
        except AdapterError:
            # INVARIANT: fails closed. In what is no text nobody finds anything.
            self._run.drop()
            return [*made, Shown(messages.not_text().encode()), Over(messages.LOST, None, "NOT_TEXT")]
        if self._run.is_running and not any(isinstance(one, Over) for one in made):
            self._do.wait(QUIET_SECONDS if self._outputs is not None and self._outputs.is_holding else None)
        return made

    def _said(self, one: Said) -> list[Outcomes]:
        data = self._reader.feed(one.data) if one.channel == channels.STDOUT else one.data
        self._bytes += len(data)
        return self._shown(one.channel, data)

    def _shown(self, channel: int, data: bytes) -> list[Outcomes]:
        if data and self._outputs is not None:
            data = self._outputs.push(channel, data)
        return [Shown(data)] if data else []

    def _ended(self, ended: Ended) -> list[Outcomes]:
        rest, fields = self._reader.end()
        if fields is not None and not self._is_bash:
            fields = entries_of(fields)
        self._bytes += len(rest)
        made = self._shown(channels.STDOUT, rest)
        if self._outputs is not None:
            made += [Shown(data) for _, data in self._outputs.end_all() if data]
        if ended.status is not None:
            return [*made, Over(ended.status, fields, f"EXIT_{ended.status}" if ended.status else None)]
        return [*made, Shown(messages.target_trouble(ended.words).encode()), Over(messages.LOST, None, ended.code)]


def usable(answer: Answer) -> tuple[tuple[ValueMask, ...], tuple[str, str] | None]:
    """The masks of a grant, or why it is not used: code and words."""
    unfit = facts.unfit_tree(answer)
    if unfit is not None:
        return (), (unfit.code, unfit.message)
    unmet = [one.type for one in answer.decision.obligations if one.type not in MET]
    if unmet:
        return (), ("OBLIGATION_UNKNOWN", f"the policy demands `{unmet[0]}`, which cannot be done here")
    masks = masks_of(answer)
    if isinstance(masks, str):
        return (), ("MASK_UNPROVEN", f"the policy demands {masks}, which cannot be done here")
    return masks, None
