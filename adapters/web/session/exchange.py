"""One request on its way: what is known of it so far, filled in by `conversation`; and the text that is asked about it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from adapters.core.effects import Admit, Ask, Record
from adapters.core.ports import Answer, Outcome, Proof, Question, Target
from adapters.web import facts
from adapters.web.bodies import Body, Chunked, Lines
from adapters.web.recorded import Tap, tap_of
from adapters.web.requests import Forward, is_call
from adapters.web.responses import AnswerHead, AnswerReader
from adapters.web.session.doing import Doing
from adapters.web.session.manners import UNCHANGED, Plan, Refusals, Replying
from adapters.web.session.settings import CALL_SECONDS, Settings
from engine.command.documents.refusal import Refused
from engine.command.http.target import Where, read_target
from engine.command.http.wire import WireRequest

MAX_SENT = 3
"""How often one request goes up, where targets say that they did nothing of it."""


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
    kept_for: Hashable | None = None
    """With whose requests this one may share a connection to the target; None: with nobody's."""
    shared_for: Hashable | None = None
    """With whose requests it may be on one connection at once; None: with nobody's."""
    sent: int = 0
    """How often it went up."""
    is_reused: bool = False
    """It goes up on a connection that served another one before."""
    behind_for: Target | None = None
    """The target that fields behind the body go to."""
    tap: Tap | None = None
    """Where the reply's body is recorded."""
    beside: list[int] = field(default_factory=list)
    """Questions about the reply that were not answered yet."""
    raw: bytes = b""
    """The bytes it came in, where they came alone and in one piece."""
    text: bytes = b""
    """The text that was asked about."""
    up: bytes = b""
    """What went up for it, of a request without a body."""

    def read_where(self) -> None:
        """Read what the request is for, or what is wrong with that."""
        try:
            self.where = read_target(self.head)
        except Refused as refusal:
            self.problem = refusal

    def resource(self, settings: Settings) -> str:
        """The resource that is asked for: the listener's, or the one that the Host header names."""
        if settings.resource is not None:
            return settings.resource
        return (self.where.host if self.where is not None else None) or ""

    def expect_behind(self, target: Target) -> None:
        """Read fields behind the body, for a target of HTTP/2. WHY for no other: what of HTTP/1.1 takes them for headers, nobody knows."""
        if isinstance(self.body, Chunked) and target.http2 == "always":
            self.body.reads_trailers, self.behind_for = True, target

    def behind(self) -> Lines:
        """The fields behind the body that go on, once it is whole. Raises Refused."""
        if self.behind_for is None or not isinstance(self.body, Chunked) or not self.body.trailers:
            return ()
        return facts.behind(self.body.trailers, self.behind_for)

    def is_long(self, most: int) -> bool:
        """Whether its body has more bytes than are read before the question is asked, as it says or is known already."""
        return self.size > most or (self.length is not None and self.length > most)

    def seconds_to_read(self, seconds: float) -> float:
        """How long nothing may come of its body. A call of gRPC that does not end at once may be a stream, which says more when it is answered."""
        return CALL_SECONDS if is_call(self.head.headers) else seconds

    def read_more(self, data: bytes) -> None:
        """More of the body."""
        own = self.body.feed(data)
        if own:
            self.read.append(own)
        self.size += len(own)

    def not_read(self, say: Refusals, problem: Refused, answer: Answer) -> bytes:
        """Our answer to a request that can be read in two ways, once it is recorded."""
        return say.not_read(problem.code, problem.message, is_head=self.is_head, decision_id=answer.decision_id)

    def admission(self, user: str | None, resource: str, protocol: str, proof: Proof | None) -> Admit:
        """That somebody wants to come in; None: nobody, as far as they prove."""
        agents = self.head.values("user-agent")
        known_as = agents[0][:128] if agents else None
        return Admit(user or "", resource, protocol, user is not None, application=known_as, proof=proof)

    def take_plan(self, plan: Plan, doing: Doing) -> None:
        """It is granted, with these masks."""
        self.plan = plan
        self.tap = tap_of(self.answer, doing)
        if plan.is_masked and self.forward is not None:
            self.forward = facts.unconditional(self.forward)

    @property
    def is_head(self) -> bool:
        return self.head.method == "HEAD"

    @property
    def is_uploading(self) -> bool:
        return self.is_unread and not self.body.is_done

    def share(self, resource: str, kept_for: Hashable | None, target: Target) -> None:
        """Who may share a connection. INVARIANT: only what reads and has no body does: nothing that a client chose comes on it but heads that
        were written here, so there is nothing in it that a target could take for a second request. Unless the target may
        speak HTTP/2, where each request is in frames of its own."""
        if target.http2 != "off" and kept_for is not None and not self.head.values("upgrade"):
            self.shared_for = (resource, kept_for)
        is_plain = self.head.method in ("GET", "HEAD") and self.length == 0 and not self.head.values("upgrade")
        self.kept_for = (resource, kept_for) if is_plain and kept_for is not None else None

    @property
    def lasts(self) -> float:
        """Seconds for which the connection may serve another one."""
        return 0.0 if self.reader is None else self.reader.lasts

    @property
    def is_repeatable(self) -> bool:
        """Whether it could come to be sent once more: it is here, and was not sent too often."""
        return self.is_reused or (self.shared_for is not None and not self.is_unread and self.sent < MAX_SENT)

    def may_be_sent_again(self, *, is_unserved: bool) -> bool:
        """Whether a connection that ended may have ended before the target saw this: it was kept, and nothing came. Only what reads is
        sent on such a one. `is_unserved`: the target says that it did nothing of it."""
        is_heard = self.reader is None or self.reader.is_heard
        return not is_heard and self.is_repeatable and (self.is_reused or is_unserved)

    def send_again(self) -> None:
        """It goes up once more, on a connection of its own."""
        self.is_reused, self.reader, self.reply = False, None, None

    def expect_reply(self, reply: Replying) -> None:
        """It goes up: what the target says next is the answer."""
        self.reader, self.reply = AnswerReader(self.head.method), reply
        self.sent += 1

    def hear(self, data: bytes | None) -> Iterator[bytes]:
        """What goes to the client of bytes of the target; None: of its end. Raises PeerProtocolError."""
        reader, reply = self.reader, self.reply
        assert reader is not None
        assert reply is not None
        for part in reader.end() if data is None else reader.feed(data):
            if isinstance(part, AnswerHead) and self.is_uploading:
                # WHY said: an answer that does not wait for the rest of a body ends the connection, and who is not told goes on sending into it.
                reply.closes = True
            yield reply.feed(part)

    def records(self, now: float, error: str | None) -> list[Record]:
        """What the audit is told became of it, where it was granted."""
        if self.answer is None or not self.answer.decision.is_granted:
            return []
        size = 0 if self.reply is None else self.reply.bytes
        again = max(self.sent - 1, 0)
        outcome = Outcome(bytes=size, duration=now - self.began, error=error, sent_again=again)
        return [Record(self.answer.decision_id, outcome)]

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
    def is_holding(self) -> bool:
        """Whether something of the reply is kept back that is shown once nothing comes for a while."""
        return self.reply is not None and self.reply.is_holding

    def quiet(self) -> bytes:
        """Nothing came for a while: what goes to the client of it."""
        return b"" if self.reply is None else self.reply.quiet()

    @property
    def is_answered(self) -> bool:
        """Whether the reply is whole, and nobody is asked about it any more."""
        return self.reply is not None and self.reply.is_done and not self.beside


def text_of(exchange: Exchange, body: bytes) -> bytes:
    """The text that is asked about, where that is the request itself: as it goes on, without the credential."""
    assert exchange.forward is not None
    behind = () if exchange.is_unread else exchange.behind()
    return facts.text_judged(exchange.forward, body, exchange.length, is_unread=exchange.is_unread, behind=behind)
