"""When plain commands that were granted before go through at once, and what the session learns of them afterwards.

The lane is opened behind a command that came the short way with an answer that may be given again, while the session stands
still and everything that decided stands. Before the session does anything else it leaves the lane: names that were made in
there become its own, and what is under way is owed as if it had gone the short way. Bytes and lines are the core's affair
(`engine._native.PostgresLane`), whether an answer still counts is the gate's; docs/decisions/0032.
"""

from __future__ import annotations

from typing import cast

import msgspec

from adapters.core.ports import Again, Answer
from adapters.postgres.messages import results
from adapters.postgres.session.desk import Desk
from adapters.postgres.session.names import Change, NameChange, Portal, Run, Statement
from adapters.postgres.session.plain import Plain
from adapters.postgres.session.short import Granted
from engine._native import PostgresLane


class Lane:
    """One session's lane. Satisfies `adapters.core.driven.Lane`."""

    __slots__ = ("_changes", "_desk", "again", "answer", "ask", "carry", "grant", "lines", "reply", "take_back", "wire")

    kept_for = None
    lasts = 0.0

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.lines = lines = PostgresLane()
        self.ask = self.lines.ask
        """What goes up for bytes from the client that are one command granted before; it is under way then."""
        self.take_back = self.lines.take_back
        """What `ask` found goes another way."""
        self.reply = self.lines.reply
        """What the client is shown of the plain answer to what is under way."""
        self.grant, self.carry, self.answer, self.wire = lines.grant, lines.carry, lines.answer, lines.wire
        """The same with leave of the gate's: it is given, up, down, and from wire to wire."""
        self.again: Again | None = None
        self._changes = 0
        """How many names had changed when the lane last knew them all."""

    # --- what the session does

    @property
    def is_under_way(self) -> bool:
        """Whether a command is."""
        return self.lines.is_under_way

    def open(self, granted: Granted) -> None:
        """A command is over, and nothing else is under way: its like may go through."""
        desk, again = self._desk, granted.answer.again
        judge, names, status = desk.judge, desk.names, desk.replies.status
        question = granted.question
        stands = (
            question.state is judge.standing.state(status)
            and question.catalog is judge.catalog_now
            and judge.can_ask_now
            and judge.are_plans_of_now
            and not judge.standing.is_of_transaction
            and not desk.replies.owed
            and not desk.replies.group_failed
            and not names.is_any_moving
            and not len(desk.frames)
        )
        if again is None or not stands:
            return
        lines = self.lines
        if self.again is None or not self.again.is_like(again):
            lines.forget()
        self.again = again
        lines.learn(question.text, again.form, again.for_shape, granted.answer)
        if names.changes != self._changes:
            lines.forget_names()
            self._changes = names.changes
        if granted.statement is not None:
            lines.name(granted.name, granted.statement.text)
        # WHY what is known of names and not the catalog: what else decides about it changes in the session alone, which leaves
        # the lane before.
        lines.open(status, not names.has_unnamed, status == results.IDLE, judge.names_good_until, desk.meanings)

    def leave(self) -> None:
        """Have the session know what was done here, and owe what is under way. It is closed afterwards."""
        lines = self.lines
        if not lines.is_used:
            return
        under_way, parsed = lines.leave()
        names = self._desk.names
        if names.changes != self._changes:
            lines.forget_names()
        for name, text in parsed:
            names.confirm(NameChange(Change.STATEMENT, name, Statement(text)))
        self._changes = names.changes
        if under_way is None:
            return
        found, decision_id, began, text, run = under_way
        answer = msgspec.structs.replace(cast(Answer, found), decision_id=decision_id)
        owed = Run(answer, began)
        if run is None:
            plain = Plain(owed, described=True)
        else:
            name, is_parsed, is_described = run
            statement = Statement(text) if is_parsed else names.statements[name]
            made = statement if is_parsed else None
            plain = Plain(owed, is_described, Portal(statement, owed), name, made)
        self._desk.replies.expect_plain(plain)
