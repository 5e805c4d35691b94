"""A session that is signed in on both sides: commands are asked about and run.

Puts the parts together: frames from the client go to `simple` or `pipeline`, bytes from the server to `replies`; whoever
waits is resumed when what it waits for has happened.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.core.buffer import HIGH_WATER
from adapters.core.effects import Ask, Errand, Pause, Record, Resume
from adapters.core.events import Side
from adapters.core.ports import Answer
from adapters.postgres.messages import notices, results
from adapters.postgres.messages.frames import HEADER, Front
from adapters.postgres.messages.query import FLUSH, SYNC, decode_query
from adapters.postgres.messages.startup import encode_cancel
from adapters.postgres.session import refusals, steps
from adapters.postgres.session.desk import ClientLeft, Desk
from adapters.postgres.session.lane import Lane
from adapters.postgres.session.meanings import Surroundings
from adapters.postgres.session.outbox import Outbox
from adapters.postgres.session.pipeline import Pipeline
from adapters.postgres.session.settings import Settings
from adapters.postgres.session.short import Short
from adapters.postgres.session.simple import Simple
from adapters.postgres.session.steps import Due, Step
from adapters.postgres.session.turns import Need, Turn

MAX_OWED = 4_096
"""Steps that the server owes, of some five for each command: with more, the client's next command waits. WHY: each keeps its grant, or the
error in its place, and who reads no answers could have millions on their way."""
_STRAY_COPY = (Front.COPY_DATA, Front.COPY_DONE, Front.COPY_FAIL)


class Ready:
    """The part of a session after ReadyForQuery was first sent."""

    def __init__(
        self, outbox: Outbox, settings: Settings, place: Surroundings, upstream_key: bytes, *, moves: bool = False
    ) -> None:
        """`moves`: the connection may be another one after each transaction (`session.moving`)."""
        self._out = outbox
        self._moves = moves
        self._desk = Desk(outbox, settings, place)
        self._upstream_key = upstream_key
        self.has_cancelled = False
        """A cancel was sent for what runs, or ran, on this connection."""
        self._simple = Simple(self._desk, settings.own_name)
        self._pipeline = Pipeline(self._desk, settings.own_name)
        self._short = Short(self._desk)
        self.lane = Lane(self._desk)
        self._paused = False
        self.client_left = False
        self._turn = self._serve()
        self._need = next(self._turn)

    # --- the short way (`adapters.core.driven.ShortWay`)

    def ask(self, data: bytes, now: float) -> Ask | None:
        """What to ask about bytes from the client that are one command while nothing is under way."""
        short = self._short
        if self._need is not Need.BYTES or short.pending is not None or self._pipeline.is_open:
            return None
        self._out.now = now
        self.lane.leave()
        return short.ask(data)

    def granted(self, answer: Answer) -> bytes | None:
        """What goes up for the answer to `ask`; None when that is not all."""
        return self._short.answered(answer)

    def reply(self, data: bytes, now: float) -> tuple[bytes, Record] | None:
        """What the client is shown of the server's bytes, and what to record, when they are one whole plain answer."""
        if self._need is not Need.BYTES or self._paused or self._desk.judge.has_changes_to_tell:
            return None
        self._out.now = now
        self.lane.leave()
        found = self._desk.replies.take_plain(data)
        granted, self._short.granted = self._short.granted, None
        # INVARIANT: none where connections change: the lane does not know the types of a statement's parameters (docs/decisions/0061).
        if found is not None and granted is not None and not self._pipeline.is_open and not self._moves:
            self.lane.open(granted)
        return found

    # --- what happens

    def client(self, data: bytes) -> None:
        """Bytes from the client."""
        ask = self.ask(data, self._out.now)
        if ask is not None:
            self._out.wish(ask)
            return
        self._leave_short()
        self._desk.replies.spell_out()
        if self._desk.frames.feed(data) and self._need in (Need.BYTES, Need.COPY):
            self._resume(None)
        self._balance()

    def upstream(self, data: bytes) -> None:
        """Bytes from the server."""
        self._desk.replies.take(data)
        self._desk.judge.tell_of_changes()
        if self._need is not Need.BYTES:
            self._after_news()
        self._balance()

    def decided(self, ticket: int, answer: Answer) -> None:
        """The gate's answer, or what became of a hold. By one to a question no longer asked nothing runs."""
        judge = self._desk.judge
        if ticket < judge.ticket:
            judge.let_go(ticket, answer)
        if ticket != judge.ticket:
            return
        up = self._short.answered(answer)
        if up is not None:
            self._out.up(up)
            return
        self._leave_short()
        if ticket != judge.ticket:
            # INVARIANT: an answer is for the question it was given to. The long way found another one, and asked that.
            judge.let_go(ticket, answer)
        elif self._need in (Need.ANSWER, Need.FATE):
            self._resume(answer)
            self._balance()
        elif judge.asked is not None and judge.early_answer is None:
            judge.early_answer = answer
        else:
            judge.early_fate = answer

    def time_passed(self) -> None:
        """A moment asked for is there."""
        self._desk.judge.remind()

    def facts_refreshed(self) -> None:
        """The catalog was read again."""
        self._desk.judge.refreshed()
        if self._need is Need.FACTS:
            self._resume(None)

    def interrupted(self) -> None:
        """Somebody with this session's cancel key wants what it runs to stop."""
        self._leave_short()
        judge, replies = self._desk.judge, self._desk.replies
        if judge.held is not None:
            self._resume(None)
            self._balance()
        elif judge.is_judging and not any(step.run for step in replies.owed):
            # WHY not asked of the server: what it does now is at most our own question, and the client's command is not there yet.
            judge.is_cancelled = True
        else:
            self._cancel()

    def _cancel(self) -> None:
        self.has_cancelled = True
        self._out.wish(Errand(encode_cancel(self._upstream_key)))

    @property
    def is_quiet(self) -> bool:
        """Whether nothing runs, nothing is held, and no transaction is open: a good moment to end."""
        desk = self._desk
        waits_for_client = self._need is Need.BYTES and not self._pipeline.is_open and not len(desk.frames)
        is_asking = self._short.pending is not None
        return waits_for_client and not is_asking and desk.replies.is_idle and desk.replies.status == results.IDLE

    @property
    def is_waiting(self) -> bool:
        """Whether the client's word is all that is waited for: nothing runs, nothing is held. A transaction may be open."""
        is_asking = self._short.pending is not None or self.lane.is_under_way
        return self._need is Need.BYTES and not is_asking and self._desk.replies.is_idle

    @property
    def is_between(self) -> bool:
        """Whether the server is idle outside a transaction, and nothing more is under way to it."""
        is_free = self._need is Need.BYTES and self._short.pending is None and not self._pipeline.is_open
        return is_free and not self.lane.is_under_way and self._desk.replies.is_at_rest

    @property
    def may_be_followed(self) -> bool:
        """Whether, for all that is known here, the connection to the target can serve somebody else once it is cleaned."""
        # WHY not behind a cancel: it comes over a connection of its own, and late it would stop what the next one runs.
        return self.is_between and not self.has_cancelled and not self._desk.judge.has_left_marks

    def end_preparing(self) -> None:
        """End a group in which the client only prepared, where that is all there is (asyncpg leaves it open)."""
        replies = self._desk.replies
        is_still = self._need is Need.BYTES and replies.is_idle and replies.status == results.IDLE
        if is_still and self._pipeline.has_only_prepared and not self.has_begun_a_message:
            self._pipeline.end_unseen()

    @property
    def keeps(self) -> bool:
        """Whether the session may have something that is on this connection only."""
        return self._desk.judge.keeps

    def moved(self, upstream_key: bytes) -> None:
        """Another connection serves from now on, one that is as the first one was when it was new."""
        self._upstream_key, self.has_cancelled = upstream_key, False
        self._desk.names.moved()
        # WHY: code that nobody saw may have changed the path on the other connection, and it may have been asked for there.
        self._desk.judge.standing.forget()
        self._desk.replies.statuses.clear()

    @property
    def has_begun_a_message(self) -> bool:
        """Whether the client has sent a part of one."""
        return bool(len(self._desk.frames))

    @property
    def statuses(self) -> Mapping[str, str]:
        """Settings that the server reported since it was ready."""
        return self._desk.replies.statuses

    @property
    def is_in_transaction(self) -> bool:
        """Whether the server says that a transaction is open."""
        return self._desk.replies.status != results.IDLE

    def stop_running(self) -> None:
        """The session ends: what runs at the target is to stop too. WHY asked: a server that sends nothing does not see that we left."""
        if not self._desk.replies.is_idle:
            self._cancel()

    def abandon(self, code: str = notices.NO_TARGET) -> None:
        """The session ends: what is held is not wanted any more (the driver withdraws it), nothing goes on."""
        self._turn.close()
        self._desk.replies.abandon(code)

    @property
    def owes_a_farewell(self) -> bool:
        """Whether the client, should the target leave now, has to be told so: it stands between two messages, and the
        server itself has not said goodbye."""
        return self._desk.replies.owes_a_farewell

    # --- going on

    def _resume(self, value: Answer | None) -> None:
        try:
            self._need = self._turn.send(value)
        except ClientLeft:
            self.client_left = True

    def _leave_short(self) -> None:
        """Have the long way read what was asked about; it waits for the answer then."""
        data = self._short.leave()
        if data is not None and self._desk.frames.feed(data):
            self._resume(None)

    def _after_news(self) -> None:
        replies = self._desk.replies
        match self._need:
            case Need.IDLE if replies.is_idle:
                self._resume(None)
            case Need.REPLY if replies.await_over:
                self._resume(None)
            case Need.COPY if not replies.is_copying_in:
                self._resume(None)
            case Need.NEWS:
                self._resume(None)
            case _:
                pass

    def _balance(self) -> None:
        """Do not read more from the client than can be dealt with."""
        full = self._need is not Need.BYTES and self._need is not Need.COPY and len(self._desk.frames) > HIGH_WATER
        if full is not self._paused:
            self._paused = full
            self._out.wish(Pause(Side.CLIENT) if full else Resume(Side.CLIENT))

    # --- the client's side

    def _serve(self) -> Turn:
        desk = self._desk
        frames = desk.frames
        while True:
            found = desk.peek(frames.start)
            if found is None:
                desk.judge.forget_asked()
                yield Need.BYTES
                continue
            if len(desk.replies.owed) > MAX_OWED:
                yield from self._catch_up()
                continue
            kind, end = found
            if kind == Front.QUERY and self._pipeline.is_open:
                yield from self._pipeline.give_way()
            elif kind == Front.QUERY:
                text = decode_query(frames.data[frames.start + HEADER : end])
                frames.use(end - frames.start)
                yield from self._simple.run(text)
            elif kind == Front.TERMINATE:
                raise ClientLeft
            elif kind == Front.FUNCTION_CALL and not self._pipeline.is_open:
                frames.use(end - frames.start)
                self._refuse_function_call()
            elif kind in _STRAY_COPY:
                # WHY dropped: what a client had still to send when its COPY failed; the server ignores it too.
                frames.use(end - frames.start)
            else:
                yield from self._pipeline.run()

    def _catch_up(self) -> Turn:
        """Wait until the server has answered much of what it owes."""
        replies = self._desk.replies
        if self._pipeline.is_open:
            # WHY: without it the server keeps its answers until the client's Sync, which may stand behind this.
            self._out.up(FLUSH)
        while len(replies.owed) > MAX_OWED // 2:
            yield Need.NEWS

    def _refuse_function_call(self) -> None:
        error = refusals.unsupported("function calls by OID have no text to judge", "call it by name with SELECT")
        self._out.up(refusals.poison() + SYNC)
        self._desk.replies.expect(Step(Due.PARSE, shown=False, poison=error), steps.SYNC)
