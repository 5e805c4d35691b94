"""What a database's planner expects a held statement to touch: read from its plan, told in words. Pure.

Of a plan only what is named here is read: kinds of nodes, relations, rows, cost. INVARIANT: never a condition, an output or a sort
key; they hold literals, and what the planner made of them. Read by `gateway.estimating`, shown by everybody who shows tickets.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

MAX_STEPS = 40
"""Nodes of a plan that are shown; a plan of a thousand partitions tells nobody more."""
MAX_DEPTH = 64
MAX_PLAN = 4 << 20
"""Characters of a plan that are read."""
MAX_NAME = 128
MOST = 2**53
"""Rows and cost above it are shown as it: nobody's table has more, and every reader of JSON knows it exactly."""
ANSWER_SECONDS = 10
"""What has not come for so long comes no more: whoever asked is gone."""


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One node of a plan: `Seq Scan`, `Update` ..., on which relation (if any), how many rows it takes or gives."""

    node: str
    relation: str = ""
    rows: int = 0
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What would be touched. `rows` would be changed (`changes`), else come back. `more` steps are not listed.

    `why_not`: there is no estimate, and why. `is_pending`: the planner is being asked.
    """

    rows: int = 0
    cost: float = 0.0
    changes: bool = False
    steps: tuple[PlanStep, ...] = ()
    more: int = 0
    why_not: str = ""
    is_pending: bool = False


PENDING = Estimate(is_pending=True)


def no_estimate(why: str) -> Estimate:
    """That there is none."""
    return Estimate(why_not=why)


def read_plan(text: str) -> Estimate:
    """The estimate in what `EXPLAIN (FORMAT JSON)` answered. Raises ValueError for what is none."""
    if len(text) > MAX_PLAN:
        raise ValueError("the plan is too long")
    try:
        plans = [one.plan for one in _DECODER.decode(text)]
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError("this is no plan") from error
    if not plans:
        raise ValueError("this is no plan")
    steps: list[PlanStep] = []
    changed: list[int] = []
    waiting = [(plan, 0) for plan in reversed(plans)]
    while waiting:
        node, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise ValueError("the plan is too deep")
        step = _step(node, depth)
        if node.type == _MODIFY:
            changed.append(step.rows)
        steps.append(step)
        waiting.extend((below, depth + 1) for below in reversed(node.plans))
    rows = sum(changed) if changed else sum(_rows(plan.rows) for plan in plans)
    cost = sum(min(max(plan.cost, 0.0), float(MOST)) for plan in plans)
    return Estimate(min(rows, MOST), cost, bool(changed), tuple(steps[:MAX_STEPS]), max(0, len(steps) - MAX_STEPS))


def summary(estimate: Estimate) -> str:
    """One line for people."""
    if estimate.is_pending:
        return "the planner is being asked"
    if estimate.why_not:
        return f"no estimate: {estimate.why_not}"
    what = "changed" if estimate.changes else "given back"
    rows = f"about {estimate.rows:,} row{'' if estimate.rows == 1 else 's'}".replace(",", " ")
    return f"{rows} would be {what}, cost {estimate.cost:.0f}, says the planner"


def step_lines(estimate: Estimate) -> list[str]:
    """The nodes, one a line, each as far in as it stands."""
    lines = [
        f"{'  ' * step.depth}{step.node}{f' on {step.relation}' if step.relation else ''}: {step.rows}"
        for step in estimate.steps
    ]
    return [*lines, f"and {estimate.more} more"] if estimate.more else lines


def answered(estimate: Estimate | None, requested_at: int, now: int) -> Estimate | None:
    """What is known of it now: an answer that did not come in time does not come any more. Times are UTC nanoseconds."""
    if estimate is not None and estimate.is_pending and now - requested_at > ANSWER_SECONDS * 10**9:
        return no_estimate("the planner gave no answer")
    return estimate


_MODIFY = "ModifyTable"


class _Node(msgspec.Struct):
    type: str = msgspec.field(name="Node Type")
    rows: float = msgspec.field(name="Plan Rows", default=0)
    cost: float = msgspec.field(name="Total Cost", default=0)
    operation: str = msgspec.field(name="Operation", default="")
    relation: str = msgspec.field(name="Relation Name", default="")
    plans: list[_Node] = msgspec.field(name="Plans", default_factory=list)


class _Plan(msgspec.Struct):
    plan: _Node = msgspec.field(name="Plan")


def _step(node: _Node, depth: int) -> PlanStep:
    is_change = node.type == _MODIFY
    # WHY not its own: a change that returns nothing gives no rows.
    rows = max((_rows(below.rows) for below in node.plans), default=0) if is_change else _rows(node.rows)
    name = node.operation if is_change and node.operation else node.type
    return PlanStep(name[:MAX_NAME], node.relation[:MAX_NAME], rows, depth)


def _rows(rows: float) -> int:
    return int(min(max(rows, 0.0), float(MOST)))


_DECODER = msgspec.json.Decoder(list[_Plan])
