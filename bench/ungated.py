"""`python -m bench.ungated up --config FILE`: the gateway as it is, but nobody judges: the relay alone, to be measured beside it.

The first answer of each kind of question is the gate's own; from the second question on a session gets that answer again, and nothing of
it is recorded: no text is parsed, no rule evaluated, no line written. For measurements only, which is why it lives here.
"""

from __future__ import annotations

import sys

from adapters.core.ports import Answer, Outcome, Question
from gateway.cli import main
from gateway.doors.session import GatewaySession

JUDGED = GatewaySession.decide
GIVEN: dict[tuple[str, bytes], Answer] = {}


def kind_of(question: Question) -> tuple[str, bytes]:
    """What questions of the same answer have in common: the protocol and the first word."""
    return question.protocol, question.text.split(b" ", 1)[0]


def decide(session: GatewaySession, question: Question) -> Answer:
    """The answer that the first question of its kind got."""
    kind = kind_of(question)
    answer = GIVEN.get(kind)
    if answer is None:
        answer = GIVEN[kind] = JUDGED(session, question)
    return answer


def finished(session: GatewaySession, decision_id: str, outcome: Outcome) -> None:
    """Nothing: nobody is told."""


if __name__ == "__main__":
    GatewaySession.decide = decide  # type: ignore[method-assign,assignment]  # what this file is for
    GatewaySession.finished = finished  # type: ignore[method-assign,assignment]
    sys.exit(main(sys.argv[1:]))
