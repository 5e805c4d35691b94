"""What a policy that demands `record` wants of an exchange, and how much of its result is kept. Pure.

The question says `is_exchange`, and the session of the gate records what was asked and what became of it. Results are for the adapter to
give, in parts (`effects.ShowPart`), each wished before it is sent.
"""

from __future__ import annotations

from adapters.core.ports import Answer
from engine.decision import Obligation
from engine.request import Json

RECORD = "record"
RESULTS = "results"
MAX_BYTES = 256 * 1024
"""Bytes of one result that are recorded."""
BEST_EFFORT = "best_effort"
_WORDS = frozenset({RESULTS, "parameters", BEST_EFFORT})


def is_known(value: Json) -> bool:
    """Whether this is a demand to record that can be met."""
    return value is True or (isinstance(value, list) and bool(value) and all(word in _WORDS for word in value))


def is_met(obligation: Obligation) -> bool:
    """Whether it is such a demand."""
    return obligation.type == RECORD and is_known(obligation.value)


def is_recorded(answer: Answer) -> bool:
    """Whether the exchange has to be recorded."""
    return any(one.type == RECORD for one in answer.decision.obligations)


def may_stop(answer: Answer) -> bool:
    """Whether its recording may stop while it goes on. INVARIANT: only where every demand says so."""
    wanted = [one.value for one in answer.decision.obligations if one.type == RECORD]
    return bool(wanted) and all(isinstance(value, list) and BEST_EFFORT in value for value in wanted)


def wants_results(answer: Answer) -> bool:
    """Whether its result has to be, too."""
    return any(
        one.type == RECORD and isinstance(one.value, list) and RESULTS in one.value
        for one in answer.decision.obligations
    )
