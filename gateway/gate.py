"""THE path of a command: decide, hold, audit, answer. Every caller comes through here, in this process or by gRPC.

1. The program that decides is taken once. Without one everything is denied.
2. A decision is made (parse, candidates, evaluate, combine: the engine).
3. A hold opens a ticket, or uses the grant of one that was asked for before (`_release`), or one that is remembered (`recalling`).
4. An entry is written. What cannot be written is not allowed.
5. The answer is given. Whatever goes wrong on the way is a deny with its own code.

Not here: who somebody is (`doors`, `identity`), the states of a ticket (`approvals.states`), how a decision comes about.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable, Mapping
from weakref import ref

from adapters.core.ports import Answer, Lines, Outcome, Pending, Question
from engine._native import Catalog, Leave
from engine.command.tree import ParsedCommand
from engine.decision import Decision, DenyKind, Verdict
from engine.errors import InputInvalid
from engine.evaluator.cache import Judgement
from engine.request import Principal, Resource, Session
from gateway.activity.known import MustWait
from gateway.approvals.states import Step, Ticket
from gateway.approvals.store import Approvals
from gateway.aside import MINE, Aside, TooLate, Turn, is_on_loop
from gateway.asked import Asked, Policies, Program, Watcher
from gateway.audit.catalogs import NOT_KEPT, CatalogKeeper, Reference
from gateway.audit.entry import Entry
from gateway.audit.log import AuditLog
from gateway.config.model import SecretsInText
from gateway.counting import ACTIVITY, Counting
from gateway.denials import denial_of, deny, is_askers, no_policy, not_recorded, refused, unanswered
from gateway.errors import AuditUnavailable, GatewayError
from gateway.escalating import escalate_due
from gateway.estimating import Estimating
from gateway.forms import fill, form_of, outcome_body
from gateway.holding import Holding, Later, bind, tree_of
from gateway.identity.logins import Stand, Standings
from gateway.recalling import Recalling
from gateway.remembering import Memory, Remembered
from gateway.stepping import Steps
from gateway.telemetry import Meters, logger
from gateway.telling import decision_entry, has_secret, outcome_entry, shows_text
from gateway.waiting import Waiting


class Gate:
    """The one gate of this process. Safe from any thread."""

    def __init__(
        self,
        *,
        policies: Policies,
        log: AuditLog,
        approvals: Approvals,
        clock: Callable[[], int],
        meters: Meters,
        mask_keys: Mapping[str, bytes],
        link: Callable[[str], str | None] = lambda ticket: None,
        renew: Callable[[Asked], Asked | None] = lambda asked: asked,
        catalogs: CatalogKeeper | None = None,
        watcher: Watcher | None = None,
        secrets_in_text: SecretsInText = SecretsInText.REDACT,
        counting: Counting | None = None,
        estimating: Estimating | None = None,
        aside: Aside | None = None,
    ) -> None:
        """`clock` is UTC nanoseconds; `link` is where a person finds a ticket; `catalogs` keeps what names meant.

        `secrets_in_text`: what becomes of a command whose text holds a secret.

        `counting` knows what somebody did lately; without it policies that ask deny.

        `estimating` finds out for approvers what a held statement would touch.

        `watcher` is told of each decision the policies made, after it was recorded; it cannot change anything.

        `renew` is asked when a hold is over: who asked and where as they are known now; None when they are not any more.
        """
        self._policies = policies
        self._log = log
        self._approvals = approvals
        self._clock = clock
        self._meters = meters
        self._observe = meters.decision_seconds.observe
        self._moment = meters.decision_seconds.moment
        self._observe_since = meters.decision_seconds.observe_since
        self.mask_keys = mask_keys  # another one whole, when keys are changed
        self._link = link
        self._renew = renew
        self._catalogs = catalogs
        self._watcher = watcher
        self._hides = self.hides = secrets_in_text is not SecretsInText.KEEP
        self._refuses = secrets_in_text is SecretsInText.REFUSE
        self._counting = counting
        self.steps = Steps(log, approvals, clock)
        self._boot = secrets.token_hex(5)
        self._numbers = itertools.count(1)
        self._waiting = Waiting()
        self._aside = aside or Aside()
        self.recalling = Recalling(
            approvals, self.steps, lambda asked, program, judged: bind(asked, program, tree_of(judged)), clock
        )
        self._holding = Holding(self, approvals, self._waiting, self.recalling, estimating)

    # --- deciding -------------------------------------------------------------------------------------------------

    def decide(self, asked: Asked) -> Answer:
        """Decide now; the audit entry is written before this returns. Never raises: failure is a deny. May wait for the store: not for loops."""
        began = time.perf_counter()
        try:
            return self._decided(self._decide(asked, may_wait=True), MINE)
        # WHY broad: fail closed. Whatever goes wrong between a command and its answer, a bug of ours included, is a deny
        # (tests/property/gateway/test_gate_fails_closed.py injects failures at every port).
        except Exception as error:
            return self._fail(asked, error)
        finally:
            self._observe(time.perf_counter() - began)

    def decide_here(self, asked: Asked) -> Answer | Pending:
        """As `decide`; in an event loop, which never waits for the store: what has to be asked there is answered later. Never raises, then
        neither, and who breaks off is as if they had not asked."""
        if not is_on_loop():
            return self.decide(asked)
        began = time.perf_counter()
        try:
            found = self._decide(asked, may_wait=False)
        # WHY broad: as in `decide`.
        except Exception as error:
            found = self._fail(asked, error)
        self._observe(time.perf_counter() - began)
        if isinstance(found, Answer):
            return found
        later = found
        return Pending(
            lambda: self._aside.ask(
                lambda turn: self._afterwards(asked, later, turn),
                lambda: self._fail(asked, unanswered()),
                lambda answer: self._unwanted(asked, answer),
            )
        )

    def _decided(self, found: Answer | Later, turn: Turn) -> Answer:
        return found if isinstance(found, Answer) else found(turn)

    def _decide(self, asked: Asked, *, may_wait: bool) -> Answer | Later:
        """The answer, or the rest of the decision where that has to ask the store."""
        if ACTIVITY in asked.context:
            # INVARIANT: nobody says for themselves what they did lately.
            raise InputInvalid(f"`context.{ACTIVITY}` is filled in by the gateway alone")
        now = self._clock()
        program = self._policies.program
        if program is None:
            return self.record(asked, Judgement(no_policy(), None), now)
        if self._refuses and has_secret(asked.question):
            return self.record(asked, Judgement(not_recorded(), None), now)
        # WHY no memory then: what somebody did lately is another thing each time.
        memory = None if self._is_counting else asked.memory
        if memory is not None and isinstance(asked.question, Question):
            known = memory.find(asked.question, program, asked.principal, asked.session, asked.resource)
            if known is not None:
                return self._record_again(asked, asked.question, known, now)
        try:
            asked = self.informed(asked, now, may_wait=may_wait)
        except MustWait:
            return lambda turn: self._decided(self._judge(self.informed(asked, now), program, now, None, turn), turn)
        return self._judge(asked, program, now, memory, MINE)

    def _judge(self, asked: Asked, program: Program, now: int, memory: Memory | None, turn: Turn) -> Answer | Later:
        judged = program.judge(asked, now, None)
        if judged.decision.verdict is Verdict.HOLD and asked.opens_tickets:
            return lambda mine: self._holding.hold(asked, program, judged, now, mine)
        turn.must_take()
        answer, entry = self._recorded(asked, judged, now, None)
        if memory is not None and answer.decision is judged.decision and judged.decision.cacheable:
            self._remember(asked, program, judged, answer, entry)
        return answer

    @property
    def _is_counting(self) -> bool:
        return self._counting is not None and self._counting.is_active

    def informed(self, asked: Asked, now: int, *, may_wait: bool = True) -> Asked:
        """The question with what is known of who asks, where policies read that. Raises MustWait where the store has to be asked."""
        if self._counting is None or not self._counting.is_active:
            return asked
        return self._counting.informed(asked, now, may_wait=may_wait)

    @property
    def program(self) -> Program | None:
        """The program that decides now."""
        return self._policies.program

    def now(self) -> int:
        """UTC nanoseconds."""
        return self._clock()

    def renewed(self, asked: Asked) -> Asked | None:
        """The question as who asks and where are known now; None when they are not any more."""
        return self._renew(asked)

    def again(
        self, memory: Memory, question: Question, principal: Principal, session: Session, resource: Resource
    ) -> Answer | None:
        """The answer that a session was given before, if nothing that decided it has changed; recorded like a fresh one.

        None: ask `decide`. WHY that is the answer to an error too: `decide` makes a deny of it.
        """
        began = self._moment()
        try:
            known = None
            # WHY not where secrets are refused: `decide` looks for one first.
            if self._watcher is None and not self._refuses and not self._is_counting:
                known = memory.find(question, self._policies.program, principal, session, resource)
            if known is None:
                return None
            decision_id = f"d-{self._boot}-{next(self._numbers):x}"
            # INVARIANT: as in `_record`.
            self._log.append(fill(known.form, question, decision_id, self._clock()))
            self._observe_since(began, known.count)
            return Answer(known.decision, decision_id, None, None, known.command, known.mask_keys, known)
        # WHY broad: as in `decide`.
        except Exception:
            return None

    def give_again(self, known: Remembered, lines: Lines) -> bool:
        """As `again`, for a text that the caller knows to have this answer, as long as these policies decide. No: ask."""
        began = self._moment()
        try:
            program = self._policies.program
            counting = self._counting
            is_asked = self._watcher is not None or self._refuses or (counting is not None and counting.is_active)
            if is_asked or program is None or known.program() is not program:
                return False
            # INVARIANT: as in `_record`.
            if not self._log.append_again(lines, f"d-{self._boot}-{next(self._numbers):x}", self._clock()):
                return False
            self._observe_since(began, known.count)
            return True
        # WHY broad: as in `decide`.
        except Exception:
            return False

    def leave(self, known: Remembered, standings: Standings) -> Leave | None:
        """Leave to give it again without asking here, as `give_again` would while what is said stands. None: there is none.

        INVARIANT: all that `give_again` asks stands here too, and is compared before each command.
        """
        counting, log = self._counting, self._log
        if self._refuses or not log.is_lent or self._watcher is not None or self._is_counting:
            return None
        mine: list[Stand] = [(self._policies, "program", known.program), (self, "_watcher", None)]
        if counting is not None:
            mine.append((counting, "is_active", False))
        return Leave(
            [*standings.stands, *mine],
            (self._clock, standings.until, standings.lasts),
            (f"d-{self._boot}-", self._numbers),
            log.unwritten,
            (self._meters.decision_seconds.seen, known.count),
        )

    def _record_again(self, asked: Asked, question: Question, known: Remembered, now: int) -> Answer:
        """As `_record`, for a verdict that was given before under the same circumstances, with a watcher looking on."""
        decision_id = f"d-{self._boot}-{next(self._numbers):x}"
        # INVARIANT: as in `_record`.
        self._log.append(fill(known.form, question, decision_id, now))
        if self._watcher is not None:
            self._watcher(asked, known.decision, decision_id, now)
        known.count.add()
        return Answer(known.decision, decision_id, None, None, known.command, known.mask_keys)

    def _remember(self, asked: Asked, program: Program, judged: Judgement, answer: Answer, entry: Entry) -> None:
        if asked.memory is None or not isinstance(asked.question, Question) or asked.caller or asked.is_dry:
            return
        # WHY not a text that only stands for its shape and would be shown with its literals hidden: each is hidden anew.
        if asked.context or not (judged.exact or shows_text(judged)):
            return
        names = None if asked.question.catalog is None else ref(asked.question.catalog)
        known = Remembered(
            *(ref[object](program), names, asked.principal, asked.session, asked.resource),
            *(judged.decision, judged.command, answer.mask_keys),
            form_of(entry, is_whole=judged.exact, hides=self._hides),
            *(self._meters.decisions.of(*_labels(judged.decision)), not judged.exact),
        )
        asked.memory.keep(asked.question, known)

    def deny(self, asked: Asked, kind: DenyKind, reason: str, command: ParsedCommand | None = None) -> Answer:
        """Deny without asking the policies, and record it. Never raises. With its tree the text is kept as it is."""
        try:
            return self.record(asked, Judgement(deny(kind, reason), command), self._clock())
        # WHY broad: as in `decide`.
        except Exception as error:
            return self._fail(asked, error)

    def record(self, asked: Asked, judged: Judgement, now: int, ticket: Ticket | None = None) -> Answer:
        """Write the entry, then make the answer."""
        return self._recorded(asked, judged, now, ticket)[0]

    def _recorded(self, asked: Asked, judged: Judgement, now: int, ticket: Ticket | None) -> tuple[Answer, Entry]:
        """Write the entry, then make the answer; the entry too. The only place where a grant comes out."""
        decision = judged.decision
        keys: Mapping[str, bytes] = {}
        if decision.mask_plan:
            missing, keys = self._keys_for(decision)
            if missing is not None:
                decision = deny(
                    DenyKind.OBLIGATION_UNKNOWN, f"the mask key `{missing}` is not configured", decision.revision
                )
        decision_id = f"d-{self._boot}-{next(self._numbers):x}"
        # INVARIANT: no record, no answer; `append` returns only when the entry is kept.
        kept = self._kept(asked)
        entry = decision_entry(asked, decision, judged, decision_id, now, ticket, kept, hides=self._hides)
        self._log.append(entry)
        if self._counting is not None and self._counting.is_active:
            self._counting.decided(asked, decision, decision_id, now)
        if self._watcher is not None and ticket is None:
            self._watcher(asked, judged.decision, decision_id, now)
        self._count(decision)
        if ticket is None:
            return Answer(decision, decision_id, command=judged.command, mask_keys=keys), entry
        return Answer(decision, decision_id, ticket.id, self._link(ticket.id), judged.command, keys), entry

    def _kept(self, asked: Asked) -> Reference:
        question = asked.question
        if self._catalogs is None or not isinstance(question, Question) or not isinstance(question.catalog, Catalog):
            return NOT_KEPT
        return self._catalogs.keep(question.catalog)

    def _keys_for(self, decision: Decision) -> tuple[str | None, Mapping[str, bytes]]:
        """The keys that a mask plan names, and the first one that nobody configured."""
        keys: dict[str, bytes] = {}
        for item in decision.mask_plan:
            name = item.params.get("key")
            if isinstance(name, str) and name not in keys:
                if name not in self.mask_keys:
                    return name, {}
                keys[name] = self.mask_keys[name]
        return None, keys

    def _fail(self, asked: Asked, error: Exception) -> Answer:
        """The deny for an error. Recorded where that is possible; never raises."""
        decision = denial_of(error)
        said = logger("gate").info if is_askers(error) else logger("gate").error
        code = decision.reasons[0].code
        said("a decision failed closed", kind=decision.deny_kind, error=type(error).__name__, code=code)
        if isinstance(error, AuditUnavailable):
            self._meters.audit_failures.inc()
            return Answer(decision, "")
        try:
            return self.record(asked, Judgement(decision, None), self._clock())
        # WHY broad: as in `decide`; what failed once may fail again while it is being told.
        except Exception as second:
            self._meters.audit_failures.inc()
            return Answer(denial_of(second), "")

    def _count(self, decision: Decision) -> None:
        self._meters.decisions.count(*_labels(decision))

    # --- holding --------------------------------------------------------------------------------------------------

    def left(self, ticket_id: str, session: str) -> None:
        """A session that asked for a hold is over, and did not take it back: whoever asks the same again takes its place."""
        self._waiting.leave(ticket_id, session)

    async def fate(self, ticket_id: str) -> Answer:
        """Wait until a hold is over; a granted one was decided again, and recorded. Never raises: failure is a deny."""
        with self._waiting.awaited(ticket_id):
            return await self._fate(ticket_id)

    async def _fate(self, ticket_id: str) -> Answer:
        try:
            await self._approvals.until_over(ticket_id, self._clock)
        # WHY broad: as in `decide`.
        except Exception as error:
            return self._failed(self._waiting.find(ticket_id), error)
        asked = self._waiting.find(ticket_id)
        return await self._aside.ask(
            lambda turn: self.settle(ticket_id, turn),
            lambda: self._failed(asked, unanswered()),
            lambda answer: self._unwanted(asked, answer),
        )

    def settle(self, ticket_id: str, turn: Turn = MINE) -> Answer:
        """The answer to a hold that is over; a grant once, everything else as often as asked. On a thread that may wait. Raises TooLate alone."""
        with self._waiting.settling(ticket_id):
            done = self._waiting.answer(ticket_id)
            if done is not None:
                turn.must_take()
                return done
            asked = self._waiting.take(ticket_id)
            answer = self._afterwards(asked, lambda mine: self._holding.settle(ticket_id, asked, mine), turn)
            # INVARIANT: a grant comes out once. Who asks again, from wherever, is told that it is gone.
            # WHY without the tree of a denied one: thousands are remembered, and nothing runs by them.
            again = Answer(answer.decision, answer.decision_id, answer.ticket, answer.link)
            if answer.decision.is_granted:
                again = Answer(refused("the approval was used already", "run the command again"), answer.decision_id)
            self._waiting.settle(ticket_id, again)
            return answer

    def _afterwards(self, asked: Asked | None, later: Later, turn: Turn) -> Answer:
        """The rest of a decision, or the deny for what went wrong in it. Raises TooLate alone, and then nothing was said."""
        try:
            answer = later(turn)
            turn.must_take()
            return answer
        except TooLate:
            raise
        # WHY broad: as in `decide`.
        except Exception as error:
            turn.must_take()
            return self._failed(asked, error)

    def _failed(self, asked: Asked | None, error: Exception) -> Answer:
        """The deny for what went wrong, recorded where somebody's question is known. Never raises."""
        return Answer(denial_of(error), "") if asked is None else self._fail(asked, error)

    def _unwanted(self, asked: Asked | None, answer: Answer) -> None:
        """An answer that was recorded, and whose session is gone: nothing of it happens."""
        if answer.decision.is_granted and asked is not None:
            gone = Outcome(error="CLIENT_GONE")
            self.finished(answer.decision_id, gone, asked.principal.name, asked.session.job)
        elif answer.decision.verdict is Verdict.HOLD and answer.ticket is not None:
            self.withdraw(answer.ticket, "its session is over")

    # --- people and adapters -----------------------------------------------------------------------------------------

    def advance(self, ticket_id: str, event: Step) -> Ticket:
        """A step of a ticket, recorded before it counts. Raises ApprovalConflict, AuditUnavailable, StoreUnavailable."""
        return self.steps.advance(ticket_id, event)

    def withdraw(self, ticket_id: str, reason: str) -> None:
        """The session that waited does not want it any more. Never raises, and never waits in an event loop."""
        self._waiting.take(ticket_id)
        self._aside.do(lambda: self._holding.withdraw(ticket_id, reason))

    def close(self) -> None:
        """Wait for what was begun in the store, and begin nothing more there beside a loop."""
        self._aside.close()

    def expire_overdue(self) -> None:
        """Close every ticket whose time is over, so that those who watch it learn it; take back steps that never happened.
        Called every so often by `app`."""
        try:
            self.steps.resolve()
            self.steps.expire_overdue()
            self._waiting.forget_overdue(self._clock())
            escalate_due(self._approvals, self.advance, self._clock())
            self._approvals.ring_ended()
            now = self._clock()
            waiting, since = self._approvals.oldest_pending(now)
            self._meters.holds_open.set(waiting)
            self._meters.oldest_hold.set(0.0 if since is None else (now - since) / 1e9)
        except GatewayError as error:
            logger("gate").warning("tickets could not be looked through", code=error.code)

    def finished(self, decision_id: str, outcome: Outcome, principal: str = "", job: str | None = None) -> None:
        """Record what became of a granted command, of whom. Never raises; what cannot be written is counted and logged."""
        counting = self._counting
        try:
            now = self._clock()
            is_counting = counting is not None and counting.is_active
            if counting is not None and is_counting:
                counting.finished(principal, job, outcome, now)
            if is_counting or outcome.sent_again:
                self._log.note(outcome_entry(decision_id, outcome, now, principal, job))
            else:
                self._log.note(outcome_body(decision_id, outcome, now))
        except AuditUnavailable as error:
            self._unrecorded(decision_id, error)

    def finished_again(self, lines: Lines) -> None:
        """The same for an answer that was given again. Never raises."""
        try:
            self._log.note_again(lines, self._clock())
        except AuditUnavailable as error:
            self._unrecorded("", error)

    def _unrecorded(self, decision_id: str, error: AuditUnavailable) -> None:
        self._meters.audit_failures.inc()
        logger("gate").error("an outcome could not be recorded", decision=decision_id, code=error.code)


def _labels(decision: Decision) -> tuple[str, str, str]:
    """What a decision is counted under."""
    first = decision.reasons[0] if decision.reasons else None
    return decision.verdict.value, decision.deny_kind or "", "" if first is None else first.rule or first.code
