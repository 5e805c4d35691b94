"""Where no rule reads what somebody did lately it is not counted, and no decision is another for it: however a rule comes by it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.source import Source
from gateway.app.policies import compile_judge
from gateway.judge import Judge
from tests.strategies.counting_gates import READER, CountingHouse

ASKING = {
    "by name": "input.context.activity.rows_last_hour > 50",
    "in quotes": 'input["context"]["activity"]["denials_last_hour"] >= 1',
    "of a context": "c := input.context\n\tc.activity.commands_last_hour > 2",
    "of an input": "i := input\n\ti.context.activity.job.rows_last_minute > 50",
    "any field": "some name\n\tinput.context[name].objects_last_hour > 1",
    "any section": "some name\n\tinput[name].activity.rows_last_hour > 50",
    "a name that is made": 'name := concat("", ["act", "ivity"])\n\tinput.context[name].commands_last_hour > 2',
    "object.get": 'object.get(input, ["context", "activity", "rows_last_hour"], 0) > 50',
    "object.get of a context": 'object.get(input.context, ["activity", "denials_last_hour"], 0) >= 1',
    "printed": 'contains(json.marshal(input.context), "denials_last_hour")',
    "counted": "count(input.context) > 0",
    "its keys": '"activity" in object.keys(input.context)',
    "a function": "busy(input)",
    "a rule": "lately.commands_last_hour > 2",
    "a set": '"denials_last_hour" in {name | some name, value in input.context.activity; value == 1}',
    "whether it is there": "not input.context.activity",
    "what is new": 'some use in input.context.activity.unseen\n\tuse.effect == "read"',
}
ELSE = {
    "an hour": "input.context.hour > 3",
    "a job": 'input.session.job == "b-2"',
    "nobody": 'input.principal.name == "nobody"',
    "an effect": 'some op in input.command.operations\n\top.effect == "delete"',
}
HEAD = """\
package policies.p

allow contains {"code": "ALL"} if input.command.protocol == "postgres"

deny contains {"code": "NOT", "hint": "no"} if {
	some op in input.command.operations
	some target in op.targets
	target.name == "app.forbidden"
}

busy(anything) if anything.context.activity.rows_last_hour > 50

lately := input.context.activity
"""
TEXTS = (
    "SELECT 1 FROM app.t",
    "SELECT 2 FROM app.t",
    "SELECT 1 FROM app.u",
    "SELECT 1 FROM app.forbidden",
    "DELETE FROM app.t",
)
EVENTS = st.lists(
    st.tuples(st.integers(0, 90), st.sampled_from(TEXTS), st.sampled_from((None, "b-1", "b-2")), st.integers(0, 60)),
    min_size=1,
    max_size=8,
)


def judge(names: list[str]) -> Judge:
    rules = {**ASKING, **ELSE}
    held = [
        f'hold contains {{"code": "H{number}", "approvers": {{"groups": ["dba"]}}}} if {{\n\t{rules[name]}\n}}\n'
        for number, name in enumerate(names)
    ]
    return compile_judge([Source("p.rego", "\n".join([HEAD, *held]))], {}, READER)


class OneHouse(CountingHouse):
    """A house with one set of policies; `always` counts whatever they read."""

    def __init__(self, folder: Path, policies: Judge, *, always: bool) -> None:
        super().__init__(folder)
        self.counting.end()
        self.fixed.program = policies
        if always or policies.reads_activity:
            self.counting.begin()


@given(st.lists(st.sampled_from([*ASKING, *ELSE]), max_size=3, unique=True), EVENTS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_left_out_changes_no_decision(names: list[str], events: list[tuple[int, str, str | None, int]]) -> None:
    policies = judge(names)
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        houses = [OneHouse(Path(one), policies, always=False), OneHouse(Path(other), policies, always=True)]
        for passed, text, job, rows in events:
            found = []
            for house in houses:
                house.clock.pass_seconds(passed)
                found.append(house.run(text, rows=rows, job=job).decision)
            assert found[0] == found[1], (names, text)
        for house in houses:
            house.close()


@pytest.mark.parametrize("name", ASKING)
def test_every_way_to_ask_is_seen(name: str) -> None:
    assert judge([name]).reads_activity


@pytest.mark.parametrize("name", ELSE)
def test_what_asks_for_something_else_is_no_way(name: str) -> None:
    assert not judge([name]).reads_activity
