"""Nothing that is masked is shown in any part of a server's message."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.core.ports import Answer
from adapters.errors import PeerProtocolError
from adapters.mcp.masking import Hiding, plan_of, read_again
from adapters.web.session.manners import Plan
from engine.decision import Decision, MaskItem, Verdict
from tests.strategies.mcp_sessions import BY_PATH, BY_VALUE, CARD


def plan(*items: MaskItem, kind: str = "call_tool", keys: dict[str, bytes] | None = None) -> Plan | str:
    return plan_of(Answer(Decision(Verdict.MASK, None, mask_plan=items), "d", mask_keys=keys or {}), kind)


def hiding(*items: MaskItem, kind: str = "call_tool") -> Hiding:
    made = plan(*items, kind=kind)
    assert isinstance(made, Plan)
    return Hiding(made, kind)


def test_without_a_mask_nothing_changes() -> None:
    here = Hiding(Plan(None), "call_tool")
    assert here.is_idle
    assert here.result({"x": 1}) == {"x": 1}
    assert here.error({"code": 1}) == {"code": 1}
    assert here.notification({"method": "x"}) == {"method": "x"}


@pytest.mark.parametrize(
    "item",
    [
        MaskItem(0, (), "redact"),
        MaskItem(None, (), "redact"),
        MaskItem(None, ("pii.email",), "scramble"),
        MaskItem(None, ("pii.email",), "hash", {"key": "k2"}),
        MaskItem(None, (), "redact", path="$a"),
        MaskItem(None, (), "hash", path="$.a"),
    ],
)
def test_a_plan_that_is_not_known_here_is_no_plan(item: MaskItem) -> None:
    assert isinstance(plan(item), str)


def test_a_mask_verdict_without_masks_is_no_plan() -> None:
    assert plan() == "a mask verdict names no mask"
    assert plan_of(Answer(Decision(Verdict.ALLOW, None), "d"), "ping") == Plan(None)
    assert isinstance(plan(BY_PATH, kind="complete"), str)


RESULTS = [
    {"content": [{"type": "text", "text": f"card {CARD}"}]},
    {"content": [{"type": "text", "text": json.dumps({"card": CARD})}]},
    {"content": [{"type": "text", "text": json.dumps({"a": [{"Card": CARD}]})}]},
    {"content": [{"type": "image", "data": CARD, "mimeType": "image/png"}]},
    {"content": [{"type": "resource", "resource": {"uri": "x", "text": CARD}}]},
    {"content": [{"type": "resource", "resource": {"uri": "x", "blob": CARD}}]},
    {"content": {"type": "text", "text": CARD}},
    {"content": [CARD]},
    {"structuredContent": {"card": CARD}, "content": [{"type": "text", "text": CARD}]},
    {"structuredContent": {"card": {"number": CARD}}},
    {"isError": True, "content": [{"type": "text", "text": f"no card {CARD}"}]},
    {"content": [], "_meta": {"card": CARD}, "toolResult": {"card": CARD}, "card": CARD},
    {"contents": [{"uri": "x", "text": f"card {CARD}"}, {"uri": "y", "blob": CARD}, CARD]},
    {"card": CARD},
    [{"card": CARD}],
]


@pytest.mark.parametrize("result", RESULTS, ids=range(len(RESULTS)))
def test_a_masked_value_is_in_no_part_of_a_result(result: object) -> None:
    by_path = hiding(MaskItem(None, (), "redact", path="$..card")).result(json.loads(json.dumps(result)))
    assert CARD not in json.dumps(by_path)
    both = hiding(BY_PATH, BY_VALUE).result(json.loads(json.dumps(result)))
    assert CARD not in json.dumps(both)


@pytest.mark.parametrize("result", [one for one in RESULTS if "blob" not in str(one) and "image" not in str(one)])
def test_a_value_of_a_type_is_hidden_wherever_it_stands(result: object) -> None:
    shown = json.dumps(hiding(BY_VALUE).result(json.loads(json.dumps(result))))
    assert CARD not in shown
    assert "[redacted]" in shown


def test_numbers_and_names_are_looked_through_too() -> None:
    assert hiding(BY_VALUE).result({"n": int(CARD), "ok": True, "x": 3}) == {"n": "[redacted]", "ok": True, "x": 3}
    assert hiding(BY_VALUE).result({"ana@example.org": 1}) == {"[redacted]": 1}
    with pytest.raises(PeerProtocolError):
        hiding(BY_VALUE).result({"ana@example.org": 1, "bob@example.org": 2})


def test_what_cannot_be_looked_through_is_not_shown() -> None:
    shown = hiding(BY_VALUE).result({"contents": [{"uri": "x", "blob": "QUJD"}]})
    assert shown == {"contents": [{"uri": "x", "text": "[redacted]"}]}
    shown = hiding(BY_VALUE).result({"content": [{"type": "audio", "data": "QUJD"}]})
    assert shown == {"content": [{"type": "text", "text": "[redacted]"}]}


def test_methods_do_what_they_are_named_after() -> None:
    keyed = MaskItem(None, ("pii.email",), "hash", {"key": "k"})
    made = plan(keyed, keys={"k": b"x" * 16})
    assert isinstance(made, Plan)
    shown = Hiding(made, "call_tool").result("to ana@example.org now")
    assert isinstance(shown, str)
    assert len(shown) == len("to  now") + 64
    dropped = hiding(MaskItem(None, ("pii.email",), "drop")).result("to ana@example.org now")
    assert dropped == "to  now"


def test_a_list_of_tools_keeps_its_shape_under_masks_by_path() -> None:
    shown = hiding(BY_PATH, kind="list_tools").result({"tools": [{"name": "a"}], "card": CARD})
    assert shown == {"tools": [{"name": "a"}], "card": "[redacted]"}


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.just(CARD), st.text()),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_whatever_a_tool_answers_is_masked_or_an_error(data: object) -> None:
    result = {"content": [{"type": "text", "text": f"x {CARD}"}], "structuredContent": data}
    for items in ((BY_VALUE,), (BY_VALUE, BY_PATH)):
        try:
            shown = hiding(*items).result(json.loads(json.dumps(result)))
        except PeerProtocolError:
            continue
        assert CARD not in json.dumps(shown)


def test_what_a_masker_leaves_is_read_again() -> None:
    assert read_again(b"{}") == {}
    with pytest.raises(PeerProtocolError):
        read_again(b"{")
