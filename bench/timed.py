"""`python -m bench.timed up --config FILE`: the gateway as it is, which notes how long each command kept its judge.

A line of `FILE.times` a granted command: microseconds by the clock, of the question (parsed, evaluated, recorded) and of what is recorded of its end
together, and the text. WHY in the gateway itself: between two medians of 10 ms each, a fraction of one is lost.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from adapters.core.ports import Answer, Outcome, Question
from gateway.cli import main
from gateway.doors.session import GatewaySession

DECIDE, FINISHED = GatewaySession.decide, GatewaySession.finished
MAX_TEXT = 200
SPENT: dict[str, tuple[float, bytes]] = {}


def times_of(config: Path, part: str) -> float:
    """The median, in milliseconds, of the commands whose text has this part; the first tenth is left out."""
    lines = config.with_suffix(".times").read_text(encoding="utf-8").splitlines()
    found = [float(took) for took, _, text in (line.partition(" ") for line in lines) if part in text]
    return round(statistics.median(found[len(found) // 10 :]) / 1000, 3)


def decide(session: GatewaySession, question: Question) -> Answer:
    """As the gate decides."""
    began = time.perf_counter()
    answer = DECIDE(session, question)
    SPENT[answer.decision_id] = time.perf_counter() - began, question.text[:MAX_TEXT]
    return answer


def run(config: Path) -> int:
    """The gateway, until it ends."""
    with config.with_suffix(".times").open("w", encoding="utf-8", buffering=1) as told:

        def finished(session: GatewaySession, decision_id: str, outcome: Outcome) -> None:
            began = time.perf_counter()
            FINISHED(session, decision_id, outcome)
            took, text = SPENT.pop(decision_id, (0.0, b""))
            told.write(f"{(took + time.perf_counter() - began) * 1e6:.1f} {text!r}\n")

        GatewaySession.decide = decide  # type: ignore[method-assign,assignment]  # what this file is for
        GatewaySession.finished = finished  # type: ignore[method-assign,assignment]
        return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[-1])))
