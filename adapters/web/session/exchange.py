"""One request on its way: what is known of it so far, filled in by `conversation`; and the text that is asked about it."""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.core.effects import Ask
from adapters.core.ports import Answer, Question
from adapters.web import facts
from adapters.web.bodies import Body
from adapters.web.requests import Forward
from adapters.web.responses import AnswerReader
from adapters.web.session.manners import UNCHANGED, Plan, Refusals, Replying
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
    reply: Replying | None = None
    say: Refusals | None = None
    beside: list[int] = field(default_factory=list)
    """Questions about the reply that were not answered yet."""

    @property
    def is_head(self) -> bool:
        return self.head.method == "HEAD"

    @property
    def is_uploading(self) -> bool:
        return self.is_unread and not self.body.is_done

    def expect_reply(self, reply: Replying) -> None:
        """It goes up: what the target says next is the answer."""
        self.reader, self.reply = AnswerReader(self.head.method), reply

    def asks(self, ticket: int, protocol: str, names: object | None) -> list[Ask]:
        """What has to be asked about the reply, numbered on from a ticket."""
        texts = () if self.reply is None else self.reply.questions()
        made = [
            Ask(ticket + number, Question(protocol, text, names, prepares=True)) for number, text in enumerate(texts, 1)
        ]
        self.beside += [one.ticket for one in made]
        return made

    def take_answer(self, ticket: int, answer: Answer) -> bytes:
        """The answer to the next of them; what goes to the client because of it."""
        if self.reply is None or not self.beside or self.beside[0] != ticket:
            return b""
        del self.beside[0]
        return self.reply.answered(answer)

    @property
    def is_answered(self) -> bool:
        """Whether the reply is whole, and nobody is asked about it any more."""
        return self.reply is not None and self.reply.is_done and not self.beside


def text_of(exchange: Exchange, body: bytes) -> bytes:
    """The text that is asked about, where that is the request itself: as it goes on, without the credential."""
    assert exchange.forward is not None
    return facts.text_judged(exchange.forward, body, exchange.length, is_unread=exchange.is_unread)
