"""The short way: one plain command, asked about, granted and sent in one piece.

Nearly all that clients send is one simple query, or one execution of one statement up to its Sync, while nothing else is
under way; nearly all of that is granted as it is. Such a command needs none of what `simple` and `pipeline` are prepared
for. INVARIANT: the short way wishes exactly what the long way would (tests/property/test_postgres_short.py plays every
dialogue both ways); where it is not sure it says no, and the long way reads the same bytes from the beginning.
"""

from __future__ import annotations

import msgspec

from adapters.core.effects import Ask
from adapters.core.ports import Answer, Question
from adapters.postgres.facts import facts_of
from adapters.postgres.messages.frames import HEADER, Front, u32_at
from adapters.postgres.messages.query import is_short_enough, type_oids
from adapters.postgres.messages.results import FAILED
from adapters.postgres.session.desk import Desk
from adapters.postgres.session.names import Portal, Run, Statement
from adapters.postgres.session.naming import is_fetch, may_execute
from adapters.postgres.session.plain import Plain
from adapters.postgres.session.simple import may_copy
from adapters.postgres.type_shapes import FIRST_MADE
from engine._native import short_query, short_run
from engine.decision import Verdict

MAX_SHORT = 16 * 1024
"""Longer commands take the long way: there the reading is not what costs."""

_QUERY = int(Front.QUERY)


def types_of(data: bytes, name: bytes, text: bytes) -> bytes:
    """The parameter types of the Parse that the bytes begin with."""
    end: int = u32_at(data, 1)[0] + 1
    return data[HEADER + len(name) + len(text) + 2 : end]


class Pending(msgspec.Struct, frozen=True):
    """A command that was asked about the short way, as it came and as it goes up. `statement` is None for a simple query;
    `parsed`: it is made here."""

    data: bytes
    up: bytes
    name: bytes = b""
    statement: Statement | None = None
    parsed: bool = False
    described: bool = True


class Granted(msgspec.Struct, frozen=True):
    """A command that went up the short way, for who may let its like through at once (`session.lane`)."""

    question: Question
    answer: Answer
    name: bytes
    statement: Statement | None


class Short:
    """One session's short way."""

    __slots__ = ("_asked", "_desk", "_fit", "granted", "pending")

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.pending: Pending | None = None
        """What waits for the gate's answer."""
        self.granted: Granted | None = None
        """What went up last, with an answer that may be given again."""
        self._asked: Ask | None = None
        self._fit: Statement | None = None
        """The last statement that was looked at and found fit."""

    def ask(self, data: bytes) -> Ask | None:
        """What to ask about bytes from the client that are one command, while nothing is under way; None if they are not."""
        desk = self._desk
        replies, names = desk.replies, desk.names
        if replies.owed or replies.group_failed or len(desk.frames) or not 0 < len(data) <= MAX_SHORT:
            return None
        if not desk.judge.are_plans_of_now:
            return None
        if data[0] == _QUERY:
            simple = None if names.has_unnamed else short_query(data)
            return None if simple is None else self._put(simple[0], None, Pending(data, simple[1]))
        found = short_run(data)
        if found is None or names.is_any_moving:
            return None
        name, text, parameters, described = found
        if name in names.elsewhere or not is_short_enough(name):
            return None
        statement = names.statements.get(name) if text is None else Statement(text, types=types_of(data, name, text))
        if statement is None or not self._is_fit(statement):
            return None
        pending = Pending(data, data, name, statement, text is not None, described)
        return self._put(statement.text, parameters, pending)

    def _put(self, text: bytes, parameters: tuple[str | None, ...] | None, pending: Pending) -> Ask | None:
        self.granted = None
        asked = self._desk.judge.ask_now(text, parameters)
        if asked is not None:
            self.pending, self._asked = pending, asked
        return asked

    def _is_fit(self, statement: Statement) -> bool:
        """Whether its text holds no word of those that need more than the tree to be carried."""
        if statement is self._fit:
            return True
        if max(type_oids(statement.types), default=0) >= FIRST_MADE:
            return False  # functions may look at what is bound
        if may_execute(statement.text) or is_fetch(statement.text) or may_copy(statement.text):
            return False
        self._fit = statement
        return True

    def answered(self, answer: Answer) -> bytes | None:
        """What goes up, if the answer is a plain yes to something plain; None, and nothing done, if it is not."""
        pending, desk = self.pending, self._desk
        decision = answer.decision
        if pending is None or decision.verdict is not Verdict.ALLOW or decision.obligations:
            return None
        if desk.replies.status == FAILED:
            return None  # an empty text is carried otherwise there
        facts = facts_of(answer.command)
        if not facts.is_plain or (facts.ends_transaction and desk.judge.standing.is_of_transaction):
            return None
        if decision.masks_in_force:
            desk.replies.has_masks = True
        desk.judge.keeps |= facts.keeps
        statement = pending.statement
        run = Run(answer, desk.out.now)
        if statement is None:
            plain = Plain(run, described=True)
        else:
            made = statement if pending.parsed else None
            plain = Plain(run, pending.described, Portal(statement, run), pending.name, made)
        desk.replies.expect_plain(plain)
        self.pending = None
        if answer.again is not None and self._asked is not None:
            self.granted = Granted(self._asked.question, answer, pending.name, statement)
        return pending.up

    def leave(self) -> bytes | None:
        """Give back what waits for an answer, for the long way: it is not asked about again."""
        pending, asked = self.pending, self._asked
        if pending is None or asked is None:
            return None
        self.pending = None
        self._desk.judge.asked = asked.question
        return pending.data
