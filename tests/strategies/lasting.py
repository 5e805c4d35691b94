"""Commands that are like each other, for tests of remembered approvals: the core's own trees and shapes, without its policies."""

from __future__ import annotations

from dataclasses import replace

from adapters.core.ports import Question
from engine import command_reader
from engine.decision import Hold
from engine.evaluator.cache import Judgement
from gateway.approvals.likeness import Likeness
from gateway.asked import Asked
from tests.strategies.gates import HOLD, House

READER = command_reader()
REMEMBERED = replace(
    HOLD, hold=Hold(({"groups": ["dba"], "users": [], "quorum": 1},), 600, ("p/WRITE",), remember=1800)
)
LIKE = Likeness("ana", "orders", "postgres", "build-42", "", "r1", "5" * 64, "6" * 64)


def shape_of(question: Question) -> bytes | None:
    return READER.shape(question.protocol, question.text)


def with_real_trees(house: House) -> House:
    """Policies of this house that hold whatever they are asked, and read it as the engine does."""
    policies = house.policies
    judge = policies.judge

    def really(asked: Asked, now: int, approval: object) -> Judgement:
        question = asked.question
        said = judge(asked, now, approval)  # type: ignore[arg-type]  # passed on
        if not isinstance(question, Question):
            return said
        return Judgement(said.decision, READER.read(question.protocol, question.text, None), said.exact)

    policies.judge = really  # type: ignore[method-assign]  # a test's
    policies.shaping = shape_of
    policies.decision = REMEMBERED
    return house
