"""What the decision cache keeps; that its keys are right is tests/property/test_cache.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.command.tree import Command, Effect, Operation, ParsedCommand
from engine.decision import Decision, DenyKind, MaskItem, Reason, Verdict
from engine.evaluator.cache import KEPT_BYTES, Asker, DecisionCache, Judgement

ASKER: Asker = (b"p", b"s", b"r", b"c")
TREE = ParsedCommand.of(Command("postgres", "SELECT 1", "d", (Operation("select", Effect.READ, ("top",)),)))
KEEP = Decision(Verdict.ALLOW, None, cacheable=True)
PASSING = Decision(Verdict.DENY, DenyKind.EVAL_ERROR)


def test_a_decision_on_a_tree_is_found_by_the_tree_and_the_asker() -> None:
    cache = DecisionCache()
    cache.keep_tree(ASKER, TREE, KEEP)
    assert cache.of_tree(ASKER, ParsedCommand(bytes(TREE.encoded))) is KEEP
    assert cache.of_tree((b"", b"s", b"r", b"c"), TREE) is None


def test_what_is_not_cacheable_is_never_kept() -> None:
    cache = DecisionCache()
    cache.keep_tree(ASKER, TREE, PASSING)
    cache.keep_text(ASKER, "postgres", b"x", None, Judgement(PASSING, TREE))
    cache.keep_shape(ASKER, "postgres", b"x", None, Judgement(PASSING, TREE))
    assert cache.of_tree(ASKER, TREE) is None
    assert cache.of_text(ASKER, "postgres", b"x", None) is None
    assert cache.of_shape(ASKER, "postgres", b"x", None) is None


def test_a_shape_is_not_mistaken_for_a_text() -> None:
    cache = DecisionCache()
    cache.keep_shape(ASKER, "postgres", b"select", "v", Judgement(KEEP, TREE))
    assert cache.of_text(ASKER, "postgres", b"select", "v") is None
    found = cache.of_shape(ASKER, "postgres", b"select", "v")
    assert found == Judgement(KEEP, TREE, exact=False)
    assert cache.of_shape(ASKER, "postgres", b"select", None) is None


def test_a_text_is_found_with_its_tree() -> None:
    cache = DecisionCache()
    cache.keep_text(ASKER, "postgres", b"SELECT 1", None, Judgement(KEEP, None))
    assert cache.of_text(ASKER, "postgres", b"SELECT 1", None) == Judgement(KEEP, None)
    assert cache.of_text(ASKER, "shell", b"SELECT 1", None) is None


LARGE: Asker = (b"p", b"s" * 100_000, b"r", b"c")
MASKED = replace(KEEP, verdict=Verdict.MASK, mask_plan=(MaskItem(0, ("t.a",), "null"),) * 1_000)
SAID = replace(KEEP, reasons=(Reason("p/R", "allow", "R", "x" * 4_096, "y" * 4_096),) * 20)


@pytest.mark.parametrize(("asker", "decision"), [(LARGE, KEEP), (ASKER, MASKED), (ASKER, SAID)])
def test_all_that_an_entry_holds_counts(asker: Asker, decision: Decision) -> None:
    cache = DecisionCache()
    names, count = (asker[0], asker[1], asker[2]), 600
    for number in range(count):
        own, text = (*names, b"%d" % number), b"%d" % number
        cache.keep_tree(own, TREE, decision)
        cache.keep_text(own, "postgres", text, None, Judgement(decision, TREE))
        cache.keep_shape(own, "postgres", text, None, Judgement(decision, TREE))
    most = 2 * KEPT_BYTES // 90_000
    for found in (
        [cache.of_tree((*names, b"%d" % number), TREE) for number in range(count)],
        [cache.of_text((*names, b"%d" % number), "postgres", b"%d" % number, None) for number in range(count)],
        [cache.of_shape((*names, b"%d" % number), "postgres", b"%d" % number, None) for number in range(count)],
    ):
        assert 0 < sum(one is not None for one in found) <= most


def test_what_somebody_decodes_of_a_tree_is_not_kept() -> None:
    cache, tree = DecisionCache(), ParsedCommand(TREE.encoded)
    cache.keep_text(ASKER, "postgres", b"x", None, Judgement(KEEP, tree))
    cache.keep_shape(ASKER, "postgres", b"x", None, Judgement(KEEP, tree))
    _ = tree.command
    for find in (cache.of_text, cache.of_shape):
        for _time in range(2):
            found = find(ASKER, "postgres", b"x", None)
            assert found is not None
            assert found.command is not None
            assert "command" not in vars(found.command)
            _ = found.command.command
