"""What was decided about one run of frames."""

from __future__ import annotations

from adapters.postgres.session.plan import Plan
from adapters.postgres.session.turns import Refused


def test_of_several_refusals_the_first_in_order_counts() -> None:
    plan = Plan(b"", [(0, 0, 0)] * 5, 5, {}, set())
    for number in (3, 1, 2):
        plan.refuse(number, Refused(b"%d" % number), b"n%d" % number)
    assert (plan.cut, plan.refused, plan.poisoned_name) == (1, Refused(b"1"), b"n1")


def test_a_run_in_which_nothing_is_refused_goes_up_whole() -> None:
    plan = Plan(b"", [(0, 0, 0)] * 2, 2, {}, set())
    assert (plan.cut, plan.refused) == (2, None)
