"""What the user reads when a command is refused or waits: in their own client, with the rule, the reason and what to do."""

from __future__ import annotations

from adapters.core.ports import Answer
from adapters.postgres.messages import notices
from adapters.postgres.messages.frames import Front, frame
from engine.decision import Decision, DenyKind, Reason

POISON_TEXT = b")sallyport_denied"
"""WHY a parenthesis first: no statement begins with it, so every PostgreSQL answers with the same syntax error."""

_WORDS: dict[DenyKind, str] = {
    DenyKind.RULE: "denied by policy",
    DenyKind.NO_MATCH: "no policy allows this command",
    DenyKind.EVAL_ERROR: "a policy could not be evaluated",
    DenyKind.MASK_CONFLICT: "the masks for this command contradict each other",
    DenyKind.MASK_UNPROVEN: "a masked column could show here unmasked",
    DenyKind.TIMEOUT: "the decision took too long",
    DenyKind.INPUT_INVALID: "the command could not be understood",
    DenyKind.STALE_POLICY: "the policies are too old",
    DenyKind.OBLIGATION_UNKNOWN: "a condition of the policy cannot be enforced here",
    DenyKind.AUDIT_UNAVAILABLE: "the decision could not be recorded",
    DenyKind.NOT_AUTHENTICATED: "the session is not authenticated",
    DenyKind.APPROVAL_REFUSED: "the approval was refused",
    DenyKind.INTERNAL: "the gateway could not decide",
}


def poison(name: bytes = b"") -> bytes:
    """A Parse that every server refuses: its error becomes the denial, and transaction state stays the server's own."""
    return frame(Front.PARSE, name + b"\0" + POISON_TEXT + b"\0\0\0")


def _leading(decision: Decision) -> Reason | None:
    wanted = [reason for reason in decision.reasons if reason.kind == decision.verdict.value]
    found = wanted or list(decision.reasons)
    return found[0] if found else None


def denial(answer: Answer, hint: str = "") -> bytes:
    """The ErrorResponse for a decision that grants nothing."""
    decision = answer.decision
    reason = _leading(decision)
    words = _WORDS[decision.deny_kind or DenyKind.RULE]
    message = (reason.reason if reason is not None else "") or words
    detail = _rules(decision) or f"no rule had a say ({decision.deny_kind or 'deny'})"
    hints = [hint or (reason.hint if reason is not None else ""), answer.link or "", _decision(answer)]
    return notices.encode_error(notices.DENIED, message, detail=detail, hint=" · ".join(filter(None, hints)))


def _rules(decision: Decision) -> str:
    rules = sorted({reason.rule for reason in decision.reasons if reason.rule})
    return f"rule {', '.join(rules)}" if rules else ""


def _decision(answer: Answer) -> str:
    return f"decision {answer.decision_id}" if answer.decision_id else ""


def needs_approval_first(answer: Answer) -> bytes:
    """The denial of a command that would wait inside an open transaction."""
    ticket = f"ticket {answer.ticket}" if answer.ticket else "no ticket was opened"
    return notices.encode_error(
        notices.DENIED,
        "this command needs an approval, and a transaction cannot wait for one",
        detail=" · ".join(filter(None, (_rules(answer.decision), ticket))),
        hint=f"get approval, then retry{': ' + answer.link if answer.link else ''}",
    )


def waiting(answer: Answer, seconds: int) -> bytes:
    """The notice to a client whose command waits for an approval."""
    decision = answer.decision
    reason = _leading(decision)
    said = f": {reason.reason}" if reason is not None and reason.reason else ""
    if seconds:
        return notices.encode_notice(f"still waiting for approval of ticket {answer.ticket} ({seconds} s)")
    who = _approvers(answer)
    how = f"approve with: sallyport approve {answer.ticket}{' or at ' + answer.link if answer.link else ''}"
    return notices.encode_notice(
        f"held for approval, ticket {answer.ticket}{said}", detail=f"{_rules(decision)}{who}", hint=how
    )


def _approvers(answer: Answer) -> str:
    hold = answer.decision.hold
    if hold is None or not hold.approvers:
        return ""
    named: list[str] = []
    for demand in hold.approvers:
        for key in ("groups", "users"):
            value = demand.get(key)
            if isinstance(value, list):
                named += [str(name) for name in value]
    return f" · may approve: {', '.join(sorted(set(named)))}" if named else ""


def cancelled() -> bytes:
    """The error of a held command that the client cancelled."""
    return notices.encode_error(notices.CANCELLED, "canceling statement due to user request")


def unsupported(what: str, hint: str = "") -> bytes:
    """The error for what the gateway does not carry: refused, never passed."""
    return notices.encode_error(notices.UNSUPPORTED, what, hint=hint)


def not_followed() -> bytes:
    """The error for a text that our parser refuses, should the server accept it."""
    return unsupported("this text cannot be followed by the gateway's parser")


def no_statement(name: bytes) -> bytes:
    """What a server says about a statement that does not exist."""
    shown = name.decode("utf-8", "replace")
    said = f'prepared statement "{shown}" does not exist' if name else "unnamed prepared statement does not exist"
    return notices.encode_error(notices.NO_STATEMENT, said)


def named_anew() -> bytes:
    """The error for an EXECUTE or FETCH whose name came to mean something else after it was decided on."""
    return unsupported("the name in this statement means another one by now", "send Sync before it is used")


def no_portal(name: bytes) -> bytes:
    """What a server says about a portal that does not exist."""
    return notices.encode_error(notices.NO_PORTAL, f'portal "{name.decode("utf-8", "replace")}" does not exist')


def mask_refused(answer: Answer, why: str) -> bytes:
    """The denial of a command whose result turned out not to be maskable as planned."""
    detail = " · ".join(filter(None, (_rules(answer.decision), DenyKind.MASK_UNPROVEN.value)))
    return notices.encode_error(notices.DENIED, why, detail=detail, hint=_decision(answer))


def row_limit(rows: int) -> bytes:
    """The notice that a policy's row limit ended a result."""
    return notices.encode_notice(f"the result ends at the policy's limit of {rows} rows")


def row_limit_reached() -> bytes:
    """The error for asking a limited portal for more."""
    return notices.encode_error(notices.DENIED, "the policy's row limit for this result is reached")


def unenforceable(answer: Answer, obligation: str, why: str = "cannot be enforced here") -> bytes:
    """The denial of a command whose grant has a condition that cannot be met."""
    detail = " · ".join(filter(None, (_rules(answer.decision), DenyKind.OBLIGATION_UNKNOWN.value)))
    message = f"the policy demands `{obligation}`, which {why}"
    return notices.encode_error(notices.DENIED, message, detail=detail, hint=_decision(answer))


def lexer_setting() -> bytes:
    """The error for a command that would make the server read texts otherwise than the gateway does."""
    return unsupported("settings that change how the server reads SQL cannot be changed here")
