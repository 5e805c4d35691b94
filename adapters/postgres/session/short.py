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
from adapters.postgres.messages.query import DESCRIBE_PORTAL, EXECUTE_ALL, SYNC, encode_bind, encode_parse
from adapters.postgres.session.desk import Desk
from adapters.postgres.session.names import Portal, Run, Statement
from adapters.postgres.session.naming import may_execute
from adapters.postgres.session.plain import Plain
from adapters.postgres.session.simple import may_copy
from engine._native import short_run
from engine.decision import Verdict

MAX_SHORT = 16 * 1024
"""Longer commands take the long way: there the reading is not what costs."""

_QUERY = int(Front.QUERY)
_TAIL = encode_bind() + DESCRIBE_PORTAL + EXECUTE_ALL + SYNC
_ENDS = b"; \t\r\n"


class Pending(msgspec.Struct, frozen=True):
    """A command that was asked about the short way. `statement` is None for a simple query; `parsed`: it is made here."""

    data: bytes
    question: Question
    name: bytes = b""
    statement: Statement | None = None
    parsed: bool = False
    described: bool = True


class Short:
    """One session's short way."""

    __slots__ = ("_desk", "pending")

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.pending: Pending | None = None
        """What waits for the gate's answer."""

    def ask(self, data: bytes) -> Ask | None:
        """What to ask about bytes from the client that are one command, while nothing is under way; None if they are not."""
        desk = self._desk
        replies, names = desk.replies, desk.names
        if replies.owed or replies.group_failed or len(desk.frames) or not 0 < len(data) <= MAX_SHORT:
            return None
        if data[0] == _QUERY:
            end = len(data) - 1
            if end <= HEADER or u32_at(data, 1)[0] != end or data.find(0, HEADER) != end or names.has_unnamed:
                return None
            return self._put(data[HEADER:end], None, data)
        found = short_run(data)
        if found is None or names.is_any_moving:
            return None
        name, text, parameters, described = found
        statement = names.statements.get(name) if text is None else Statement(text)
        if statement is None:
            return None
        return self._put(statement.text, parameters, data, name, statement, text is not None, described)

    def _put(
        self,
        text: bytes,
        parameters: tuple[str | None, ...] | None,
        data: bytes,
        name: bytes = b"",
        statement: Statement | None = None,
        parsed: bool = False,
        described: bool = True,
    ) -> Ask | None:
        judge = self._desk.judge
        if not judge.is_settled or may_execute(text):
            return None
        ask = judge.ask_now(text, parameters)
        self.pending = Pending(data, ask.question, name, statement, parsed, described)
        return ask

    def answered(self, answer: Answer) -> bytes | None:
        """What goes up, if the answer is a plain yes to something plain; None, and nothing done, if it is not."""
        pending, desk = self.pending, self._desk
        decision = answer.decision
        if pending is None or decision.verdict is not Verdict.ALLOW or decision.obligations:
            return None
        text = pending.question.text
        if not facts_of(answer.command).is_plain or may_copy(text):
            return None
        statement = pending.statement
        run = Run(answer, desk.out.now)
        if statement is None:
            if b";" in text.rstrip(_ENDS):
                return None
            up = encode_parse(text) + _TAIL
            plain = Plain(run, described=True)
        else:
            up = pending.data
            made = statement if pending.parsed else None
            plain = Plain(run, pending.described, Portal(statement, run), pending.name, made)
        desk.replies.expect_plain(plain)
        self.pending = None
        return up

    def leave(self) -> bytes | None:
        """Give back what waits for an answer, for the long way: it is not asked about again."""
        pending = self.pending
        if pending is None:
            return None
        self.pending = None
        self._desk.judge.asked = pending.question
        return pending.data
