"""The engine's program in the shape that the gate asks: one method for texts and ready-made trees. Built by `app`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from adapters.core.ports import Question
from engine.command.tree import ParsedCommand
from engine.decision import Decision, DenyKind, Location, Reason, Verdict
from engine.evaluator.cache import Judgement
from engine.evaluator.explain import explain
from engine.evaluator.program import Program, TextQuestion
from engine.evaluator.reader import Names
from engine.request import Approval, Json, Request
from gateway.asked import Asked


@dataclass(frozen=True, slots=True)
class RuleFound:
    """What one rule came to. `condition` is the first that failed, where somebody knows it."""

    rule: str
    matched: bool
    condition: str = ""
    location: Location | None = None
    values: Mapping[str, Json] = field(default_factory=dict)


class Judge:
    """One compiled set of policies."""

    __slots__ = ("__weakref__", "_program", "revision")

    def __init__(self, program: Program) -> None:
        self._program = program
        self.revision = program.revision

    @property
    def program(self) -> Program:
        """The engine's own, for explaining."""
        return self._program

    @property
    def reads_activity(self) -> bool:
        """Whether a rule may read what somebody did lately."""
        return self._program.reads_activity

    @property
    def activity_numbers(self) -> Sequence[str]:
        """Which numbers of what somebody did lately rules read; an empty name is all of them."""
        return self._program.activity_numbers

    def shape(self, question: Question) -> bytes | None:
        """A key that two texts share only if they differ in literals alone and have the same tree; None where nobody can say."""
        return self._program.reader.shape(question.protocol, question.text)

    def judge(self, asked: Asked, now: int, approval: Approval | None) -> Judgement:
        """The decision, and the tree it is about. `now` is UTC nanoseconds."""
        judged = self._judge(asked, now, approval)
        effects = None if asked.login is None else asked.login.effects
        return judged if effects is None else self._narrowed(asked, judged, effects)

    def _narrowed(self, asked: Asked, judged: Judgement, effects: Collection[str]) -> Judgement:
        """A decision for a token that is for some classes of operations only: whatever else the command does, it is denied.

        INVARIANT: a grant comes out only for a tree of exactly this text that was read to its bottom.
        """
        if judged.decision.verdict is Verdict.DENY:
            return judged
        question = asked.question
        tree = judged.command
        if tree is None or not judged.exact:
            tree = question if isinstance(question, ParsedCommand) else self._parse(question)
        command = tree.command
        beyond = sorted({one.effect.value for one in command.operations} - set(effects))
        if command.complete and command.operations and not beyond:
            return judged
        what = f"this does `{beyond[0]}`, and" if beyond else "nobody can say what else this does, and"
        reason = Reason(
            *("", "deny", "TOKEN_SCOPE", f"{what} the token is for {', '.join(sorted(effects))} only"),
            hint="ask for a token with other operations",
        )
        return Judgement(Decision(Verdict.DENY, DenyKind.RULE, (reason,)), tree)

    def _judge(self, asked: Asked, now: int, approval: Approval | None) -> Judgement:
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

    def explain(self, asked: Asked, now: int) -> Sequence[RuleFound]:
        """Every candidate rule and what became of it. Raises InputInvalid, NativeError."""
        question = asked.question
        tree = question if isinstance(question, ParsedCommand) else self._parse(question)
        request = Request(asked.principal, asked.session, asked.resource, tree, now, asked.context)
        return [
            RuleFound(one.rule, one.matched, one.condition or "", one.location, one.values)
            for one in explain(self._program, request)
        ]

    def _parse(self, question: Question) -> ParsedCommand:
        return self._program.reader.read(question.protocol, question.text, cast("Names | None", question.catalog))
