"""One exec, attach or forwarded port: asked about before anything is upgraded, then carried as it comes. Pure.

    asked --granted--> reaching --> switching --101--> running --> over
      |---held, exec and attach: switched, told to wait--> held --granted--> reaching
      |---denied: switched, told why on the error stream--> leaving --> over

WHY a denial comes after the switch: kubectl takes every other answer for a server without WebSocket and tries again over
SPDY. Of forwarded ports nobody can be told anything after it, so they are answered in its place (403), or wait for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.effects import Effect
from adapters.core.events import Event, Side
from adapters.core.ports import GATES_OWN, Answer, Cause, Outcome, Question
from adapters.core.ports import Screen as Size
from adapters.errors import AdapterError, PeerProtocolError
from adapters.kubernetes import facts, statuses
from adapters.kubernetes.hiding import QUIET_SECONDS, Outputs, View
from adapters.kubernetes.screens import Resized, Screen, Typed
from adapters.kubernetes.talks import MAX_KEPT, Talk
from adapters.terminal.discipline import cooked
from adapters.terminal.masks import masks_of
from adapters.terminal.messages import recorded_only
from adapters.web.facts import secrets_of, text_judged
from adapters.web.responses import MAX_HEAD, AnswerReader, read_answer_head
from adapters.web.session.doing import Doing
from adapters.web.session.manners import UNCHANGED, HandedOver, Unfit
from adapters.web.session.replies import Reply
from engine.decision import Verdict
from engine.masking.output import ValueMask

LEAVE_SECONDS = 2.0
REACH_SECONDS = 30.0
"""To reach the API server, and for it to switch: it has to reach a node first."""
MAX_REFUSAL = 64 * 1024
"""Of what the API server says in place of a switch to a client that was switched already."""
ENDED = "SESSION_ENDED"


class Stage(StrEnum):
    """Where it stands."""

    ASKED = "asked"
    HELD = "held"
    REACHING = "reaching"
    SWITCHING = "switching"
    RUNNING = "running"
    REFUSED = "refused"
    """The API server answers something else than a switch, which the client is told."""
    LEAVING = "leaving"
    OVER = "over"


class Carrier:
    """Has the connection from the question on."""

    def __init__(
        self,
        asked: HandedOver,
        talk: Talk,
        beside: Sequence[tuple[str, str]],
        screen: Screen | None = None,
        *,
        is_raw: bool = False,
        idle_seconds: float = 0.0,
    ) -> None:
        """`screen`: the client's terminal, of one that somebody types on; it ends where nobody did for `idle_seconds` (0: never). `is_raw`: it is
        a shell of the container's own, recorded before it is shown."""
        self._screen, self._idle_seconds, self._idle_at = screen, idle_seconds, 0.0
        self._raw = screen if is_raw else None
        self._asked, self._talk, self._beside = asked, talk, beside
        self._speaks = facts.info_of(asked.forward).subresource != "portforward"
        self._stage = Stage.ASKED
        self._do = Doing()
        self._answer: Answer | None = None
        self._is_switched = False
        self._early = asked.rest
        self._unread = b""
        self._reader = AnswerReader("GET")
        self._reply: Reply | None = None
        self._refusal = b""
        self._began = 0.0
        self._bytes = 0
        self._masks: Sequence[ValueMask] = ()
        self._view: View | None = None
        self._outputs: Outputs | None = None

    @property
    def is_waiting(self) -> bool:
        """Never: what runs in a container may be silent for long."""
        return False

    def begin(self, now: float) -> list[Effect]:
        """Ask."""
        self._do.begin(now)
        self._began = now
        forward = self._asked.forward
        if self._raw is not None:
            forward = facts.asking_for(forward, facts.Shell.RAW)
        text = text_judged(forward, b"", 0, is_unread=False)
        self._do.add(do.Ask(self._asked.ticket, Question("kubernetes", text)))
        return self._do.effects

    def handle(self, event: Event, now: float) -> list[Effect]:
        """What is to be done because of an event."""
        self._do.begin(now)
        if self._stage is not Stage.OVER:
            try:
                self._take(event)
            except AdapterError as error:
                self._fail(502, error.code.upper(), str(error))
        self._do.arm()
        return self._do.effects

    def _take(self, event: Event) -> None:
        match event:
            case saw.Decided(ticket, answer):
                if ticket == self._asked.ticket and self._stage in (Stage.ASKED, Stage.HELD):
                    self._decided(answer)
            case saw.BytesReceived(Side.CLIENT, data):
                self._from_client(data)
            case saw.BytesReceived(Side.UPSTREAM, data):
                self._from_target(data)
            case saw.UpstreamOpened():
                if self._asked.target.tls:
                    self._do.add(do.StartTls(Side.UPSTREAM))
                else:
                    self._ask_to_switch()
            case saw.TlsStarted(Side.UPSTREAM, _):
                self._ask_to_switch()
            case saw.UpstreamFailed(reason):
                raise PeerProtocolError(reason, code="TARGET_UNREACHABLE")
            case saw.EndReceived(Side.CLIENT):
                self._end("CLIENT_LEFT" if self._stage is not Stage.RUNNING else None, "the client left")
            case saw.EndReceived(Side.UPSTREAM):
                self._target_left()
            case saw.TimePassed():
                self._time_passed()
            case saw.StopRequested(reason, cause):
                self._stop(reason, cause)
            case saw.RecordingFailed():
                raise PeerProtocolError("this has to be recorded and cannot be at the moment", code="RECORDER_FAILED")
            case _:
                raise RuntimeError("an event that nobody asked for")

    # --- the gate

    def _decided(self, answer: Answer) -> None:
        self._answer = answer
        decision = answer.decision
        if decision.is_granted:
            self._granted(answer)
        elif decision.verdict is Verdict.HOLD and answer.ticket is not None:
            self._stage = Stage.HELD
            if self._speaks:
                self._switch()
                self._do.send(self._talk.wait(statuses.waiting(answer)))
                self._hear(self._take_early())
        else:
            self._refuse(
                statuses.code_of(answer), answer.decision.reasons[0].code if answer.decision.reasons else "", ""
            )

    def _granted(self, answer: Answer) -> None:
        unfit = facts.unfit_tree(answer)
        met = GATES_OWN if self._raw is None else GATES_OWN | {"record"}
        obligations = [one.type for one in answer.decision.obligations]
        unmet = [one for one in obligations if one not in met]
        if self._raw is not None and "record" not in obligations:
            # WHY: whoever allows everything has not thought of this; a policy has to say that recording is all there is.
            unfit = Unfit(403, "NOT_RECORDED", "a terminal: a policy has to allow it with `record`")
        if unmet:
            why = f"the policy demands `{unmet[0]}`, which cannot be enforced on what a container says"
            unfit = Unfit(403, "OBLIGATION_UNKNOWN", why)
        masks = masks_of(answer)
        if unfit is None and (isinstance(masks, str) or (masks and not self._speaks)):
            why = masks if isinstance(masks, str) else "that what goes through a port is masked"
            unfit = Unfit(403, "MASK_UNPROVEN", f"the policy demands {why}, which cannot be done here")
        if unfit is not None:
            self._record(str(unfit.status))
            self._refuse(unfit.status, unfit.code, unfit.message)
            return
        self._masks = () if isinstance(masks, str) else masks
        self._stage = Stage.REACHING
        self._do.wait(REACH_SECONDS)
        self._do.open_target()

    def _refuse(self, number: int, code: str, message: str) -> None:
        """Tell the client why not: on the error stream of what it wanted, or in place of the switch."""
        answer = self._answer
        told = message or (statuses.words(answer) if answer is not None else "this is denied")
        self._do.drop_target()
        if not self._is_switched and not self._speaks:
            assert answer is not None
            self._stage = Stage.LEAVING
            self._do.send(statuses.not_done(answer, number, code, told, closes=True, is_head=False))
            self._end(None, told)
            return
        decision_id = "" if answer is None else answer.decision_id
        self._switch()
        self._stage = Stage.LEAVING
        self._do.wait(LEAVE_SECONDS)
        self._do.send(self._talk.refuse(statuses.status(number, told, cause=code, decision_id=decision_id)))
        try:
            self._hear(self._take_early())
        except AdapterError as error:
            self._end(None, str(error))

    def _switch(self) -> None:
        if not self._is_switched:
            self._is_switched = True
            self._do.send(self._talk.switched(None))

    # --- the client

    def _from_client(self, data: bytes) -> None:
        if self._stage is Stage.RUNNING:
            self._pass_up(data)
        elif self._is_switched and self._stage is not Stage.REFUSED:
            self._hear(data)
        else:
            self._early += data
            if len(self._early) > MAX_KEPT:
                raise PeerProtocolError("too much is sent ahead of the switch", code="too_much_behind")

    def _hear(self, data: bytes) -> None:
        self._do.send(self._talk.hear(data))
        if self._talk.has_left:
            self._end(None, "the client left")

    def _take_early(self) -> bytes:
        early, self._early = self._early, b""
        return early

    # --- the target

    def _ask_to_switch(self) -> None:
        if self._stage is not Stage.REACHING:
            return
        self._stage = Stage.SWITCHING
        self._do.wait(REACH_SECONDS)
        more = [*self._talk.upgrade(), *self._beside]
        self._do.add(do.Send(Side.UPSTREAM, self._asked.forward.head(more)))

    def _from_target(self, data: bytes) -> None:
        if self._stage is Stage.RUNNING:
            self._pass_on(data)
        elif self._stage is Stage.REFUSED:
            self._pass_refusal(data)
        elif self._stage is Stage.SWITCHING:
            self._unread += data
            self._read_head()
        else:
            raise PeerProtocolError("the target speaks unasked", code="BAD_ANSWER")

    def _read_head(self) -> None:
        end = self._unread.find(b"\r\n\r\n", 0, MAX_HEAD)
        if end < 0:
            if len(self._unread) >= MAX_HEAD:
                raise PeerProtocolError("the target's answer has too long a head", code="BAD_ANSWER")
            return
        head = read_answer_head(self._unread[:end], "GET")
        unread, self._unread = self._unread, b""
        if head.status != 101:
            self._stage = Stage.REFUSED
            self._pass_refusal(unread)
            return
        if not self._talk.is_agreed(head):
            raise PeerProtocolError("the target switches to something else than was asked for", code="BAD_ANSWER")
        self._stage = Stage.RUNNING
        self._do.wait(None)
        if not self._is_switched:
            self._is_switched = True
            self._do.send(self._talk.switched(head))
        if self._raw is not None:
            self._record_terminal()
        elif self._speaks:
            self._outputs = Outputs(self._masks, is_terminal=facts.is_terminal(self._asked.forward))
        if self._outputs is not None:
            self._view = self._talk.view(self._outputs)
        self._idle_at = self._do.now + self._idle_seconds
        ahead = self._talk.take()
        if ahead:
            self._look_at(ahead)
            self._do.add(do.Send(Side.UPSTREAM, ahead))
        self._pass_up(self._take_early())
        self._pass_on(unread[end + 4 :])

    def _record_terminal(self) -> None:
        answer = self._answer
        assert answer is not None
        self._outputs = Outputs(self._masks, is_terminal=True, ahead=cooked(recorded_only().encode()))
        self._do.add(do.StartRecording(answer.decision_id, Size(80, 24, "xterm")))
        self._do.add(do.RecordFact({"decision": answer.decision_id, "verdict": "allow", "text": "shell raw"}))

    def _look_at(self, data: bytes) -> None:
        """Have the recording know of sizes that the client tells. WHY not every byte counts as typed: clients ping by themselves."""
        for deed in self._screen.hear(data).deeds if self._screen is not None else ():
            if isinstance(deed, Resized) and self._raw is not None:
                self._do.add(do.RecordSize(deed.columns, deed.rows))
            elif isinstance(deed, Typed):
                self._idle_at = self._do.now + self._idle_seconds

    def _rest(self) -> None:
        """Wait for whatever comes first: that what is held back is shown, that nobody typed for too long."""
        quiet = QUIET_SECONDS if self._view is not None and self._view.is_holding else None
        idle = self._idle_at - self._do.now if self._screen is not None and self._idle_seconds else None
        self._do.wait(quiet if idle is None else idle if quiet is None else min(quiet, idle))

    def _pass_up(self, data: bytes) -> None:
        self._look_at(data)
        if self._view is not None:
            data = self._view.from_client(data)
        if data:
            self._do.add(do.Send(Side.UPSTREAM, data))

    def _pass_on(self, data: bytes) -> None:
        view = self._view
        if view is None:
            self._bytes += len(data)
            self._do.send(data)
        else:
            self._show(view.from_target(data))
        self._rest()

    def _show(self, shown: bytes) -> None:
        self._bytes += len(shown)
        if self._raw is not None and self._outputs is not None and shown:
            self._do.add(do.Show(self._outputs.take(), shown))
        else:
            self._do.send(shown)

    def _pass_refusal(self, data: bytes | None) -> None:
        """What the API server says in place of a switch: to the client as it is, or on its error stream."""
        answer = self._answer
        assert answer is not None
        if self._reply is None:
            secrets = secrets_of(self._asked.target)
            self._reply = Reply(answer.decision_id, plan=UNCHANGED, secrets=secrets, is_old=False, closes=True)
        made = b""
        for part in self._reader.end() if data is None else self._reader.feed(data):
            made += self._reply.feed(part)
        if not self._is_switched:
            self._do.send(made)
        else:
            self._refusal = (self._refusal + made)[:MAX_REFUSAL]
        if self._reply.is_done:
            self._record(str(self._reply.status))
            if self._is_switched:
                self._refuse(self._reply.status, "TARGET", statuses.message_in(self._refusal))
            else:
                self._end(None, "the target refused")

    def _target_left(self) -> None:
        if self._stage is Stage.RUNNING:
            if self._view is not None:
                self._show(self._view.finish())
                if not self._view.is_over:
                    raise PeerProtocolError(
                        "the API server ended the connection, and said no result", code="TARGET_LOST"
                    )
            self._end(None, "done")
        elif self._stage is Stage.REFUSED:
            self._pass_refusal(None)
        elif self._stage in (Stage.REACHING, Stage.SWITCHING):
            raise PeerProtocolError("the target ended the connection", code="TARGET_UNREACHABLE")

    # --- ends

    def _fail(self, number: int, code: str, message: str) -> None:
        is_told = self._stage is Stage.RUNNING and self._view is not None and not self._view.is_over
        if (self._stage in (Stage.RUNNING, Stage.LEAVING, Stage.REFUSED) and not is_told) or self._answer is None:
            self._end(code, message)
            return
        if self._stage is Stage.HELD:
            self._do.add(do.Withdraw(self._asked.ticket, message))
        else:
            self._record(code)
        self._refuse(number, code, message)

    def _time_passed(self) -> None:
        if not self._do.is_late():
            return
        if self._stage is Stage.LEAVING:
            self._end(None, "told")
        elif self._stage is Stage.RUNNING:
            if self._screen is not None and self._idle_seconds and self._do.now >= self._idle_at:
                raise PeerProtocolError(f"nothing was typed for {self._idle_seconds:.0f} s", code="IDLE")
            if self._view is not None:
                self._show(self._view.quiet())
            self._rest()
        else:
            raise PeerProtocolError("the target does not answer in time", code="TARGET_SLOW")

    def _stop(self, reason: str, cause: Cause) -> None:
        if self._stage is Stage.HELD:
            self._do.add(do.Withdraw(self._asked.ticket, reason) if cause.is_urgent else do.Leave(self._asked.ticket))
            self._refuse(503, "SHUTTING_DOWN" if cause is Cause.DRAIN else ENDED, reason)
        elif cause.is_urgent and self._stage is not Stage.ASKED:
            # WHY not then: the driver has it denied, and there are no words for who has no decision.
            self._fail(503, ENDED, reason)

    def _end(self, error: str | None, reason: str) -> None:
        if self._stage in (Stage.REACHING, Stage.SWITCHING, Stage.RUNNING):
            self._record(error)
        self._do.drop_target()
        self._do.wait(None)
        if self._raw is not None and self._outputs is not None:
            self._do.add(do.EndRecording(None))
        self._stage = Stage.OVER
        self._do.add(do.Close(reason))

    def _record(self, error: str | None) -> None:
        answer = self._answer
        if answer is not None and answer.decision.is_granted:
            masked = 0 if self._view is None else self._view.hidden
            outcome = Outcome(bytes=self._bytes, duration=self._do.now - self._began, error=error, masked=masked)
            self._do.add(do.Record(answer.decision_id, outcome))
