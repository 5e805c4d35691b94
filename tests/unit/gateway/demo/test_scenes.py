from __future__ import annotations

import re
import shlex

import pytest

from engine.decision import Verdict
from gateway.demo.sample import sample_rows
from gateway.demo.scenes import GROUPS, Scene, Seen, differences, scenes


def scene(verdict: Verdict) -> Scene:
    return next(one for one in scenes() if one.verdict is verdict)


def test_there_is_one_scene_for_each_verdict() -> None:
    assert sorted(one.verdict for one in scenes()) == sorted(Verdict)


def test_everybody_in_a_scene_has_groups() -> None:
    assert {one.who for one in scenes()} <= set(GROUPS)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_pasted_line_is_the_same_words_again(verdict: Verdict) -> None:
    assert tuple(shlex.split(scene(verdict).line())) == scene(verdict).words()


def test_sql_with_quotes_of_its_own_stays_legible() -> None:
    assert """-c "UPDATE shop.orders SET status = 'paid' WHERE id = """ in scene(Verdict.HOLD).line()


def test_what_is_expected_of_an_allow_is_what_the_rows_say() -> None:
    _, orders, _ = sample_rows()
    open_ones = sum(1 for row in orders.rows if row[4] == "open")
    assert rf"^ open +\| +{open_ones}$" in scene(Verdict.ALLOW).stdout


def test_masked_numbers_pass_and_one_whole_number_is_noticed() -> None:
    shown = scene(Verdict.MASK)
    numbers = [(str(row[1]), str(row[2])) for row in sorted(sample_rows()[2].rows)[:3]]
    masked = "".join(f" {holder:12} | {'*' * 12}{number[-4:]}\n" for holder, number in numbers)
    assert differences(shown, Seen(0, masked, "")) == []
    leaking = masked.replace("*" * 12 + numbers[1][1][-4:], numbers[1][1])
    found = differences(shown, Seen(0, leaking, ""))
    assert any("was shown" in difference for difference in found)
    assert any("lack" in difference for difference in found)


def test_a_delete_that_ran_is_noticed() -> None:
    found = differences(scene(Verdict.DENY), Seen(0, "DELETE 120\n", ""))
    assert any(difference.startswith("exit status 0") for difference in found)
    assert any("was shown" in difference for difference in found)


def test_a_refusal_with_the_rules_code_passes() -> None:
    stderr = "ERROR:  this has no WHERE\nDETAIL:  rule examples.demo/WITHOUT_WHERE\n"
    assert differences(scene(Verdict.DENY), Seen(1, "", stderr)) == []


def test_a_write_that_was_not_held_is_noticed() -> None:
    found = differences(scene(Verdict.HOLD), Seen(0, "UPDATE 1\n", ""))
    assert any("NOTICE" in difference for difference in found)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_expectation_is_a_regular_expression(verdict: Verdict) -> None:
    shown = scene(verdict)
    for pattern in (*shown.stdout, *shown.stderr, *shown.forbidden):
        re.compile(pattern)
