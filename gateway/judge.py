"""The engine's program in the shape that the gate asks: one method for texts and ready-made trees. Built by `app`."""

from __future__ import annotations

from typing import cast

from engine.command.tree import ParsedCommand
from engine.evaluator.cache import Judgement
from engine.evaluator.program import Program, TextQuestion
from engine.evaluator.reader import Names
from engine.request import Approval, Request
from gateway.asked import Asked


class Judge:
    """One compiled set of policies."""

    __slots__ = ("_program", "revision")

    def __init__(self, program: Program) -> None:
        self._program = program
        self.revision = program.revision

    @property
    def program(self) -> Program:
        """The engine's own, for explaining."""
        return self._program

    def judge(self, asked: Asked, now: int, approval: Approval | None) -> Judgement:
        """The decision, and the tree it is about. `now` is UTC nanoseconds."""
        question = asked.question
        if isinstance(question, ParsedCommand):
            request = Request(asked.principal, asked.session, asked.resource, question, now, asked.context, approval)
            return Judgement(self._program.decide(request), question)
        return self._program.decide_text(
            TextQuestion(
                asked.principal,
                asked.session,
                asked.resource,
                question.protocol,
                question.text,
                now,
                # WHY a cast: to adapters a catalog is an opaque handle; whoever made it took it from the engine.
                cast("Names | None", question.catalog),
                asked.context,
                approval,
            )
        )
