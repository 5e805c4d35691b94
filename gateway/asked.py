"""One question as the gate takes it, and what the gate needs from a compiled set of policies. Data only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from adapters.core.ports import Question
from engine.command.tree import ParsedCommand
from engine.decision import Decision
from engine.evaluator.cache import Judgement
from engine.request import Approval, Json, Principal, Resource, Session
from gateway.activity.touched import Touched, Use
from gateway.identity.logins import Login
from gateway.remembering import Memory
from gateway.tracing import Trace


class Asked(msgspec.Struct, frozen=True):
    """One question with everything that decides it. `caller` is who asked for the principal, when somebody did.

    `memory` is there when a session asks that may be told again what it was told before; `login` when whoever asks came with a
    token that has limits.

    `touched` is what the command uses, and `unseen` of that what its kind of job never did, where that is counted (`counting`). `trace` is what its caller
    said of a trace of theirs, where there are traces.
    """

    question: Question | ParsedCommand
    principal: Principal
    session: Session
    resource: Resource
    context: Mapping[str, Json] = msgspec.field(default_factory=dict)
    caller: str = ""
    is_dry: bool = False
    memory: Memory | None = None
    login: Login | None = None
    touched: Touched | None = None
    unseen: tuple[Use, ...] = ()
    trace: Trace | None = None

    @property
    def opens_tickets(self) -> bool:
        """Whether a hold of this may open a ticket: not for what would not run anyway."""
        return self.is_to_run

    @property
    def is_to_run(self) -> bool:
        """Whether the command runs when it is granted: it is asked about in earnest, and not only prepared."""
        return not self.is_dry and not (isinstance(self.question, Question) and self.question.prepares)

    @property
    def prompt(self) -> str | None:
        """What set the session's job off, as whoever asked for its token stated it."""
        return None if self.login is None else self.login.prompt

    @property
    def parameters(self) -> tuple[str | None, ...] | None:
        """The bound values, None when the command has none."""
        return self.question.parameters if isinstance(self.question, Question) else None


class Program(Protocol):
    """A compiled set of policies."""

    @property
    def revision(self) -> str: ...

    @property
    def activity_numbers(self) -> Sequence[str]:
        """Which numbers of what somebody did lately it reads; an empty name is all of them."""

    def shape(self, question: Question) -> bytes | None:
        """A key that two texts share only if they differ in literals alone and have the same tree; None where nobody can say."""

    def judge(self, asked: Asked, now: int, approval: Approval | None) -> Judgement:
        """The decision, and the tree it is about. `now` is UTC nanoseconds."""


class Policies(Protocol):
    """Where the program that decides now is found."""

    @property
    def program(self) -> Program | None: ...


class Watcher(Protocol):
    """Somebody who looks on: told of decisions that were made and recorded. Must return at once and never raise."""

    def __call__(self, asked: Asked, decision: Decision, decision_id: str, now: int) -> None: ...
