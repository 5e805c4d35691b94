"""The driver of sessions: one connection's sockets, time and gate. The only place that carries effects out.

A session (`handle(event, now) -> effects`) knows no I/O; this knows no protocol. Effects of one event are done in order; what they
cause (an answer of the gate) comes after them as an event of its own. Whatever goes wrong in here ends the connection.

Called by the listeners of the protocols, which accept connections and say how to reach targets.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Hashable, Iterator
from typing import assert_never

import structlog

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.admitting import checked, examined, let_in
from adapters.core.alarms import Alarms
from adapters.core.driven import Session, ShortWay
from adapters.core.effects import Effect
from adapters.core.ends import End
from adapters.core.events import Event, Side
from adapters.core.joint import Joint
from adapters.core.late import Late
from adapters.core.leasing import Leased, told_of
from adapters.core.line import Line
from adapters.core.ports import UNKNOWN_FATE, Answer, Cause, GateSession, Pending, Target
from adapters.core.reaching import CONNECT_TIMEOUT, looked_up, tls_for
from adapters.core.stretching import derived
from adapters.core.surroundings import Surroundings
from adapters.core.taping import Tape, unsent
from adapters.core.tasks import Tasks
from adapters.core.watching import Watched
from adapters.errors import RecorderFailed
from engine.decision import Verdict

_CLIENT = Side.CLIENT  # WHY: to look a member of an enumeration up costs as much as a call

log = structlog.get_logger(__name__)


class Relay:
    """One client's connection, from accept to close."""

    def __init__(
        self,
        session: Session,
        surroundings: Surroundings,
        *,
        client_address: str | None,
        finished: Callable[[Relay], None] = lambda relay: None,
        client: End | None = None,
    ) -> None:
        self._session = session
        self._with = surroundings
        self._client_address = client_address
        self._finished = finished
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self.client = client or End(self, Side.CLIENT)
        self._upstream = End(self, Side.UPSTREAM)
        self._gate: GateSession | None = None
        self._target: Target | None = None
        self._events = Line()
        self._tasks = Tasks(self._loop, self._task_failed)
        self._spawn = self._tasks.spawn
        self._late = Late(self._events, self._spawn, self._go_on)
        self._alarms = Alarms(self._loop, lambda: self.take(saw.TimePassed()))
        self._tape = Tape(lambda: self._loop.call_soon_threadsafe(self.take, saw.RecordingFailed()))
        self._joint = Joint(self._loop)
        self._client_is_full = self._running = self._heard = False
        self._closing: str | None = None
        self._cut: str | None = None
        self.closed = asyncio.Event()

    # --- events in

    def hear(self, side: Side, data: bytes) -> None:
        """Bytes from a side: the short way where the session has one, else an event like others."""
        is_client = side is _CLIENT
        self._heard |= is_client
        self._joint.part()
        busy = self._running or self._closing is not None or self._events.is_stuck
        short = None if busy else self._session.short_way
        if short is None:
            self.take(saw.BytesReceived(side, data))
            return
        self._running, left = True, None
        try:
            now, lane, gate = self._now(), short.lane, self._gate or self._gate_session()
            if (found := lane.carry(data, now) if is_client else lane.answer(data, now)) is not None:
                (self._upstream if is_client else self.client).send(found)
                self._joint.join(lane, self.client, self._upstream, now)
            elif (found := lane.ask(data, now) if is_client else lane.reply(data, now)) is None:
                left = self._hear_client(short, data, now) if is_client else self._hear_upstream(short, data, now)
            elif not is_client:
                self.client.send(found)
                gate.finished_again(lane.lines)
                if lane.kept_for is not None:
                    self._with.keep((self._target, lane.kept_for), self._parted(), lane.lasts)
            elif (again := lane.again) and self._has_way(lane.kept_for) and gate.give_again(again, lane.lines):
                self._upstream.send(found)
                if lane.kept_for is None:
                    lane.grant(gate.leave(again))
            else:
                lane.take_back()
                if lane.kept_for is not None and self._upstream.uses:
                    end = self._parted()
                    self._with.keep((self._target, lane.kept_for), end, end.until - now)
                left = self._hear_client(short, data, now)
        # INVARIANT: as in `take`.
        except Exception:
            log.exception("session failed", session=self._gate.id if self._gate else None)
            self._fail()
        finally:
            self._running = False
        if (left := left or self._events.next()) is not None:
            self.take(left)

    def _hear_client(self, short: ShortWay, data: bytes, now: float) -> Event | None:
        """What is left to do of bytes from the client that do not go through the lane."""
        ask = short.ask(data, now)
        if ask is None:
            return saw.BytesReceived(Side.CLIENT, data)
        answer = self._gate_session().decide(ask.question)
        if isinstance(answer, Pending):
            self._later(lambda: self._answered_later(ask.ticket, answer), ask.ticket)
            return None
        granted = short.granted(answer)
        if granted is None:
            return self._answered(ask.ticket, answer)
        self._upstream.send(granted)
        return None

    def _hear_upstream(self, short: ShortWay, data: bytes, now: float) -> Event | None:
        """What is left to do of bytes from the target that answer nothing in the lane."""
        found = short.reply(data, now)
        if found is None:
            return saw.BytesReceived(Side.UPSTREAM, data)
        down, record = found
        self.client.send(down)
        self._gate_session().finished(record.decision_id, record.outcome)
        return None

    def take(self, event: Event) -> None:
        """Hand an event to the session and do what it wishes."""
        self._joint.part()
        if self._running or self._closing is not None or self._events.is_stuck:
            self._events.append(event)
        else:
            self._work(event)

    def _take_at_once(self, event: Event) -> None:
        """Hand over an event at which nobody waits any more for what is asked about."""
        self._joint.part()
        self._late.break_off()
        self._events.put_first(event)
        self._go_on()

    def _work(self, event: Event) -> None:
        self._running = True
        handle, time = self._session.handle, self._loop.time
        waiting: Event | None = event
        try:
            while waiting is not None and self._closing is None:
                effects = iter(handle(waiting, time()))
                try:
                    for effect in effects:
                        if type(effect) is do.Send:
                            self._end(effect.side).out.append(effect.data)
                        else:
                            self._do(effect)
                except RecorderFailed:
                    self._unrecorded(effects)
                waiting = self._events.next()
            self._flush()
        # INVARIANT: an error in a session or a port, whatever it is, ends the connection and lets nothing pass.
        except Exception:
            log.exception("session failed", session=self._gate.id if self._gate else None)
            self._fail()
        finally:
            self._running = False

    def _fail(self) -> None:
        self._upstream.out.clear()
        self._close("internal error")

    def _unrecorded(self, rest: Iterator[Effect]) -> None:
        """A part of a result was not recorded: nothing that was wished beside it is sent, and this is the end."""
        self._upstream.out.clear()
        for effect in unsent(rest):
            with contextlib.suppress(RecorderFailed):
                self._do(effect)
        # WHY soon and not now: the session was told to end, and may have words for it.
        self._loop.call_soon(self._close, "RECORDER_FAILED")

    def lost(self, side: Side) -> None:
        """A socket is gone for good."""
        if self._closing is None:
            end = self._end(side)
            self._take_at_once(saw.EndReceived(side))
            if self._closing is None and self._end(side) is end:
                self._close(f"the {side.name.lower()}'s connection was lost")
        elif side is Side.CLIENT:
            self._finish()

    def is_full(self, side: Side, full: bool) -> None:
        """The socket cannot take more for now: stop reading from the other side."""
        self._joint.part()
        if side is Side.CLIENT:
            self._client_is_full = full
        other = Side.UPSTREAM if side is Side.CLIENT else Side.CLIENT
        self._end(other).read_while("its peer is full", not full)

    def tls_failed(self, side: Side, error: Exception) -> None:
        """TLS does not come about: a target that cannot be reached, or a client that is gone."""
        log.warning("TLS could not be started", side=side.name, error=type(error).__name__)
        self.take(saw.UpstreamFailed("TLS with the target failed") if side is Side.UPSTREAM else saw.EndReceived(side))

    def stop(self, reason: str, cause: Cause = Cause.DRAIN) -> None:
        """Ask the session to end soon (drain, limits, kill). INVARIANT: who was told to end at once is granted nothing afterwards."""
        (self._take_at_once if cause.is_urgent else self.take)(saw.StopRequested(reason, cause))

    @property
    def heard(self) -> bool:
        """The client said something since somebody last looked (`watching`)."""
        self._heard |= self._joint.was_heard()
        return self._heard

    @heard.setter
    def heard(self, heard: bool) -> None:
        self._heard = heard

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its client: nothing runs for it, nothing is held."""
        return self._session.is_waiting

    def cut(self, reason: str) -> None:
        """End the connection now. WHY told to the session: what runs in it has no outcome but that."""
        self._cut = self._cut or reason
        self._take_at_once(saw.EndReceived(Side.CLIENT))
        self._close(reason)

    async def interrupt(self) -> None:
        """Deliver an interrupt; done when its errands are. What is asked about is what it is to stop: it waits for the answer."""
        await self._late.settled()
        before = self._tasks.running()
        self.take(saw.InterruptRequested())
        await asyncio.gather(*(self._tasks.running() - before), return_exceptions=True)

    # --- effects out

    def _do(self, effect: Effect) -> None:
        match effect:
            case do.Ask():
                self._ask(effect)
            case do.Record(decision_id, outcome):
                self._gate_session().finished(decision_id, outcome)
            case do.Send(side, data):
                self._end(side).out.append(data)
            case do.WakeAt(moment):
                self._alarms.wake_at(moment)
            case do.Close(reason):
                self._close(reason)
            case do.Pause(side):
                self._end(side).read_while("the session has enough", False)
            case do.Resume(side):
                self._end(side).read_while("the session has enough", True)
            case _:
                self._do_rarely(effect)

    def _do_rarely(self, effect: do.Rare) -> None:
        match effect:
            case do.Withdraw(ticket, reason):
                gate_ticket = self._late.let_go(ticket)
                if gate_ticket is not None:
                    self._gate_session().withdraw(gate_ticket, reason)
            case do.Leave(ticket):
                self._late.let_go(ticket)
            case do.FindVerifier(user):
                self._events.append(saw.VerifierFound(self._with.doorkeeper.scram_verifier(user)))
            case do.CheckToken(user, token, resource):
                self._check_token(user, token, resource)
            case do.FindOwner(token, resource):
                self._check_token(None, token, resource)
            case do.Admit(proven=True) if not self._with.doorkeeper.is_ready(effect.resource):
                self._later(lambda: self._admitted_when_ready(effect))
            case do.Admit():
                self._events.append(self._admitted(effect))
            case do.DeriveKey():
                self._spawn(self._take_later(lambda: derived(effect)))
            case do.Interrupt(key):
                self._spawn(self._pass_on_interrupt(key))
            case do.Errand(data):
                self._tasks.run_errand(self._run_errand(data))
            case do.RefreshFacts():
                self._spawn(self._take_later(lambda: self._with.read_again(effect.target, effect.changed)))
            case do.LookUp():
                self._spawn(self._take_later(lambda: looked_up(effect.host, effect.port)))
            case do.OpenUpstream(target, kept_for, shared_for):
                self._target = self._target if target is None else target
                if kept_for is not None and self._has_way(kept_for):
                    self._events.append(saw.UpstreamReused())
                else:
                    self._spawn(self._open_upstream(self._upstream, shared_for))
            case do.KeepUpstream(kept_for, seconds):
                self._with.keep((self._target, kept_for), self._parted(), seconds)
            case do.LeaseUpstream(kin):
                self._spawn(self._lease_upstream(kin))
            case do.ReturnUpstream(estate):
                self._with.put_back(self._parted(), estate)
            case do.RecordUpstream(connection):
                self._gate_session().reached_over(connection)
            case do.CloseUpstream():
                self._parted().forget()
            case do.StartTls(side):
                self._flush()
                self._start_tls(side, effect)
            case do.ShowPart(decision_id, part):
                self._gate_session().show(decision_id, part)
            case do.StartRecording() | do.Show() | do.RecordSize() | do.RecordFact() | do.EndRecording():
                self._tape.perform(effect, self._gate_session(), self.client.out.append)
            case _:
                assert_never(effect)

    def _ask(self, effect: do.Ask) -> None:
        answer = self._gate_session().decide(effect.question)
        if isinstance(answer, Pending):
            self._later(lambda: self._answered_later(effect.ticket, answer), effect.ticket)
        else:
            self._events.append(self._answered(effect.ticket, answer))

    async def _answered_later(self, ticket: int, answer: Pending) -> Event:
        return self._answered(ticket, await answer)

    def _later(self, event: Callable[[], Awaitable[Event]], ticket: int | None = None) -> None:
        """An event that is still to come: what happens meanwhile waits behind it, and nobody is read from."""
        self._late.expect(event, ticket)
        self._read_while_open()

    def _go_on(self) -> None:
        """Something is in its place: go on, where nothing stands before it any more."""
        self._read_while_open()
        if not self._running and self._closing is None and (first := self._events.next()) is not None:
            self._work(first)

    def _read_while_open(self) -> None:
        for end in (self.client, self._upstream):
            end.read_while("something is asked", not self._events.is_open)

    def _answered(self, ticket: int, answer: Answer) -> Event:
        """The answer to a question as an event; who waits for people is told again later."""
        if answer.decision.verdict is Verdict.HOLD and answer.ticket is not None:
            task = self._spawn(self._wait_for_fate(self._gate_session(), ticket, answer.ticket))
            self._late.held[ticket] = (answer.ticket, task)
        return saw.Decided(ticket, answer)

    async def _admitted_when_ready(self, effect: do.Admit) -> Event:
        """The same once the target's credential was had again."""
        await self._with.doorkeeper.make_ready(effect.resource)
        return self._admitted(effect)

    def _admitted(self, effect: do.Admit) -> Event:
        if self._gate is not None:
            self._gate.close("another login on the same connection")
            self._gate = None
        found = let_in(self._with.doorkeeper, effect, self._client_address)
        if isinstance(found, saw.Refused):
            return found
        self._gate, admitted = found
        self._gate.watch(Watched(self, self._loop))
        self._target = admitted.target
        return admitted

    def _check_token(self, user: str | None, token: str, resource: str) -> None:
        found = checked(self._with.doorkeeper, user, token, resource)
        if found is None:
            self._spawn(self._take_later(lambda: examined(self._with.doorkeeper, user, token, resource)))
        else:
            self._events.append(found)

    def _gate_session(self) -> GateSession:
        if self._gate is None:
            raise RuntimeError("the session asks before it was admitted")
        return self._gate

    # --- tasks

    def _task_failed(self, error: BaseException) -> None:
        # INVARIANT: what a task could not do ends the connection; nobody waits for an answer that never comes.
        log.error("a task of a session failed", session=self._gate.id if self._gate else None, exc_info=error)
        self._close("internal error")

    async def _wait_for_fate(self, gate: GateSession, ticket: int, gate_ticket: str) -> None:
        try:
            answer = await gate.fate(gate_ticket)
        # INVARIANT: a fate nobody can tell is a denial.
        except Exception:
            log.exception("the fate of a held command is unknown", ticket=gate_ticket)
            answer = UNKNOWN_FATE
        if self._late.held.pop(ticket, None) is not None:
            self.take(saw.Decided(ticket, answer))

    async def _take_later(self, event: Callable[[], Awaitable[Event]]) -> None:
        self.take(await event())  # WHY begun here: what is cancelled before it runs has begun nothing

    async def _pass_on_interrupt(self, key: bytes) -> None:
        await self._with.pass_on(key)
        self._close("the interrupt was passed on")

    async def _run_errand(self, data: bytes) -> None:
        if self._target is not None:
            await self._with.run_errand(self._target, data)

    def _parted(self) -> End:
        """The connection to the target, of which nothing more is heard here. Another may be opened."""
        end, self._upstream = self._upstream, End(self, Side.UPSTREAM)
        end.read_again()
        self.client.read_while("its peer is full", True)
        return end

    def _has_way(self, kept_for: Hashable | None) -> bool:
        """Whether the target is connected: by a connection that was kept, or (None) since before."""
        if kept_for is None:
            return True
        kept = self._with.kept
        end = None if kept is None else kept.take((self._target, kept_for), self)
        if end is not None:
            self._upstream = end
            end.read_while("its peer is full", not self._client_is_full)
        return end is not None

    async def _lease_upstream(self, kin: Hashable) -> None:
        pool = self._with.pool
        if pool is None:
            await self._open_upstream(self._upstream, None)
            return
        found = await pool.lease(kin, self, self._with.doorkeeper.reached, self._gate_session().id)
        if isinstance(found, Leased):
            self._upstream = found.end
            found.end.read_while("its peer is full", not self._client_is_full)
        self.take(told_of(found))

    async def _open_upstream(self, end: End, shared_for: Hashable | None) -> None:
        found = await self._with.reach(self._target, end, shared_for, self._gate_session().id)
        if isinstance(found, saw.UpstreamFailed):
            if self._upstream is end:
                self.take(found)
        elif self._closing is not None or self._upstream is not end:
            found[0].drop()
        else:
            self._upstream, is_secure = found
            self._upstream.tell(self)
            self._upstream.read_while("its peer is full", not self._client_is_full)
            self.take(saw.UpstreamOpened(tls=is_secure))

    def _start_tls(self, side: Side, asked: do.StartTls) -> None:
        context, name = tls_for(asked, self._with.client_tls, self._target)
        end = self._end(side)
        end.start_tls(context, server_side=side is Side.CLIENT, server_hostname=name, begun=asked.begun)
        self._alarms.after(CONNECT_TIMEOUT, lambda: self._tls_is_late(side, end))

    def _tls_is_late(self, side: Side, end: End) -> None:
        if end is self._end(side) and end.is_shaking_hands and self._closing is None:
            self.tls_failed(side, TimeoutError("the handshake takes too long"))

    # --- time, sockets

    def _end(self, side: Side) -> End:
        return self.client if side is Side.CLIENT else self._upstream

    def _flush(self) -> None:
        self.client.flush()
        self._upstream.flush()

    def _close(self, reason: str) -> None:
        if self._closing is not None:
            return
        self._joint.part()
        self._closing = reason = self._cut or reason
        self._alarms.end()
        self._tape.end(None)
        self._flush()
        if self._gate is not None:
            self._late.leave(self._gate, reason)
            self._gate.close(reason)
        self._tasks.cancel()
        self._upstream.leave(self._loop)
        self.client.depart(self._loop, self._finish, late=self._upstream.abort)

    def _finish(self) -> None:
        if not self.closed.is_set():
            self.closed.set()
            self._finished(self)
