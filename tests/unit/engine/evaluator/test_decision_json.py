"""A decision as JSON, whole."""

from __future__ import annotations

import json

from engine.decision import Decision, DenyKind, Hold, Location, MaskItem, Obligation, Reason, Verdict
from engine.evaluator.decision_json import decision_json


def test_every_field_is_shown() -> None:
    decision = Decision(
        Verdict.HOLD,
        None,
        (Reason("a/B", "hold", "B", "why", "more", "do", Location("a.rego", 3)), Reason("engine/X", "engine", "X")),
        (MaskItem(0, ("s.t.c",), "partial", {"keep_last": 4}, ("a/M",)),),
        (Obligation("rows", 5, "a/L"),),
        Hold(({"groups": ["dba"], "users": [], "quorum": 1},), 900, ("a/B",)),
        "rev",
        True,
    )
    assert json.loads(json.dumps(decision_json(decision))) == {
        "verdict": "hold",
        "deny_kind": None,
        "reasons": [
            {
                "rule": "a/B",
                "kind": "hold",
                "code": "B",
                "reason": "why",
                "detail": "more",
                "hint": "do",
                "location": {"file": "a.rego", "line": 3},
            },
            {
                "rule": "engine/X",
                "kind": "engine",
                "code": "X",
                "reason": "",
                "detail": "",
                "hint": "",
                "location": None,
            },
        ],
        "mask_plan": [
            {
                "output": 0,
                "path": None,
                "origins": ["s.t.c"],
                "method": "partial",
                "params": {"keep_last": 4},
                "rules": ["a/M"],
            }
        ],
        "obligations": [{"type": "rows", "value": 5, "rule": "a/L"}],
        "hold": {
            "approvers": [{"groups": ["dba"], "users": [], "quorum": 1}],
            "expires": 900,
            "rules": ["a/B"],
            "may_withdraw": True,
            "remember": 0,
        },
        "revision": "rev",
        "cacheable": True,
    }


def test_the_default_is_a_deny() -> None:
    shown = decision_json(Decision())
    assert (shown["verdict"], shown["deny_kind"]) == ("deny", DenyKind.NO_MATCH.value)


def test_a_mask_of_values_says_which() -> None:
    masks = (MaskItem(0, ("s.t.c",), "redact", values=("pii.email",)), MaskItem(1, ("s.t.d",), "redact"))
    whole = decision_json(Decision(Verdict.MASK, None, mask_plan=masks))["mask_plan"]
    assert isinstance(whole, list)
    assert [item.get("values") for item in whole if isinstance(item, dict)] == [["pii.email"], None]
