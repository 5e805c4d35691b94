"""What people read on their standard error: why something was refused, that it waits, that the target is gone. Pure."""

from __future__ import annotations

import unicodedata

from adapters.core.ports import Answer
from engine.decision import Decision, DenyKind, Reason

REFUSED = 126
"""Exit status of what was not run. WHY this one: to shells it says that a command was found and may not be run."""
LOST = 255
"""Exit status where the connection failed, as ssh itself has it."""
CANCELLED = 130
"""Exit status of what the client took back while it waited, as of a command ended by Ctrl-C."""

_WORDS: dict[DenyKind, str] = {
    DenyKind.RULE: "denied by policy",
    DenyKind.NO_MATCH: "no policy allows this",
    DenyKind.EVAL_ERROR: "a policy could not be evaluated",
    DenyKind.MASK_CONFLICT: "the masks for this contradict each other",
    DenyKind.MASK_UNPROVEN: "something masked could show here unmasked",
    DenyKind.TIMEOUT: "the decision took too long",
    DenyKind.INPUT_INVALID: "this could not be understood",
    DenyKind.STALE_POLICY: "the policies are too old",
    DenyKind.OBLIGATION_UNKNOWN: "a condition of the policy cannot be met here",
    DenyKind.AUDIT_UNAVAILABLE: "the decision could not be recorded",
    DenyKind.NOT_AUTHENTICATED: "this login is not valid any more",
    DenyKind.APPROVAL_REFUSED: "the approval was refused",
    DenyKind.INTERNAL: "the gateway could not decide",
}


def denial(answer: Answer) -> str:
    """Why a decision grants nothing, with its rule and what to do."""
    decision = answer.decision
    reason = _leading(decision)
    said = (reason.reason if reason is not None else "") or _WORDS[decision.deny_kind or DenyKind.RULE]
    hint = reason.hint if reason is not None else ""
    return _lines(f"denied: {said}", _rules(decision), hint, answer.link or "", _decision(answer))


def unenforceable(answer: Answer, what: str) -> str:
    """Why a grant is not used: its condition cannot be met here."""
    said = f"denied: the policy demands {what}, which cannot be done here"
    return _lines(said, _rules(answer.decision), _decision(answer))


def held(answer: Answer) -> str:
    """That something waits for people, for whom, and how they say yes."""
    decision = answer.decision
    reason = _leading(decision)
    why = f": {reason.reason}" if reason is not None and reason.reason else ""
    how = f"approve with: sallyport approve {answer.ticket}{' or at ' + answer.link if answer.link else ''}"
    return _lines(f"held: ticket {answer.ticket}{why}", _rules(decision), _approvers(answer), how)


def still_waiting(ticket: str, seconds: float) -> str:
    """That it still waits."""
    return _lines(f"held: ticket {ticket}, waiting for {seconds:.0f} s")


def released(ticket: str) -> str:
    """That the wait is over and it runs now."""
    return _lines(f"approved: ticket {ticket}")


def refused(what: str, instead: str = "") -> str:
    """That something is not carried here at all."""
    return _lines(f"refused: {what}", instead)


def target_trouble(what: str) -> str:
    """That the target cannot be used."""
    return _lines(f"the target: {what}")


def unrecorded() -> str:
    """That the recorder failed, and so this ends."""
    return _lines("ended: this has to be recorded and cannot be at the moment", "tell the operator of the gateway")


def not_text() -> str:
    """That a command wrote something in which nothing can be hidden."""
    return _lines(
        "ended: what it writes has to be masked, and this is no text",
        "files that are no text, or packed, cannot be shown under this policy",
    )


def recorded_only() -> str:
    """What a terminal of the target is."""
    return _lines("this terminal is recorded; what is typed here is judged by nobody")


def guarded(*, is_bash: bool = True) -> str:
    """What a guarded shell is."""
    less = "" if is_bash else "there is no bash here: what `sh` may read otherwise is refused"
    return _lines("guarded shell: each command is judged before it runs; what is shown is recorded", less)


def still_runs() -> str:
    """That a signal ended nothing."""
    return _lines("it still runs: Ctrl-C again leaves it, running or not")


def left() -> str:
    """What became of a command that was interrupted where nobody can be told so."""
    return _lines("left: an exec takes no signals, so it may still run in the container")


def over(why: str) -> str:
    """That a shell ends by somebody else's will."""
    return _lines(f"ended: {why}")


def without_terminal() -> str:
    """That a command runs without the terminal that was asked for."""
    return _lines("no terminal is granted for this; it runs without one")


def idle(seconds: float) -> str:
    """That nobody typed for too long."""
    return _lines(f"ended: nothing was typed for {seconds:.0f} s")


def plain(text: str) -> str:
    """A text that does nothing to a terminal. WHY: reasons and comments are other people's words."""
    return "".join(char if unicodedata.category(char)[0] != "C" else " " for char in text)


def _lines(*lines: str) -> str:
    return "".join(f"sallyport: {plain(line)}\n" for line in lines if line)


def _leading(decision: Decision) -> Reason | None:
    wanted = [reason for reason in decision.reasons if reason.kind == decision.verdict.value]
    found = wanted or list(decision.reasons)
    return found[0] if found else None


def _rules(decision: Decision) -> str:
    rules = sorted({reason.rule for reason in decision.reasons if reason.rule})
    return f"rule {', '.join(rules)}" if rules else ""


def _decision(answer: Answer) -> str:
    return f"decision {answer.decision_id}" if answer.decision_id else ""


def _approvers(answer: Answer) -> str:
    hold = answer.decision.hold
    named: set[str] = set()
    for demand in hold.approvers if hold is not None else ():
        for key in ("groups", "users"):
            value = demand.get(key)
            if isinstance(value, list):
                named.update(str(name) for name in value)
    return f"may approve: {', '.join(sorted(named))}" if named else ""
