"""One request on its way: what is known of it so far. Data only; `conversation` fills it in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.core.ports import Answer
from adapters.web.bodies import Body
from adapters.web.requests import Forward
from adapters.web.responses import AnswerReader
from adapters.web.session.manners import UNCHANGED, Plan
from adapters.web.session.replies import Reply
from engine.command.documents.refusal import Refused
from engine.command.http.target import Where
from engine.command.http.wire import WireRequest


@dataclass(slots=True)
class Exchange:
    """One request and what is known of it so far."""

    head: WireRequest
    body: Body
    length: int | None
    began: float
    where: Where | None = None
    problem: Refused | None = None
    forward: Forward | None = None
    read: list[bytes] = field(default_factory=list)
    size: int = 0
    is_unread: bool = False
    answer: Answer | None = None
    ticket: str | None = None
    plan: Plan = UNCHANGED
    patience: float | None = None
    reader: AnswerReader | None = None
    reply: Reply | None = None

    @property
    def is_head(self) -> bool:
        return self.head.method == "HEAD"

    @property
    def is_uploading(self) -> bool:
        return self.is_unread and not self.body.is_done

    def expect_reply(self, decision_id: str, secrets: Sequence[bytes], *, closes: bool) -> None:
        """It goes up: what the target says next is the answer. `secrets` are never shown; `closes`: the connection ends with it."""
        self.reader = AnswerReader(self.head.method)
        self.reply = Reply(
            decision_id,
            plan=self.plan,
            waited_for=self.ticket,
            secrets=secrets,
            is_old=self.head.version == "1.0",
            closes=closes,
        )
