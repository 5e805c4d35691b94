"""A decision as JSON: what `decide --jsonl`, reports and recordings show of it. The services have their own messages."""

from __future__ import annotations

from engine.decision import Decision, Hold, Location, MaskItem, Obligation, Reason
from engine.request import Json


def decision_json(decision: Decision) -> dict[str, Json]:
    """Every field of a decision; absent ones are null. A mask has `values` only where not all of its output is rewritten."""
    return {
        "verdict": decision.verdict.value,
        "deny_kind": None if decision.deny_kind is None else decision.deny_kind.value,
        "reasons": [_reason(reason) for reason in decision.reasons],
        "mask_plan": [_mask(item) for item in decision.mask_plan],
        "obligations": [_obligation(obligation) for obligation in decision.obligations],
        "hold": None if decision.hold is None else _hold(decision.hold),
        "revision": decision.revision,
        "cacheable": decision.cacheable,
    }


def _reason(reason: Reason) -> Json:
    return {
        "rule": reason.rule,
        "kind": reason.kind,
        "code": reason.code,
        "reason": reason.reason,
        "detail": reason.detail,
        "hint": reason.hint,
        "location": _location(reason.location),
    }


def _location(location: Location | None) -> Json:
    return None if location is None else {"file": location.file, "line": location.line}


def _mask(item: MaskItem) -> Json:
    only: dict[str, Json] = {"values": list[Json](item.values)} if item.values else {}
    return {
        "output": item.output,
        "path": item.path,
        "origins": list[Json](item.origins),
        "method": item.method,
        "params": dict(item.params),
        "rules": list[Json](item.rules),
        **only,
    }


def _obligation(obligation: Obligation) -> Json:
    return {"type": obligation.type, "value": obligation.value, "rule": obligation.rule}


def _hold(hold: Hold) -> Json:
    return {
        "approvers": [dict(demand) for demand in hold.approvers],
        "expires": hold.expires,
        "rules": list[Json](hold.rules),
        "may_withdraw": hold.may_withdraw,
        "remember": hold.remember,
    }
