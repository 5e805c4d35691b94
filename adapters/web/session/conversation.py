"""The machine: which event leads where, request after request. `phases` has the table, `replies` the way back.

One request at a time. Its head is read, its token's owner is let in, its body is read as far as it is judged, the gate is
asked, and only then is a connection to the target opened: for this one request, so that nothing that a target might take
for a second one can ever be somebody else's (`Exchange.share` says what may share one). What can be read in two ways ends the connection.
"""

from __future__ import annotations

from collections.abc import Hashable

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.buffer import HIGH_WATER
from adapters.core.effects import Effect
from adapters.core.events import Event, Side
from adapters.core.ports import Answer, Cause, Proof, Question, Target
from adapters.errors import AdapterError, PeerProtocolError
from adapters.web import facts
from adapters.web.bodies import Body, Chunked, Sized
from adapters.web.requests import CONTINUE, HeadReader, is_call
from adapters.web.session import settings as limits
from adapters.web.session.doing import Doing
from adapters.web.session.exchange import Exchange
from adapters.web.session.lane import Lane, Short
from adapters.web.session.manners import Caller, HandedOver, Manners, Successor, Unfit
from adapters.web.session.masking import unenforceable
from adapters.web.session.phases import CLIENTS_TURN, NEXT, Phase
from adapters.web.session.uploading import begin_upload, send_up, upload
from engine.command.documents.refusal import Refused
from engine.command.http.wire import body_length
from engine.decision import Verdict


class Conversation:
    """One client's connection, spoken in the manners of one protocol."""

    def __init__(self, manners: Manners, settings: limits.Settings, lane: Lane | None = None) -> None:
        """`lane` is where requests go through that were granted before; without it each is asked about in so many words."""
        self.short_way: Short | None = None
        self._lane = lane
        self._manners, self._say = manners, manners.refusals
        self._settings = settings
        self._phase = Phase.SECURING if settings.tls else Phase.HEAD
        self._heads = HeadReader()
        self._exchange: Exchange | None = None
        self._user: tuple[str, str, Proof | None] | None = None
        self._target: Target | None = None
        self._caller = Caller("")
        self._certified: str | None = None
        self._ticket = self._thrown_away = 0
        self._is_started = self._was_asked = False
        self._successor: Successor | None = None
        self._stop_reason: str | None = None
        self._do = Doing()

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its client: nothing runs for it, nothing is held."""
        if self._successor is not None:
            return self._successor.is_waiting
        return self._phase in CLIENTS_TURN and (self._lane is None or not self._lane.is_under_way)

    def handle(self, event: Event, now: float) -> list[Effect]:
        """What is to be done because of an event."""
        if self._successor is not None:
            return self._successor.handle(event, now)
        self._do.begin(now)
        if self.short_way is not None and self._lane is not None:
            self.short_way, exchange = None, self._lane.leave(self._do, self._settings)
            if exchange is not None:
                self._exchange, self._phase = exchange, Phase.REACHING
        if self._phase is not Phase.CLOSED:
            try:
                try:
                    self._take(event)
                except AdapterError as error:
                    self._bad_answer(error.code, str(error))  # after which the client's next request is read
            except Refused as refusal:
                self._not_read(refusal)
        self._do.arm()
        return self._do.effects

    # --- events

    def _take(self, event: Event) -> None:
        match event:
            case saw.BytesReceived(side, data):
                if side is Side.CLIENT:
                    self._from_client(data)
                else:
                    self._from_target(data)
            case saw.EndReceived(side):
                if side is Side.CLIENT:
                    self._client_left()
                else:
                    self._target_left()
            case saw.TimePassed():
                self._time_passed()
            case saw.TlsStarted(side, name):
                if side is Side.UPSTREAM:
                    self._run()
                elif self._phase is Phase.SECURING:
                    self._certified, self._is_started = name, True
                    self._enter(Phase.HEAD, self._settings.head_seconds)
            case saw.OwnerFound(user, proof):
                self._owner_found(user, proof)
            case saw.Admitted(_, target, groups):
                self._target = target
                self._caller = Caller(self._user[0] if self._user is not None else "", groups, self._user)
                self._admitted(target)
            case saw.Refused(refusal):
                self._user = None
                if self._exchange is not None:
                    self._do.send(self._say.not_admitted(refusal, is_head=self._exchange.is_head))
                self._next(closes=True, reason=refusal.message)
            case saw.Decided(ticket, answer) if self._phase is Phase.RUNNING and self._exchange is not None:
                self._do.send(self._exchange.take_answer(ticket, answer))
                self._end_of_reply(self._exchange)
            case saw.Decided(ticket, answer):
                if ticket == self._ticket and self._exchange is not None:
                    self._decided(self._exchange, answer)
            case saw.UpstreamOpened(tls=False) if self._target is not None and self._target.tls:
                self._do.add(do.StartTls(Side.UPSTREAM))
            case saw.UpstreamOpened() | saw.UpstreamReused():
                self._run(is_reused=isinstance(event, saw.UpstreamReused))
            case saw.UpstreamUnserved():
                self._target_left(is_unserved=True)
            case saw.UpstreamFailed(reason, code):
                raise PeerProtocolError(reason, code=code)
            case saw.StopRequested(reason, cause):
                self._stop(reason, cause)
            case _:
                raise RuntimeError("an event that nobody asked for")

    def _enter(self, phase: Phase, seconds: float | None) -> None:
        """Go on to a phase, which may last so long without anything happening; None: as long as it takes."""
        if phase is not self._phase and phase not in NEXT[self._phase]:
            raise RuntimeError(f"no way from {self._phase} to {phase}")
        self._phase = phase
        self._do.wait(seconds)

    # --- from the client

    def _from_client(self, data: bytes) -> None:
        exchange = self._exchange
        match self._phase:
            case Phase.HEAD:
                is_alone = not len(self._heads)
                if is_alone:
                    self._do.wait(self._settings.head_seconds)
                self._heads.feed(data)
                self._next_request()
                if is_alone and self._exchange is not None and not len(self._heads):
                    self._exchange.raw = data
            case Phase.BODY if exchange is not None:
                self._read_body(exchange, data)
            case Phase.RUNNING if exchange is not None and exchange.is_uploading:
                upload(self._do, self._heads, exchange, data)
            case Phase.LEAVING:
                self._thrown_away += len(data)
                if self._thrown_away > limits.MAX_THROWN_AWAY:
                    self._close("too much behind the last answer")
            case _:
                self._heads.feed(data)
                if len(self._heads) > HIGH_WATER:
                    if self._phase is Phase.HELD:
                        # WHY: a client that is not read cannot be seen to leave, and then nothing may run for it.
                        raise Refused("too_much_behind", "too much follows a request that waits for an approval")
                    self._do.pause()

    def _next_request(self) -> None:
        head = self._heads.take()
        if head is None:
            return
        length = body_length(head)
        self._manners.check(head)
        body: Body = Chunked(is_strict=True) if length is None else Sized(length)
        self._say = self._manners.refusals
        exchange = self._exchange = Exchange(head, body, length, self._do.now)
        exchange.read_where()
        self._enter(Phase.PROVING, None)
        token = facts.token_of(head, self._manners.credentials)
        if token is None:
            # WHY only then: a token that is wrong is not made good by a certificate.
            self._owner_found(None if head.values(self._manners.credentials) else self._certified)
        else:
            self._do.add(do.FindOwner(token, exchange.resource(self._settings)))

    def _owner_found(self, user: str | None, proof: Proof | None = None) -> None:
        exchange = self._exchange
        if exchange is None or self._phase is not Phase.PROVING:
            return
        resource = exchange.resource(self._settings)
        # INVARIANT: another token is another session, though it is the same person's: it may be for another job, or for less.
        if user is not None and self._user == (user, resource, proof) and self._target is not None:
            self._admitted(self._target)
            return
        self._user = None if user is None else (user, resource, proof)
        self._do.add(exchange.admission(user, resource, self._manners.protocol, proof))

    def _admitted(self, target: Target) -> None:
        exchange = self._exchange
        if exchange is None or self._phase is not Phase.PROVING:
            return
        self._was_asked = True
        exchange.expect_behind(target)
        if exchange.problem is None and exchange.where is not None:
            try:
                exchange.forward = self._manners.forward(exchange.head, exchange.where, target, self._caller)
            except Refused as refusal:
                exchange.problem = refusal
        if exchange.problem is not None:
            self._ask(exchange, facts.shown_head(exchange.head))
        elif self._hand_over(exchange, target):
            return
        elif exchange.body.is_done or exchange.is_long(self._manners.max_body):
            self._judge(exchange)
        else:
            if exchange.head.values("expect") and not len(self._heads):
                self._do.send(CONTINUE)
            self._enter(Phase.BODY, None)
            self._read_body(exchange, self._heads.take_rest())

    def _hand_over(self, exchange: Exchange, target: Target) -> bool:
        """Whether somebody else speaks on this connection from now on: it is to be upgraded."""
        assert exchange.forward is not None
        asked = HandedOver(exchange.head, exchange.forward, target, self._ticket + 1, self._heads.rest)
        return self._take_over(self._manners.successor(asked, self._caller))

    def _take_over(self, successor: Successor | None) -> bool:
        self._successor = successor
        if successor is not None:
            self._do.resume()
            self._do.add(*successor.begin(self._do.now))
            self._do.wait(None)
        return successor is not None

    def _read_body(self, exchange: Exchange, data: bytes) -> None:
        exchange.read_more(data)
        self._do.wait(exchange.seconds_to_read(self._settings.idle_seconds))
        if exchange.body.is_done:
            self._heads.feed(exchange.body.rest)
            self._judge(exchange)
        elif exchange.size > self._manners.max_body:
            self._judge(exchange)

    # --- the gate

    def _judge(self, exchange: Exchange, *, is_unread: bool = False) -> None:
        forward = exchange.forward
        if forward is None:
            raise RuntimeError("a request is judged that cannot go on")
        exchange.is_unread = is_unread or exchange.is_long(self._manners.max_body)
        try:
            read = None if exchange.is_unread else b"".join(exchange.read)
            exchange.forward, body = self._manners.readable(forward, read, self._target)
        except Refused as refusal:
            exchange.problem = refusal
            self._ask(exchange, facts.shown_head(exchange.head))
            return
        if not exchange.is_unread:
            exchange.read = [body]
        self._say = exchange.say = self._manners.saying(exchange.forward, body, self._caller)
        self._ask(exchange, self._manners.text(exchange, body))

    def _ask(self, exchange: Exchange, text: bytes) -> None:
        self._enter(Phase.ASKED, None)
        self._ticket += 1
        names = None if self._target is None else self._target.names
        exchange.text = text
        self._do.add(do.Ask(self._ticket, Question(self._manners.protocol, text, names, is_exchange=True)))

    def _decided(self, exchange: Exchange, answer: Answer) -> None:
        exchange.answer = answer
        decision = answer.decision
        if exchange.problem is not None:
            if answer.ticket is not None:
                self._do.add(do.Withdraw(self._ticket, "the request cannot be read in one way only"))
            elif decision.is_granted:
                self._record("400")
            self._do.send(exchange.not_read(self._say, exchange.problem, answer))
            self._close(exchange.problem.message)
        elif decision.is_granted:
            self._granted(exchange, answer)
        elif decision.verdict is Verdict.HOLD and answer.ticket is not None:
            self._hold(exchange, answer)
        else:
            closes = self._closes(exchange)
            self._do.send(self._say.denied(answer, closes=closes, is_head=exchange.is_head))
            self._next(closes=closes, reason="denied")

    def _hold(self, exchange: Exchange, answer: Answer) -> None:
        if exchange.is_unread:
            self._do.add(do.Withdraw(self._ticket, "the body is too long to be approved"))
            self._not_done(exchange, answer, 413, "TOO_LONG_TO_APPROVE", "nobody approves a body that was not read")
        elif facts.wants_no_wait(exchange.head):
            self._do.add(do.Leave(self._ticket))
            closes = self._closes(exchange)
            self._do.send(self._say.come_again(answer, closes=closes, is_head=exchange.is_head))
            self._next(closes=closes, reason="held")
        else:
            exchange.ticket = answer.ticket
            self._enter(Phase.HELD, None)
            self._keep_waiting(answer)

    def _keep_waiting(self, answer: Answer) -> None:
        """Tell a client that waits for people, where its protocol has words for that, so that it goes on waiting."""
        said, seconds = self._say.keep_waiting(answer)
        self._do.send(said)
        self._do.wait(seconds)

    def _granted(self, exchange: Exchange, answer: Answer) -> None:
        assert exchange.forward is not None
        plan = unenforceable(answer) or self._manners.plan(exchange.forward, answer, self._target, self._say)
        if isinstance(plan, Unfit):
            self._record(str(plan.status))
            self._not_done(exchange, answer, plan.status, plan.code, plan.message)
            return
        exchange.take_plan(plan, self._do)
        target = self._target
        assert target is not None
        exchange.share(exchange.resource(self._settings), self._manners.keeps_for(target, self._caller), target)
        self._reach(exchange, exchange.kept_for)

    # --- the target

    def _reach(self, exchange: Exchange, kept_for: Hashable | None) -> None:
        self._enter(Phase.REACHING, self._settings.target_seconds)
        self._do.open_target(kept_for, exchange.shared_for)

    def _run(self, *, is_reused: bool = False) -> None:
        exchange, target = self._exchange, self._target
        if exchange is None or target is None or exchange.answer is None or exchange.forward is None:
            raise RuntimeError("a request goes on that was not decided")
        if self._phase is not Phase.REACHING:
            return
        if self._take_over(self._manners.carrier(exchange, target, self._caller, self._heads.rest)):
            return
        closes = facts.is_last(exchange.head) or self._stop_reason is not None
        send_up(self._do, self._manners, exchange, target, self._caller, closes=closes, is_reused=is_reused)
        exchange.patience = self._manners.patience(exchange.forward, self._settings.target_seconds)
        self._enter(Phase.REACHING if exchange.is_repeatable else Phase.RUNNING, exchange.patience)
        if exchange.is_unread:
            begin_upload(self._do, self._heads, exchange)

    def _from_target(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None or exchange.reader is None or self._phase not in (Phase.REACHING, Phase.RUNNING):
            raise PeerProtocolError("the target speaks unasked", code="BAD_ANSWER")
        self._enter(Phase.RUNNING, None)
        self._pass_on(exchange, data)

    def _target_left(self, *, is_unserved: bool = False) -> None:
        exchange = self._exchange
        if exchange is None or self._phase not in (Phase.REACHING, Phase.RUNNING):
            return
        if exchange.may_be_sent_again(is_unserved=is_unserved):
            exchange.send_again()
            self._do.drop_target()
            self._reach(exchange, None)
            return
        if exchange.reader is None:
            raise PeerProtocolError("the target ended the connection", code="TARGET_UNREACHABLE")
        self._pass_on(exchange, None)

    def _pass_on(self, exchange: Exchange, data: bytes | None) -> None:
        """Give the client what bytes of the target come to; None: the target's end."""
        for shown in exchange.hear(data):
            self._do.send(shown)
        self._do.wait(limits.QUIET_SECONDS if exchange.is_holding else exchange.patience)
        asks = exchange.asks(self._ticket, self._manners.protocol, None if self._target is None else self._target.names)
        self._ticket += len(asks)
        self._do.add(*asks)
        self._end_of_reply(exchange)

    def _end_of_reply(self, exchange: Exchange) -> None:
        if exchange.is_answered and exchange.reply is not None:
            self._record(exchange.reply.error)
            self._do.keep_target(exchange.kept_for, exchange.lasts)
            self._next(closes=exchange.reply.closes or exchange.is_uploading, reason="done")
            if self._lane is not None and self._phase is Phase.HEAD and not len(self._heads):
                self.short_way = self._lane.open(exchange, self._target, self._caller, self._do.now)

    # --- ends

    def _next(self, *, closes: bool, reason: str) -> None:
        """The request is done with; the next one, or the end."""
        self._do.drop_target()
        exchange, self._exchange = self._exchange, None
        if closes or self._stop_reason is not None:
            if exchange is None or exchange.body.is_done:
                self._close(reason)
            else:
                # WHY not at once: what is unread when a socket is closed makes the kernel take back the answer too.
                self._do.resume()
                self._enter(Phase.LEAVING, limits.LEAVE_SECONDS)
            return
        self._enter(Phase.HEAD, self._settings.head_seconds if len(self._heads) else self._settings.idle_seconds)
        self._do.resume()
        if len(self._heads):
            self._next_request()

    def _closes(self, exchange: Exchange) -> bool:
        """Whether the connection ends with this answer of ours: as asked for, or because the body was not read."""
        return facts.is_last(exchange.head) or not exchange.body.is_done or self._stop_reason is not None

    def _not_done(self, exchange: Exchange, answer: Answer, status: int, code: str, message: str) -> None:
        closes = self._closes(exchange)
        self._do.send(self._say.not_done(answer, status, code, message, closes=closes, is_head=exchange.is_head))
        self._next(closes=closes, reason=code)

    def _not_read(self, refusal: Refused) -> None:
        """What came could be read in two ways. Told to the audit where somebody is signed in; the connection ends."""
        exchange = self._exchange
        if self._phase is Phase.RUNNING and exchange is not None:
            self._record("400")
        elif self._user is not None and self._was_asked and (exchange is None or self._phase is Phase.BODY):
            shown = self._heads.shown(limits.MAX_SHOWN) if exchange is None else facts.shown_head(exchange.head)
            self._do.add(do.Ask(0, Question(self._manners.protocol, shown or b"\0", is_exchange=True)))
        if exchange is None or exchange.reply is None or not exchange.reply.is_begun:
            self._do.send(self._say.not_read(refusal.code, refusal.message))
        self._close(refusal.message)

    def _bad_answer(self, code: str, message: str) -> None:
        """The target does not answer as it should, or its answer may not go on; or a chunk of the client's is broken."""
        exchange = self._exchange
        if code in ("chunk", "trailer"):
            self._not_read(Refused(code, message))
            return
        if exchange is None or exchange.answer is None:
            self._close(message)
            return
        self._record(code)
        if exchange.reply is not None and exchange.reply.is_begun:
            # WHY cut: what the client has got is not whole, and often nothing else would tell it.
            self._do.send(exchange.reply.broken(code, message))
            self._close(message)
            return
        self._not_done(exchange, exchange.answer, limits.STATUSES.get(code, 502), code.upper(), message)

    def _client_left(self) -> None:
        if self._phase in (Phase.REACHING, Phase.RUNNING):
            self._record("CLIENT_LEFT")
        self._close("the client left")

    def _time_passed(self) -> None:
        if not self._is_started:
            self._is_started = True
            if self._settings.tls:
                self._do.add(do.StartTls(Side.CLIENT))
            self._do.wait(self._settings.head_seconds)
            return
        if not self._do.is_late():
            return
        match self._phase:
            case Phase.RUNNING if self._exchange is not None and self._exchange.is_holding:
                self._do.send(self._exchange.quiet())
                self._do.wait(self._exchange.patience)
                return
            case Phase.REACHING | Phase.RUNNING:
                raise PeerProtocolError("the target does not answer in time", code="TARGET_SLOW")
            case Phase.HELD if self._exchange is not None and self._exchange.answer is not None:
                self._keep_waiting(self._exchange.answer)
                return
            case Phase.BODY if self._exchange is not None and is_call(self._exchange.head.headers):
                self._judge(self._exchange, is_unread=True)
                return
            case Phase.BODY | Phase.HEAD if self._phase is Phase.BODY or len(self._heads):
                self._do.send(self._say.too_slow())
            case _:
                pass
        self._close("too slow")

    def _stop(self, reason: str, cause: Cause) -> None:
        if cause is Cause.IDLE and not self.is_waiting:
            return
        self._stop_reason = reason
        exchange = self._exchange
        if self._phase is Phase.HELD and exchange is not None and exchange.answer is not None:
            self._do.add(do.Withdraw(self._ticket, reason) if cause.is_urgent else do.Leave(self._ticket))
            code = "SHUTTING_DOWN" if cause is Cause.DRAIN else limits.ENDED
            self._not_done(exchange, exchange.answer, 503, code, reason)
        elif self._phase in (Phase.SECURING, Phase.HEAD) or cause is Cause.IDLE:
            self._close(reason)
        elif cause.is_urgent and self._phase in (Phase.REACHING, Phase.RUNNING):
            raise PeerProtocolError(reason, code=limits.ENDED)

    def _record(self, error: str | None) -> None:
        if self._exchange is not None:
            self._do.add(*self._exchange.records(self._do.now, error))

    def _close(self, reason: str) -> None:
        self._do.drop_target()
        self._enter(Phase.CLOSED, None)
        self._exchange = None
        self._do.add(do.Close(reason))
