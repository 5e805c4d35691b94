"""One client's connection from first byte to last: hands events to the part whose phase it is. Theory of operation:

    opening   the client: encryption, startup, proof              (`opening`)
    admission the gate: may they come in                          (here)
    approach  the target: connect, TLS, sign in                   (`approach`)
    ready     commands: ask, run, mask, hold, refuse              (`ready`)

Where connections are pooled by transaction, a session that is ready may be without one, and come by another: it is ready still (`moving`).

A session raises for our own bugs only. Whatever a peer does wrong ends with one FATAL error message and `Close`; nothing
that this turn meant for the target goes up then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from adapters.core import events as saw
from adapters.core.effects import Effect, RecordUpstream, ReturnUpstream, WakeAt
from adapters.core.events import Event, Side
from adapters.core.ports import Cause, Target
from adapters.errors import PeerProtocolError
from adapters.postgres.messages import authentication, notices, results, startup
from adapters.postgres.session.approach import Approach
from adapters.postgres.session.meanings import Meanings, Surroundings
from adapters.postgres.session.moving import Moving
from adapters.postgres.session.opening import Opening
from adapters.postgres.session.outbox import Outbox
from adapters.postgres.session.phases import NEXT, Phase
from adapters.postgres.session.pooled import Estate, is_superusers, pooling_of
from adapters.postgres.session.ready import Ready
from adapters.postgres.session.settings import Settings

MeaningsOf = Callable[[Target], Meanings | None]
"""What names mean at a target; None when nobody reads its catalog."""


class PostgresSession:
    """A sans-IO session: `handle` takes what happened and answers what is wished."""

    def __init__(self, settings: Settings, meanings_of: MeaningsOf = lambda target: None) -> None:
        self._settings = settings
        self._meanings_of = meanings_of
        self._out = Outbox()
        self._phase = Phase.OPENING
        self._opening = Opening(self._out, settings)
        self._approach: Approach | None = None
        self._ready: Ready | None = None
        self._moving: Moving | None = None
        self._is_wanted = False
        self.short_way: Ready | None = None
        """The part of the session that knows a short way, while nothing stands against taking it."""
        self._deadline: float | None = None
        self._stop: saw.StopRequested | None = None

    @property
    def phase(self) -> Phase:
        return self._phase

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its client: nothing runs for it, nothing is held."""
        is_asking = self._moving is not None and self._moving.is_asking
        return self._ready is not None and self._ready.is_waiting and not is_asking

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Take one event. After the end nothing is wished any more."""
        if self._phase is Phase.CLOSED:
            return []
        self._out.now = now
        try:
            self._take(event)
        except PeerProtocolError as error:
            self._fail(error.code, str(error))
        return self._out.effects()

    def _enter(self, phase: Phase) -> None:
        if phase is self._phase:
            return
        if phase not in NEXT[self._phase]:
            raise RuntimeError(f"no way from {self._phase} to {phase}")
        self._phase = phase

    def _take(self, event: Event) -> None:
        ready = self._ready
        if ready is not None:
            ready.lane.leave()
        match event:
            case saw.BytesReceived(side, data):
                if side is Side.UPSTREAM:
                    self._from_upstream(data)
                else:
                    self._from_client(data)
            case saw.Decided(ticket, answer):
                if ready is not None:
                    ready.decided(ticket, answer)
                    self._see_whether_client_left()
            case saw.EndReceived(side):
                self._ended(side)
            case saw.TimePassed():
                self._time_passed()
            case saw.StopRequested():
                self._stop_requested(event)
            case saw.InterruptRequested():
                # INVARIANT: where connections move, a cancel goes to one on which something of this session runs, or to none.
                if ready is not None and (self._moving is None or not ready.is_waiting):
                    ready.interrupted()
            case saw.UpstreamWanted():
                self._wanted()
            case (
                saw.OwnerFound()
                | saw.LookedUp()
                | saw.UpstreamReused()
                | saw.UpstreamUnserved()
                | saw.RecordingFailed()
            ):
                pass  # WHY: only where a token has no name, a host comes from a client, a connection or a terminal is kept, is that asked for
            case saw.FactsRefreshed():
                if ready is not None:
                    ready.facts_refreshed()
            case _:
                self._before_ready(event)
        if self._stop is not None and self._phase is not Phase.CLOSED:
            self._stop_if_possible(self._stop)
        moving = self._moving
        if moving is not None and moving.is_wanted and not moving.is_away and self._phase is not Phase.CLOSED:
            self._give_up(moving)

    def _before_ready(
        self,
        event: saw.TlsStarted
        | saw.UpstreamOpened
        | saw.UpstreamLeased
        | saw.UpstreamFailed
        | saw.VerifierFound
        | saw.TokenChecked
        | saw.Admitted
        | saw.Refused
        | saw.KeyDerived,
    ) -> None:
        approach = self._approach
        match event:
            case saw.TlsStarted(side, name, protocol, end_point):
                if side is Side.CLIENT:
                    # WHY before: what is refused there is told inside TLS, which stands.
                    self._enter(Phase.OPENING)
                    self._opening.secured(name, protocol, end_point)
                elif approach is not None:
                    approach.secured(end_point)
                    self._follow(approach)
            case saw.UpstreamOpened(tls):
                if approach is not None:
                    approach.opened(tls)
                    self._follow(approach)
            case saw.UpstreamLeased(estate):
                if approach is not None:
                    approach.taken(estate)
                    self._follow(approach)
                    self._begin(approach, is_new=False)
            case saw.UpstreamFailed(reason, code):
                raise PeerProtocolError(reason, code=code if code == notices.TOO_MANY else notices.NO_TARGET)
            case saw.VerifierFound(verifier):
                self._opening.verifier_found(verifier)
            case saw.TokenChecked(good, proof):
                self._opening.proven(good, proof)
                self._follow_opening()
            case saw.Admitted(_, target):
                self._admitted(target)
            case saw.Refused(refusal):
                wrong = refusal.code in (notices.NOT_PROVEN, notices.NOT_AUTHORISED)
                raise self._opening.wrong_password() if wrong else PeerProtocolError(refusal.message, code=refusal.code)
            case saw.KeyDerived(key):
                if approach is not None:
                    approach.key_derived(key)
            case _:
                assert_never(event)

    # --- before ready

    def _follow_opening(self) -> None:
        # WHY through it: a certificate is a proof too, that came before one was asked for.
        if self._phase is Phase.OPENING and self._opening.phase is Phase.ADMISSION:
            self._enter(Phase.PROVING)
        self._enter(self._opening.phase)
        if self._phase is Phase.CLOSED:
            self._out.wish(WakeAt(None))

    def _follow(self, approach: Approach) -> None:
        # WHY not always: a session that is ready stays so while it comes by another connection.
        if self._ready is None:
            self._enter(approach.phase)

    def _admitted(self, target: Target) -> None:
        opening = self._opening
        if opening.wanted is None or opening.place is None:
            raise RuntimeError("admitted before startup")
        self._enter(Phase.DIALLING)
        self._approach = Approach(
            self._out,
            target,
            opening.place.database,
            opening.wanted.settings,
            self._settings.client_nonce,
            opening.place.resource,
        )

    def _from_client(self, data: bytes) -> None:
        moving = self._moving
        if moving is not None and moving.is_away:
            if moving.is_goodbye(data):
                self._end("the client said goodbye")
            else:
                self._approach = moving.wait(data) or self._approach
        elif self._ready is None:
            self._opening.client(data)
            self._follow_opening()
        else:
            self._ready.client(data)
            self._see_whether_client_left()

    def _from_upstream(self, data: bytes) -> None:
        if self._ready is not None and not self._is_away:
            self._ready.upstream(data)
            self._see_whether_client_left()
            return
        approach = self._approach
        if approach is None:
            raise RuntimeError("the target speaks before it was dialled")
        rest = approach.upstream(data)
        if rest is not None:
            ready = self._begin(approach)
            if rest:
                ready.upstream(rest)

    def _begin(self, approach: Approach, *, is_new: bool = True) -> Ready:
        """The target is ready for commands."""
        out, estate = self._out, approach.estate
        if estate is not None:
            which = "a new connection" if is_new else "a connection of the pool"
            out.first(RecordUpstream(f"{which}, backend {estate.backend}"))
        if self._ready is not None and self._moving is not None and estate is not None:
            return self._go_on(self._ready, self._moving, estate)
        out.down(authentication.AUTHENTICATION_OK + b"".join(approach.greeting))
        out.down(startup.encode_backend_key(self._opening.client_key) + results.encode_ready(results.IDLE))
        out.wish(WakeAt(None))
        self._deadline = None
        self._enter(Phase.READY)
        place = Surroundings(approach.place, self._meanings_of(approach.place))
        pooling = pooling_of(approach.place)
        if pooling is not None and pooling.by_transaction and self._opening.wanted is not None:
            moving = self._moving = Moving(out, self._settings, approach, self._opening.wanted.settings)
            moving.is_wanted = self._is_wanted
        moves = self._moving is not None
        ready = self._ready = Ready(out, self._settings, place, approach.key, moves=moves)
        self.short_way = ready if self._stop is None and not self._is_wanted else None
        return ready

    # --- one connection after the other

    @property
    def _is_away(self) -> bool:
        return self._moving is not None and self._moving.is_away

    def _wanted(self) -> None:
        """Somebody waits for a connection. The short way would not see when this one's moment has come."""
        self._is_wanted = True
        if self._moving is not None:
            self._moving.is_wanted = True
            self.short_way = None

    def _give_up(self, moving: Moving) -> None:
        """Give the connection up now, or not at all, or go on until that can be told."""
        ready, approach = self._ready, self._approach
        estate = None if approach is None else approach.estate
        if ready is None or estate is None or self._stop is not None:
            return
        ready.end_preparing()
        statuses = {**estate.statuses, **ready.statuses}
        if ready.is_between and moving.is_kept(ready, statuses):
            moving.is_wanted = False
            self.short_way = ready
        elif ready.is_between and not ready.has_begun_a_message:
            moving.go(ready, replace(estate, statuses=statuses))

    def _go_on(self, ready: Ready, moving: Moving, estate: Estate) -> Ready:
        """Another connection serves a session that was ready before."""
        waiting = moving.come(estate)
        ready.moved(estate.key)
        self.short_way = ready if self._stop is None and not moving.is_wanted else None
        ready.client(waiting)
        self._see_whether_client_left()
        return ready

    def _time_passed(self) -> None:
        """The first one comes with the connection; later ones were asked for."""
        if self._moving is not None and self._moving.is_away:
            self._moving.time_passed()
        elif self._ready is not None:
            self._ready.time_passed()
        elif self._deadline is None:
            self._deadline = self._out.now + self._settings.login_seconds
            self._out.wish(WakeAt(self._deadline))
        elif self._out.now >= self._deadline:
            raise PeerProtocolError("signing in took too long", code="08006")

    # --- the end

    def _see_whether_client_left(self) -> None:
        if self._ready is not None and self._ready.client_left:
            self._return_upstream()
            self._end("the client said goodbye")

    def _return_upstream(self) -> None:
        """The client leaves by itself: the connection to the target may serve somebody else, where it is one of a pool."""
        ready, approach = self._ready, self._approach
        estate = None if approach is None else approach.estate
        if ready is None or estate is None or self._stop is not None or self._is_away or not ready.may_be_followed:
            return
        if not is_superusers(now := {**estate.statuses, **ready.statuses}):
            self._out.wish(ReturnUpstream(replace(estate, statuses=now)))

    def _ended(self, side: Side) -> None:
        if side is Side.UPSTREAM and (self._ready is None or self._is_away):
            raise PeerProtocolError("the target ended the connection", code=notices.NO_TARGET)
        if side is Side.UPSTREAM and self._ready is not None and self._ready.owes_a_farewell:
            self._fail(notices.NO_TARGET, "the target ended the connection")
            return
        if side is Side.CLIENT:
            self._return_upstream()
        self._end(f"the {side.name.lower()} left")

    def _stop_requested(self, stop: saw.StopRequested) -> None:
        # WHY looked at again: who asks a session to end because it is idle may have looked a moment ago.
        if stop.cause is Cause.IDLE and not self.is_waiting:
            return
        self._stop = stop
        self.short_way = None
        if stop.cause.is_urgent and self._ready is not None:
            self._ready.stop_running()

    def _stop_if_possible(self, stop: saw.StopRequested) -> None:
        """End when the moment is good; an urgent end needs no more than that the client stands between two messages."""
        ready, code = self._ready, notices.SHUTDOWN
        if ready is not None and stop.cause is Cause.IDLE:
            code = notices.IDLE_IN_TRANSACTION if ready.is_in_transaction else notices.IDLE_TOO_LONG
        elif ready is not None and not ready.is_quiet:
            if not stop.cause.is_urgent or not ready.owes_a_farewell:
                return
            ready.abandon(code)
        self._fail(code, stop.reason)

    def _fail(self, code: str, message: str) -> None:
        """One FATAL error, then the end. In the middle of a reply the client only sees that the connection ends."""
        self._out.drop_up()
        if self._phase is not Phase.SECURING_CLIENT:
            self._out.down(notices.encode_error(code, message, fatal=True))
        self._end(message)

    def _end(self, reason: str) -> None:
        self._phase = Phase.CLOSED
        self.short_way = None
        if self._ready is not None:
            self._ready.abandon()
        self._out.close(reason)
