"""The denials that are the gate's own, whatever the policies say: for errors, and for holds that came to nothing. Pure."""

from __future__ import annotations

from engine.decision import Decision, DenyKind, Reason, Verdict
from engine.errors import EngineError, InputInvalid
from gateway.approvals.states import State, Ticket
from gateway.errors import ApprovalConflict, AuditUnavailable, StoreUnavailable


def denial_of(error: Exception) -> Decision:
    """The deny that an error is. Its text is ours alone: messages of strangers may hold anything."""
    match error:
        case AuditUnavailable():
            return deny(
                DenyKind.AUDIT_UNAVAILABLE,
                "this cannot be recorded at the moment",
                hint="tell the operator of the gateway",
            )
        case InputInvalid():
            return deny(DenyKind.INPUT_INVALID, str(error))
        case EngineError():
            return deny(DenyKind.EVAL_ERROR, "this could not be judged", hint="tell whoever keeps the policies")
        case ApprovalConflict():
            return refused(str(error), "", code=error.code)
        case StoreUnavailable():
            return refused("approvals cannot be asked for at the moment", "tell the operator of the gateway")
        case _:
            return deny(DenyKind.INTERNAL, "something went wrong in the gateway", hint="tell its operator")


_OPERATORS = frozenset({"DEMAND_INVALID", "NO_TREE", "TICKET_UNREADABLE"})
"""Codes of conflicts that are of a policy's or the store's making."""


def is_askers(error: Exception) -> bool:
    """Whether whoever asked made an error so, or came too late: there is nothing that an operator could mend."""
    return isinstance(error, InputInvalid) or (isinstance(error, ApprovalConflict) and error.code not in _OPERATORS)


def unanswered() -> StoreUnavailable:
    """The store was asked, and has not answered for as long as anybody waits."""
    return StoreUnavailable("the store does not answer")


def deny(kind: DenyKind, reason: str, revision: str = "", hint: str = "", code: str = "") -> Decision:
    return Decision(
        verdict=Verdict.DENY,
        deny_kind=kind,
        reasons=(Reason(rule="", kind="deny", code=code or kind.value, reason=reason, hint=hint),),
        revision=revision,
    )


def refused(reason: str, hint: str, code: str = "") -> Decision:
    return deny(DenyKind.APPROVAL_REFUSED, reason, hint=hint, code=code)


def not_recorded() -> Decision:
    """WHY this kind: the audit may not hold the text, and what is not recorded does not run."""
    why = "the text of the command holds a secret"
    return deny(DenyKind.AUDIT_UNAVAILABLE, why, hint="send it as a bound parameter", code="SECRET_IN_TEXT")


def unrecorded() -> Decision:
    """For what has to be recorded and cannot be: the session ends, too."""
    why = "this has to be recorded, and cannot be at the moment"
    return deny(DenyKind.AUDIT_UNAVAILABLE, why, hint="tell the operator of the gateway", code="RECORDER_FAILED")


def no_policy() -> Decision:
    return deny(DenyKind.STALE_POLICY, "no policy is loaded", hint="tell the operator of the gateway")


def closed(ticket: Ticket) -> Decision:
    if ticket.used_at is not None:
        return refused("the approval was used already", "run the command again")
    by = f" by {ticket.closed_by}" if ticket.closed_by and ticket.state is State.REFUSED else ""
    why = f": {ticket.reason}" if ticket.reason else ""
    return refused(f"the approval was {ticket.state.value}{by}{why}", "")
