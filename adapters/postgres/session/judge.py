"""From a text to a grant or to the error the user reads: asks the gate, waits for approvals, checks what cannot be carried.

Called by `simple` and `pipeline`, before any byte of the command goes up.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace

import msgspec

from adapters.core.buffer import MAX_TEXT
from adapters.core.effects import Ask, Leave, Record, RefreshFacts, WakeAt, Withdraw
from adapters.core.ports import Answer, Outcome, Question
from adapters.postgres.facts import PROTOCOL, Facts, Piece, facts_of, outline
from adapters.postgres.messages import notices, results
from adapters.postgres.messages.query import NO_TYPES, type_oids
from adapters.postgres.session import refusals
from adapters.postgres.session.limits import NO_LIMITS, limits_of
from adapters.postgres.session.meanings import Meanings, Surroundings
from adapters.postgres.session.names import NOT_KNOWN, Cursor, Names, Planned
from adapters.postgres.session.naming import fetched, is_fetch, may_execute
from adapters.postgres.session.outbox import Outbox
from adapters.postgres.session.replies import Replies
from adapters.postgres.session.settings import Settings
from adapters.postgres.session.standing import PROBE_STEPS, Standing, comes_first, encode_probe
from adapters.postgres.session.turns import Granted, Judged, Need, Refused
from engine.decision import Verdict

MAX_LOOKS = 3
"""How often the names are waited for, when somebody else changes them each time that they were just read."""
NAMES_SECONDS = 30.0
"""After this long a session has the catalog looked at again."""
_NONE: Mapping[str, str] = {}
_UNTYPED = "leave the type of the parameter to the server, and cast it in the text"
_PATH = msgspec.json.Decoder(tuple[str, ...])


@dataclass(slots=True)
class Held:
    """A command that waits for people."""

    ticket: int
    answer: Answer
    since: float


class Judge:
    """The session's way to the gate."""

    def __init__(self, outbox: Outbox, replies: Replies, names: Names, settings: Settings, place: Surroundings) -> None:
        self._out = outbox
        self._replies = replies
        self._names = names
        self._meanings = place.meanings
        self._target = place.target
        self._notice_seconds = settings.notice_seconds
        self._probe = encode_probe(settings.own_name)
        self._have_names_changed = False
        """By a command of this session, and nobody was told to read them again yet."""
        self._is_refreshing = False
        self._names_read_at: float | None = None
        self._path_by: str | None = None
        """The names that were known when the path was asked for."""
        self.has_left_marks = False
        """The connection may keep something of what ran here, whatever is done to clean it."""
        self.keeps = False
        """The session may have something on its connection beyond a transaction, or was shown what is not simply allowed."""
        self.standing = Standing()
        self.held: Held | None = None
        self.ticket = 0
        self.early_fate: Answer | None = None
        self.is_judging = False
        self.is_cancelled = False
        """What is being judged is not wanted any more."""
        self.asked: Question | None = None
        """A question that the gate was asked already, by who could not go on with the answer (`session.short`)."""
        self.early_answer: Answer | None = None
        """The answer to it, which came while something else was found out first."""

    def judge(
        self,
        text: bytes,
        *,
        unsent: bool,
        settled: bool = True,
        parameters: tuple[str | None, ...] | None = None,
        prepares: bool = False,
        types: bytes = NO_TYPES,
    ) -> Judged:
        """Ask about a text. `unsent`: nothing of what belongs to it has gone up yet, so it can wait. `settled`: nothing
        that was decided and not sent yet will change what names mean before it runs. `types`: of its parameters, as sent."""
        if len(text) > MAX_TEXT:
            return Refused(notices.encode_error(notices.TOO_LARGE, f"a command may have at most {MAX_TEXT} bytes"))
        self.is_judging, self.is_cancelled = True, False
        try:
            yield from self._find_standing(text, unsent and settled)
            answer = yield from self._ask(text, parameters, prepares, unsent)
            are_plans_of_now = self.are_plans_of_now
        finally:
            self.is_judging = False
        if self.is_cancelled and answer.decision.verdict is not Verdict.DENY:
            self._give_up(answer)
            return Refused(refusals.cancelled())
        if answer.decision.verdict is not Verdict.DENY and self._reads_by_functions(types):
            # WHY refused: no text shows what would run, so nobody has decided about it.
            self._give_up(answer, notices.UNSUPPORTED)
            return Refused(refusals.unsupported("a parameter of a type that functions look at", _UNTYPED))
        self.keeps |= answer.decision.verdict not in (Verdict.ALLOW, Verdict.DENY)
        if answer.decision.verdict is Verdict.HOLD:
            if prepares:
                if answer.ticket is not None:
                    self._out.wish(Withdraw(self.ticket, "only prepared"))
                return Granted(answer, NO_LIMITS)
            fate = yield from self._hold(answer, unsent)
            if isinstance(fate, bytes):
                return Refused(fate)
            answer = fate
        facts = facts_of(answer.command)
        if answer.decision.masks_in_force:
            self._replies.has_masks = True
        if not answer.decision.is_granted:
            return Refused(refusals.denial(answer), answer.command is not None and facts.unparsable)
        if facts.unparsable and outline(text) is None:
            # Nobody can run it: the server says what is wrong with it, and should it not, nothing runs all the same.
            self.not_run(answer, notices.SYNTAX_ERROR)
            return Refused(refusals.not_followed(), unparsable=True)
        return Granted(answer, NO_LIMITS) if prepares else self._carried(answer, facts, are_plans_of_now)

    def _give_up(self, answer: Answer, code: str = notices.CANCELLED) -> None:
        """The client cancelled while the gate was asked, or it is not carried: nothing runs, and nobody is to be asked."""
        if answer.decision.verdict is Verdict.HOLD:
            why = "cancelled by the client" if code == notices.CANCELLED else "cannot be carried"
            self._out.wish(Withdraw(self.ticket, why))
        else:
            self.not_run(answer, code)

    def _reads_by_functions(self, types: bytes) -> bool:
        """Whether the server calls functions that people made to read values of these types (as a Parse has them)."""
        meanings = self._meanings
        return meanings is not None and any(map(meanings.is_checked, type_oids(types)))

    def _ask(
        self, text: bytes, parameters: tuple[str | None, ...] | None, prepares: bool, unsent: bool
    ) -> Generator[Need, Answer | None, Answer]:
        prepared, catalog, fetches = _NONE, None, is_fetch(text)
        if self._meanings is not None and (fetches or may_execute(text)):
            while unsent and self._names.is_any_moving:
                yield Need.NEWS
            prepared, catalog = self._names.texts(), fetched(text, self._names) if fetches else None
        state = self.standing.state(self._replies.status)
        catalog = catalog or self._catalog(prepared)
        question = Question(PROTOCOL, text, catalog, parameters, state, prepares, True)
        asked, early = self.asked, self.early_answer
        self.asked = self.early_answer = None
        if asked == question and early is not None:
            return early
        if asked != question:
            if early is not None:
                self.let_go(self.ticket, early)
            self._out.wish(self._put(question))
        answer = yield Need.ANSWER
        if answer is None:
            raise RuntimeError("the gate's answer is missing")
        return answer

    def _put(self, question: Question) -> Ask:
        self.ticket += 1
        self.early_fate = None
        return Ask(self.ticket, question)

    def ask_now(self, text: bytes, parameters: tuple[str | None, ...] | None) -> Ask | None:
        """The wish to ask about a text that runs no prepared statement by SQL, while the server owes nothing. The caller
        passes it on. None when something about the session has to be found out before."""
        if not self.can_ask_now:
            return None
        state = self.standing.state(self._replies.status)
        return self._put(Question(PROTOCOL, text, self.catalog_now, parameters, state, is_exchange=True))

    @property
    def can_ask_now(self) -> bool:
        """Whether nothing about the session has to be found out before."""
        meanings, standing = self._meanings, self.standing
        if meanings is not None and not (self._are_names_fresh(meanings) and meanings.version == self._path_by):
            return False
        return standing.is_known(results.IDLE) or standing.is_known(self._replies.status)

    @property
    def are_plans_of_now(self) -> bool:
        """Whether the server has read what is prepared by the names that are known now."""
        version = None if self._meanings is None else self._meanings.version
        return version is None or self._names.is_planned_by(version)

    @property
    def catalog_now(self) -> object | None:
        """What names mean to a text that runs no prepared statement by SQL; compared as an object."""
        return self._catalog(_NONE)

    @property
    def names_good_until(self) -> float:
        """When a session has to look at the catalog again."""
        if self._meanings is None or self._names_read_at is None:
            return math.inf
        return self._names_read_at + NAMES_SECONDS

    def cursor_of(self, piece: Piece) -> Cursor:
        """What is known of the cursor that a statement declares. WHY what names mean now: what is fetched is what they meant then,
        whatever becomes of them."""
        try:
            meaning = self._catalog(_NONE, {piece.name.decode(): piece.inner.decode()})
        except UnicodeDecodeError:
            return NOT_KNOWN
        return Cursor(meaning, len(piece.inner))

    def _catalog(self, prepared: Mapping[str, str], cursors: Mapping[str, str] = _NONE) -> object | None:
        """What names mean to the session now; None when that is not known for certain."""
        path = self.standing.search_path
        if self._meanings is None or self._have_names_changed or path is None or self.standing.has_temporary:
            return None
        return self._meanings.handle(path, prepared, cursors)

    def runs(self, facts: Facts) -> bool:
        """A command will run: what it may change is unknown from now on. Whether that is what names mean to what stands behind it."""
        # WHY not seen by the server's word: behind COMMIT AND CHAIN, or COMMIT and BEGIN at once, it says that a transaction is open, as before.
        changes_path = facts.changes_session or (facts.ends_transaction and self.standing.is_of_transaction)
        if changes_path:
            self.standing.forget()
        if facts.changes_catalog:
            self._have_names_changed = True
        if facts.opaque:
            self._names.forget_cursors()
        self._names.forget_cursors(facts.declares)
        self.has_left_marks |= facts.marks
        self.keeps |= facts.keeps
        return changes_path or facts.changes_catalog

    @property
    def has_changes_to_tell(self) -> bool:
        """Whether `tell_of_changes` could wish something."""
        return self._have_names_changed

    def tell_of_changes(self) -> None:
        """Once what changed is committed, everybody has to learn it."""
        replies = self._replies
        if self._have_names_changed and not replies.owed and replies.status == results.IDLE:
            self._have_names_changed = False
            self._refresh(changed=True)

    def _refresh(self, *, changed: bool) -> None:
        if self._meanings is not None:
            self._is_refreshing = True
            self._names_read_at = self._out.now
            self._out.wish(RefreshFacts(self._target, changed))

    def refreshed(self) -> None:
        """The names were read again, as far as they can be."""
        self._is_refreshing = False

    def _carried(self, answer: Answer, facts: Facts, are_plans_of_now: bool) -> Granted | Refused:
        """A grant, unless it is of something the adapter does not carry."""
        error: bytes | None = None
        limits = limits_of(answer)
        if facts.changes_lexer:
            error = refusals.lexer_setting()
        elif isinstance(limits, str):
            error = refusals.unenforceable(answer, limits)
        elif limits.rows is not None and facts.copies_out:
            error = refusals.unenforceable(answer, "rows", "cannot be enforced for COPY")
        if error is None and not isinstance(limits, str):
            if facts.planned and not are_plans_of_now and self._meanings is not None:
                limits = replace(limits, anew=Planned(self._meanings.version))
            return Granted(answer, limits, self.runs(facts))
        self.not_run(answer, notices.UNSUPPORTED if facts.changes_lexer else notices.DENIED)
        return Refused(error or b"")

    def not_run(self, answer: Answer, code: str) -> None:
        """Something granted will not run: the audit learns why."""
        self._out.wish(Record(answer.decision_id, Outcome(error=code)))

    def forget_asked(self) -> None:
        """All that came was dealt with: what was asked about and never looked at is of no command any more."""
        if self.asked is None:
            return
        if self.early_answer is not None:
            self.let_go(self.ticket, self.early_answer)
        self.asked = self.early_answer = None
        self.ticket += 1

    def let_go(self, ticket: int, answer: Answer) -> None:
        """An answer is of no use any more, since the same was asked anew: nothing runs by it, and nobody waits for it."""
        if answer.decision.is_granted:
            self.not_run(answer, notices.CANCELLED)
        elif answer.decision.verdict is Verdict.HOLD:
            self._out.wish(Leave(ticket))

    # --- holds

    def _hold(self, answer: Answer, unsent: bool) -> Generator[Need, Answer | None, Answer | bytes]:
        ticket = self.ticket
        if unsent:
            while self._replies.owed:
                yield Need.IDLE
        if not unsent or self._replies.status != results.IDLE:
            self._out.wish(Leave(ticket))
            return refusals.needs_approval_first(answer)
        if self.early_fate is not None:
            return self._ended(self.early_fate)
        self.held = Held(ticket, answer, self._out.now)
        self._out.down(refusals.waiting(answer, 0))
        self._out.wish(WakeAt(self._out.now + self._notice_seconds))
        fate = yield Need.FATE
        self.held = None
        self._out.wish(WakeAt(None))
        if fate is None:
            self._out.wish(Withdraw(ticket, "cancelled by the client"))
            return refusals.cancelled()
        return self._ended(fate)

    def _ended(self, fate: Answer) -> Answer | bytes:
        return fate if fate.decision.is_granted else refusals.denial(fate)

    def remind(self) -> None:
        """Time passed while a command is held: tell the client that it still is."""
        if self.held is not None:
            waited = int(self._out.now - self.held.since)
            self._out.down(refusals.waiting(self.held.answer, max(waited, 1)))
            self._out.wish(WakeAt(self._out.now + self._notice_seconds))

    # --- what names mean

    def _find_standing(self, text: bytes, may_ask: bool) -> Generator[Need, Answer | None, None]:
        """Ask the server for path and role where they may have changed; they stay unknown when it cannot say."""
        replies = self._replies
        if self._meanings is not None and may_ask and not self._are_names_fresh(self._meanings):
            yield from self._refresh_names()
            if replies.status == results.IDLE:
                # WHY: rights to schemas change the path, and no name. Not inside a transaction, which the asking would begin in earnest.
                self.standing.forget()
        if replies.status == results.IN_TRANSACTION and comes_first(text):
            return
        if self._meanings is not None and self._meanings.version != self._path_by:
            # WHY: others may have made a schema that the session's setting named before it was there.
            self.standing.forget()
        if self.standing.is_known(results.IDLE):
            return
        if not may_ask:
            if not self.standing.is_known(replies.status):
                self.standing.forget()
            return
        while replies.owed:
            yield Need.IDLE
        if self.standing.is_known(replies.status):
            return
        self.standing.forget()
        if replies.status == results.FAILED:
            return
        replies.probed.clear()
        self._out.up(self._probe)
        replies.expect(*PROBE_STEPS)
        while replies.owed:
            yield Need.IDLE
        self._learn()
        if self._meanings is not None and not self._meanings.is_known:
            # WHY once more: somebody else may have changed them while the server was asked.
            yield from self._refresh_names()

    def _are_names_fresh(self, meanings: Meanings) -> bool:
        read_at = self._names_read_at
        return (
            read_at is not None
            and self._out.now - read_at < NAMES_SECONDS
            and not self._have_names_changed
            and not self._is_refreshing
            and meanings.is_known
        )

    def _refresh_names(self) -> Generator[Need, Answer | None, None]:
        """Have what names mean read again. What an open transaction has changed nobody else can see yet."""
        replies = self._replies
        for _ in range(MAX_LOOKS):
            while replies.owed:
                yield Need.IDLE
            self.tell_of_changes()
            if not self._is_refreshing and not self._have_names_changed:
                self._refresh(changed=False)
            while self._is_refreshing:
                yield Need.FACTS
            if self._have_names_changed or self._meanings is None or self._meanings.is_known:
                return

    def _learn(self) -> None:
        rows = self._replies.probed
        if len(rows) != 1 or len(rows[0]) != 3:
            return
        try:
            row = [None if cell is None else cell.decode() for cell in rows[0]]
            path = _PATH.decode(row[0] or "")
        except (UnicodeDecodeError, msgspec.DecodeError):
            return
        self.standing.learn(row, path, self._replies.status)
        self._path_by = None if self._meanings is None else self._meanings.version
