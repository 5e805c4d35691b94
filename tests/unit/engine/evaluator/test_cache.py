"""What the decision cache keeps; that its keys are right is tests/property/test_cache.py."""

from __future__ import annotations

from engine.command.tree import Command, Effect, Operation, ParsedCommand
from engine.decision import Decision, DenyKind, Verdict
from engine.evaluator.cache import Asker, DecisionCache, Judgement

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
