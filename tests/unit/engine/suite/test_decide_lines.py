"""JSON lines in, JSON lines out: the shapes that outside programs depend on."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Source, compile_policies
from engine.suite.decide_lines import MAX_LINE_BYTES, decide_lines, explain_lines

PROGRAM = compile_policies(
    [
        Source(
            "shop.rego",
            """package policies.shop

allow contains {"code": "READ", "reason": "reading"} if {
	input.command.protocol == "postgres"
	"readers" in input.principal.groups
	every op in input.command.operations {
		op.effect == "read"
	}
}

deny contains {"code": "NIGHT"} if {
	input.command.protocol == "postgres"
	time.clock(time.parse_rfc3339_ns(input.context.now))[0] < 6
}

mask contains {"code": "PAN", "columns": ["billing.cards.pan"], "method": "partial", "params": {"keep_last": 4}} if {
	input.command.protocol == "postgres"
}
""",
        )
    ]
)
NOON, NIGHT = "2026-01-05T12:00:00Z", "2026-01-05T03:00:00Z"
LINE: dict[str, Any] = {
    "id": 1,
    "principal": {"name": "ana", "groups": ["readers"]},
    "resource": {"name": "orders", "protocol": "postgres", "labels": {}},
    "command": {"protocol": "postgres", "text": "SELECT 1"},
    "now": NOON,
}
CATALOG = {"search_path": ["public"], "relations": {"billing.cards": ["id", "pan"]}}


def decide(*lines: Any, now: int = 0) -> list[dict[str, Any]]:
    texts = [line if isinstance(line, str | bytes) else json.dumps(line) for line in lines]
    return [json.loads(answer) for answer in decide_lines(PROGRAM, texts, now)]


def test_a_line_gets_its_decision_under_its_id() -> None:
    (answer,) = decide(LINE)
    assert answer.keys() == {"id", "decision"}
    assert answer["id"] == 1
    decision = answer["decision"]
    assert (decision["verdict"], decision["deny_kind"]) == ("allow", None)
    assert decision["reasons"][0]["rule"] == "shop/READ"
    assert decision["revision"] == PROGRAM.revision
    assert decision.keys() >= {"verdict", "deny_kind", "reasons", "mask_plan", "obligations", "hold"}


def test_each_line_may_bring_its_catalog() -> None:
    masked = LINE | {"command": {"protocol": "postgres", "text": "SELECT * FROM billing.cards"}}
    known, unknown = decide(masked | {"catalog": CATALOG}, masked)
    assert known["decision"]["verdict"] == "mask"
    assert known["decision"]["mask_plan"] == [
        {
            "output": 1,
            "path": None,
            "origins": ["billing.cards.pan"],
            "method": "partial",
            "params": {"keep_last": 4},
            "rules": ["shop/PAN"],
        }
    ]
    assert unknown["decision"]["deny_kind"] == "MASK_UNPROVEN"


def test_the_time_is_the_lines_own_or_the_given_one() -> None:
    without = {key: value for key, value in LINE.items() if key != "now"}
    night = 3 * 3600 * 10**9
    assert decide(LINE | {"now": NIGHT})[0]["decision"]["deny_kind"] == "RULE"
    assert decide(without, now=night)[0]["decision"]["deny_kind"] == "RULE"
    assert decide(without, now=4 * night)[0]["decision"]["verdict"] == "allow"


def test_a_bad_line_gets_an_error_under_its_id_and_the_next_one_its_decision() -> None:
    bad = [
        "",
        "{",
        "[]",
        b"\xff",
        "\ud800",
        "[" * 100_000,
        '{"id": 7}',
        LINE | {"id": "x", "principal": {"name": "ana", "gruops": []}},
        LINE | {"catalog": {"relation": {}}},
        LINE | {"now": "noon"},
        LINE | {"command": "SELECT 1"},
        b"x" * (MAX_LINE_BYTES + 1),
    ]
    answers = decide(*(part for line in bad for part in (line, LINE)))
    assert len(answers) == 2 * len(bad)
    for position, answer in enumerate(answers[::2]):
        assert answer.keys() == {"id", "error"}, position
        assert answer["error"]["code"] == "INPUT_INVALID"
        assert answer["error"]["message"]
    assert [answers[12]["id"], answers[14]["id"]] == [7, "x"]
    assert all(answer["decision"]["verdict"] == "allow" for answer in answers[1::2])


def test_any_id_comes_back() -> None:
    for name in (0, "a", None, [1], {"x": 1.5}, True):
        assert decide(LINE | {"id": name})[0]["id"] == name
    assert decide({key: value for key, value in LINE.items() if key != "id"})[0]["id"] is None


def test_a_text_that_is_too_long_is_denied_like_any_other() -> None:
    long = LINE | {"command": {"protocol": "postgres", "text": "SELECT " + "1" * 1024 * 1024}}
    assert decide(long)[0]["decision"]["deny_kind"] == "INPUT_INVALID"
    (answer,) = explain_lines(PROGRAM, [json.dumps(long)], 0)
    assert json.loads(answer)["rules"] == []


def test_explain_tells_the_candidates_too() -> None:
    (line,) = explain_lines(PROGRAM, [json.dumps(LINE)], 0)
    answer = json.loads(line)
    assert answer["decision"] == decide(LINE)[0]["decision"]
    assert [(rule["rule"], rule["matched"]) for rule in answer["rules"]] == [
        ("shop/PAN", True),
        ("shop/READ", True),
        ("shop/NIGHT", False),
    ]
    assert all(rule.keys() >= {"rule", "matched", "condition", "location", "values"} for rule in answer["rules"])


@settings(max_examples=50)
@given(st.lists(st.binary(max_size=30) | st.text(max_size=30), max_size=5))
def test_as_many_lines_come_out_as_go_in(lines: list[str | bytes]) -> None:
    assert len(list(decide_lines(PROGRAM, lines, 0))) == len(lines)
    assert len(list(explain_lines(PROGRAM, lines, 0))) == len(lines)
